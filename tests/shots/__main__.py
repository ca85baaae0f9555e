"""Draw the whole product: every screen, every printed page, one sheet to look at.

``make shots`` loads the invented project into a folder of its own and writes to
``shots/``: a picture of each screen on a phone and at a desk in both themes, each
printed page, and ``contact.html`` with ``contact.png`` that show them all.
"""

import html
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.conftest import DESK, FLAGS, PHONE, sign_in
from tests.browser.live import MANAGER, ROOT, Live, make_demo
from tests.browser.screens import (
    Screen,
    guards_screens,
    managers_screens,
    others_screens,
    screens_made_by_work,
)

OUT = ROOT / "shots"
VIEWS = [
    (f"{device}-{theme}", size, theme)
    for device, size in (("phone", PHONE), ("desk", DESK))
    for theme in ("light", "dark")
]
#: a list may be long; its first screens say what it looks like
TALLEST = 2400
PRINTS = ("CF-01", "CF-01-blank", "CF-47", "CF-47-test")


@dataclass
class Sheet:
    """What was drawn, in the order of drawing."""

    rows: list[tuple[str, list[Path]]] = field(default_factory=list)

    def write(self, browser: Browser) -> None:
        """Write the contact sheet, and a picture of it."""
        body = "".join(
            f"<section><h2>{html.escape(title)}</h2>"
            + "".join(
                f'<a href="{p.name}"><img src="{p.name}" alt=""></a>' for p in paths
            )
            + "</section>"
            for title, paths in self.rows
        )
        path = OUT / "contact.html"
        path.write_text(
            "<!doctype html><meta charset=utf-8><title>casefield</title><style>"
            "body{font:12px sans-serif;margin:12px;background:#ccc;display:grid;"
            "grid-template-columns:repeat(3,1fr);gap:10px}h2{font-size:12px;margin:0}"
            "section{background:#fff;padding:6px;overflow:hidden}"
            "section img{height:190px;max-width:270px;object-fit:cover;"
            "object-position:top;border:1px solid #999;margin:2px}</style>" + body,
            encoding="utf-8",
        )
        page = browser.new_page(viewport={"width": 2400, "height": 900})
        page.goto(path.as_uri())
        page.screenshot(path=OUT / "contact.png", full_page=True)
        page.close()


class Photographer:
    """Keeps one signed-in browser a person."""

    def __init__(self, browser: Browser, live: Live, sheet: Sheet) -> None:
        self._browser, self._live, self._sheet = browser, live, sheet
        self._pages: dict[str | None, Page] = {}

    def page_of(self, who: str | None) -> Page:
        if who not in self._pages:
            context: BrowserContext = self._browser.new_context(
                base_url=self._live.url, locale="zh-CN"
            )
            self._pages[who] = context.new_page()
            if who:
                sign_in(self._pages[who], who)
        return self._pages[who]

    def draw(self, screen: Screen) -> None:
        """Draw one screen in both sizes and themes."""
        page, paths = self.page_of(screen.who), []
        page.goto(screen.path)
        number = len(self._sheet.rows) + 1
        for view, size, theme in VIEWS:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # a theme
            page.set_viewport_size(size)
            tall = page.evaluate("document.documentElement.scrollHeight")
            # as tall as the page, so that the bar at the bottom hides nothing
            height = min(max(tall, size["height"]), TALLEST)
            page.set_viewport_size({"width": size["width"], "height": height})
            path = OUT / f"{number:03d}-{screen.name}-{view}.jpg"
            page.screenshot(path=path, type="jpeg", quality=80)
            paths.append(path)
        self._sheet.rows.append((f"{number} · {screen.path}", paths))


def _draw_prints(desk: Page, live: Live, sheet: Sheet) -> None:
    route = live.one("select public_id from route where code = 'R-DAY'")
    places = live.sql("select public_id from place where retired_at is null limit 24")
    labels = "&".join(f"place={public_id}" for (public_id,) in places)
    addresses = (
        f"/patrol/sheets/{route}/2026-11-22.pdf",
        "/patrol/sheets/blank.pdf",
        f"/places/labels.pdf?grid=3x7&{labels}",
        "/places/labels.pdf?grid=3x7&test=1",
    )
    for name, address in zip(PRINTS, addresses, strict=True):
        answer = desk.request.get(f"{live.url}{address}")
        if answer.headers["content-type"] != "application/pdf":
            raise SystemExit(f"{address} answers {answer.status}")
        path = OUT / f"print-{name}.pdf"
        path.write_bytes(answer.body())
        subprocess.run(
            ["pdftoppm", "-r", "80", "-png", path, OUT / f"print-{name}"], check=True
        )
        sheet.rows.append((name, sorted(OUT.glob(f"print-{name}-[0-9]*.png"))))


def main() -> None:
    """Draw everything."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        print("loading the invented project …")
        live = Live(make_demo(Path(folder) / "data")).start()
        browser = player.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[f"--{flag}" for flag in FLAGS.split()],
        )
        try:
            sheet = Sheet()
            photographer = Photographer(browser, live, sheet)
            desk = photographer.page_of(MANAGER)
            screens = [
                *guards_screens(live),
                *managers_screens(live),
                *others_screens(live),
                *screens_made_by_work(desk, live),
            ]
            for number, screen in enumerate(screens, 1):
                print(f"{number}/{len(screens)} {screen.path}", flush=True)
                photographer.draw(screen)
            _draw_prints(desk, live, sheet)
            sheet.write(browser)
        finally:
            browser.close()
            live.stop()
    print(f"look at {OUT / 'contact.html'}")


if __name__ == "__main__":
    main()
