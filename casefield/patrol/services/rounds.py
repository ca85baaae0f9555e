"""Rounds come up by the plan, are begun, handed over, closed, missed by the clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from casefield.core import ledger
from casefield.core.db import db, unit_of_work
from casefield.core.errors import Conflict, DomainError
from casefield.core.ledger import CLOCKWORK, Author
from casefield.core.scope import at_site, current_site_id
from casefield.core.windows import Window, windows_between
from casefield.patrol.models import (
    CheckIn,
    Omission,
    OmissionKind,
    Plan,
    Round,
    RoundStop,
    Route,
    RouteStop,
)
from casefield.people import queries as people
from casefield.people.models import Person
from casefield.sites.models import Site

#: rounds are laid out so far ahead, so that "my next tasks" can show them
AHEAD = timedelta(hours=24)
#: after a long stop of the server, misses are told back to here
BACK = timedelta(days=14)
ONE_DAY = timedelta(days=1)
#: an extra round that nobody finishes closes by itself
EXTRA_LASTS = timedelta(hours=3)


class RoundClosed(DomainError):
    """What was closed is only amended."""

    status = 409
    code = "round-closed"
    message = _l("这一轮已交，不能再改；要改请用“更正”并写明原因。")


class StopsOpen(DomainError):
    """A round is closed when each point was visited or skipped with a reason."""

    code = "stops-open"
    message = _l("还有 %(n)s 个点没走。走完，或逐点写明原因跳过，再交表。")


def lay_out_rounds(site: Site, now: datetime) -> int:
    """Make the rounds that the plans call for until a day ahead; return how many.

    Safe to call at any time: a round that exists is left alone.
    """
    _drop_on_closed_days(site, now)
    since = max(site.swept_until_at or now - AHEAD, now - BACK)
    plans = db.session.scalars(
        select(Plan)
        .join(Plan.route)
        .where(Route.retired_at.is_(None))
        .options(joinedload(Plan.route).selectinload(Route.stops))
    ).all()
    made = 0
    for plan in plans:
        made += _lay_out(plan, since, now + AHEAD, site.zone)
    db.session.flush()
    return made


def _lay_out(plan: Plan, since: datetime, until: datetime, zone: ZoneInfo) -> int:
    since = max(since, plan.valid_from_at)
    if plan.valid_until_at is not None:
        until = min(until, plan.valid_until_at)
    if since >= until or not plan.route.stops:
        return 0
    days = (since - timedelta(days=3)).date(), (until + timedelta(days=1)).date()
    closed = people.closed_days(plan.site_id, *days)
    wanted = [
        window
        for window in windows_between(plan.timing, since, until, zone, closed)
        if plan.valid_from_at <= window.starts_at
        and (plan.valid_until_at is None or window.starts_at < plan.valid_until_at)
    ]
    if not wanted:
        return 0
    there = set(
        db.session.execute(
            select(Round.day_on, Round.ordinal).where(
                Round.plan_id == plan.id, Round.day_on >= wanted[0].day_on
            )
        )
    )
    underway = _underway_when_begun(plan)
    fresh = [
        window
        for window in wanted
        if (window.day_on, window.ordinal) not in there
        and not any(
            opens_at < window.closes_at and window.opens_at < closes_at
            for opens_at, closes_at in underway
        )
    ]
    for window in fresh:
        _add_round(plan.route, plan, window, None)
    return len(fresh)


def _underway_when_begun(plan: Plan) -> list[tuple[datetime, datetime]]:
    """Return when the rounds are open that a plan found underway, by plans before it.

    They stay as they are; a second round at the same time would only be missed.
    """
    rows = db.session.execute(
        select(Round.opens_at, Round.closes_at)
        .join(Plan, Plan.id == Round.plan_id)
        .where(
            Round.route_id == plan.route_id,
            Plan.valid_until_at <= plan.valid_from_at,
            Round.closes_at > plan.valid_from_at,
        )
    )
    return [(row.opens_at, row.closes_at) for row in rows]


def _add_round(
    route: Route, plan: Plan | None, window: Window, person_id: int | None
) -> Round:
    grace = timedelta(minutes=plan.start_grace_minutes) if plan else EXTRA_LASTS
    made = Round(
        site_id=route.site_id,
        route_id=route.id,
        plan_id=plan.id if plan else None,
        day_on=window.day_on,
        ordinal=window.ordinal,
        opens_at=window.opens_at,
        starts_at=window.starts_at,
        late_from_at=window.late_from_at,
        ends_at=window.ends_at,
        closes_at=window.closes_at,
        person_id=person_id,
    )
    made.stops = [_stop(stop, window, grace) for stop in route.stops]
    db.session.add(made)
    return made


def _stop(stop: RouteStop, window: Window, grace: timedelta) -> RoundStop:
    due = window.starts_at + timedelta(minutes=stop.offset_minutes)
    # late after its own due time and the grace; at the latest when the round ends
    late = max(window.late_from_at, min(due + grace, window.ends_at))
    return RoundStop(
        site_id=stop.site_id,
        checkpoint_id=stop.checkpoint_id,
        ordinal=stop.ordinal,
        due_at=due,
        late_from_at=late,
    )


def _drop(unbegun: ColumnElement[bool]) -> None:
    """Take away rounds that nobody has begun and that were not judged."""
    rounds = db.session.scalars(
        select(Round)
        .where(unbegun, Round.begun_at.is_(None), Round.closed_at.is_(None))
        .options(selectinload(Round.stops))
    ).all()
    for round_ in rounds:
        for stop in round_.stops:
            db.session.delete(stop)
        db.session.flush()
        db.session.delete(round_)
    db.session.flush()


def _drop_on_closed_days(site: Site, now: datetime) -> None:
    today = now.astimezone(site.zone).date()
    closed = people.closed_days(site.id, today, (now + AHEAD + ONE_DAY).date())
    if closed:
        _drop(
            Round.day_on.in_(closed)
            & Round.plan_id.is_not(None)
            & (Round.closes_at > now)
        )


def lay_out_again(route: Route, now: datetime) -> None:
    """Drop the route's rounds that are not open yet, so that an edit reaches them."""
    _drop((Round.route_id == route.id) & (Round.opens_at > now))
    site = db.session.get_one(Site, current_site_id())
    lay_out_rounds(site, now)


