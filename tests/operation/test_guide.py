"""The operator's guide knows every setting and command, and no other."""

import re
from pathlib import Path

from casefield.cli import main
from casefield.config import KEYS

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_setting_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", GUIDE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(KEYS)


def test_no_setting_is_named_that_does_not_exist() -> None:
    named = set(re.findall(r"\bCASEFIELD_[A-Z_]+[A-Z]\b", GUIDE.read_text()))
    assert named <= KEYS


def test_commands_in_the_guide_exist() -> None:
    used = re.findall(
        r"(?:as-|bin/|`|^)casefield ([a-z][a-z-]+)", GUIDE.read_text(), re.MULTILINE
    )
    assert set(used) >= {"backup", "restore", "migrate", "doctor", "create-admin"}
    assert set(used) <= set(main.commands)
