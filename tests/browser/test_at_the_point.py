"""Everything that can go differently at one point. Each test has points of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, Open, fill_sign_in
from tests.browser.live import GUARD, MANAGER, Live, copy_of, wait_for
from tests.browser.walking import (
    ALL_NORMAL,
    FINISH,
    check_ins,
    code_of,
    finish_all_normal,
    mark_abnormal,
    round_of,
    scan,
)

pytestmark = pytest.mark.browser
OPENS = datetime(2026, 11, 23, 4, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def live(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for this module; the fourth round of the day route is open."""
    server = Live(copy_of(demo_data, tmp_path_factory.mktemp("points") / "data"))
    server.at(OPENS)
    server.start()
    yield server
    server.stop()


def test_a_signed_out_scan_comes_back_to_the_point(
    live: Live, open_page: Open, complaints: Complaints
) -> None:
    page = open_page(has_touch=True)
    scan(page, live, "X01")
    expect(page.locator("h1")).to_contain_text("东门岗")
    page.get_by_role("link", name="员工登录").tap()
    fill_sign_in(page, GUARD)
    assert code_of(live, "X01") in page.url
    finish_all_normal(page)
    assert [row[0] for row in check_ins(live, "X01", OPENS)] == ["scan"]
    assert complaints == []


def _end_all_other_sign_ins(page: Page) -> None:
    """Revoke, as somebody does who lost a phone."""
    page.goto("/me")
    others = page.locator("main button", has_text="退出那台")
    assert others.count() > 0
    while others.count():
        before = others.count()
        with page.expect_navigation():
            others.first.click()
        expect(others).to_have_count(before - 1)


def test_a_form_survives_the_end_of_its_session(live: Live, open_page: Open) -> None:
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X02")
    page.tap("label[for=line-1-normal]")
    mark_abnormal(page, 2, "入口第二盏灯不亮")
    page.tap("label[for=line-3-na]")
    _end_all_other_sign_ins(open_page(GUARD))
    page.tap(FINISH)
    page.wait_for_url("**/sign-in**")
    assert check_ins(live, "X02", OPENS) == []
    fill_sign_in(page, GUARD)
    expect(page.locator("#line-1-normal")).to_be_checked()
    expect(page.locator("#line-2-abnormal")).to_be_checked()
    expect(page.locator("#line-2-note")).to_have_value("入口第二盏灯不亮")
    expect(page.locator("#line-3-na")).to_be_checked()
    page.tap(FINISH)
    expect(page.locator("#round")).to_be_visible()
    assert [row[0] for row in check_ins(live, "X02", OPENS)] == ["scan"]


def test_a_double_tap_sends_once(live: Live, open_page: Open) -> None:
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X03")
    page.tap(ALL_NORMAL)
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(request.url) if request.method == "POST" else None,
    )
    page.locator(FINISH).dblclick(no_wait_after=True)
    expect(page.locator("#round")).to_be_visible()
    assert len(sent) == 1
    assert len(check_ins(live, "X03", OPENS)) == 1


def test_a_damaged_label_is_signed_by_hand(live: Live, open_page: Open) -> None:
    page = open_page(GUARD, has_touch=True)
    page.goto(f"/patrol/rounds/{round_of(live, 'R-DAY', 4)}")
    page.locator("#round a", has_text="X04").tap()
    page.tap(ALL_NORMAL)
    page.tap(FINISH)
    expect(page.locator("body")).to_contain_text("请选一个原因")
    assert check_ins(live, "X04", OPENS) == []
    page.locator("label", has_text="码牌损坏").tap()
    page.tap(FINISH)
    expect(page.locator("#round")).to_be_visible()
    ((method, _late, reason, _round),) = check_ins(live, "X04", OPENS)
    assert (method, reason) == ("hand", "码牌损坏或被挡")
    board = open_page(MANAGER)
    board.goto("/board")
    damaged = board.locator("#board").get_by_text("损坏的码牌").locator("..")
    expect(damaged).to_contain_text("1")


