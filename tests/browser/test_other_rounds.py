"""Extra rounds, and a round that goes over to a colleague."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, Open
from tests.browser.live import GUARD, MANAGER, Live, wait_for
from tests.browser.walking import check_ins, finish_all_normal, round_of, scan

pytestmark = pytest.mark.browser
OPENS = datetime(2026, 11, 23, 4, 0, 30, tzinfo=UTC)
COLLEAGUE = "S23"
STILL_OPEN = "select count(*) from round where closed_at is null and closes_at <= ?"


def _figures(page: Page) -> str:
    page.goto("/patrol/figures")
    return re.sub(r"\s+", " ", page.locator("main").inner_text())


def test_an_extra_round_never_moves_the_figures(live: Live, open_page: Open) -> None:
    # after the last round of the day, before the closing walk: nothing is due
    between = live.at(datetime(2026, 11, 23, 9, 55, tzinfo=UTC))
    wait_for(lambda: not live.one(STILL_OPEN, f"{between:%Y-%m-%d %H:%M:%S}"))
    manager = open_page(MANAGER, viewport=DESK)
    figures = _figures(manager)
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X05")
    page.get_by_role("button", name="加巡 · 日间巡视").tap()
    expect(page.locator("h1")).to_contain_text("X05")
    finish_all_normal(page)
    page.get_by_role("button", name="结束加巡").tap()
    expect(page.locator("body")).to_contain_text("已交：到 1")
    assert len(check_ins(live, "X05", live.now)) == 1
    assert _figures(manager) == figures


def test_a_round_is_handed_to_a_colleague(live: Live, open_page: Open) -> None:
    live.at(OPENS)
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X01")
    finish_all_normal(page)
    page.get_by_role("link", name="交给同事接着走").tap()
    name = live.one("select name from person where staff_no = ?", COLLEAGUE)
    page.select_option(
        "select[name=person]",
        live.one("select public_id from person where staff_no = ?", COLLEAGUE),
    )
    page.get_by_role("button", name="交给这位同事").tap()
    expect(page.locator("main")).to_contain_text(name)

    other = open_page(COLLEAGUE, has_touch=True)
    expect(other.locator("#tasks")).to_contain_text("第 4 轮")
    scan(other, live, "X02")
    finish_all_normal(other)
    other.goto(f"/patrol/rounds/{round_of(live, 'R-DAY', 4)}")
    expect(other.locator("#round li", has_text="X01")).to_contain_text("周牧云")
    expect(other.locator("#round li", has_text="X02")).to_contain_text(name)
    page.goto("/")
    expect(page.locator("#tasks")).not_to_contain_text("第 4 轮")
