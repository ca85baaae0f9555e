"""Rounds: one with its points, those of a day, those that somebody should walk now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import joinedload, selectinload

from casefield.checks.models import Finding, FindingState
from casefield.core.db import AnyRow, db
from casefield.core.errors import NotFound
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Method,
    Omission,
    OmissionKind,
    Plan,
    Round,
    RoundStop,
    Route,
    RouteStop,
)
from casefield.people.models import Person


class Outcome(StrEnum):
    """How a point of a round stands: every cell of every grid and print."""

    DONE = "done"
    LATE = "late"
    MANUAL = "manual"
    SKIPPED = "skipped"
    MISSED = "missed"
    #: late and still to be done
    OVERDUE = "overdue"
    NEXT = "next"
    TODO = "todo"
    #: nobody had to go there (extra rounds)
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a round as it stands now."""

    stop_id: int
    ordinal: int
    checkpoint_id: int
    code: str
    name: str
    due_at: datetime
    late_from_at: datetime
    outcome: Outcome
    check_in_id: str | None
    at: datetime | None
    is_late: bool
    method: Method | None
    reason: str
    person_name: str | None
    run_id: int | None
    omission_id: str | None
    omission_closed: bool
    #: how many items were found abnormal here
    abnormal: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A round and its points."""

    round: Round
    points: list[Point]
    #: the first point that waits to be visited
    next: Point | None = field(default=None)

    def count(self, *outcomes: Outcome) -> int:
        return sum(point.outcome in outcomes for point in self.points)

    @property
    def visited(self) -> int:
        return self.count(Outcome.DONE, Outcome.LATE, Outcome.MANUAL)

    @property
    def open_count(self) -> int:
        return self.count(Outcome.OVERDUE, Outcome.NEXT, Outcome.TODO)

    @property
    def abnormal(self) -> int:
        return sum(point.abnormal for point in self.points)

    @property
    def is_open(self) -> bool:
        return self.round.closed_at is None


_OMITTED = {
    OmissionKind.SKIPPED: Outcome.SKIPPED,
    OmissionKind.MISSED: Outcome.MISSED,
}


def _judge(row: AnyRow, round_: Round, now: datetime) -> Outcome:
    if row.check_in_id is not None:
        if row.is_late:
            return Outcome.LATE
        return Outcome.DONE if row.method is not Method.HAND else Outcome.MANUAL
    if row.omission_kind is not None:
        return _OMITTED[row.omission_kind]
    if round_.closed_at is not None or round_.is_extra:
        return Outcome.LEFT if round_.closed_at is not None else Outcome.TODO
    if now >= round_.closes_at:
        return Outcome.MISSED
    return Outcome.OVERDUE if now >= row.late_from_at else Outcome.TODO


def _abnormal() -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(Finding)
        .where(
            Finding.run_id == CheckIn.run_id,
            Finding.state != FindingState.WITHDRAWN,
        )
        .correlate(CheckIn)
        .scalar_subquery()
    )


def _points_of(round_ids: Collection[int]) -> dict[int, list[AnyRow]]:
    rows = db.session.execute(
        select(
            RoundStop.round_id,
            RoundStop.id.label("stop_id"),
            RoundStop.ordinal,
            RoundStop.checkpoint_id,
            Checkpoint.code,
            Checkpoint.name,
            RoundStop.due_at,
            RoundStop.late_from_at,
            CheckIn.public_id.label("check_in_id"),
            CheckIn.at,
            CheckIn.is_late,
            CheckIn.method,
            CheckIn.reason,
            CheckIn.run_id,
            Person.name.label("person_name"),
            Omission.public_id.label("omission_id"),
            Omission.kind.label("omission_kind"),
            Omission.reason.label("skip_reason"),
            Omission.closed_at.label("omission_closed_at"),
            _abnormal().label("abnormal"),
        )
        .join(Checkpoint, Checkpoint.id == RoundStop.checkpoint_id)
        .outerjoin(CheckIn, CheckIn.round_stop_id == RoundStop.id)
        .outerjoin(Person, Person.id == CheckIn.person_id)
        .outerjoin(Omission, Omission.round_stop_id == RoundStop.id)
        .where(RoundStop.round_id.in_(round_ids))
        .order_by(RoundStop.round_id, RoundStop.ordinal)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.round_id, []).append(row)
    return found


def _progress(round_: Round, rows: Sequence[AnyRow], now: datetime) -> Progress:
    points: list[Point] = []
    first: Point | None = None
    for row in rows:
        outcome = _judge(row, round_, now)
        is_first = first is None and outcome in {Outcome.TODO, Outcome.OVERDUE}
        if is_first and outcome is Outcome.TODO and round_.opens_at <= now:
            outcome = Outcome.NEXT
        point = Point(
            row.stop_id,
            row.ordinal,
            row.checkpoint_id,
            row.code,
            row.name,
            row.due_at,
            row.late_from_at,
            outcome,
            row.check_in_id,
            row.at,
            bool(row.is_late),
            row.method,
            row.reason or row.skip_reason or "",
            row.person_name,
            row.run_id,
            row.omission_id,
            row.omission_closed_at is not None,
            row.abnormal or 0,
        )
        points.append(point)
        if is_first:
            first = point
    return Progress(round_, points, first)


def _with_points(rounds: Sequence[Round], now: datetime) -> list[Progress]:
    rows = _points_of([round_.id for round_ in rounds])
    return [_progress(round_, rows.get(round_.id, []), now) for round_ in rounds]


_ROUND_OPTIONS = (
    joinedload(Round.route),
    joinedload(Round.plan).joinedload(Plan.post),
    joinedload(Round.person),
)


def get_round(public_id: str, *, for_write: bool = False) -> Round:
    """Return a round with route, plan and person; raise NotFound."""
    statement = (
        select(Round).where(Round.public_id == public_id).options(*_ROUND_OPTIONS)
    )
    if for_write:
        statement = statement.with_for_update(of=Round)
    round_ = db.session.scalar(statement)
    if round_ is None:
        raise NotFound
    return round_


def get_round_of(round_id: int) -> Round:
    """Return a round by its row; raise NotFound."""
    round_ = db.session.scalar(
        select(Round).where(Round.id == round_id).options(*_ROUND_OPTIONS)
    )
    if round_ is None:
        raise NotFound
    return round_


def get_progress(public_id: str, now: datetime) -> Progress:
    """Return a round with its points; raise NotFound."""
    return _with_points([get_round(public_id)], now)[0]


def rounds_open(now: datetime) -> list[Progress]:
    """Return the rounds open now, each with its points, the soonest to close first."""
    rounds = db.session.scalars(
        select(Round)
        .where(Round.closed_at.is_(None), Round.opens_at <= now, Round.closes_at > now)
        .options(*_ROUND_OPTIONS)
        .order_by(Round.closes_at, Round.id)
    ).all()
    return _with_points(rounds, now)


def rounds_ahead(
    post_ids: Collection[int], now: datetime, until: datetime, limit: int
) -> list[Round]:
    """Return the next rounds of some posts that open before ``until``."""
    return list(
        db.session.scalars(
            select(Round)
            .join(Plan, Plan.id == Round.plan_id)
            .where(
                Plan.post_id.in_(post_ids),
                Round.opens_at > now,
                Round.starts_at < until,
                Round.closed_at.is_(None),
            )
            .options(*_ROUND_OPTIONS)
            .order_by(Round.starts_at, Round.id)
            .limit(limit)
        )
    )


def rounds_of_day(route_id: int, day: date, now: datetime) -> list[Progress]:
    """Return a route's rounds of a day by their start, extra ones last."""
    rounds = db.session.scalars(
        select(Round)
        .where(Round.route_id == route_id, Round.day_on == day)
        .options(*_ROUND_OPTIONS)
        .order_by(Round.plan_id.is_(None), Round.starts_at, Round.id)
    ).all()
    return _with_points(rounds, now)


