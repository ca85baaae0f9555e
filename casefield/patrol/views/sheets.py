"""The sign-in sheet of a day and route (CF-01), on screen and on paper."""

from datetime import date
from typing import Any

from flask import Response, g, make_response, request, url_for
from flask_babel import force_locale, get_locale

from casefield.core import clock, jobs
from casefield.core.db import db
from casefield.core.pdf import render_print
from casefield.core.receipts import accept
from casefield.core.scope import current_site_id
from casefield.core.web import render, site_zone
from casefield.patrol import prints
from casefield.patrol.queries.rounds import get_route, list_routes
from casefield.patrol.queries.sheets import blank_sheet, sheet_of
from casefield.patrol.views.blueprint import blueprint
from casefield.patrol.views.rounds import read_day
from casefield.sites.models import Site

#: about three pages and a second; a longer sheet is made by the worker
LONGEST_AT_ONCE = 60


@blueprint.get("/sheets")
def sheet_list() -> Response:
    day = read_day(request.args.get("day"))
    return render("patrol/sheet_list.html", day=day, routes=list_routes())


def _sheet(route_id: str, day: str) -> tuple[prints.PatrolSheet, date]:
    when = read_day(day)
    route = get_route(route_id)
    return sheet_of(route, when, g.actor.site_id, site_zone(), clock.now()), when


@blueprint.get("/sheets/<route_id>/<day>")
def sheet_view(route_id: str, day: str) -> Response:
    sheet, when = _sheet(route_id, day)
    return render("patrol/sheet_view.html", sheet=sheet, route_id=route_id, day=when)


def pdf_response(content: bytes, name: str) -> Response:
    """Answer with a PDF that opens in the browser."""
    response = make_response(content)
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@blueprint.get("/sheets/<route_id>/<day>.pdf")
def sheet_pdf(route_id: str, day: str) -> Response:
    sheet, when = _sheet(route_id, day)
    return pdf_response(render_print(prints.TEMPLATE, sheet), f"CF-01-{when}.pdf")


@blueprint.post("/sheets/<route_id>/<day>/print")
def sheet_print(route_id: str, day: str) -> Response:
    """Open a short sheet at once; let the worker make a long one, with progress."""
    with accept() as answer:
        sheet, when = _sheet(route_id, day)
        if len(sheet.lines) <= LONGEST_AT_ONCE:
            answer.see(url_for("patrol.sheet_pdf", route_id=route_id, day=when))
        else:
            wanted = {"route": route_id, "day": day, "lang": str(get_locale())}
            job = jobs.ask("patrol.sheet", wanted, g.actor, clock.now())
            answer.see(url_for("core.job_view", public_id=job.public_id))
    return answer.response


@jobs.work("patrol.sheet")
def print_sheet(wanted: dict[str, Any], report: jobs.Report) -> tuple[str, bytes]:
    """Print a long sheet outside of a request."""
    site = db.session.get_one(Site, current_site_id())
    when = date.fromisoformat(wanted["day"])
    with force_locale(wanted["lang"]):
        sheet = sheet_of(
            get_route(wanted["route"]), when, site.id, site.zone, clock.now()
        )
        report(0, len(sheet.lines))
        return f"CF-01-{when}.pdf", render_print(prints.TEMPLATE, sheet)


@blueprint.get("/sheets/blank.pdf")
def sheet_blank() -> Response:
    sheet = blank_sheet(g.actor.site_id)
    return pdf_response(render_print(prints.TEMPLATE, sheet), "CF-01.pdf")
