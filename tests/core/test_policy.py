"""Nothing is served that the policy table does not name."""

import pytest
from flask import Blueprint

from casefield.accounts import policy as accounts_policy
from casefield.accounts import views as accounts_views
from casefield.core.policy import (
    ADMINISTERING,
    LEADING,
    MANAGING,
    ON_SITE,
    PUBLIC,
    SIGNED_IN,
    Role,
    UnguardedEndpoint,
    may,
    merge,
)
from tests.client import browser
from tests.conftest import build

ONE_DATABASE = True


def test_a_route_without_a_policy_stops_the_application(tmp_path, monkeypatch):
    blueprint = Blueprint("accounts", __name__)
    blueprint.add_url_rule("/hidden", "hidden", lambda: "")
    monkeypatch.setattr(accounts_views, "blueprint", blueprint)
    with pytest.raises(UnguardedEndpoint, match=r"no policy for accounts\.hidden"):
        build(tmp_path)


def test_a_policy_without_a_route_stops_the_application(tmp_path, monkeypatch):
    stale = {**accounts_policy.POLICY, "accounts.gone": PUBLIC}
    monkeypatch.setattr(accounts_policy, "POLICY", stale)
    with pytest.raises(UnguardedEndpoint, match=r"without a route: accounts\.gone"):
        build(tmp_path)


def test_an_endpoint_named_twice_stops_the_application(tmp_path, monkeypatch):
    twice = {**accounts_policy.POLICY, "core.health": PUBLIC}
    monkeypatch.setattr(accounts_policy, "POLICY", twice)
    with pytest.raises(UnguardedEndpoint, match=r"core\.health has two policies"):
        build(tmp_path)


def test_merge_keeps_every_row():
    assert merge([{"a": PUBLIC}, {"b": SIGNED_IN}]) == {"a": PUBLIC, "b": SIGNED_IN}


@pytest.mark.parametrize(
    ("allow", "roles"),
    [
        (SIGNED_IN, set(Role)),
        (ON_SITE, set(Role) - {Role.SALES}),
        (LEADING, {Role.LEAD, Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}),
        (MANAGING, {Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}),
        (ADMINISTERING, {Role.ADMIN}),
        (PUBLIC, set(Role)),
    ],
)
def test_who_may(allow, roles):
    assert {role for role in Role if may({"x": allow}, role, "x")} == roles


def test_nobody_may_what_is_not_named():
    assert not any(may({}, role, "x") for role in Role)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_gate_reads_the_role_on_every_request(fresh_app, fresh_cast, method):
    fresh_app.add_url_rule("/only", "only", lambda: "seen", methods=["GET", "POST"])
    fresh_app.extensions["policy"]["only"] = MANAGING
    answers = {
        role: browser(fresh_app, person).open("/only", method=method).status_code
        for role, person in fresh_cast.by_role.items()
    }
    assert answers == {role: 200 if role in MANAGING.roles else 403 for role in Role}
    stranger = browser(fresh_app).open("/only", method=method)
    assert stranger.status_code == 303
    assert stranger.headers["Location"].startswith("/sign-in")


def test_an_endpoint_added_late_and_not_named_is_not_served(fresh_app, fresh_cast):
    fresh_app.add_url_rule("/late", "late", lambda: "seen")
    with pytest.raises(KeyError):
        browser(fresh_app, fresh_cast.admin).get("/late")
