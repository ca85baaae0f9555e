"""A guard's whole round, what the clock makes of it, and the sheet it ends on."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.conftest import DESK, Complaints, Open
from tests.browser.live import GUARD, MANAGER, Live, wait_for
from tests.browser.walking import (
    finish_all_normal,
    mark_abnormal,
    round_of,
    scan,
)

pytestmark = pytest.mark.browser
LEFT_OUT = ("X06", "X09")
DAY = "2026-11-23"
ROUND = 4
OPENS = datetime(2026, 11, 23, 4, 0, 30, tzinfo=UTC)
AFTER_CLOSE = datetime(2026, 11, 23, 4, 50, 1, tzinfo=UTC)


def _photo(folder: Path) -> Path:
    path = folder / "lamp.jpg"
    Image.effect_noise((2400, 1800), 40).convert("RGB").save(path, quality=70)
    return path


def _missed(live: Live) -> set[tuple[int, str]]:
    return set(
        live.sql(
            "select r.ordinal, c.code from omission o"
            " join round r on r.id = o.round_id join route t on t.id = r.route_id"
            " join checkpoint c on c.id = o.checkpoint_id"
            " where o.kind = 'missed' and r.day_on = ? and t.code = 'R-DAY'",
            DAY,
        )
    )


def _missed_on_paper(content: bytes) -> set[tuple[int, str]]:
    """Return (round, point) of each line of the sheet that says 漏巡."""
    text = "\n".join(
        page.extract_text() for page in PdfReader(io.BytesIO(content)).pages
    )
    rows = re.findall(r"(?m)^\d+ (\d+) (X\d\d)\b.*漏巡", text)
    return {(int(number), point) for number, point in rows}


def _printed(desk: Page, live: Live) -> bytes:
    """Press print; the page shows progress till the file is there."""
    desk.get_by_role("button", name="打印 PDF").click()
    link = desk.get_by_role("link", name="打开 PDF")
    expect(link).to_be_visible(timeout=30_000)
    return desk.request.get(f"{live.url}{link.get_attribute('href')}").body()


def test_two_points_left_out_are_named_by_the_clock_alone(
    live: Live, open_page: Open, complaints: Complaints, tmp_path: Path
) -> None:
    live.at(OPENS)
    wait_for(lambda: live.one("select count(*) from round where ordinal = 4"))
    points = [
        code
        for (code,) in live.sql(
            "select c.code from round_stop s join checkpoint c on c.id=s.checkpoint_id"
            " join round r on r.id = s.round_id where r.public_id = ?"
            " order by s.ordinal",
            round_of(live, "R-DAY", ROUND),
        )
    ]
    assert len(points) == 14
    guard = open_page(GUARD, has_touch=True)
    expect(guard.locator("#tasks")).to_contain_text("X01")

    for point in points:
        live.forward(minutes=2)
        if point in LEFT_OUT:
            continue
        scan(guard, live, point)
        expect(guard.locator("h1")).to_contain_text(point)
        if point == "X02":
            mark_abnormal(guard, 2, "入口左侧第二盏灯不亮")
            guard.set_input_files("#line-2-photo", _photo(tmp_path))
            expect(guard.locator("#line-2 .photo__picture")).to_be_visible()
        # with the scan itself: three taps for a point where all is normal
        finish_all_normal(guard)
        expect(guard.locator("body")).to_contain_text("已签到")

    round_id = round_of(live, "R-DAY", ROUND)
    done = (
        "select count(*) from check_in i join round r on r.id = i.round_id"
        " where r.public_id = ?"
    )
    assert live.one(done, round_id) == 12
    found = live.sql("select note, photo_id is not null from finding order by id")
    assert found[-1] == ("入口左侧第二盏灯不亮", 1)
    guard.context.close()

    before = {pair for pair in _missed(live) if pair[0] == ROUND}
    assert before == set(), "nothing is missed before the round is over"
    # nobody looks at any page from here until the database knows
    live.at(AFTER_CLOSE)
    wait_for(lambda: {p for p in _missed(live) if p[0] == ROUND}, why="for the sweep")
    assert {p for n, p in _missed(live) if n == ROUND} == set(LEFT_OUT)

    board = open_page(MANAGER, viewport=DESK)
    board.goto("/board")
    row = board.locator(".attention__row", has_text="第 4 轮漏巡")
    expect(row).to_have_count(1)
    named = set(re.findall(r"X\d\d", row.inner_text()))
    assert named == set(LEFT_OUT)
    expect(board.locator("#board")).to_contain_text("入口左侧第二盏灯不亮")

    route = live.one("select public_id from route where code = 'R-DAY'")
    board.goto(f"/patrol/sheets/{route}/{DAY}")
    on_paper = _missed_on_paper(_printed(board, live))
    assert {point for n, point in on_paper if n == ROUND} == set(LEFT_OUT)
    assert on_paper == _missed(live)
    assert complaints == []