def begin_extra_round(
    route: Route, zone: ZoneInfo, author: Author, now: datetime
) -> Round:
    """Walk a route out of turn. It never counts for or against anybody.

    ``route`` comes with its stops loaded.
    """
    day = now.astimezone(zone).date()
    last = db.session.scalar(
        select(Round.ordinal)
        .where(Round.route_id == route.id, Round.plan_id.is_(None), Round.day_on == day)
        .order_by(Round.ordinal.desc())
        .limit(1)
    )
    ends = now + EXTRA_LASTS
    window = Window(day, (last or 0) + 1, now, now, ends, ends, ends)
    made = _add_round(route, None, window, author.person_id)
    made.begun_at = now
    db.session.flush()
    _record(made, author, now, "begun", extra=True)
    return made


def _record(
    round_: Round, author: Author, now: datetime, what: str, **facts: object
) -> None:
    ledger.record(
        round_.site_id,
        author,
        now,
        f"patrol.round.{what}",
        f"round:{round_.public_id}",
        facts={"day": round_.day_on, "ordinal": round_.ordinal, **facts},
    )


def hand_over_round(round_: Round, to: Person, author: Author, now: datetime) -> None:
    """Give an open round to a colleague, who goes on where it stands.

    Raises:
        RoundClosed: it is over.
    """
    if round_.closed_at is not None:
        raise RoundClosed
    before = round_.person_id
    round_.person_id = to.id
    round_.begun_at = round_.begun_at or now
    _record(round_, author, now, "handed_over", before=before, after=to.id)


def close_round(round_: Round, author: Author, now: datetime) -> None:
    """Hand the sheet in; from now on it is only amended.

    Raises:
        RoundClosed: it was handed in before.
        StopsOpen: a point was neither visited nor skipped.
    """
    if round_.closed_at is not None:
        raise RoundClosed
    left = _stops_left([round_.id])
    if left and not round_.is_extra:
        raise StopsOpen(n=len(left))
    round_.closed_at = now
    _record(round_, author, now, "closed", unvisited=len(left))


