"""The sign-in sheet of a day and route (CF-01), on screen and on paper."""

from datetime import date

from flask import Response, g, make_response, request

from casefield.core import clock
from casefield.core.pdf import render_print
from casefield.core.web import render, site_zone
from casefield.patrol import prints
from casefield.patrol.queries.rounds import get_route, list_routes
from casefield.patrol.queries.sheets import blank_sheet, sheet_of
from casefield.patrol.views.blueprint import blueprint
from casefield.patrol.views.rounds import read_day


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


@blueprint.get("/sheets/blank.pdf")
def sheet_blank() -> Response:
    sheet = blank_sheet(g.actor.site_id)
    return pdf_response(render_print(prints.TEMPLATE, sheet), "CF-01.pdf")
