"""Unsafe requests come from our own pages, with the token of the browser's session."""

import pytest

from tests.client import browser
from tests.routes import fill, unsafe_calls

ONE_DATABASE = True

FOREIGN = {
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://localhost:81"},
    "a prefix": {"Origin": "http://localhost.evil.example"},
    "opaque": {"Origin": "null"},
    "none": {},
    "browser says cross-site": {
        "Origin": "http://localhost",
        "Sec-Fetch-Site": "cross-site",
    },
    "browser says same-site": {
        "Origin": "http://localhost",
        "Sec-Fetch-Site": "same-site",
    },
    "browser says none": {"Origin": "http://localhost", "Sec-Fetch-Site": "none"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_every_unsafe_rule_refuses_a_foreign_page(app, cast, sign_in, headers):
    client = sign_in(cast.admin)
    passed = [
        f"{method} {rule}"
        for rule, method in unsafe_calls(app)
        if client.open(
            fill(rule), method=method, origin=None, headers=headers
        ).status_code
        != 403
    ]
    assert passed == []


def test_every_unsafe_rule_refuses_a_form_without_its_token(app, cast, sign_in):
    client = sign_in(cast.admin)
    passed = [
        f"{method} {rule}"
        for rule, method in unsafe_calls(app)
        if client.open(fill(rule), method=method, csrf=False).status_code != 400
    ]
    assert passed == []


def test_there_are_unsafe_rules_to_try(app):
    assert len(unsafe_calls(app)) > 3


def test_a_token_of_another_browser_is_refused(app, cast, sign_in):
    other = sign_in(cast.lead).csrf_token()
    client = sign_in(cast.guard)
    form = {"locale": "en", "theme": "dark"}
    assert client.post("/me", data={**form, "csrf_token": other}).status_code == 400
    assert client.post("/me", data=form).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_our_own_pages_are_let_in(cast, sign_in, headers):
    form = {"locale": "en", "theme": "dark"}
    client = sign_in(cast.guard)
    answer = client.post("/me", data=form, origin=None, headers=headers)
    assert answer.status_code == 303


def test_a_foreign_page_may_still_link_here(client):
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/sign-in", headers=headers).status_code == 200


def test_a_method_that_no_rule_names_is_refused(app, cast, sign_in):
    client = sign_in(cast.admin)
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        assert client.open("/me", method=method).status_code in {403, 405}


def test_the_token_of_one_sign_in_survives_a_restart(fresh_app, fresh_cast):
    client = browser(fresh_app, fresh_cast.guard)
    token = client.csrf_token()
    form = {"locale": "en", "theme": "dark", "csrf_token": token}
    assert client.post("/me", data=form).status_code == 303