def _stops_left(round_ids: Sequence[int]) -> list[RoundStop]:
    """Return the stops of rounds that have neither a check-in nor an omission."""
    return list(
        db.session.scalars(
            select(RoundStop)
            .outerjoin(CheckIn, CheckIn.round_stop_id == RoundStop.id)
            .outerjoin(Omission, Omission.round_stop_id == RoundStop.id)
            .where(
                RoundStop.round_id.in_(round_ids),
                CheckIn.id.is_(None),
                Omission.id.is_(None),
            )
            .options(joinedload(RoundStop.checkpoint))
            .order_by(RoundStop.round_id, RoundStop.ordinal)
        )
    )


def miss_what_is_over(site: Site, now: datetime) -> int:
    """Close the rounds whose time is over and name each point left out as missed."""
    over = db.session.scalars(
        select(Round)
        .where(Round.closed_at.is_(None), Round.closes_at <= now)
        .options(joinedload(Round.plan))
        .order_by(Round.closes_at, Round.id)
        .limit(500)
        .with_for_update(of=Round)
    ).all()
    left: dict[int, list[RoundStop]] = {}
    for stop in _stops_left([round_.id for round_ in over]):
        left.setdefault(stop.round_id, []).append(stop)
    missed = 0
    for round_ in over:
        round_.closed_at = round_.closes_at
        if round_.plan is not None:
            missed += _miss(round_, left.get(round_.id, []), site, now)
    site.swept_until_at = now
    db.session.flush()
    return missed


def _miss(round_: Round, stops: Sequence[RoundStop], site: Site, now: datetime) -> int:
    if not stops:
        return 0
    assert round_.plan is not None  # noqa: S101 -- extra rounds are never missed
    whose = round_.person_id
    if whose is None:
        on_duty = people.on_duty(
            site.id, site.zone, round_.starts_at, round_.plan.post_id
        )
        whose = on_duty[0].person_id if len(on_duty) == 1 else None
    for stop in stops:
        db.session.add(
            Omission(
                site_id=site.id,
                round_id=round_.id,
                round_stop_id=stop.id,
                checkpoint_id=stop.checkpoint_id,
                kind=OmissionKind.MISSED,
                at=round_.closes_at,
                person_id=whose,
            )
        )
        ledger.record(
            site.id,
            CLOCKWORK,
            now,
            "patrol.point.missed",
            f"round:{round_.public_id}",
            place_id=stop.checkpoint.place_id,
            facts={"checkpoint": stop.checkpoint.code, "due": stop.due_at},
        )
    return len(stops)


def sweep_site(site: Site, now: datetime) -> int:
    """Lay out what is coming and judge what is over; return the points missed."""
    lay_out_rounds(site, now)
    return miss_what_is_over(site, now)


def sweep(now: datetime) -> None:
    """Sweep every site, each in a transaction of its own."""
    sites = db.session.execute(select(Site.id)).scalars().all()
    db.session.rollback()
    for site_id in sites:
        with at_site(site_id), unit_of_work():
            sweep_site(db.session.get_one(Site, site_id, with_for_update=True), now)
        db.session.expunge_all()


def close_miss(omission: Omission, comment: str, author: Author, now: datetime) -> None:
    """Say why a point was missed and that somebody saw it; the miss itself stays.

    Raises:
        Conflict: it was closed before, or is no miss.
        DomainError: no comment.
    """
    if omission.kind is not OmissionKind.MISSED or omission.closed_at is not None:
        raise Conflict
    if not comment.strip():
        raise DomainError(str(_l("请写一句原因或处理情况。")))
    omission.closed_at = now
    omission.closed_by_id = author.person_id
    omission.comment = comment.strip()
    ledger.record(
        omission.site_id,
        author,
        now,
        "patrol.miss.closed",
        f"omission:{omission.public_id}",
        personal={"comment": omission.comment},
    )


def close_misses(
    ids: Sequence[int], comment: str, author: Author, now: datetime
) -> None:
    """Close several misses of one round with one comment."""
    for omission in db.session.scalars(select(Omission).where(Omission.id.in_(ids))):
        close_miss(omission, comment, author, now)
