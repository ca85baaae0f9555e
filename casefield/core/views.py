"""What belongs to no feature: health, photos, jobs, the style guide."""

from importlib.metadata import version

from flask import Blueprint, Response, abort, current_app, jsonify, send_file
from sqlalchemy import select, text

from casefield.core import jobs, media
from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.core.photos import Photo, sweep
from casefield.core.web import render

blueprint = Blueprint("core", __name__)
VERSION = version("casefield")
SWEEPERS = (sweep,)


@blueprint.get("/healthz")
def health() -> Response:
    """Answer whether this process can serve: version, and the schema it works on."""
    revision = db.session.execute(
        text("SELECT version_num FROM alembic_version"),
        execution_options={"unscoped": "names the schema, no row of a site"},
    ).scalar()
    return jsonify(status="ok", version=VERSION, schema=revision)


@blueprint.get("/photos/<public_id>")
def photo_view(public_id: str) -> Response:
    photo = db.session.scalar(select(Photo).where(Photo.public_id == public_id))
    if photo is None:
        raise NotFound
    folder = current_app.config["SETTINGS"].media
    response = send_file(media.open_media(folder, photo.key), mimetype="image/jpeg")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # immutable by its content, private to the people of the site
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _job(public_id: str) -> jobs.Job:
    job = db.session.scalar(select(jobs.Job).where(jobs.Job.public_id == public_id))
    if job is None:
        raise NotFound
    return job


@blueprint.get("/jobs/<public_id>")
def job_view(public_id: str) -> Response:
    """Show how far a job is; the page may be left, the job goes on."""
    return render("core/job_view.html", "core/_job.html", job=_job(public_id))


@blueprint.get("/jobs/<public_id>/file")
def job_file(public_id: str) -> Response:
    job = _job(public_id)
    path = jobs.result_path(job)
    if job.state is not jobs.JobState.DONE or not path.exists():
        abort(404)
    return send_file(
        path, mimetype="application/pdf", download_name=job.file_name or "file.pdf"
    )


@blueprint.get("/styleguide")
def styleguide_view() -> Response:
    return render("styleguide/styleguide_view.html")
