"""Every word on screen has an English text, with the same gaps to fill in."""

import re
from io import BytesIO
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.contracts.source import PACKAGE, ROOT

ENGLISH = PACKAGE / "translations" / "en" / "LC_MESSAGES" / "messages.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
GAP = re.compile(r"%\((\w+)\)")
KEYWORDS: dict[str, Any] = dict.fromkeys(("_", "_l", "gettext", "lazy_gettext"))
KEYWORDS |= {"ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def extracted() -> set[str]:
    """List every message id of code and templates."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)
    found = set()
    for _, _, message, _, _ in extract_from_dir(
        str(PACKAGE), methods, options, keywords=KEYWORDS
    ):
        found.add(message if isinstance(message, str) else message[0])
    return found


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_po(BytesIO(ENGLISH.read_bytes()), locale="en")


@pytest.fixture(scope="module")
def messages() -> set[str]:
    return extracted()


def test_every_message_has_an_english_text(catalogue, messages):
    said = {m.id for m in catalogue if m.id and m.string and not m.fuzzy}
    assert sorted(messages - said) == []


def test_no_english_text_has_outlived_its_message(catalogue, messages):
    assert sorted({m.id for m in catalogue if m.id} - messages) == []


def test_gaps_are_the_same_in_both_languages(catalogue):
    wrong = [
        message.id
        for message in catalogue
        if message.id
        and message.string
        and isinstance(message.id, str)
        and set(GAP.findall(message.id)) != set(GAP.findall(str(message.string)))
    ]
    assert wrong == []


def test_english_texts_are_english(catalogue):
    wrong = [m.id for m in catalogue if m.id and CHINESE.search(str(m.string))]
    assert wrong == []


def test_message_ids_are_chinese(messages):
    bare = {m for m in messages if not CHINESE.search(m)}
    assert {m for m in bare if re.search(r"[A-Za-z]{4}", GAP.sub("", m))} == set()


def test_chinese_in_templates_is_marked_for_translation():
    unmarked = []
    for path in sorted((PACKAGE / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
        text = re.sub(r"\{[{%].*?[}%]\}", "", text, flags=re.DOTALL)
        # a language is called by its own name in every language
        text = text.replace("中文", "")
        if CHINESE.search(text):
            name = path.relative_to(PACKAGE / "templates")
            unmarked.append(f"{name}: {CHINESE.search(text)}")
    assert unmarked == []
