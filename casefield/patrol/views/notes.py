"""Notes of the guard: posts observed, violations stopped."""

from itertools import groupby

from flask import Response, flash, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.db import db
from casefield.core.errors import NotAllowed
from casefield.core.photos import keep_uploads
from casefield.core.policy import MANAGING
from casefield.core.receipts import accept
from casefield.core.web import render, site_day
from casefield.patrol.forms import NoteForm
from casefield.patrol.models import NoteKind
from casefield.patrol.queries import records
from casefield.patrol.services import notes as services
from casefield.patrol.views.blueprint import blueprint
from casefield.people import queries as people
from casefield.sites import queries as sites


def _kind(told: str | None) -> NoteKind:
    return NoteKind.OBSERVATION if told == NoteKind.OBSERVATION else NoteKind.VIOLATION


@blueprint.get("/notes")
def note_list() -> Response:
    """List notes by kind; what was observed of posts is for management alone."""
    kind = _kind(request.args.get("kind"))
    if kind is NoteKind.OBSERVATION and g.actor.role not in MANAGING.roles:
        raise NotAllowed
    return render(
        "patrol/note_list.html",
        kind=kind,
        days=[
            (day, list(notes))
            for day, notes in groupby(
                records.list_notes(kind), lambda note: site_day(note.at)
            )
        ],
        may_see_observations=g.actor.role in MANAGING.roles,
    )


@blueprint.route("/notes/new", methods=["GET", "POST"])
def note_new() -> Response:
    form = NoteForm(request.form)
    kind = _kind(request.values.get("kind"))
    places = {row.place.public_id: row.place for row in sites.list_places()}
    posts = {post.public_id: post for post in people.list_posts()}
    form.place.choices = [
        (key, f"{place.code} {place.name}") for key, place in places.items()
    ]
    form.post.choices = [("", "—")] + [(key, post.name) for key, post in posts.items()]
    db.session.rollback()
    if request.method == "POST":
        now = clock.now()
        kept, refused = keep_uploads(request.files, g.actor, now)
        if form.validate() and not refused:
            photo = kept.get("photo")
            post = posts.get(form.post.data or "")
            with accept() as answer:
                services.write_note(
                    kind,
                    places[form.place.data].id,
                    form.text.data or "",
                    g.actor,
                    now,
                    action=form.action.data or "",
                    post_id=post.id if post else None,
                    photo_id=photo.id if photo else None,
                )
                answer.see(url_for("board.home"))
            flash(_("已记下。"), "success")
            return answer.response
        form.form_errors.extend(refused.values())
    return render(
        "patrol/note_new.html",
        form=form,
        kind=kind,
        status=422 if form.errors else 200,
    )
