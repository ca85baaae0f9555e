"""What cannot be taken back is asked first, in a dialog or on a page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, Open
from tests.browser.live import MANAGER, Live

pytestmark = pytest.mark.browser
_REVOKED = "select count(*) from wall_code where revoked_at is not null"


def _place(page: Page) -> None:
    page.goto("/places")
    page.locator("a.tree").first.click()
    expect(page.get_by_role("button", name="停用并换新")).to_be_visible()


def test_a_wall_code_is_revoked_after_its_consequence_was_read(
    live: Live, open_page: Open
) -> None:
    page = open_page(MANAGER, viewport=DESK)
    _place(page)
    page.get_by_role("button", name="停用并换新").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("墙上的码牌立刻扫不了")
    asked.get_by_role("button", name="不做了").click()
    expect(asked).to_be_hidden()
    assert live.one(_REVOKED) == 0
    page.get_by_role("button", name="停用并换新").click()
    asked.get_by_role("button", name="停用这个码").click()
    expect(page.locator("main")).to_contain_text("这个码已停用")
    assert live.one(_REVOKED) == 1
    assert re.search(r"/places/[\w-]{22}$", page.url)


def test_without_javascript_a_page_asks(live: Live, open_page: Open) -> None:
    page = open_page(MANAGER, viewport=DESK, java_script_enabled=False)
    _place(page)
    place = page.url
    page.get_by_role("button", name="停用并换新").click()
    expect(page.locator("h1")).to_have_text("停用墙上的这个码？")
    page.get_by_role("link", name="不做了，返回").click()
    assert page.url == place
    page.get_by_role("button", name="停用并换新").click()
    assert live.one(_REVOKED) == 0
    page.get_by_role("button", name="停用这个码").click()
    expect(page.locator("main")).to_contain_text("这个码已停用")
    assert live.one(_REVOKED) == 1
