"""Lists keep their versions; what is abnormal stands until somebody closes it."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.checks import services
from casefield.checks.models import (
    Checklist,
    CheckRun,
    Finding,
    FindingState,
    Result,
)
from casefield.checks.queries import (
    current_versions,
    get_checklist,
    lines_of,
    list_open_findings,
)
from casefield.checks.services import Answer
from casefield.core.db import db
from casefield.core.errors import Conflict
from tests import factories
from tests.cast import Cast
from tests.client import browser
from tests.conftest import Frozen
from tests.factories import ground, looking
from tests.happenings import make_finding
from tests.patrol.field import Walker

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
NORMAL, NA = Answer(Result.NORMAL), Answer(Result.NOT_APPLICABLE)


def _record(cast: Cast, version_id: int, answers: services.Answers) -> int:
    place = factories.make_place(cast.site)
    with ground(cast.site):
        return services.record_run(version_id, place.id, answers, cast.guard.id, TEN)


@pytest.fixture
def version_id(app: Flask, cast: Cast, frozen: Frozen) -> int:
    """Two lines: the door, the lamp."""
    with ground(cast.site):
        whole = services.make_checklist(
            "东门", [("门", "锁好"), ("灯", "")], Walker(cast.manager.id), TEN
        )
        return current_versions([whole.id])[whole.id]


def test_each_line_wants_an_answer_and_each_fault_a_word(
    cast: Cast, version_id: int
) -> None:
    with pytest.raises(services.AnswerMissing):
        _record(cast, version_id, {1: NORMAL})
    with pytest.raises(services.NoteMissing):
        _record(cast, version_id, {1: NORMAL, 2: Answer(Result.ABNORMAL, "  ")})
    with looking(cast.site):
        assert db.session.scalars(select(CheckRun)).all() == []
    _record(cast, version_id, {1: NORMAL, 2: NA})
    with looking(cast.site):
        assert db.session.scalars(select(Finding)).all() == []


def test_what_is_abnormal_stands_till_it_is_closed_once(
    cast: Cast, version_id: int
) -> None:
    _record(cast, version_id, {1: NORMAL, 2: Answer(Result.ABNORMAL, "不亮")})
    with looking(cast.site):
        (standing,) = list_open_findings()
    assert (standing.line_name, standing.note) == ("灯", "不亮")
    author = Walker(cast.manager.id)

    def close(comment: str) -> None:
        with ground(cast.site):
            finding = db.session.scalars(select(Finding)).one()
            services.close_finding(finding, comment, author, TEN)

    with pytest.raises(services.ReasonMissing):
        close(" ")
    close("换了灯")
    with pytest.raises(Conflict):
        close("又换")
    with looking(cast.site):
        assert list_open_findings() == []
        kept = db.session.scalars(select(Finding)).one()
    assert (kept.state, kept.closed_by_id, kept.closing_note) == (
        FindingState.CLOSED,
        author.person_id,
        "换了灯",
    )


def test_old_runs_keep_the_list_they_were_made_with(
    cast: Cast, version_id: int
) -> None:
    run_id = _record(cast, version_id, {1: NORMAL, 2: NORMAL})
    author = Walker(cast.manager.id)
    with ground(cast.site):
        (found,) = db.session.scalars(select(Checklist).where(Checklist.name == "东门"))
        whole = get_checklist(found.public_id)
        same = [("门", "锁好"), ("灯", "")]
        assert not services.revise_checklist(whole, "东门", same, author, TEN)
        assert services.revise_checklist(whole, "东门", [("窗", "关")], author, TEN)
        newest = current_versions([whole.id])[whole.id]
    with looking(cast.site):
        run = db.session.get_one(CheckRun, run_id)
        assert [line.name for line in lines_of(cast.site.id, newest)] == ["窗"]
        old = lines_of(cast.site.id, run.version_id)
        assert [line.name for line in old] == ["门", "灯"]


def test_a_finding_is_closed_on_its_page(
    app: Flask, cast: Cast, frozen: Frozen
) -> None:
    checklist = factories.make_checklist(cast.site)
    point = factories.make_checkpoint(cast.site, checklist=checklist)
    finding = make_finding(cast.site, checklist, point, cast.guard)
    lead, page = browser(app, cast.lead), f"/findings/{finding.public_id}"
    assert "门没锁" in lead.get(page).text
    assert browser(app, cast.guard).get(page).status_code == 403
    assert lead.post(page).status_code == 422
    assert lead.post(page, data={"comment": "已修"}).status_code == 303
    assert lead.post(page, data={"comment": "再修"}).status_code == 409
    assert "已修" in lead.get(page).text
