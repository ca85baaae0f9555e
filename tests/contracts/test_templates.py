"""Templates compile, use what they import, and let no script slip in."""

import re

import pytest
from jinja2 import nodes

from tests.contracts.source import PACKAGE

TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))
NAMES = [str(path.relative_to(PACKAGE / "templates")) for path in TEMPLATES]
#: a scan of the text: pattern and what is wrong with it
BANNED = {
    "marked safe": re.compile(r"\|\s*safe\b|autoescape\s+false"),
    "style attribute": re.compile(r"<[^>{]*\sstyle="),
    "style element": re.compile(r"<style[\s>]"),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)"),
    "event handler": re.compile(r"<[^>{]*\son[a-z]+="),
    "bare htmx": re.compile(r"[\s\"']hx-"),
    "htmx handler": re.compile(r"data-hx-on"),
    "foreign address": re.compile(r"(?:src|href|action)=\"(?:https?:)?//"),
}


#: drawings and marks of our own making
OUR_OWN = {
    "components/icon.html": "the shapes of our icons",
    "layouts/print.html": "where the page numbers go",
    "sites/pdf/_label.html": "the drawing of a wall code",
    "styleguide/_records.html": "a drawing for show",
}


@pytest.fixture(scope="module")
def environment(base_apps):
    return base_apps("sqlite").jinja_env


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles(environment, name):
    environment.get_template(name)


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_it_holds_nothing_banned(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    name = str(path.relative_to(PACKAGE / "templates"))
    allowed = {"marked safe"} if name in OUR_OWN else set()
    if "/pdf/" in name:
        # a print is drawn by us from measured sizes, behind a locked fetcher
        allowed |= {"style element"}
    wrong = [
        f"line {text[: found.start()].count(chr(10)) + 1}: {what}"
        for what, pattern in BANNED.items()
        for found in pattern.finditer(text)
        if what not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_it_uses_what_it_imports(environment, path):
    tree = environment.parse(path.read_text(encoding="utf-8"))
    taken = set()
    for node in tree.find_all(nodes.FromImport):
        taken |= {name[1] if isinstance(name, tuple) else name for name in node.names}
    taken |= {node.target for node in tree.find_all(nodes.Import)}
    used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    assert taken - used == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_what_it_includes_and_imports_is_there(environment, path):
    tree = environment.parse(path.read_text(encoding="utf-8"))
    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    missing = [
        node.template.value
        for kind in kinds
        for node in tree.find_all(kind)
        if isinstance(node.template, nodes.Const) and node.template.value not in NAMES
    ]
    assert missing == []


def _rendered():
    """Name every template that code or another template brings in."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder, pattern in (("", "*.py"), ("templates", "*.html"))
        for path in (PACKAGE / folder).rglob(pattern)
    )
    return set(re.findall(r"[\"']([\w/-]+(?:\.html|/_))[\"']", text))


def test_every_template_is_used():
    named = _rendered()
    beginnings = tuple(name for name in named if name.endswith("/_"))
    assert {n for n in NAMES if not n.startswith(beginnings)} - named == set()


def test_every_control_of_htmx_works_without_it():
    control = re.compile(
        r"<a\b[^>]*data-hx-(?:get|post)[^>]*>|<form\b[^>]*data-hx-post[^>]*>"
    )
    wrong = [
        f"{name}: {tag[:80]}"
        for path, name in zip(TEMPLATES, NAMES, strict=True)
        for tag in control.findall(path.read_text(encoding="utf-8"))
        if not re.search(r"\s(href|action|method)=", tag)
    ]
    assert wrong == []
