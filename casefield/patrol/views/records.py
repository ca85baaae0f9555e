"""Records: check-ins and what was left out, by filter."""

from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from markupsafe import escape

from casefield.core.kept import as_markup, render_kept
from casefield.core.web import render, site_zone, today
from casefield.patrol.forms import RecordsFilterForm
from casefield.patrol.models import Method, OmissionKind
from casefield.patrol.queries import records, routes
from casefield.patrol.queries.records import Filter, Line
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
        bool(form.abnormal.data),
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


@lru_cache(maxsize=8192)
def _row(
    line: Line, abnormal: int, this_day: date, zone: ZoneInfo, _locale: str
) -> bytes:
    """Write a check-in as a row of the list: once for each thing to be said."""
    at = line.at.astimezone(zone)
    day = "" if at.date() == this_day else f"{at.month}-{at.day:02d} "
    return render_template(
        "patrol/_check_in_row.html",
        line=line,
        abnormal=abnormal,
        at=f"{day}{at.hour:02d}:{at.minute:02d}",
        methods=_methods(),
    ).encode()


def _rows(lines: list[Line]) -> bytes:
    zone, this_day, locale = site_zone(), today(), g.actor.locale
    found = records.abnormal_of(lines)
    return b"".join(
        [
            _row(line, found.get(line.run_id or 0, 0), this_day, zone, locale)
            for line in lines
        ]
    )


@lru_cache(maxsize=1024)
def _older(last: Line, kept: tuple[tuple[str, str], ...]) -> bytes:
    """Return the address of what came before ``last``."""
    query = urlencode([*kept, ("before", f"{last.at.isoformat()},{last.id}")])
    return escape(f"?{query}").encode()


@blueprint.get("/check-ins")
def check_in_list() -> Response:
    # asked for all day without a filter: then its form is not even built
    form, wanted = _filter() if request.args else (None, Filter())
    lines, more = records.list_check_ins(wanted, site_zone(), _before())
    kept = tuple((k, v) for k, v in request.args.items() if k != "before")
    late = {"rows": _rows(lines), "older": _older(lines[-1], kept) if more else None}
    templates = "patrol/check_in_list.html", "patrol/_check_ins.html"
    if form is None or (wanted.is_empty and "filter" not in request.args):
        return render_kept(*templates, late)
    _choices(form)
    return render(*templates, form=form, unfolded=True, **as_markup(late))


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
