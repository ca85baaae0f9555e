"""The floors of docs/architecture.md: every arrow points down."""

from tests.contracts.source import FLOORS, PACKAGE, WITHIN, modules
from tests.contracts.source import imports as imports_of

#: what a feature shows to others
OPEN_ROOMS = {"models", "services", "queries", "policy"}
#: arrows into another room, each with its reason
ALLOWED = {
    # the checklist's fields stand inside the form of a check-in
    ("patrol", "checks", "forms"),
    # a scanned code answers with patrol's page of that point
    ("scan", "patrol", "views"),
}


def _arrows():
    for module in modules():
        if module.feature in FLOORS:
            for target in imports_of(module):
                if target and target[0] in FLOORS and target[0] != module.feature:
                    yield module, target


def test_every_package_has_a_floor():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages - {"operation"} == FLOORS.keys()


def test_no_arrow_points_up():
    wrong = [
        f"{module.name} -> {'.'.join(target)}"
        for module, target in _arrows()
        if FLOORS[target[0]] > FLOORS[module.feature]
    ]
    assert wrong == []


def test_arrows_within_a_floor_are_the_drawn_ones():
    wrong = {
        f"{module.name} -> {'.'.join(target)}"
        for module, target in _arrows()
        if FLOORS[target[0]] == FLOORS[module.feature]
        and (module.feature, target[0]) not in WITHIN
    }
    assert wrong == set()


def test_features_meet_in_their_open_rooms_alone():
    wrong = {
        f"{module.name} -> {'.'.join(target)}"
        for module, target in _arrows()
        if target[0] != "core"
        and len(target) > 1
        and target[1] not in OPEN_ROOMS
        and (module.feature, target[0], target[1]) not in ALLOWED
    }
    assert wrong == set()


def test_exceptions_are_still_needed():
    used = {
        (module.feature, target[0], target[1])
        for module, target in _arrows()
        if len(target) > 1
    }
    assert used >= ALLOWED


def test_the_ground_knows_nothing_above_it():
    above = {
        (module.name, target[0])
        for module in modules()
        if module.feature == "core"
        for target in imports_of(module)
        if target and target[0] not in {"core", "__version__"}
    }
    assert above == set()


def test_features_do_not_know_the_house_that_holds_them():
    house = {"cli", "server", "operation", "navigation", "create_app"}
    wrong = {
        (module.name, target[0])
        for module in modules()
        if module.feature in FLOORS
        for target in imports_of(module)
        if target and target[0] in house
    }
    assert wrong == set()
