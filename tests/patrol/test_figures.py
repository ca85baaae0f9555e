"""The figures add up, whatever was walked."""

from datetime import UTC, date, datetime, timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from casefield.core.db import db
from casefield.core.errors import DomainError
from casefield.patrol.models import Round
from casefield.patrol.queries.figures import By, figures
from casefield.patrol.queries.rounds import Outcome
from casefield.sites.models import Site
from tests.cast import Cast
from tests.conftest import Frozen
from tests.factories import ground, looking
from tests.patrol.conftest import MORNING
from tests.patrol.field import Field, make_field

OPENS = datetime(2026, 3, 5, 1, 50, tzinfo=UTC)
DAY = date(2026, 3, 5)
#: at which minute after opening, at which point, what
STEPS = some.lists(
    some.tuples(
        some.integers(0, 90), some.integers(1, 3), some.sampled_from(["visit", "skip"])
    ),
    max_size=8,
)


def _walk(field: Field, frozen: Frozen, steps: list[tuple[int, int, str]]) -> None:
    for minute, point, what in sorted(steps):
        frozen.to(OPENS + timedelta(minutes=minute))
        try:
            field.check_in(point) if what == "visit" else field.skip(point)
        except DomainError:
            continue


def _figure(field: Field, by: By, public_id: str):
    with looking(field.site):
        return next(f for f in figures(by, DAY, DAY) if f.public_id == public_id)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_done_skipped_and_missed_make_the_plan(
    app: Flask, cast: Cast, frozen: Frozen, steps: list[tuple[int, int, str]]
) -> None:
    frozen.to(MORNING)
    with ground(cast.site):
        db.session.get_one(Site, cast.site.id).swept_until_at = None
    field = make_field(cast, lines=False)
    field.sweep()
    _walk(field, frozen, steps)
    frozen.to(OPENS + timedelta(hours=12))
    field.sweep()

    figure = _figure(field, By.ROUTE, field.route.public_id)
    closed = field.all_rounds(Round.day_on == DAY)
    assert all(round_.closed_at is not None for round_ in closed)
    progress = [field.progress(round_) for round_ in closed]
    assert figure.done + figure.skipped + figure.missed == sum(
        len(p.points) for p in progress
    )
    assert figure.done == len(field.visits()) == sum(p.visited for p in progress)
    assert figure.late == sum(visit.is_late for visit in field.visits())
    assert figure.missed == len(field.missed)
    assert figure.skipped == sum(p.count(Outcome.SKIPPED) for p in progress)
    by_point = [_figure(field, By.POINT, point.public_id) for point in field.points]
    assert sum(f.planned for f in by_point) == figure.planned
    assert sum(f.done for f in by_point) == figure.done


def test_the_longest_gap_is_between_visits_of_one_round(
    field: Field, frozen: Frozen
) -> None:
    for minute, point in ((10, 1), (13, 2), (41, 3)):
        frozen.to(OPENS + timedelta(minutes=minute))
        field.check_in(point)
    frozen.to(OPENS + timedelta(minutes=150))
    field.check_in(1, of=field.round(2))
    figure = _figure(field, By.ROUTE, field.route.public_id)
    assert figure.longest_gap == timedelta(minutes=28)
    person = _figure(field, By.PERSON, field.guard.public_id)
    assert (person.done, person.late) == (4, 2)
