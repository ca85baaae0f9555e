"""A real server with the demo, and phones and desks that look at it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.browser.live import PASSWORD, Live, copy_of

FLAGS = (
    "no-sandbox disable-gpu disable-quic no-first-run disable-sync "
    "disable-background-networking disable-component-update"
)
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Drive the system's Chromium; nothing is downloaded."""
    return {
        "executable_path": shutil.which("chromium"),
        "args": [f"--{flag}" for flag in FLAGS.split()],
    }


@pytest.fixture
def live(demo_data: Path, tmp_path: Path) -> Iterator[Live]:
    """A server of this test's own."""
    server = Live(copy_of(demo_data, tmp_path / "data")).start()
    yield server
    server.stop()


class Complaints(list[str]):
    """What a browser complains of: its console, its policy, addresses elsewhere."""

    def watch(self, page: Page, url: str) -> None:
        page.on(
            "console",
            lambda message: (
                self.append(f"{page.url}: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((url, "data:", "blob:"))
                else self.append(f"{page.url} asked for {request.url}")
            ),
        )


Open = Callable[..., Page]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def open_page(browser: Browser, live: Live, complaints: Complaints) -> Iterator[Open]:
    """Open a browser of its own: ``open_page(GUARD)``, a phone unless told."""
    contexts: list[BrowserContext] = []

    def opened(staff_no: str | None = None, **options: Any) -> Page:
        options = {"viewport": PHONE, "locale": "zh-CN", **options}
        context = browser.new_context(base_url=live.url, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        complaints.watch(page, live.url)
        if staff_no:
            sign_in(page, staff_no)
        return page

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, staff_no: str) -> None:
    """Open the sign-in page and be this person."""
    page.goto("/sign-in")
    fill_sign_in(page, staff_no)


def fill_sign_in(page: Page, staff_no: str) -> None:
    """Fill the form in where the page is on its way to it."""
    page.wait_for_url("**/sign-in**")
    page.fill("#staff_no", staff_no)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)