@dataclass(frozen=True, slots=True)
class StandingMisses:
    """A round's points that were missed and that nobody has answered for yet."""

    round: Round
    points: list[tuple[str, str]]
    person_name: str | None
    at: datetime


def standing_misses(limit: int = 200) -> list[StandingMisses]:
    """Return the misses nobody has closed, by round, newest first."""
    rows = db.session.scalars(
        select(Omission)
        .where(Omission.kind == OmissionKind.MISSED, Omission.closed_at.is_(None))
        .options(
            joinedload(Omission.checkpoint),
            joinedload(Omission.person),
            joinedload(Omission.round).joinedload(Round.route),
        )
        .order_by(Omission.at.desc(), Omission.round_id, Omission.round_stop_id)
        .limit(limit)
    ).all()
    found: dict[int, StandingMisses] = {}
    for row in rows:
        group = found.setdefault(
            row.round_id,
            StandingMisses(
                row.round, [], row.person.name if row.person else None, row.at
            ),
        )
        group.points.append((row.checkpoint.code, row.checkpoint.name))
    return list(found.values())


def misses_of(round_id: int) -> Sequence[Omission]:
    """Return a round's misses with their points and who closed them."""
    return db.session.scalars(
        select(Omission)
        .where(Omission.round_id == round_id, Omission.kind == OmissionKind.MISSED)
        .options(joinedload(Omission.checkpoint), joinedload(Omission.closed_by))
        .order_by(Omission.round_stop_id)
    ).all()


def list_routes() -> Sequence[Route]:
    """Return the site's routes with stops and current plans."""
    return db.session.scalars(
        select(Route)
        .where(Route.retired_at.is_(None))
        .options(selectinload(Route.stops), selectinload(Route.plans))
        .order_by(Route.ordinal, Route.code)
    ).all()


def get_route(public_id: str) -> Route:
    """Return a route with its stops, their points, and its plans; raise NotFound."""
    route = db.session.scalar(
        select(Route)
        .where(Route.public_id == public_id)
        .options(
            selectinload(Route.stops).joinedload(RouteStop.checkpoint),
            selectinload(Route.plans).joinedload(Plan.post),
        )
    )
    if route is None:
        raise NotFound
    return route
