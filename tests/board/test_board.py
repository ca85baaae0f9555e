"""Home: my next tasks. The duty board: what is late, missed and abnormal now."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from casefield.core.db import db
from casefield.sites.models import Site
from tests import factories
from tests.cast import Cast
from tests.client import browser
from tests.conftest import Frozen
from tests.factories import ground
from tests.patrol.field import Field, make_field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)


@pytest.fixture
def field(app: Flask, cast: Cast, frozen: Frozen) -> Field:
    """The guard is on duty; rounds at 10:00 and 12:00."""
    frozen.to(MORNING)
    made = make_field(cast)
    shift = factories.make_shift(cast.site)
    factories.make_rota_entry(cast.guard, shift, made.post, date(2026, 3, 5))
    made.sweep()
    return made


def _text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_home_shows_what_is_next_by_post_and_time(
    app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    guard = browser(app, cast.guard)
    before = _text(guard.get("/"))
    assert before.index("10:00") < before.index("12:00")
    frozen.to(TEN)
    now = _text(guard.get("/"))
    assert f"下一点：{field.points[0].code}" in now
    field.check_in(1)
    assert f"下一点：{field.points[1].code}" in _text(guard.get("/"))
    assert field.route.name in _text(guard.get("/tasks"))


def test_home_of_somebody_at_another_post_shows_no_round(
    app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    for person in (cast.lead, cast.sales):
        home = browser(app, person).get("/")
        assert home.status_code == 200
        assert field.route.name not in home.text


def test_only_a_fragment_is_fetched_again(app: Flask, cast: Cast, field: Field) -> None:
    guard = browser(app, cast.guard)
    assert "<html" in guard.get("/").text
    assert "<html" not in guard.get("/", fragment=True).text


def test_the_board_names_late_then_missed(
    app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    lead = browser(app, cast.lead)
    frozen.to(TEN)
    assert "没有要处理的" in _text(lead.get("/board"))
    frozen.to(TEN + timedelta(minutes=10))
    late = _text(lead.get("/board"))
    assert re.search(rf"{field.route.name} 第 1 轮有 1 点迟到", late)
    field.check_in(1)
    frozen.to(TEN + timedelta(minutes=75))
    field.sweep()
    missed = _text(lead.get("/board"))
    assert f"{field.route.name} 第 1 轮漏巡 2 点" in missed
    for point in field.points[1:]:
        assert f"{point.code} {point.name}" in missed
    assert browser(app, cast.guard).get("/board").status_code == 403


def test_the_board_of_one_site_knows_nothing_of_another(
    app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN + timedelta(minutes=75))
    field.sweep()
    with ground(cast.other_site):
        assert db.session.get_one(Site, cast.other_site.id)
    board = _text(browser(app, cast.stranger).get("/board"))
    assert field.route.name not in board
    assert "没有要处理的" in board


def test_search_finds_people_places_and_records(
    app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    field.check_in(1)
    lead = browser(app, cast.lead)

    def found(text: str) -> str:
        return _text(lead.get("/search", query_string={"q": text}))

    assert cast.guard.staff_no in found(cast.guard.name[0])
    assert field.points[0].name in found(field.points[0].name)
    assert "没有找到" in found("没有这个词")
    assert lead.get("/search").status_code == 200
