"""Records: check-ins and what was left out, by filter."""

from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.web import render, site_zone, today
from casefield.patrol.forms import RecordsFilterForm
from casefield.patrol.models import Method, OmissionKind
from casefield.patrol.queries import records, routes
from casefield.patrol.queries.records import Filter
from casefield.patrol.views.blueprint import blueprint
from casefield.people import queries as people


def _filter() -> tuple[RecordsFilterForm, Filter]:
    form = RecordsFilterForm(request.args)
    if not form.validate():
        return form, Filter()
    return form, Filter(
        form.since.data,
        form.until.data,
        form.route.data or None,
        form.point.data or None,
        form.person.data or None,
        bool(form.late.data),
    )


def _before() -> tuple[datetime, int] | None:
    told, _comma, row_id = request.args.get("before", "").partition(",")
    try:
        return datetime.fromisoformat(told), int(row_id)
    except ValueError:
        return None


def _choices(form: RecordsFilterForm) -> None:
    everything = [("", _("全部"))]
    form.route.choices = everything + [
        (route.public_id, f"{route.code} {route.name}") for route in routes.list_plain()
    ]
    form.point.choices = everything + [
        (point.public_id, f"{point.code} {point.name}")
        for point in routes.list_checkpoints()
    ]
    form.person.choices = everything + [
        (person.public_id, f"{person.staff_no} {person.name}")
        for person in people.list_people(today())
    ]


def _times(rows: list[Any]) -> list[tuple[str, str]]:
    """Write day and time of each row; one conversion a row and no lookup."""
    zone, this_day = site_zone(), clock.now().astimezone(site_zone()).date()
    told = []
    for row in rows:
        at = row.at.astimezone(zone)
        day = "" if at.date() == this_day else f"{at.month}-{at.day:02d}"
        told.append((day, f"{at.hour:02d}:{at.minute:02d}"))
    return told


@blueprint.get("/check-ins")
def check_in_list() -> Response:
    form, wanted = _filter()
    rows, more = records.list_check_ins(wanted, site_zone(), _before())
    older = None
    if more:
        last = rows[-1]
        kept: dict[str, Any] = {k: v for k, v in request.args.items() if k != "before"}
        older = url_for(
            "patrol.check_in_list", before=f"{last.at.isoformat()},{last.id}", **kept
        )
    unfolded = "filter" in request.args or not wanted.is_empty
    if unfolded:
        _choices(form)
    return render(
        "patrol/check_in_list.html",
        "patrol/_check_ins.html",
        form=form,
        unfolded=unfolded,
        rows=list(zip(rows, _times(rows), strict=True)),
        methods=_methods(),
        older=older,
        here=url_for("patrol.check_in_view", public_id="X")[:-1],
    )


def _methods() -> dict[Method, str]:
    return {
        Method.SCAN: _("扫码"),
        Method.TYPED: _("输码"),
        Method.HAND: _("手工"),
    }


@blueprint.get("/omissions/<kind>")
def omission_list(kind: str) -> Response:
    """List points missed, or points skipped with their reasons."""
    form, wanted = _filter()
    which = OmissionKind.SKIPPED if kind == "skipped" else OmissionKind.MISSED
    _choices(form)
    return render(
        "patrol/omission_list.html",
        form=form,
        kind=which,
        rows=records.list_omissions(wanted, which, site_zone()),
    )