def test_a_typed_code_is_forgiven(live: Live, open_page: Open) -> None:
    points = ("X05", "X06", "X11", "X12")
    point = next((p for p in points if set(code_of(live, p)) & {"0", "1"}), "X05")
    code = code_of(live, point)
    sloppy = code.replace("0", "O").replace("1", "l").lower()
    page = open_page(GUARD, has_touch=True)
    page.goto("/scan")
    page.fill("[name=code]", f" {sloppy[:4]} {sloppy[4:7]}-{sloppy[7:]} ")
    page.locator("main button[type=submit]").tap()
    expect(page.locator("h1")).to_contain_text(point)
    finish_all_normal(page)
    assert [row[0] for row in check_ins(live, point, OPENS)] == ["typed"]


def test_a_mistyped_code_is_told(live: Live, open_page: Open) -> None:
    page = open_page(GUARD)
    code = code_of(live, "X05")
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    page.goto("/scan")
    page.fill("[name=code]", wrong)
    page.locator("main button[type=submit]").click()
    expect(page.locator("body")).to_contain_text("这个码对不上")


def test_a_round_goes_on_after_a_restart(live: Live, open_page: Open) -> None:
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X07")
    finish_all_normal(page)
    scan(page, live, "X08")
    page.tap(ALL_NORMAL)
    live.kill()
    live.start()
    page.tap(FINISH)
    expect(page.locator("#round li", has_text="X07")).to_contain_text("按时")
    expect(page.locator("#round li", has_text="X08")).to_contain_text("按时")
    assert len(check_ins(live, "X07", OPENS) + check_ins(live, "X08", OPENS)) == 2


def test_checking_in_works_without_javascript(live: Live, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    scan(page, live, "X09")
    page.get_by_role("link", name="员工登录").click()
    fill_sign_in(page, GUARD)
    for line in (1, 3):
        page.click(f"label[for=line-{line}-normal]")
    page.click("label[for=line-2-abnormal]")
    expect(page.locator("#line-2-note")).to_be_visible()
    page.click(FINISH)
    expect(page.locator("body")).to_contain_text("请写一句看到了什么")
    page.fill("#line-2-note", "读数 36 ℃")
    page.click(FINISH)
    expect(page.locator("#round")).to_be_visible()
    assert [row[0] for row in check_ins(live, "X09", OPENS)] == ["scan"]


def test_a_mistaken_tick_is_put_right_and_leaves_a_trace(
    live: Live, open_page: Open
) -> None:
    page = open_page(GUARD, has_touch=True)
    scan(page, live, "X10")
    finish_all_normal(page)
    page.locator("#round a", has_text="X10").tap()
    page.get_by_role("link", name="改勾错的项").tap()
    mark_abnormal(page, 1, "水泵有异响")
    page.get_by_role("button", name="保存更正").tap()
    expect(page.locator(".timeline")).to_contain_text("正常 → 异常")
    wait_for(lambda: live.sql("select 1 from finding where note = '水泵有异响'"))


def test_a_closed_round_is_only_amended_with_a_reason(
    live: Live, open_page: Open
) -> None:
    old = live.one(
        "select i.public_id from check_in i join round r on r.id = i.round_id"
        " join person p on p.id = i.person_id"
        " where r.closed_at is not null and p.staff_no = ? order by i.id desc limit 1",
        GUARD,
    )
    guard = open_page(GUARD)
    guard.goto(f"/patrol/check-ins/{old}")
    expect(guard.get_by_role("link", name="更正")).to_have_count(0)
    manager = open_page(MANAGER)
    manager.goto(f"/patrol/check-ins/{old}")
    manager.get_by_role("link", name="更正").click()
    manager.click("label[for=line-1-na]")
    manager.get_by_role("button", name="保存更正").click()
    expect(manager.locator("main")).to_contain_text("请写明原因")
    manager.fill("[name=reason]", "当时勾错了一项")
    manager.get_by_role("button", name="保存更正").click()
    expect(manager.locator(".timeline")).to_contain_text("当时勾错了一项")
