"""Static files: light, plain, unaltered copies, and everything named is there."""

import base64
import hashlib
import json
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "casefield" / "static"
TEMPLATES = ROOT / "casefield" / "templates"
SHEETS = sorted((STATIC / "css").rglob("*.css"))
SCRIPTS = sorted((STATIC / "js" / "behaviours").glob("*.js"))
#: pictures of a component -> the sheet its page must load
NEEDS = {
    "components/answer.html": "answer",
    "components/chart.html": "chart",
    "components/dialog.html": "dialog",
    "components/grid.html": "grid",
    "components/table.html": "table",
}


def compressed(*paths: Path) -> int:
    return sum(len(brotli.compress(path.read_bytes())) for path in paths)


def first_load() -> list[Path]:
    """Return the sheets and scripts that the layout of every signed-in page names."""
    text = (TEMPLATES / "layouts/_head.html").read_text()
    lines = [line for line in text.splitlines() if "public_" not in line]
    lists = re.findall(r"(links|scripts)\(\(([^)]*)\)\)", "\n".join(lines))
    return [
        STATIC / (f"css/{name}.css" if kind == "links" else f"js/behaviours/{name}.js")
        for kind, names in lists
        for name in re.findall(r"'([\w-]+)'", names)
    ]


@pytest.mark.parametrize("path", SHEETS + SCRIPTS, ids=lambda path: path.name)
def test_a_file_is_one_screenful_or_two(path):
    assert len(path.read_text().splitlines()) <= 150


def test_phone_sheets_weigh_less_than_8_kb():
    sheets = [path for path in first_load() if path.suffix == ".css"]
    assert len(sheets) >= 10
    assert compressed(*sheets) < 8 * 1024


def test_first_load_leaves_room_for_the_page():
    vendored = list((STATIC / "vendor").glob("htmx-*.js"))
    assert len(vendored) == 1
    files = [*first_load(), *vendored, STATIC / "icons.svg", STATIC / "favicon.svg"]
    assert compressed(*files) < 36 * 1024


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_sheets_are_understood_by_a_guests_old_phone(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert "light-dark(" not in text
    assert not re.search(r"^\s*&", text, re.MULTILINE), "native nesting"


def test_the_order_of_layers_stands_in_the_first_sheet():
    declared = "@layer reset, tokens, base, components, pages;"
    assert declared in (STATIC / "css/tokens.css").read_text()


def test_vendored_files_are_the_published_ones():
    listed = json.loads((STATIC / "vendor/integrity.json").read_text())
    on_disk = {f"casefield/static/vendor/{p.name}" for p in STATIC.glob("vendor/*.js")}
    assert on_disk <= listed.keys()
    for name, expected in listed.items():
        digest = hashlib.sha384((ROOT / name).read_bytes()).digest()
        assert expected == "sha384-" + base64.b64encode(digest).decode(), name


def test_htmx_is_pinned_exactly():
    pinned = json.loads((ROOT / "package.json").read_text())["dependencies"]["htmx.org"]
    assert (STATIC / f"vendor/htmx-{pinned}.min.js").exists()


def test_every_icon_named_in_a_template_is_drawn():
    sprite = (STATIC / "icons.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    menu = (ROOT / "casefield/navigation.py").read_text()
    named = set(re.findall(r'Entry\([^)]*?\), "([\w-]+)"\)', menu))
    assert len(named) > 5
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        named |= set(re.findall(r"\bdraw\('([\w-]+)'", text))
        named |= set(re.findall(r"\bicon\('([\w-]+)'", text))
        named |= set(re.findall(r"\bicon='([\w-]+)'", text))
    assert named
    assert named <= drawn, named - drawn


def pages() -> list[Path]:
    return [
        p for p in TEMPLATES.rglob("*.html") if '{% extends "layouts' in p.read_text()
    ]


def parts_of(template: Path) -> str:
    """Return a page's text with that of the fragments it includes."""
    text = template.read_text()
    for name in re.findall(r'{% include "([^"~]+)"', text):
        if (TEMPLATES / name).exists():
            text += parts_of(TEMPLATES / name)
    return text


@pytest.mark.parametrize(
    "page", pages(), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_a_page_loads_the_sheets_of_its_components(page):
    text = parts_of(page)
    loaded = set(
        re.findall(r"'(\w+)'", " ".join(re.findall(r"sheets\(([^)]*)\)", text)))
    )
    for component, sheet in NEEDS.items():
        if f'"{component}"' in text:
            assert sheet in loaded, f"{component} needs the sheet {sheet}"


def test_no_style_or_script_stands_in_a_template():
    for template in TEMPLATES.rglob("*.html"):
        if "pdf" in template.parts:
            continue
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|\shx-", text), template
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), template
