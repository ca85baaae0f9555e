"""Records: check-ins and omissions by filter, newest first, and the guard's notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select, tuple_
from sqlalchemy.orm import joinedload

from casefield.checks.models import Finding, FindingState
from casefield.core.db import AnyRow, AnySelect, BigId, UTCDateTime, db
from casefield.core.prebuilt import Prebuilt, Stored
from casefield.core.scope import current_site_id, scoped
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Method,
    NoteKind,
    Omission,
    OmissionKind,
    PatrolNote,
    Round,
    Route,
)
from casefield.people.models import Person

PAGE = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records: all, or those of a day range, route, point or person."""

    since_on: date | None = None
    until_on: date | None = None
    route_id: str | None = None
    checkpoint_id: str | None = None
    person_id: str | None = None
    late_only: bool = False
    abnormal_only: bool = False

    def instants(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """The range as instants: from its first midnight to the one after its last."""
        since = until = None
        if self.since_on is not None:
            since = datetime.combine(self.since_on, time(), zone)
        if self.until_on is not None:
            until = datetime.combine(self.until_on + timedelta(days=1), time(), zone)
        return since, until

    @property
    def is_empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A check-in as lists show it. The same stored row gives the same object again."""

    id: int
    public_id: str
    at: datetime
    is_late: bool
    method: Method
    code: str
    name: str
    person_name: str
    round_ordinal: int
    is_extra: bool
    route_name: str
    run_id: int | None


_ABNORMAL = (
    select(func.count())
    .select_from(Finding)
    .where(
        Finding.run_id == CheckIn.run_id,
        Finding.state != FindingState.WITHDRAWN,
        Finding.site_id == CheckIn.site_id,
    )
    .correlate(CheckIn)
    .scalar_subquery()
)
_COLUMNS = (
    CheckIn.id,
    CheckIn.public_id,
    CheckIn.at,
    CheckIn.is_late,
    CheckIn.method,
    Checkpoint.code,
    Checkpoint.name,
    Person.name.label("person_name"),
    Round.ordinal.label("round_ordinal"),
    Round.plan_id.is_(None).label("is_extra"),
    Route.name.label("route_name"),
    CheckIn.run_id,
)


def _check_ins() -> AnySelect:
    return (
        select(*_COLUMNS)
        .join(Checkpoint, Checkpoint.id == CheckIn.checkpoint_id)
        .join(Person, Person.id == CheckIn.person_id)
        .join(Round, Round.id == CheckIn.round_id)
        .join(Route, Route.id == Round.route_id)
        .where(CheckIn.site_id == bindparam("site_id"))
        .order_by(CheckIn.at.desc(), CheckIn.id.desc())
        .limit(PAGE + 1)
    )


#: joined rows belong to the same site by their foreign keys; a person may have moved
_JOINED = {"unscoped": "the check-in names the site; what it points to follows"}
_NEWEST = _check_ins().execution_options(**_JOINED)
_OLDER = (
    _check_ins()
    .where(
        tuple_(CheckIn.at, CheckIn.id)
        # a pair does not hand its types on: an instant is compared as it is stored
        < tuple_(
            bindparam("before_at", type_=UTCDateTime()),
            bindparam("before_id", type_=BigId),
        )
    )
    .execution_options(**_JOINED)
)
_NEWEST_PAGE, _OLDER_PAGE = Prebuilt(_NEWEST), Prebuilt(_OLDER)


@lru_cache(maxsize=8192)
def _line(stored: Stored) -> Line:
    return Line(*_NEWEST_PAGE.convert(stored))


def list_check_ins(
    wanted: Filter, zone: ZoneInfo, before: tuple[datetime, int] | None
) -> tuple[list[Line], bool]:
    """Return up to a page of check-ins, newest first, and whether older ones follow.

    ``before`` is (instant, row id) of the last one seen.
    """
    values: dict[str, object] = {"site_id": current_site_id()}
    if before is not None:
        values["before_at"], values["before_id"] = before
    if wanted.is_empty:
        page = _NEWEST_PAGE if before is None else _OLDER_PAGE
        stored = page.stored(**values)
        return [_line(row) for row in stored[:PAGE]], len(stored) > PAGE
    statement = _narrow(_NEWEST if before is None else _OLDER, wanted, zone)
    found = db.session.execute(statement, values).all()
    return [Line(*row) for row in found[:PAGE]], len(found) > PAGE


_FOUND = Prebuilt(
    scoped(
        select(Finding.run_id, func.count().label("abnormal"))
        .where(
            Finding.site_id == bindparam("site_id"),
            Finding.run_id.between(bindparam("first"), bindparam("last")),
            Finding.state != FindingState.WITHDRAWN,
        )
        .group_by(Finding.run_id)
    )
)


def abnormal_of(lines: Sequence[Line]) -> dict[int, int]:
    """Return run → how many of its items were found abnormal, for some check-ins.

    Runs are numbered as they are made, so those of a page lie in a short range.
    """
    runs = [line.run_id for line in lines if line.run_id is not None]
    if not runs:
        return {}
    rows = _FOUND.stored(site_id=current_site_id(), first=min(runs), last=max(runs))
    return {row[0]: row[1] for row in rows}


def _narrow(statement: AnySelect, wanted: Filter, zone: ZoneInfo) -> AnySelect:
    since, until = wanted.instants(zone)
    conditions = [
        CheckIn.at >= since if since else None,
        CheckIn.at < until if until else None,
        Route.public_id == wanted.route_id if wanted.route_id else None,
        Checkpoint.public_id == wanted.checkpoint_id if wanted.checkpoint_id else None,
        Person.public_id == wanted.person_id if wanted.person_id else None,
        CheckIn.is_late if wanted.late_only else None,
        _ABNORMAL > 0 if wanted.abnormal_only else None,
    ]
    return statement.where(*(c for c in conditions if c is not None))


def list_omissions(
    wanted: Filter, kind: OmissionKind, zone: ZoneInfo
) -> Sequence[AnyRow]:
    """Return the newest omissions of a kind, with point, round and person."""
    since, until = wanted.instants(zone)
    statement = (
        select(
            Omission.at,
            Omission.reason,
            Omission.comment,
            Omission.closed_at,
            Checkpoint.code,
            Checkpoint.name,
            Person.name.label("person_name"),
            Round.public_id.label("round_id"),
            Round.ordinal.label("round_ordinal"),
            Route.name.label("route_name"),
        )
        .join(Checkpoint, Checkpoint.id == Omission.checkpoint_id)
        .join(Round, Round.id == Omission.round_id)
        .join(Route, Route.id == Round.route_id)
        .outerjoin(Person, Person.id == Omission.person_id)
        .where(Omission.kind == kind)
        .order_by(Omission.at.desc(), Omission.id.desc())
        .limit(200)
    )
    conditions = [
        Omission.at >= since if since else None,
        Omission.at < until if until else None,
        Route.public_id == wanted.route_id if wanted.route_id else None,
        Checkpoint.public_id == wanted.checkpoint_id if wanted.checkpoint_id else None,
        Person.public_id == wanted.person_id if wanted.person_id else None,
    ]
    return db.session.execute(
        statement.where(*(c for c in conditions if c is not None))
    ).all()


def list_notes(kind: NoteKind, limit: int = 100) -> Sequence[PatrolNote]:
    """Return the newest notes of a kind with place, post, person and photo."""
    return db.session.scalars(
        select(PatrolNote)
        .where(PatrolNote.kind == kind)
        .options(
            joinedload(PatrolNote.place),
            joinedload(PatrolNote.post),
            joinedload(PatrolNote.person),
            joinedload(PatrolNote.photo),
        )
        .order_by(PatrolNote.at.desc(), PatrolNote.id.desc())
        .limit(limit)
    ).all()


def search_check_ins(text: str, limit: int = 10) -> Sequence[AnyRow]:
    """Return the newest check-ins whose point or person matches a few characters."""
    like = f"%{text.replace('%', '').replace('_', '')}%"
    statement = (
        select(*_COLUMNS)
        .join(Checkpoint, Checkpoint.id == CheckIn.checkpoint_id)
        .join(Person, Person.id == CheckIn.person_id)
        .join(Round, Round.id == CheckIn.round_id)
        .join(Route, Route.id == Round.route_id)
        .where(
            Checkpoint.name.ilike(like)
            | Checkpoint.code.ilike(like)
            | Person.name.ilike(like)
            | Person.staff_no.ilike(like)
        )
        .order_by(CheckIn.at.desc(), CheckIn.id.desc())
        .limit(limit)
    )
    return db.session.execute(statement).all()
