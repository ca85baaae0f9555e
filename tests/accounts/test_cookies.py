"""What the browser is given to keep, over plain HTTP and over TLS."""

import re

import pytest

from casefield.accounts import services
from casefield.core.policy import Role
from tests.accounts.test_sign_in import enter
from tests.cast import read_cast
from tests.client import browser
from tests.factories import PASSWORD

ONE_DATABASE = True


def _flags(answer):
    found = {}
    for line in answer.headers.getlist("Set-Cookie"):
        name, _, rest = line.partition("=")
        found[name] = {part.strip() for part in rest.split(";")[1:]}
    return found


def test_plain_http_gives_plain_names(cast, client):
    flags = _flags(enter(client))
    assert {"casefield", "casefield-device"} <= flags.keys()
    for name in ("casefield", "casefield-device"):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= flags[name]
        assert "Secure" not in flags[name]
        assert not any(flag.startswith("Domain") for flag in flags[name])


def test_https_binds_the_cookies_to_the_host(make_fresh_app):
    app = make_fresh_app("sqlite", public_url="https://site.example")
    client = browser(app)
    page = client.get("/sign-in", base_url="https://site.example")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    answer = client.post(
        "/sign-in",
        data={"staff_no": "G01", "password": PASSWORD, "csrf_token": token[1]},
        base_url="https://site.example",
        origin="https://site.example",
        headers={"Referer": "https://site.example/sign-in"},
        receipt=False,
    )
    assert answer.status_code == 303
    flags = _flags(answer)
    for name in ("__Host-casefield", "__Host-casefield-device"):
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= flags[name]
    assert all("Secure" in given for given in flags.values())
    me = client.get("/me", base_url="https://site.example")
    assert read_cast().guard.name in me.text


@pytest.mark.parametrize(
    ("staff_no", "role"), [("G01", Role.STAFF), ("A01", Role.ADMIN)]
)
def test_the_cookie_outlives_the_browser_as_long_as_the_session(
    cast, client, staff_no, role
):
    flags = _flags(enter(client, staff_no))
    seconds = int(services.LIFETIME[role].total_seconds())
    assert f"Max-Age={seconds}" in flags["casefield"]
    assert any(flag.startswith("Expires=") for flag in flags["casefield"])


def test_a_known_device_gets_no_second_device_cookie(cast, client):
    enter(client, "G01")
    client.post("/sign-out", receipt=False)
    assert "casefield-device" not in _flags(enter(client, "G01"))


def test_cookies_are_small(cast, client):
    for line in enter(client).headers.getlist("Set-Cookie"):
        assert len(line) < 4096


def test_a_new_token_at_every_sign_in(cast, client):
    tokens = set()
    for _ in range(3):
        enter(client)
        tokens.add(client.get_cookie("casefield").value)
        client.post("/sign-out", receipt=False)
    assert len(tokens) == 3
