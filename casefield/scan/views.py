"""Scanning: the address on the wall, and the short code typed in."""

from flask import Blueprint, Response, flash, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock, throttle
from casefield.core.db import db, unit_of_work
from casefield.core.errors import NotFound
from casefield.core.logs import security_event
from casefield.core.policy import ON_SITE
from casefield.core.receipts import accept
from casefield.core.web import render, see
from casefield.patrol.queries import points
from casefield.patrol.views.points import point_page
from casefield.scan.queries import Scanned, resolve
from casefield.sites import services as sites
from casefield.sites.models import read_code
from casefield.sites.queries import find_wall_code

blueprint = Blueprint("scan", __name__)


def _unknown() -> Response:
    """Say what to do, and slow down whoever guesses codes."""
    address = request.remote_addr or ""
    db.session.rollback()
    with unit_of_work():
        wait = throttle.take(f"scan:{address}", clock.now(), capacity=30, per_hour=120)
    security_event("unknown_wall_code", address=address)
    return render("scan/unknown.html", status=429 if wait else 404, wait=bool(wait))


# prints carry the address in capitals, which makes the picture's modules larger
@blueprint.get("/Q/<code>")
@blueprint.get("/q/<code>")
def place_view(code: str) -> Response:
    """Offer what this person can do at this place now."""
    read = read_code(code)
    scanned = resolve(read) if read else None
    if scanned is None:
        return _unknown()
    if scanned.is_revoked:
        security_event("revoked_wall_code", place=scanned.place_code)
        return render("scan/revoked.html", scanned=scanned, status=404)
    if g.actor is None:
        return render("scan/public.html", scanned=scanned)
    if scanned.site_id != g.actor.site_id:
        return render("scan/other_site.html", scanned=scanned, status=404)
    if g.actor.role not in ON_SITE.roles:
        return render("scan/nothing_due.html", scanned=scanned, checkpoint=None)
    return _duty(scanned)


def _duty(scanned: Scanned) -> Response:
    now = clock.now()
    stops = points.stops_here(scanned.place_id, g.actor.person_id, now)
    typed = request.args.get("typed") == "1"
    if stops:
        return point_page(stops[0], code=scanned.code, typed=typed, others=stops[1:])
    checkpoint = points.find_checkpoint(scanned.place_id)
    return render(
        "scan/nothing_due.html",
        scanned=scanned,
        checkpoint=checkpoint,
        routes=points.routes_through(checkpoint.id) if checkpoint else [],
        next_due=points.next_due(checkpoint.id, now) if checkpoint else None,
    )


@blueprint.get("/scan")
def scan_page() -> Response:
    """Where to aim the phone; and a field for the short code."""
    typed = request.args.get("code")
    if typed is None:
        return render("scan/scan_page.html", typed="", wrong=False)
    code = read_code(typed)
    if code is None:
        return render("scan/scan_page.html", typed=typed, wrong=True, status=422)
    return see(url_for("scan.place_view", code=code, typed=1))


@blueprint.post("/q/<code>/damaged")
def label_damaged(code: str) -> Response:
    """Tell management that a label cannot be read any more."""
    read = read_code(code)
    if read is None:
        raise NotFound
    with accept() as answer:
        sites.report_damaged_code(find_wall_code(read), g.actor, clock.now())
        answer.see(url_for("scan.place_view", code=read))
    flash(_("已告诉管理岗，会换一张新码牌。"), "success")
    return answer.response
