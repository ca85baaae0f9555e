"""The whole policy as one file, so that a change of rights shows in a review.

Write it anew with ``python -m tests.contracts.test_policy_table``.
"""

import tempfile
from pathlib import Path

from flask import Flask

from casefield.core.policy import Role, may
from tests.conftest import build
from tests.routes import calls

FILE = Path(__file__).with_name("policy.txt")
LETTERS = {
    Role.STAFF: "staff",
    Role.LEAD: "lead",
    Role.MANAGEMENT: "management",
    Role.SITE_LEAD: "site_lead",
    Role.SALES: "sales",
    Role.ADMIN: "admin",
}


def told(app: Flask) -> str:
    """Write one line a route: method, address, endpoint, who may."""
    table = app.extensions["policy"]
    lines = []
    for rule, method in calls(app):
        allow = table[rule.endpoint]
        roles = [
            word for role, word in LETTERS.items() if may(table, role, rule.endpoint)
        ]
        who = "everybody" if allow.public else " ".join(roles)
        lines.append(f"{rule.rule}\t{method}\t{rule.endpoint}\t{who}")
    return "\n".join(sorted(lines)) + "\n"


def test_rights_are_as_they_were_reviewed(base_apps):
    assert told(base_apps("sqlite")) == FILE.read_text(encoding="utf-8")


def test_what_everybody_may_open_is_short(base_apps):
    table = base_apps("sqlite").extensions["policy"]
    public = {endpoint for endpoint, allow in table.items() if allow.public}
    assert public == {
        "accounts.link_use",
        "accounts.sign_in",
        "accounts.sign_in_create",
        "core.health",
        "scan.place_view",
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(told(build(Path(folder))), encoding="utf-8")
