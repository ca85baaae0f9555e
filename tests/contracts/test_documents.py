"""What the documents name is there, and what is there is named."""

import re

from casefield.config import KEYS
from casefield.core.db import Base
from tests.contracts.source import FLOORS, ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
OPERATIONS = ROOT / "docs" / "operations.md"
ROW = re.compile(r"^\| ([^|]+) \| `(\w+)` \|", re.MULTILINE)


def _glossary() -> dict[str, str]:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    return {name: word for word, name in ROW.findall(text.split("## Glossary")[1])}


def test_every_model_is_in_the_glossary(base_apps):
    base_apps("sqlite")
    models = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert models - _glossary().keys() == set()
    assert _glossary().keys() - models == set()


def test_a_word_names_its_class_and_table(base_apps):
    base_apps("sqlite")
    for mapper in Base.registry.mappers:
        name = mapper.class_.__name__
        word = _glossary()[name].strip().replace("-", " ")
        assert word.replace(" ", "").lower() == name.lower()
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        assert mapper.class_.__tablename__ == snake


def test_every_setting_is_in_the_operators_guide():
    text = OPERATIONS.read_text(encoding="utf-8")
    assert {key for key in KEYS if f"`{key}`" not in text} == set()


def test_every_package_is_on_the_map():
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert {name for name in FLOORS if f"  {name}/" not in text} == set()
