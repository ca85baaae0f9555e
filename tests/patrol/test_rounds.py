"""Handing over and in, extra rounds, corrections."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from casefield.checks.models import CheckRevision, Finding, FindingState, Result
from casefield.checks.queries import list_open_findings
from casefield.checks.services import Answer, NoteMissing, ReasonMissing
from casefield.core.db import db
from casefield.patrol.models import NoteKind, Round
from casefield.patrol.queries import points as queries
from casefield.patrol.queries.figures import By, figures
from casefield.patrol.queries.rounds import get_round
from casefield.patrol.services import check_in as services
from casefield.patrol.services import rounds
from casefield.patrol.services.notes import NoteEmpty, write_note
from tests.cast import Cast
from tests.conftest import Frozen
from tests.factories import ground, looking
from tests.patrol.field import Field, Walker

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
ABNORMAL = {1: Answer(Result.ABNORMAL, "门锁坏了"), 2: Answer(Result.NORMAL)}
WELL = {1: Answer(Result.NORMAL), 2: Answer(Result.NORMAL)}


def _close(field: Field, now: datetime) -> None:
    with ground(field.site):
        rounds.close_round(
            get_round(field.round().public_id, for_write=True), field.walker, now
        )


def test_a_sheet_is_handed_in_when_every_point_is_answered_for(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    field.check_in(1)
    field.skip(2)
    with pytest.raises(rounds.StopsOpen):
        _close(field, TEN)
    field.check_in(3)
    _close(field, TEN)
    with pytest.raises(rounds.RoundClosed):
        _close(field, TEN)
    with pytest.raises(rounds.RoundClosed):
        field.check_in(2)
    frozen.to(TEN + timedelta(hours=1, minutes=20))
    field.sweep()
    assert field.missed == []


def test_a_skipped_point_may_still_be_visited(field: Field, frozen: Frozen) -> None:
    frozen.to(TEN)
    field.skip(1)
    field.check_in(1)
    field.check_in(2)
    field.check_in(3)
    assert field.progress().visited == 3
    with looking(field.site):
        (figure,) = _of(field)
    assert (figure.done, figure.skipped, figure.planned) == (3, 0, 3)


def _of(field: Field):
    return [
        figure
        for figure in figures(By.ROUTE, date(2026, 3, 5), date(2026, 3, 5))
        if figure.public_id == field.route.public_id
    ]


def test_a_colleague_goes_on_where_the_round_stands(
    field: Field, cast: Cast, frozen: Frozen
) -> None:
    frozen.to(TEN)
    field.check_in(1)
    with ground(field.site):
        rounds.hand_over_round(
            get_round(field.round().public_id, for_write=True),
            cast.lead,
            field.walker,
            TEN,
        )
    assert field.round().person_id == cast.lead.id
    field.check_in(2, who=cast.lead)
    assert [visit.person_id for visit in field.visits()] == [
        field.guard.id,
        cast.lead.id,
    ]
    assert field.ledger_count("patrol.round.handed_over") == 1
    frozen.to(TEN + timedelta(hours=2))
    field.sweep()
    with ground(field.site), pytest.raises(rounds.RoundClosed):
        rounds.hand_over_round(
            get_round(field.round().public_id), cast.guard, field.walker, frozen.now
        )


def _extra(field: Field, now: datetime) -> Round:
    with ground(field.site):
        return rounds.begin_extra_round(
            field.loaded_route(), field.site.zone, field.walker, now
        )


def test_an_extra_round_counts_for_nothing_and_is_never_missed(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    field.check_in(1)
    with looking(field.site):
        before = _of(field)
    extra = _extra(field, TEN)
    field.check_in(2, of=extra)
    with looking(field.site):
        assert _of(field) == before
    frozen.to(TEN + timedelta(hours=4))
    field.sweep()
    with looking(field.site):
        (figure,) = _of(field)
    assert (figure.done, figure.missed) == (1, 5), "two planned rounds of three points"
    assert len(field.all_rounds(Round.plan_id.is_(None), Round.closed_at.is_not(None)))
    assert _extra(field, frozen.now).ordinal == 2


def _correct(field: Field, check_in_id: str, answers, reason: str = "") -> None:
    with ground(field.site):
        services.correct(
            queries.get_check_in(check_in_id), answers, reason, field.walker, TEN
        )


def _revisions(field: Field) -> list[tuple[dict[str, str], str, int]]:
    with looking(field.site):
        return [
            (revision.results_before, revision.reason, revision.person_id)
            for revision in db.session.scalars(
                select(CheckRevision).order_by(CheckRevision.id)
            )
        ]


def test_a_mistaken_tick_is_put_right_with_its_trace(
    field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    made = field.check_in(1)
    with pytest.raises(NoteMissing):
        _correct(field, made, {**WELL, 1: Answer(Result.ABNORMAL)})
    _correct(field, made, ABNORMAL)
    with looking(field.site):
        assert [f.note for f in list_open_findings()] == ["门锁坏了"]
    _correct(field, made, WELL)
    with looking(field.site):
        assert list_open_findings() == []
        states = [finding.state for finding in db.session.scalars(select(Finding))]
        assert states == [FindingState.WITHDRAWN]
    assert _revisions(field) == [
        ({"1": "normal", "2": "normal"}, "", field.guard.id),
        ({"1": "abnormal", "2": "normal"}, "", field.guard.id),
    ]
    _correct(field, made, WELL)
    assert len(_revisions(field)) == 2, "the same answers again are no correction"
    assert field.ledger_count("patrol.check_in.corrected") == 2


def test_after_handing_in_a_correction_says_why(field: Field, frozen: Frozen) -> None:
    frozen.to(TEN)
    made = field.check_in(1)
    field.check_in(2)
    field.check_in(3)
    _close(field, TEN)
    with pytest.raises(ReasonMissing):
        _correct(field, made, ABNORMAL, "  ")
    assert _revisions(field) == []
    _correct(field, made, ABNORMAL, "勾错了")
    assert [reason for _before, reason, _who in _revisions(field)] == ["勾错了"]
    assert field.ledger_count("patrol.check_in.amended") == 1


def test_a_note_says_something(field: Field, cast: Cast) -> None:
    place = field.points[0].place_id
    with ground(field.site), pytest.raises(NoteEmpty):
        write_note(NoteKind.VIOLATION, place, "  ", Walker(cast.guard.id), TEN)
