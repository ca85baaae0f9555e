"""Every screen: accessible in both themes, inside the phone, and quiet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.browser.conftest import DESK, PHONE, Complaints, sign_in
from tests.browser.live import MANAGER, Live, copy_of
from tests.browser.screens import (
    NO_SCREEN,
    Screen,
    guards_screens,
    managers_screens,
    others_screens,
    screens_made_by_work,
)

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
#: the themes differ in colours and in nothing else
ONLY_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
#: say what is wrong and spare the rest of the report
BRIEFLY = {"resultTypes": ["violations"], "preload": False}


@pytest.fixture(scope="module")
def live(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all screens."""
    server = Live(copy_of(demo_data, tmp_path_factory.mktemp("screens") / "data"))
    yield server.start()
    server.stop()


def faults(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """Return what axe finds on the page as it stands."""
    found = page.evaluate(
        "options => axe.run(document, options)", BRIEFLY | (options or {})
    )
    return [
        f"{fault['id']}: {node['html'][:160]} ({node['any'][0]['message']})"
        if node["any"]
        else f"{fault['id']}: {node['html'][:160]}"
        for fault in found["violations"]
        for node in fault["nodes"][:3]
    ]


def _look(page: Page, screen: Screen) -> list[str]:
    """Look at one screen on the phone and at the desk, in light and in dark."""
    told: list[str] = []
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    answer = page.goto(screen.path)
    if answer is None or answer.status != screen.status:
        return [f"answers {answer and answer.status}"]
    page.evaluate(AXE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > PHONE["width"]:
        told.append(f"is {wide} px wide on a phone")
    told += [f"phone: {fault}" for fault in faults(page)]
    page.emulate_media(color_scheme="dark")
    told += [f"phone, dark: {fault}" for fault in faults(page, ONLY_COLOURS)]
    page.set_viewport_size(DESK)
    told += [f"desk, dark: {fault}" for fault in faults(page, ONLY_COLOURS)]
    page.emulate_media(color_scheme="light")
    return told + [f"desk: {fault}" for fault in faults(page)]


def _walk(browser: Browser, live: Live, screens: list[Screen]) -> list[str]:
    told: list[str] = []
    complaints = Complaints()
    pages: dict[str | None, Page] = {}
    for screen in screens:
        if screen.who not in pages:
            context = browser.new_context(base_url=live.url, locale="zh-CN")
            page = pages[screen.who] = context.new_page()
            complaints.watch(page, live.url)
            if screen.who:
                sign_in(page, screen.who)
        seen = len(complaints)
        told += [f"{screen.name}: {what}" for what in _look(pages[screen.who], screen)]
        if screen.status != 200:
            # the browser itself notes that a page was refused
            complaints[seen:] = [
                line for line in complaints[seen:] if "status of" not in line
            ]
    for page in pages.values():
        page.context.close()
    return told + complaints


@pytest.mark.parametrize(
    "screens",
    [guards_screens, managers_screens, others_screens],
    ids=lambda f: f.__name__,
)
def test_screens_have_no_fault(
    browser: Browser, live: Live, screens: Callable[[Live], list[Screen]]
) -> None:
    assert _walk(browser, live, screens(live)) == []


def test_screens_that_work_leads_to_have_no_fault(browser: Browser, live: Live) -> None:
    context = browser.new_context(base_url=live.url, locale="zh-CN")
    page = context.new_page()
    sign_in(page, MANAGER)
    found = screens_made_by_work(page, live)
    # the sign-in code is shown on the device where it was asked for
    own = [screen for screen in found if "sign-in-link" in screen.path]
    told = [what for screen in own for what in _look(page, screen)]
    context.close()
    rest = [screen for screen in found if screen not in own]
    assert told + _walk(browser, live, rest) == []


def test_axe_sees_a_fault(browser: Browser, live: Live) -> None:
    """The control: a grey word on grey and a picture without words are found."""
    page = browser.new_page(base_url=live.url, viewport=PHONE)
    page.goto("/sign-in")
    page.evaluate(AXE)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML("
        "'beforeend', '<img src=\"/favicon.ico\"><p id=pale>pale words</p>');"
        "document.querySelector('#pale').style.color = '#ccc';"
    )
    found = faults(page)
    assert any(fault.startswith("color-contrast") for fault in found)
    assert any(fault.startswith("image-alt") for fault in found)
    page.close()


def test_every_screen_is_looked_at(app: Flask, live: Live) -> None:
    screens = [*guards_screens(live), *managers_screens(live), *others_screens(live)]
    by_work = {
        "accounts.link_use",
        "accounts.link_view",
        "core.job_view",
        "people.person_import_view",
        "sites.place_import_view",
    }
    adapter = app.url_map.bind("localhost")
    seen = {
        adapter.match(screen.path.partition("?")[0], method="GET")[0]
        for screen in screens
    }
    wanted = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
    }
    assert wanted - seen - by_work == NO_SCREEN & wanted
