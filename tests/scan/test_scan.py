"""What a scan opens: for strangers, guards, others' guards; good codes and bad ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import func, select

from casefield.core import logs
from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.patrol.models import CheckIn, Method
from casefield.sites.models import Place, WallCode
from tests import factories
from tests.cast import Cast
from tests.client import Browser, browser
from tests.conftest import Frozen
from tests.factories import ground, looking
from tests.patrol.field import Field, make_field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
CROSSING = {"unscoped": "a test counts what all sites hold"}


@pytest.fixture
def field(app: Flask, cast: Cast, frozen: Frozen) -> Field:
    """A round is open at 10:00."""
    frozen.to(MORNING)
    made = make_field(cast)
    frozen.to(TEN)
    made.sweep()
    return made


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the security log was told, from an empty throttle on."""
    monkeypatch.setattr(logs, "_throttle", logs._Throttle(20, lambda: 0.0))
    with structlog.testing.capture_logs() as told:
        yield told


def _wall_code(field: Field, ordinal: int = 1) -> WallCode:
    with looking(field.site):
        return db.session.scalars(
            select(WallCode).where(
                WallCode.place_id == field.points[ordinal - 1].place_id
            )
        ).one()


def _recorded() -> tuple[int, ...]:
    with looking():
        return tuple(
            db.session.scalars(
                select(func.count(table.id)).execution_options(**CROSSING)
            ).one()
            for table in (CheckIn, LedgerLine)
        )


def _check_in(client: Browser, field: Field, code: str, ordinal: int = 1, **more):
    return client.post(
        f"/patrol/rounds/{field.round().public_id}/stops/{ordinal}/check-in",
        data={"code": code, "line-1": "normal", "line-2": "normal", **more},
    )


def test_a_stranger_gets_a_friendly_page_and_a_way_in(
    client: Browser, field: Field
) -> None:
    code = _wall_code(field).code
    answer = client.get(f"/q/{code}")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "员工登录" in text
    assert f"next=/q/{code}" in text.replace("%2F", "/")
    assert 'name="line-1"' not in text


def test_a_scan_opens_the_point_and_checks_in(app: Flask, field: Field) -> None:
    guard, code = browser(app, field.guard), _wall_code(field).code
    page = guard.get(f"/q/{code}").get_data(as_text=True)
    assert field.points[0].code in page
    assert 'name="line-1"' in page
    assert _check_in(guard, field, code).status_code == 303
    assert [visit.method for visit in field.visits()] == [Method.SCAN]
    assert "签过到了" in guard.get(f"/q/{code}").get_data(as_text=True)


def test_capitals_open_the_same_place(app: Flask, field: Field) -> None:
    code = _wall_code(field).code
    assert browser(app, field.guard).get(f"/Q/{code}").status_code == 200


def test_nothing_due_says_when_and_offers_an_extra_round(
    app: Flask, field: Field, frozen: Frozen
) -> None:
    frozen.to(MORNING)
    guard, code = browser(app, field.guard), _wall_code(field).code
    text = guard.get(f"/q/{code}").get_data(as_text=True)
    assert "现在没有轮次要到这里" in text
    assert "10:00" in text
    begun = guard.post(
        f"/patrol/routes/{field.route.public_id}/extra", data={"code": code}
    )
    assert begun.location.endswith(f"/q/{code}")
    assert 'name="line-1"' in guard.get(f"/q/{code}").get_data(as_text=True)


def test_a_code_of_another_site_says_so_and_records_nothing(
    app: Flask, field: Field, cast: Cast
) -> None:
    stranger, code = browser(app, cast.stranger), _wall_code(field).code
    before = _recorded()
    answer = stranger.get(f"/q/{code}")
    assert answer.status_code == 404
    assert "什么也没有记" in answer.get_data(as_text=True)
    assert _check_in(stranger, field, code).status_code == 404
    assert stranger.post(f"/q/{code}/damaged").status_code == 404
    assert _recorded() == before


def test_the_code_of_another_point_is_no_scan_of_this_one(
    app: Flask, field: Field
) -> None:
    answer = _check_in(browser(app, field.guard), field, _wall_code(field, 2).code)
    assert answer.status_code == 422
    assert "请选一个原因" in answer.get_data(as_text=True)
    assert field.visits() == []


