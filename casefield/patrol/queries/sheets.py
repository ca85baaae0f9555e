"""The plain values of a day's sign-in sheet (CF-01)."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from casefield.checks.models import CheckRun, Finding, Result
from casefield.checks.queries import findings_of
from casefield.core.db import db
from casefield.core.pdf import FormHead, Signature
from casefield.patrol.models import Method, Route
from casefield.patrol.prints import (
    FORM_CODE,
    FORM_VERSION,
    Mark,
    PatrolSheet,
    SheetHead,
    SheetLine,
)
from casefield.patrol.prints import Outcome as Printed
from casefield.patrol.queries.rounds import Outcome, Point, Progress, rounds_of_day
from casefield.sites.queries import find_site

_PRINTED = {
    Outcome.DONE: Printed.ON_TIME,
    Outcome.MANUAL: Printed.ON_TIME,
    Outcome.LATE: Printed.LATE,
    Outcome.MISSED: Printed.MISSED,
    Outcome.SKIPPED: Printed.SKIPPED,
}


def _form_head(site_id: int, record_code: str) -> FormHead:
    site = find_site(site_id)
    return FormHead(
        code=FORM_CODE,
        version=FORM_VERSION,
        title=_("巡视签到表"),
        project=site.name,
        record_code=record_code,
        company=site.company.name,
        is_demo=site.is_demo,
    )


def blank_sheet(site_id: int) -> PatrolSheet:
    """Return the sheet to be filled in by hand."""
    return PatrolSheet(_form_head(site_id, ""), SheetHead(), (), _signatures())


def _signatures(walkers: str = "") -> tuple[Signature, ...]:
    return (
        Signature(_("巡视人"), walkers),
        Signature(_("班（组）长检查")),
        Signature(_("案场管理岗审核")),
    )


def sheet_of(
    route: Route, day: date, site_id: int, zone: ZoneInfo, now: datetime
) -> PatrolSheet:
    """Return the sheet of one route and day, extra rounds at the end."""
    progress = rounds_of_day(route.id, day, now)
    begun = [p for p in progress if p.round.opens_at <= now or p.visited]
    run_ids = [pt.run_id for p in begun for pt in p.points if pt.run_id]
    results = _results(run_ids)
    findings = findings_of(run_ids)
    lines = tuple(
        _line(p, point, first, zone, results, findings)
        for p in begun
        for first, point in _walked(p)
    )
    head = _head(route, day, progress)
    form = _form_head(site_id, f"{day:%Y%m%d}-{route.code}")
    walkers = _("、").join(
        dict.fromkeys(
            pt.person_name for p in begun for pt in p.points if pt.person_name
        )
    )
    return PatrolSheet(form, head, lines, _signatures(walkers))


def _walked(progress: Progress) -> Iterator[tuple[bool, Point]]:
    """Yield the points that a sheet tells of, and which of them begins the round.

    An extra round owes no point: what it left out is not told.
    """
    told = [
        point
        for point in progress.points
        if not progress.round.is_extra or point.at is not None
    ]
    for number, point in enumerate(told):
        yield number == 0, point


def _head(route: Route, day: date, progress: list[Progress]) -> SheetHead:
    plans = {p.round.plan.id: p.round.plan for p in progress if p.round.plan}
    names = _("、").join(plan.name for plan in plans.values())
    if len(plans) != 1:
        return SheetHead(day, names, route.code, route.name)
    plan = next(iter(plans.values()))
    tolerance = _(
        "提前 %(early)s，开始 %(start)s，完成 %(finish)s",
        early=plan.early_minutes,
        start=plan.start_grace_minutes,
        finish=plan.finish_grace_minutes,
    )
    return SheetHead(day, names, route.code, route.name, plan.period_minutes, tolerance)


def _results(run_ids: list[int]) -> dict[int, tuple[Mapping[str, str], int]]:
    """Return run → its results as they stand, and how often they were corrected."""
    rows = db.session.execute(
        select(CheckRun.id, CheckRun.results, CheckRun.revision).where(
            CheckRun.id.in_(run_ids)
        )
    )
    return {row.id: (row.results, row.revision) for row in rows}


def _mark(results: Mapping[str, str] | None) -> Mark:
    if not results:
        return Mark.NONE
    values = set(results.values())
    if Result.ABNORMAL in values:
        return Mark.ABNORMAL
    return Mark.NORMAL if Result.NORMAL in values else Mark.NOT_APPLICABLE


def _line(
    progress: Progress,
    point: Point,
    first: bool,  # noqa: FBT001 -- private, called once
    zone: ZoneInfo,
    results: Mapping[int, tuple[Mapping[str, str], int]],
    findings: Mapping[int, list[Finding]],
) -> SheetLine:
    found = findings.get(point.run_id or 0, [])
    by_hand = point.method is Method.HAND
    found_results, corrections = results.get(point.run_id or 0, (None, 0))
    extra = _("加巡") if progress.round.is_extra else ""
    return SheetLine(
        round_no=f"{_('加')}{progress.round.ordinal}"
        if extra
        else progress.round.ordinal,
        checkpoint_code=point.code,
        checkpoint_name=point.name,
        due="" if extra else f"{point.due_at.astimezone(zone):%H:%M}",
        outcome=_PRINTED.get(point.outcome, Printed.PENDING),
        signed=f"{point.at.astimezone(zone):%H:%M}" if point.at else "",
        mark=_mark(found_results),
        abnormality=_("；").join(
            _("%(what)s：%(note)s", what=f.line_name, note=f.note) for f in found
        ),
        manual_reason=point.reason if by_hand else "",
        skip_reason=point.reason if point.outcome is Outcome.SKIPPED else "",
        person=point.person_name or "",
        note=" ".join(filter(None, (extra, _("更正") if corrections else ""))),
        starts_round=first,
    )
