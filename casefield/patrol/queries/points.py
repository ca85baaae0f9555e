"""At a point: the stop that a check-in is for, and what a scan may do here now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, func, select
from sqlalchemy.orm import joinedload

from casefield.checks.models import ChecklistVersion
from casefield.checks.queries import lines_of
from casefield.core.db import AnyRow, db, table_of
from casefield.core.errors import NotFound
from casefield.core.prebuilt import Prebuilt
from casefield.core.scope import current_site_id, scoped
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Plan,
    Round,
    RoundStop,
    Route,
    RouteStop,
)
from casefield.sites.models import WallCode


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a round with all that a check-in there depends on."""

    id: int
    ordinal: int
    due_at: datetime
    late_from_at: datetime
    checkpoint_id: int
    code: str
    name: str
    place_id: int
    round_id: int
    round_public_id: str
    round_ordinal: int
    is_extra: bool
    opens_at: datetime
    closes_at: datetime
    begun_at: datetime | None
    closed_at: datetime | None
    round_person_id: int | None
    route_name: str
    stop_count: int
    #: newest version of the point's checklist
    version_id: int | None
    check_in_id: int | None


_VERSION = (
    select(func.max(ChecklistVersion.id))
    .where(
        ChecklistVersion.checklist_id == Checkpoint.checklist_id,
        ChecklistVersion.site_id == bindparam("site_id"),
    )
    .scalar_subquery()
)
_OTHER = table_of(RoundStop).alias("other_stop")
_STOP_COUNT = (
    select(func.count())
    .select_from(_OTHER)
    .where(_OTHER.c.round_id == Round.id, _OTHER.c.site_id == bindparam("site_id"))
    .scalar_subquery()
)
_STOP = (
    select(
        RoundStop.id,
        RoundStop.ordinal,
        RoundStop.due_at,
        RoundStop.late_from_at,
        RoundStop.checkpoint_id,
        Checkpoint.code,
        Checkpoint.name,
        Checkpoint.place_id,
        Round.id.label("round_id"),
        Round.public_id.label("round_public_id"),
        Round.ordinal.label("round_ordinal"),
        Round.plan_id.is_(None).label("is_extra"),
        Round.opens_at,
        Round.closes_at,
        Round.begun_at,
        Round.closed_at,
        Round.person_id.label("round_person_id"),
        Route.name.label("route_name"),
        _STOP_COUNT.label("stop_count"),
        _VERSION.label("version_id"),
        CheckIn.id.label("check_in_id"),
    )
    .join(Round, Round.id == RoundStop.round_id)
    .join(Route, Route.id == Round.route_id)
    .join(Checkpoint, Checkpoint.id == RoundStop.checkpoint_id)
    .outerjoin(
        CheckIn,
        and_(
            CheckIn.round_stop_id == RoundStop.id,
            CheckIn.site_id == bindparam("site_id"),
        ),
    )
    .where(
        RoundStop.site_id == bindparam("site_id"),
        Round.site_id == bindparam("site_id"),
        Route.site_id == bindparam("site_id"),
        Checkpoint.site_id == bindparam("site_id"),
    )
)
_ONE_STOP = scoped(
    _STOP.where(
        Round.public_id == bindparam("round_id"),
        RoundStop.ordinal == bindparam("ordinal"),
    )
)
_STOP_TO_SEE = Prebuilt(_ONE_STOP)
_STOP_TO_WRITE = Prebuilt(scoped(_ONE_STOP.with_for_update(of=Round)))
_STOPS_HERE = scoped(
    _STOP.where(
        Checkpoint.place_id == bindparam("place_id"),
        Round.opens_at <= bindparam("now"),
        Round.closes_at > bindparam("now"),
        Round.closed_at.is_(None),
    ).order_by(Round.closes_at, Round.id)
)