@pytest.mark.parametrize("signed_in", [True, False])
def test_an_unknown_code_is_told_and_logged(
    app: Flask, field: Field, client: Browser, events: list[Any], signed_in: bool
) -> None:
    reader = browser(app, field.guard) if signed_in else client
    answer = reader.get("/q/0000000000")
    assert answer.status_code == 404
    assert "对准墙上的码牌再扫一次" in answer.get_data(as_text=True)
    assert "unknown_wall_code" in [event["event"] for event in events]


def test_a_guesser_is_slowed_down_and_a_guard_is_not(
    app: Flask, field: Field, client: Browser, frozen: Frozen
) -> None:
    told = [client.get("/q/0000000000").status_code for _ in range(32)]
    assert told == [404] * 30 + [429] * 2
    assert client.get(f"/q/{_wall_code(field).code}").status_code == 200
    frozen.forward(minutes=1)
    assert client.get("/q/0000000000").status_code == 404


def test_a_revoked_code_opens_nothing_any_more(
    app: Flask, field: Field, events: list[Any]
) -> None:
    code = _wall_code(field)
    with ground(field.site):
        db.session.get_one(WallCode, code.id).revoked_at = TEN
    guard = browser(app, field.guard)
    answer = guard.get(f"/q/{code.code}")
    assert answer.status_code == 404
    assert "已停用" in answer.get_data(as_text=True)
    assert "revoked_wall_code" in [event["event"] for event in events]
    assert _check_in(guard, field, code.code).status_code == 422
    assert field.visits() == []


def test_a_replaced_code_works_until_it_is_revoked(app: Flask, field: Field) -> None:
    old = _wall_code(field)
    with ground(field.site):
        db.session.get_one(WallCode, old.id).replaced_at = TEN
        db.session.flush()
        factories.make_wall_code(db.session.get_one(Place, old.place_id))
    assert _check_in(browser(app, field.guard), field, old.code).status_code == 303


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code,
        str.lower,
        lambda code: f"  {code[:5]} {code[5:]} ",
        lambda code: f"{code[:4]}-{code[4:]}",
        lambda code: code.replace("0", "O").replace("1", "l"),
    ],
)
def test_a_typed_code_is_forgiven(
    app: Flask, field: Field, write: Callable[[str], str]
) -> None:
    guard, code = browser(app, field.guard), _wall_code(field).code
    answer = guard.get("/scan", query_string={"code": write(code)})
    assert answer.status_code == 303
    assert answer.location.endswith(f"/q/{code}?typed=1")
    assert _check_in(guard, field, code, typed="1").status_code == 303
    assert [visit.method for visit in field.visits()] == [Method.TYPED]


@pytest.mark.parametrize("typed", ["", "ABC", "!!!!!!!!!!", "0" * 40])
def test_a_mistyped_code_is_refused_with_words(
    app: Flask, field: Field, typed: str
) -> None:
    answer = browser(app, field.guard).get("/scan", query_string={"code": typed})
    assert answer.status_code == 422
    assert "这个码对不上" in answer.get_data(as_text=True)
    assert browser(app, field.guard).get("/scan").status_code == 200


def test_a_damaged_label_goes_to_management(
    app: Flask, field: Field, cast: Cast
) -> None:
    code = _wall_code(field)
    answer = browser(app, field.guard).post(f"/q/{code.code}/damaged")
    assert answer.status_code == 303
    assert _wall_code(field).damaged_at == TEN
    board = browser(app, cast.manager).get("/board").get_data(as_text=True)
    assert "损坏的码牌" in board


def test_by_hand_with_a_damaged_label_tells_management_too(
    app: Flask, field: Field
) -> None:
    answer = _check_in(browser(app, field.guard), field, "", why="label")
    assert answer.status_code == 303
    ((visit,),) = [field.visits()]
    assert (visit.method, visit.reason) == (Method.HAND, "码牌损坏或被挡")
    assert _wall_code(field).damaged_at == TEN


def test_the_sales_side_has_nothing_to_do_at_a_wall(
    app: Flask, field: Field, cast: Cast
) -> None:
    code = _wall_code(field).code
    text = browser(app, cast.sales).get(f"/q/{code}").get_data(as_text=True)
    assert 'name="line-1"' not in text
    assert _check_in(browser(app, cast.sales), field, code).status_code == 403
