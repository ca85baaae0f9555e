"""Templates compile, import what they use, and leave nothing for a script to slip in."""

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


@pytest.fixture(scope="module")
def environment(base_apps):
    return base_apps("sqlite").jinja_env


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles(environment, name):
    environment.get_template(name)


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_it_holds_nothing_banned(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    wrong = [
        f"line {text[: found.start()].count(chr(10)) + 1}: {what}"
        for what, pattern in BANNED.items()
        for found in pattern.finditer(text)
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
    return set(re.findall(r"[\"']([\w/-]+\.html)[\"']", text))


def test_every_template_is_used():
    assert set(NAMES) - _rendered() == set()


def test_every_control_of_htmx_works_without_it():
    wrong = []
    for path, name in zip(TEMPLATES, NAMES, strict=True):
        for tag in re.findall(
            r"<a\b[^>]*data-hx-(?:get|post)[^>]*>|<form\b[^>]*data-hx-post[^>]*>",
            path.read_text(encoding="utf-8"),
        ):
            if not re.search(r"\s(href|action|method)=", tag):
                wrong.append(f"{name}: {tag[:80]}")
    assert wrong == []
