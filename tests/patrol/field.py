"""A route with a plan and somebody to walk it, and the steps of a walk."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from casefield.checks.models import Result
from casefield.checks.queries import lines_of
from casefield.checks.services import Answer
from casefield.core import clock
from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.core.scope import current_site_id
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Method,
    Omission,
    OmissionKind,
    Plan,
    Round,
    Route,
)
from casefield.patrol.queries.points import Stop, get_stop
from casefield.patrol.queries.rounds import Progress, get_progress, get_route
from casefield.patrol.services import check_in as points
from casefield.patrol.services import rounds
from casefield.people.models import Person, Post
from casefield.sites.models import Site
from tests import factories
from tests.cast import Cast
from tests.factories import ground, looking

#: two rounds a day at 10:00 and 12:00: open from 9:50, late from 10:10, over at 11:15
NUMBERS = {
    "first_start_minutes": 600,
    "last_start_minutes": 720,
    "period_minutes": 120,
    "early_minutes": 10,
    "start_grace_minutes": 10,
    "duration_minutes": 60,
    "finish_grace_minutes": 15,
}


@dataclass(frozen=True)
class Walker:
    """An author as services want one."""

    person_id: int
    device_id: int | None = None


@dataclass(frozen=True)
class Field:
    """Where a test walks."""

    site: Site
    route: Route
    plan: Plan
    post: Post
    guard: Person
    points: list[Checkpoint]

    @property
    def walker(self) -> Walker:
        return Walker(self.guard.id)

    def sweep(self) -> int:
        """Do what the clock does, at the present instant."""
        with ground(self.site):
            site = db.session.get_one(Site, self.site.id)
            return rounds.sweep_site(site, clock.now())

    def all_rounds(self, *conditions: Any) -> list[Round]:
        with looking(self.site):
            return list(
                db.session.scalars(
                    select(Round)
                    .where(Round.route_id == self.route.id, *conditions)
                    .order_by(Round.starts_at, Round.id)
                )
            )

    def round(self, ordinal: int = 1) -> Round:
        """Return the first day's round of that number."""
        return next(r for r in self.all_rounds() if r.ordinal == ordinal and r.plan_id)

    def check_in(
        self, ordinal: int, of: Round | None = None, who: Person | None = None
    ) -> str:
        """Check in at a point with everything normal."""
        with ground(self.site):
            stop = self._stop(ordinal, of)
            return points.check_in(
                stop,
                points.Visit(Method.SCAN, answers=normal(stop)),
                Walker((who or self.guard).id),
                clock.now(),
            )

    def skip(
        self, ordinal: int, reason: str = "门锁着", of: Round | None = None
    ) -> None:
        with ground(self.site):
            stop = self._stop(ordinal, of)
            points.skip(stop, reason, self.walker, clock.now())

    def _stop(self, ordinal: int, of: Round | None) -> Stop:
        round_id = (of or self.round()).public_id
        return get_stop(round_id, ordinal, for_write=True)

    def progress(self, of: Round | None = None) -> Progress:
        with looking(self.site):
            return get_progress((of or self.round()).public_id, clock.now())

    def loaded_route(self) -> Route:
        """Return the route as editors get it; inside :func:`ground`."""
        return get_route(self.route.public_id)

    def omissions(self, kind: OmissionKind) -> list[tuple[str, int | None, datetime]]:
        """Return (point, person, instant) of what was left out in that way."""
        with looking(self.site):
            rows = db.session.execute(
                select(Checkpoint.code, Omission.person_id, Omission.at)
                .join(Checkpoint, Checkpoint.id == Omission.checkpoint_id)
                .join(Round, Round.id == Omission.round_id)
                .where(Omission.kind == kind, Round.route_id == self.route.id)
                .order_by(Omission.id)
            )
            return [(row.code, row.person_id, row.at) for row in rows]

    @property
    def missed(self) -> list[str]:
        return [code for code, _who, _at in self.omissions(OmissionKind.MISSED)]

    def visits(self) -> list[CheckIn]:
        with looking(self.site):
            return list(
                db.session.scalars(
                    select(CheckIn)
                    .join(Round, Round.id == CheckIn.round_id)
                    .where(Round.route_id == self.route.id)
                    .order_by(CheckIn.id)
                )
            )

    def ledger_count(self, verb: str) -> int:
        with looking(self.site):
            return int(
                db.session.scalar(
                    select(func.count(LedgerLine.id)).where(LedgerLine.verb == verb)
                )
                or 0
            )


def normal(stop: Stop) -> dict[int, Answer]:
    """Answer every line of a stop's list with normal."""
    if stop.version_id is None:
        return {}
    lines = lines_of(current_site_id(), stop.version_id)
    return {line.ordinal: Answer(Result.NORMAL) for line in lines}


def make_field(
    cast: Cast, stops: int = 3, *, lines: bool = True, **numbers: Any
) -> Field:
    """Lay out a route of checkpoints five minutes apart, and a plan on it."""
    with ground(cast.site):
        checklist = factories.make_checklist(cast.site) if lines else None
        points_ = [
            factories.make_checkpoint(cast.site, checklist=checklist)
            for _ in range(stops)
        ]
        route = factories.make_route(cast.site, points_)
        post = factories.make_post(cast.site)
        plan = factories.make_plan(
            route, post, **(NUMBERS | {"valid_from_at": clock.now()} | numbers)
        )
    return Field(cast.site, route, plan, post, cast.guard, points_)
