"""Figures by route, point and person. Extra rounds never move them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import Row, select

from casefield.core.db import db
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Omission,
    OmissionKind,
    Round,
    RoundStop,
    Route,
)
from casefield.people.models import Person


class By(StrEnum):
    """What the figures are grouped by."""

    ROUTE = "route"
    POINT = "point"
    PERSON = "person"


@dataclass(slots=True)
class Figure:
    """How often somewhere was visited as planned."""

    public_id: str
    label: str
    done: int = 0
    late: int = 0
    skipped: int = 0
    missed: int = 0
    #: longest time between two check-ins of one round (of one day for a point)
    longest_gap: timedelta | None = None

    @property
    def planned(self) -> int:
        return self.done + self.skipped + self.missed

    @property
    def rate(self) -> int | None:
        """Visited of planned, in whole per cent; skipped points count as neither."""
        judged = self.done + self.missed
        return round(100 * self.done / judged) if judged else None


def figures(by: By, since: date, until: date) -> list[Figure]:
    """Return figures of the rounds whose day lies in ``since`` … ``until``."""
    done = _visits(since, until)
    found: dict[str, Figure] = {}
    gaps: dict[tuple[str, Any], list[datetime]] = {}
    for row in done:
        figure = _figure_of(found, by, row)
        figure.done += 1
        figure.late += bool(row.is_late)
        run: Any = row.day_on if by is By.POINT else row.round_id
        gaps.setdefault((figure.public_id, run), []).append(row.at)
    for row in _omissions(since, until):
        if by is By.PERSON and row.person_id is None:
            continue
        figure = _figure_of(found, by, row)
        if row.kind is OmissionKind.SKIPPED:
            figure.skipped += 1
        else:
            figure.missed += 1
    for (public_id, _run), instants in gaps.items():
        found[public_id].longest_gap = _longest(found[public_id].longest_gap, instants)
    return sorted(found.values(), key=lambda figure: figure.label)


def _figure_of(found: dict[str, Figure], by: By, row: Row[Any]) -> Figure:
    keys = {
        By.ROUTE: (row.route_id, f"{row.route_code} {row.route_name}"),
        By.POINT: (row.checkpoint_id, f"{row.code} {row.name}"),
        By.PERSON: (row.person_id, row.person_name),
    }
    public_id, label = keys[by]
    return found.setdefault(public_id, Figure(public_id, label))


def _longest(
    before: timedelta | None, instants: Iterable[datetime]
) -> timedelta | None:
    gaps = [b - a for a, b in pairwise(sorted(instants))]
    if before is not None:
        gaps.append(before)
    return max(gaps, default=None)


_GROUPS = (
    Route.public_id.label("route_id"),
    Route.code.label("route_code"),
    Route.name.label("route_name"),
    Checkpoint.public_id.label("checkpoint_id"),
    Checkpoint.code,
    Checkpoint.name,
    Person.public_id.label("person_id"),
    Person.name.label("person_name"),
)


def _visits(since: date, until: date) -> list[Row[Any]]:
    return list(
        db.session.execute(
            select(
                *_GROUPS, CheckIn.at, CheckIn.is_late, Round.day_on, CheckIn.round_id
            )
            .join(Round, Round.id == CheckIn.round_id)
            .join(Route, Route.id == Round.route_id)
            .join(Checkpoint, Checkpoint.id == CheckIn.checkpoint_id)
            .join(Person, Person.id == CheckIn.person_id)
            .where(Round.day_on.between(since, until), Round.plan_id.is_not(None))
            .order_by(CheckIn.id)
        )
    )


def _omissions(since: date, until: date) -> list[Row[Any]]:
    visited = select(CheckIn.round_stop_id).where(
        CheckIn.round_stop_id == Omission.round_stop_id
    )
    return list(
        db.session.execute(
            select(*_GROUPS, Omission.kind)
            .join(Round, Round.id == Omission.round_id)
            .join(Route, Route.id == Round.route_id)
            .join(Checkpoint, Checkpoint.id == Omission.checkpoint_id)
            .join(RoundStop, RoundStop.id == Omission.round_stop_id)
            .outerjoin(Person, Person.id == Omission.person_id)
            .where(
                Round.day_on.between(since, until),
                Round.plan_id.is_not(None),
                ~visited.exists(),
            )
            .order_by(Omission.id)
        )
    )