def get_stop(round_public_id: str, ordinal: int, *, for_write: bool = False) -> Stop:
    """Return one stop of a round; raise NotFound.

    ``for_write`` holds the round until the transaction ends, so that the clock
    cannot close it meanwhile.
    """
    statement = _STOP_TO_WRITE if for_write else _STOP_TO_SEE
    row = statement.first(
        site_id=current_site_id(), round_id=round_public_id, ordinal=ordinal
    )
    if row is None:
        raise NotFound
    return Stop(*row)


def stops_here(place_id: int, person_id: int, now: datetime) -> list[Stop]:
    """Return the stops at a place whose round is open, the likeliest first.

    Likeliest: not visited yet; in a round that this person walks; in one that nobody
    walks; then what closes first.
    """
    rows: Sequence[AnyRow] = db.session.execute(
        _STOPS_HERE, {"site_id": current_site_id(), "place_id": place_id, "now": now}
    ).all()

    def rank(stop: Stop) -> tuple[bool, int]:
        whose = 1 if stop.round_person_id is None else 2
        return (
            stop.check_in_id is not None,
            0 if stop.round_person_id == person_id else whose,
        )

    return sorted((Stop(*row) for row in rows), key=rank)


_CODE_HERE = Prebuilt(
    scoped(
        select(WallCode.id).where(
            WallCode.site_id == bindparam("site_id"),
            WallCode.code == bindparam("code"),
            WallCode.place_id == bindparam("place_id"),
            WallCode.revoked_at.is_(None),
        )
    )
)


def is_code_of(place_id: int, code: str) -> bool:
    """Say whether a code of this site belongs to the place and is not revoked."""
    found = _CODE_HERE.first(site_id=current_site_id(), code=code, place_id=place_id)
    return found is not None


def find_checkpoint(place_id: int) -> Checkpoint | None:
    """Return the checkpoint at a place, if the place is on patrol."""
    return db.session.scalar(
        select(Checkpoint).where(
            Checkpoint.place_id == place_id, Checkpoint.retired_at.is_(None)
        )
    )


def look_at(checkpoint_id: int) -> list[str]:
    """Return what to look at, at a checkpoint: the names of its lines, as of now."""
    newest = (
        select(func.max(ChecklistVersion.id))
        .join(Checkpoint, Checkpoint.checklist_id == ChecklistVersion.checklist_id)
        .where(Checkpoint.id == checkpoint_id)
    )
    version_id = db.session.scalar(newest)
    if version_id is None:
        return []
    return [line.name for line in lines_of(current_site_id(), version_id)]


def routes_through(checkpoint_id: int) -> Sequence[Route]:
    """Return the routes that visit a checkpoint."""
    return db.session.scalars(
        select(Route)
        .where(
            Route.retired_at.is_(None),
            exists().where(
                RouteStop.route_id == Route.id,
                RouteStop.checkpoint_id == checkpoint_id,
            ),
        )
        .order_by(Route.ordinal, Route.id)
    ).all()


def next_due(checkpoint_id: int, now: datetime) -> tuple[datetime, str] | None:
    """Return when the point is due next, and on which route."""
    row = db.session.execute(
        select(RoundStop.due_at, Route.name)
        .join(RoundStop.round)
        .join(Round.route)
        .join(Plan, Plan.id == Round.plan_id)
        .where(RoundStop.checkpoint_id == checkpoint_id, Round.opens_at > now)
        .order_by(RoundStop.due_at)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def get_check_in(public_id: str) -> CheckIn:
    """Return a check-in with its point, person and run; raise NotFound."""
    made = db.session.scalar(
        select(CheckIn)
        .where(CheckIn.public_id == public_id)
        .options(
            joinedload(CheckIn.checkpoint),
            joinedload(CheckIn.person),
            joinedload(CheckIn.run),
        )
    )
    if made is None:
        raise NotFound
    return made


def check_in_of(stop_id: int) -> CheckIn | None:
    """Return the check-in at a stop, with its person."""
    return db.session.scalar(
        select(CheckIn)
        .where(CheckIn.round_stop_id == stop_id)
        .options(joinedload(CheckIn.person))
    )
