"""An edit reaches the rounds that are not open yet, and none before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casefield.core.windows import Plan as Timing
from casefield.patrol.models import Plan
from casefield.patrol.services import routes as services
from tests import factories
from tests.conftest import Frozen
from tests.factories import ground
from tests.patrol.field import Field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
NOON = TEN + timedelta(hours=2)


def _wish(field: Field, **numbers: int) -> services.Wish:
    given: dict[str, Any] = {
        "first_start": 600,
        "last_start": 720,
        "period": 120,
        "early": 10,
        "start_grace": 10,
        "duration": 60,
        "finish_grace": 15,
        **numbers,
    }
    return services.Wish("白班", field.post.id, Timing(**given))


def _edit(field: Field, now: datetime, **numbers: int) -> None:
    with ground(field.site):
        route = field.loaded_route()
        (plan,) = services.current_plans(route, now)
        services.change_plan(route, plan, _wish(field, **numbers), field.walker, now)


def test_an_edit_reaches_only_rounds_that_are_not_open_yet(
    field: Field, frozen: Frozen
) -> None:
    now = frozen.to(TEN)
    field.check_in(1)
    _edit(field, now, duration=40, start_grace=5)
    today = [r for r in field.all_rounds() if r.day_on.day == 5]
    assert [(r.starts_at, r.ends_at - r.starts_at) for r in today] == [
        (TEN, timedelta(minutes=60)),
        (NOON, timedelta(minutes=40)),
    ]
    assert today[0].plan_id == field.plan.id != today[1].plan_id
    assert [v.round_id for v in field.visits()] == [today[0].id]


def test_an_edit_before_the_start_makes_no_second_round(
    field: Field, frozen: Frozen
) -> None:
    """The round is open for early comers: it stays, and nobody owes another."""
    now = frozen.to(TEN - timedelta(minutes=5))
    _edit(field, now, duration=40)
    assert [r.starts_at for r in field.all_rounds() if r.day_on.day == 5] == [
        TEN,
        NOON,
    ]
    frozen.to(TEN + timedelta(minutes=75))
    assert field.sweep() == 3


def test_past_rounds_keep_the_numbers_they_were_judged_by(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN + timedelta(minutes=12))
    field.check_in(1)
    before = [(r.id, r.late_from_at, r.closes_at) for r in field.all_rounds()][:1]
    now = frozen.to(TEN + timedelta(hours=4))
    field.sweep()
    missed = field.missed
    _edit(field, now, start_grace=60)
    assert [(r.id, r.late_from_at, r.closes_at) for r in field.all_rounds()][
        :1
    ] == before
    assert [visit.is_late for visit in field.visits()] == [True]
    assert field.missed == missed


def test_a_route_edit_leaves_the_round_underway_alone(
    field: Field, frozen: Frozen
) -> None:
    now = frozen.to(TEN)
    field.check_in(1)
    extra = factories.make_checkpoint(field.site)
    with ground(field.site):
        services.change_route(
            field.loaded_route(),
            "短路线",
            [(field.points[0].id, 0), (extra.id, 8)],
            field.walker,
            now,
        )
    first, second = field.all_rounds()[:2]
    assert [p.code for p in field.progress(first).points] == [
        point.code for point in field.points
    ]
    assert [p.code for p in field.progress(second).points] == [
        field.points[0].code,
        extra.code,
    ]


@pytest.mark.parametrize(
    "stops", [[], [(0, 0), (0, 5)], [(0, 5), (1, 3)], [(0, -1), (1, 2)]]
)
def test_stops_that_cannot_be_walked_are_refused(
    field: Field, frozen: Frozen, stops: list[tuple[int, int]]
) -> None:
    wanted = [(field.points[n].id, minutes) for n, minutes in stops]
    with ground(field.site), pytest.raises(services.StopsWrong):
        services.change_route(
            field.loaded_route(), "错", wanted, field.walker, frozen.now
        )


def test_a_walk_longer_than_the_plan_is_refused(field: Field, frozen: Frozen) -> None:
    wanted = [(field.points[0].id, 0), (field.points[1].id, 61)]
    with ground(field.site), pytest.raises(services.TimingWrong):
        services.change_route(
            field.loaded_route(), "长", wanted, field.walker, frozen.now
        )


def test_an_ended_plan_and_a_retired_route_owe_nothing_more(
    field: Field, frozen: Frozen
) -> None:
    now = frozen.to(TEN)
    with ground(field.site):
        route = field.loaded_route()
        services.end_plan(route, route.plans[0], field.walker, now)
    assert [r.starts_at for r in field.all_rounds()] == [TEN]
    with ground(field.site):
        services.make_plan(field.loaded_route(), _wish(field), field.walker, now)
    assert [r.starts_at for r in field.all_rounds()][:2] == [TEN, NOON]
    with ground(field.site):
        services.retire_route(field.loaded_route(), field.walker, now)
    assert [r.starts_at for r in field.all_rounds()] == [TEN]


def test_numbers_that_do_not_fit_are_named(field: Field, frozen: Frozen) -> None:
    with ground(field.site), pytest.raises(services.TimingWrong, match="重叠"):
        services.make_plan(
            field.loaded_route(), _wish(field, period=60), field.walker, frozen.now
        )
    assert isinstance(field.plan, Plan)


def test_zero_means_zero(field: Field, frozen: Frozen) -> None:
    _edit(field, frozen.now, early=0, start_grace=0, finish_grace=0)
    round_ = field.all_rounds()[0]
    assert round_.opens_at == round_.starts_at == round_.late_from_at
    assert round_.closes_at == round_.ends_at
