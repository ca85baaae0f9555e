"""Too early, late, over: each changes exactly at its instant."""

from datetime import UTC, datetime, timedelta

import pytest

from casefield.patrol.models import Method
from casefield.patrol.queries.points import get_stop
from casefield.patrol.services import check_in as services
from casefield.patrol.services.rounds import RoundClosed
from tests.conftest import Frozen
from tests.factories import ground
from tests.patrol.field import Field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
BLINK = timedelta(seconds=1)
OPENS, LATE, CLOSES = (TEN + timedelta(minutes=m) for m in (-10, 10, 75))


def test_a_round_opens_at_its_instant(field: Field, frozen: Frozen) -> None:
    frozen.to(OPENS - BLINK)
    with pytest.raises(services.NotOpenYet):
        field.check_in(1)
    frozen.to(OPENS)
    field.check_in(1)
    assert [visit.is_late for visit in field.visits()] == [False]


def test_a_visit_is_late_from_its_instant(field: Field, frozen: Frozen) -> None:
    frozen.to(LATE - BLINK)
    field.check_in(1)
    # the second point is due five minutes later and has the same grace
    frozen.to(LATE + timedelta(minutes=5) - BLINK)
    field.check_in(2)
    frozen.to(LATE + timedelta(minutes=10))
    field.check_in(3)
    assert [visit.is_late for visit in field.visits()] == [False, False, True]


def test_a_round_is_over_at_its_instant_swept_or_not(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(CLOSES - BLINK)
    field.check_in(1)
    frozen.to(CLOSES)
    with pytest.raises(RoundClosed):
        field.check_in(2)
    with pytest.raises(RoundClosed):
        field.skip(2)
    assert len(field.visits()) == 1


def test_a_point_is_missed_at_its_instant(field: Field, frozen: Frozen) -> None:
    frozen.to(CLOSES - BLINK)
    field.check_in(2)
    assert field.sweep() == 0
    assert field.missed == []
    frozen.to(CLOSES)
    assert field.sweep() == 2
    assert field.missed == [field.points[0].code, field.points[2].code]


def test_one_point_one_visit(field: Field, frozen: Frozen) -> None:
    frozen.to(TEN)
    field.check_in(1)
    with pytest.raises(services.AlreadyDone):
        field.check_in(1)
    with pytest.raises(services.AlreadyDone):
        field.skip(1)
    assert len(field.visits()) == 1


def test_by_hand_wants_a_reason(field: Field, frozen: Frozen) -> None:
    frozen.to(TEN)
    with ground(field.site), pytest.raises(services.HandReasonMissing):
        services.check_in(
            get_stop(field.round().public_id, 1),
            services.Visit(Method.HAND, "  "),
            field.walker,
            TEN,
        )
    assert field.visits() == []
