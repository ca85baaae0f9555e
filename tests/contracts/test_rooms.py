"""Each room of a feature does its own work and no other's."""

import ast
import re

import pytest

from tests.contracts.source import FLOORS, calls, modules, names_imported

FEATURES = FLOORS.keys() - {"core"}
CLOCKS = re.compile(
    r"(?:datetime\.)?(?:datetime|date)\.(?:now|utcnow|today)|time\.(?:time|time_ns)"
)
SESSION_WRITES = re.compile(r"db\.session(\(\))?\.(add|add_all|delete|merge)")
#: these open their own transactions, each for a reason
OWN_TRANSACTIONS = {
    "patrol.services.rounds": "the sweep works site by site",
    "demo.services": "fills an empty database from the command line",
}
#: these hand the environment on to a child process
HAND_ON_ENVIRONMENT = {
    "core.dump": "the database's own dump and restore",
    "core.sheet_reader": "the child that opens a foreign spreadsheet",
}
ENDS = re.compile(r"(db\.)?session(\(\))?\.commit")


def _rooms(room):
    return [m for m in modules() if m.feature in FEATURES and m.room == room]


def _found(room, pattern):
    return [
        f"{module.name}:{line} {call}"
        for module in _rooms(room)
        for call, line in calls(module)
        if re.fullmatch(pattern, call)
    ]


@pytest.mark.parametrize(
    "call", [r"select", r"update|insert|delete", SESSION_WRITES, ENDS, r"text"]
)
def test_views_hold_no_query_and_commit_nothing(call):
    assert _found("views", call) == []


def test_services_and_queries_do_not_end_the_transaction():
    pattern = r".*\.(commit|rollback)|unit_of_work|(receipts\.)?accept"
    wrong = [
        found
        for room in ("services", "queries", "forms", "prints")
        for found in _found(room, pattern)
        if found.split(":")[0] not in OWN_TRANSACTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["services", "queries", "models", "prints", "policy"])
def test_these_rooms_do_not_read_the_request(room):
    banned = {"request", "session", "g", "render_template", "flash", "redirect"}
    wrong = [
        f"{module.name} imports {name}"
        for module in _rooms(room)
        for source, name in names_imported(module)
        if (source == "flask" and name in banned)
        or source in {"casefield.core.web", "flask_login"}
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["services", "queries", "models", "forms", "prints"])
def test_these_rooms_do_not_read_the_clock(room):
    assert _found(room, r"(clock\.)?now|clock\..*") == []


def test_queries_write_nothing():
    assert _found("queries", SESSION_WRITES) == []
    assert _found("queries", r"insert|update|delete|.*\.flush|ledger\.record") == []


def test_forms_do_not_touch_the_database():
    wrong = [
        f"{module.name} imports {source}.{name}"
        for module in _rooms("forms")
        for source, name in names_imported(module)
        if (source, name) in {("casefield.core.db", "db"), ("casefield.core", "db")}
        or source.startswith("sqlalchemy")
    ]
    assert wrong == []


def test_models_query_nothing():
    assert _found("models", r"select|db\.session.*") == []


def test_only_the_clock_reads_the_clock():
    wrong = [
        f"{module.name}:{line} {call}"
        for module in modules()
        if module.name != "core.clock"
        for call, line in calls(module)
        if CLOCKS.fullmatch(call)
    ]
    assert wrong == []


def test_only_settings_read_the_environment():
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.name not in {"config", *HAND_ON_ENVIRONMENT}
        and module.feature != "operation"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ"
    ]
    assert wrong == []


def test_features_do_not_go_round_the_session():
    pattern = r".*\.(connection|get_bind|exec_driver_sql|begin_nested|raw_connection)"
    wrong = [
        f"{module.name}:{line} {call}"
        for module in modules()
        if module.feature in FEATURES
        for call, line in calls(module)
        if re.fullmatch(pattern, call) or "engine" in call
    ]
    assert wrong == []


def test_whoever_crosses_sites_says_why():
    silent = []
    for module in modules():
        for node in ast.walk(module.tree):
            pairs = []
            if isinstance(node, ast.keyword) and node.arg == "unscoped":
                pairs = [node.value]
            elif isinstance(node, ast.Dict):
                pairs = [
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "unscoped"
                ]
            silent += [
                f"{module.name}:{value.lineno}"
                for value in pairs
                if not (
                    isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and len(value.value.split()) >= 3
                )
            ]
    assert silent == []


def test_nothing_is_marked_safe_in_code():
    wrong = [
        f"{module.name}:{line}"
        for module in modules()
        for call, line in calls(module)
        if call.split(".")[-1] == "Markup"
        and "# noqa: S704 --" not in module.text.splitlines()[line - 1]
        and module.feature != "core"
    ]
    assert wrong == []
