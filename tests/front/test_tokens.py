"""Colours by role: readable in both themes, the two dark lists alike."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "casefield/static/css/tokens.css").read_text()
TEXT, CONTROL = 4.5, 3.0
GROUNDS = ("paper", "card")

#: what stands on what, and how much contrast it needs
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-2", "ink-3") for ground in GROUNDS],
    *[("ink" + tail, "sunken", TEXT) for tail in ("", "-2", "-3")],
    *[(ink, ground, TEXT) for ink in ("jade", "jade-ink", "red") for ground in GROUNDS],
    ("amber", "card", TEXT),
    ("jade-ink", "jade-wash", TEXT),
    ("jade-ink", "jade-cell", TEXT),
    ("jade-ink", "sunken", TEXT),
    ("amber", "amber-wash", TEXT),
    ("red", "red-wash", TEXT),
    ("blue", "blue-wash", TEXT),
    ("on-action", "action", TEXT),
    ("on-action", "action-down", TEXT),
    ("on-solid", "red-solid", TEXT),
    ("on-hero", "hero", TEXT),
    ("on-hero-2", "hero", TEXT),
    ("on-hero-button", "hero-button", TEXT),
    ("edge", "card", CONTROL),
    ("jade", "card", CONTROL),
    ("action", "card", CONTROL),
    ("jade", "line", CONTROL),
    ("hero-button", "hero", CONTROL),
    ("hero-done", "hero", CONTROL),
    ("hero-missed", "hero", CONTROL),
    ("hero-late", "hero", CONTROL),
    ("red-solid", "card", CONTROL),
]


def colours(selector: str) -> dict[str, str]:
    found = re.search(re.escape(selector) + r" \{(.*?)\}", TOKENS, re.DOTALL)
    assert found, selector
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", found[1]))


LIGHT = colours('[data-theme="light"]')
DARK = colours('[data-theme="dark"]')


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_what_stands_on_a_ground_can_be_read(theme, front, ground, least):
    measured = contrast(theme[front], theme[ground])
    assert measured >= least, f"{front} on {ground}: {measured:.2f}"


def test_contrast_is_measured_as_the_guidelines_do():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_every_role_has_a_colour_in_each_theme():
    assert LIGHT.keys() == DARK.keys()


def test_a_dark_phone_and_a_chosen_dark_theme_look_the_same():
    assert colours(':root:not([data-theme="light"])') == DARK


def test_every_role_used_in_a_sheet_is_defined():
    folder = Path(__file__).parents[2] / "casefield/static/css"
    defined = set(re.findall(r"--([\w-]+):", TOKENS))
    for sheet in folder.glob("*.css"):
        used = set(re.findall(r"var\(--([\w-]+)\)", sheet.read_text()))
        assert used <= defined, f"{sheet.name}: {used - defined}"
