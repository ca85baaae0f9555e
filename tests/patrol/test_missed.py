"""Missed is decided by the clock alone, once, and names every point."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask

from casefield.core import clock
from casefield.core.db import db
from casefield.core.errors import Conflict, DomainError
from casefield.patrol.models import Omission, OmissionKind, Round
from casefield.patrol.queries.rounds import Outcome, misses_of
from casefield.patrol.services import rounds
from casefield.people.models import ClosedDay
from casefield.people.queries import find_closed_day
from casefield.people.services import close_day, open_day
from tests import factories
from tests.cast import Cast
from tests.conftest import Frozen
from tests.factories import ground, looking
from tests.patrol.conftest import MORNING
from tests.patrol.field import Field, Walker, make_field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
OVER = TEN + timedelta(minutes=75)


def test_done_skipped_and_missed_are_three_things(field: Field, frozen: Frozen) -> None:
    frozen.to(TEN)
    field.check_in(1)
    field.skip(2, "有客人在")
    frozen.to(OVER)
    field.sweep()
    assert [point.outcome for point in field.progress().points] == [
        Outcome.DONE,
        Outcome.SKIPPED,
        Outcome.MISSED,
    ]
    ((code, who, at),) = field.omissions(OmissionKind.SKIPPED)
    assert (code, who, at) == (field.points[1].code, field.guard.id, TEN)
    ((code, who, at),) = field.omissions(OmissionKind.MISSED)
    assert (code, who, at) == (field.points[2].code, field.guard.id, OVER)


def test_a_miss_names_who_was_on_duty_when_nobody_walked(
    field: Field, frozen: Frozen
) -> None:
    shift = factories.make_shift(field.site)
    factories.make_rota_entry(field.guard, shift, field.post, date(2026, 3, 5))
    frozen.to(OVER)
    field.sweep()
    assert {who for _code, who, _at in field.omissions(OmissionKind.MISSED)} == {
        field.guard.id
    }


def test_sweeping_again_changes_nothing(field: Field, frozen: Frozen) -> None:
    frozen.to(OVER)
    assert field.sweep() == 3
    told = field.ledger_count("patrol.point.missed")
    assert [field.sweep() for _ in range(3)] == [0, 0, 0]
    assert len(field.missed) == 3
    assert field.ledger_count("patrol.point.missed") == told
    assert len({(r.day_on, r.ordinal) for r in field.all_rounds()}) == len(
        field.all_rounds()
    )


def test_many_sweeps_at_once_miss_once(
    fresh_app: Flask, fresh_cast: Cast, frozen: Frozen
) -> None:
    frozen.to(MORNING)
    field = make_field(fresh_cast)
    field.sweep()
    frozen.to(OVER)
    start, failures = Barrier(4), []

    def sweep() -> None:
        start.wait()
        try:
            with fresh_app.app_context():
                rounds.sweep(clock.now())
        except Exception as problem:
            failures.append(problem)

    threads = [Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert field.missed == [point.code for point in field.points]
    assert field.ledger_count("patrol.point.missed") == 3


def test_a_server_that_stood_still_for_two_days_tells_all(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    for ordinal in (1, 2, 3):
        field.check_in(ordinal)
    frozen.to(TEN + timedelta(days=2, hours=12))
    # 5 March: one of two rounds was walked; 6 and 7 March: nobody came
    assert field.sweep() == 3 + 6 + 6
    days = [r.day_on.day for r in field.all_rounds() if r.closed_at is not None]
    assert days == [5, 5, 6, 6, 7, 7]


def test_closing_a_day_takes_away_rounds_laid_out_before(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN - timedelta(hours=3))
    field.sweep()
    today = field.round().day_on
    assert field.all_rounds(Round.day_on == today)
    with ground(field.site):
        close_day(today, "", field.walker, clock.now())
    field.sweep()
    assert field.all_rounds(Round.day_on == today) == []
    with ground(field.site):
        open_day(find_closed_day(today), field.walker, clock.now())
    field.sweep()
    assert len(field.all_rounds(Round.day_on == today)) == 2


def test_nothing_is_due_on_a_closed_day(field: Field, frozen: Frozen) -> None:
    with ground(field.site):
        db.session.add(
            ClosedDay(site_id=field.site.id, on_day=date(2026, 3, 7), reason="闭馆")
        )
    frozen.to(TEN + timedelta(days=3, hours=12))
    field.sweep()
    assert {r.day_on.day for r in field.all_rounds()} >= {5, 6, 8}
    assert 7 not in {r.day_on.day for r in field.all_rounds()}


def _standing(field: Field) -> list[Omission]:
    with looking(field.site):
        return list(misses_of(field.round().id))


def test_closing_a_miss_takes_a_person_and_a_word_and_keeps_it(
    field: Field, cast: Cast, frozen: Frozen
) -> None:
    frozen.to(OVER)
    field.sweep()
    author = Walker(cast.manager.id)
    with ground(field.site), pytest.raises(DomainError):
        rounds.close_miss(misses_of(field.round().id)[0], "  ", author, OVER)
    ids = [miss.id for miss in _standing(field)]
    with ground(field.site):
        rounds.close_misses(ids, "当班去支援车场", author, OVER)
    for miss in _standing(field):
        assert miss.kind is OmissionKind.MISSED
        assert (miss.closed_by_id, miss.comment) == (author.person_id, "当班去支援车场")
    with ground(field.site), pytest.raises(Conflict):
        rounds.close_misses(ids, "再来一次", author, OVER)
    assert field.missed == [point.code for point in field.points]
