"""The page with every component: accessible, inside the screen, under the policy."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.front.conftest import Showcase

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
SCREENS = [(390, 844), (1440, 900)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SCREENS)
@pytest.mark.parametrize(
    "path", ["/styleguide/styleguide_view", "/page/point", "/page/figures"]
)
def test_a_page_of_components_has_no_fault(
    browser: Browser, showcase: Showcase, path, width, height, theme
):
    page = browser.new_page(
        base_url=showcase.url,
        viewport={"width": width, "height": height},
        color_scheme=theme,
    )
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path)
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    page.close()


def test_targets_are_large_enough_for_a_thumb(browser, showcase):
    page = browser.new_page(
        base_url=showcase.url, viewport={"width": 390, "height": 844}
    )
    page.goto("/page/point")
    heights = page.eval_on_selector_all(
        ".answer__label, .bar .button, .answer-all, .input",
        "all => all.filter(one => one.offsetParent).map(one => one.offsetHeight)",
    )
    assert len(heights) > 8
    assert min(heights) >= 48
    page.close()
