"""After signing in one goes to a page of ours, whatever the address asks for."""

import pytest

from casefield.accounts.forms import safe_next
from tests.accounts.test_sign_in import enter

ONE_DATABASE = True

OURS = ["/", "/me", "/me?lang=en", "/sign-in", "/healthz", "/me#top"]
NOT_OURS = [
    None,
    "",
    "me",
    "https://evil.example/",
    "http:evil.example",
    "http:///evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "/\x00/evil.example",
    "/\x7f",
    "/%09/evil.example",
    "/%2f/evil.example",
    "/%5cevil.example",
    "/／evil.example",
    "／／evil.example",
    "/me@evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "ftp://evil.example",
    "/.evil.example",
    "/..//evil.example",
    "/no-such-page",
    "/sign-out",
    "/me/",
    "?next=//evil.example",
    "#//evil.example",
    "/" + "x" * 500,
    "http://localhost/me",
    "//localhost/me",
]


@pytest.mark.parametrize("target", OURS)
def test_a_page_of_ours_is_gone_to(app, target):
    with app.app_context():
        assert safe_next(target) == target


@pytest.mark.parametrize("target", NOT_OURS)
def test_anything_else_is_left(app, target):
    with app.app_context():
        assert safe_next(target) is None


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\e"])
def test_a_forged_target_goes_home(cast, client, target):
    assert "evil" not in client.get("/sign-in", query_string={"next": target}).text
    assert enter(client, next=target).headers["Location"] == "/"
