"""Every answer carries the headers, refusals and errors included."""

import gzip
from typing import Any

import pytest
import zstandard

from casefield.core.headers import CONTENT_POLICY, SECURITY_HEADERS
from tests.client import browser
from tests.routes import fill

ONE_DATABASE = True


def _held(response):
    return {name: response.headers.get(name) for name in SECURITY_HEADERS}


def test_every_route_answers_with_the_headers(app, cast, sign_in, client):
    for caller in (client, sign_in(cast.admin)):
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()):
                response = caller.get(fill(rule))
                held = _held(response)
                policy = held.pop("Content-Security-Policy")
                assert policy is not None, rule
                assert held.items() <= SECURITY_HEADERS.items(), rule
                assert "Cache-Control" in response.headers, rule


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/no-such-page", "GET", 404),
        ("/me", "PUT", 403),
        ("/me", "POST", 400),
        ("/me", "GET", 303),
        ("/sign-in", "GET", 200),
    ],
)
def test_refusals_carry_the_headers(client, path, method, status):
    options: dict[str, Any] = {"csrf": False} if status == 400 else {}
    if status == 403:
        options = {"origin": None}
    response = client.open(path, method=method, **options)
    assert response.status_code == status
    assert _held(response) == SECURITY_HEADERS
    assert response.headers["Cache-Control"] == "no-store"


def test_a_fault_of_ours_is_a_plain_page_with_the_headers(fresh_app, fresh_cast):
    def fault():
        raise ZeroDivisionError("secret detail")

    fresh_app.add_url_rule("/fault", "fault", fault)
    fresh_app.extensions["policy"]["fault"] = fresh_app.extensions["policy"][
        "accounts.me"
    ]
    fresh_app.testing = False
    from casefield.core.web import _unexpected

    fresh_app.register_error_handler(Exception, _unexpected)
    response = browser(fresh_app, fresh_cast.guard).get("/fault")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text
    assert _held(response) == SECURITY_HEADERS


def test_the_content_policy_lets_nothing_inline_or_foreign_in():
    assert "unsafe" not in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY
    for directive in (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert directive in CONTENT_POLICY


def test_only_https_is_told_to_stay_https(make_fresh_app):
    plain = make_fresh_app("sqlite")
    answer = browser(plain).get("/sign-in")
    assert "Strict-Transport-Security" not in answer.headers
    secure = make_fresh_app("sqlite", public_url="https://site.example")
    answer = browser(secure).get("/sign-in", base_url="https://site.example")
    age = int(answer.headers["Strict-Transport-Security"].split("=")[1].split(";")[0])
    assert age >= 31_536_000


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("gzip, br, zstd", "zstd", zstandard.ZstdDecompressor().decompress),
    ],
)
def test_pages_are_compressed_as_asked(client, accepted, coding, unpack):
    plain = client.get("/no-such-page")
    packed = client.get("/no-such-page", headers={"Accept-Encoding": accepted})
    assert packed.headers["Content-Encoding"] == coding
    assert "Accept-Encoding" in packed.vary
    assert unpack(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:80", "", "localhost:x"],
)
def test_a_foreign_host_is_refused(client, host):
    response = client.get("/sign-in", headers={"Host": host})
    assert response.status_code == 400


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/no-such-page"])
def test_a_foreign_host_is_refused_everywhere(client, path):
    response = client.get(path, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in response.text


def test_a_forged_forwarded_host_is_not_used(client):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    response = client.get("/me", headers=forged)
    assert response.headers["Location"].startswith("/sign-in")
    assert "evil" not in response.text + str(response.headers)


def test_health_says_what_runs(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json.keys() == {"status", "version", "schema"}
    assert answer.json["status"] == "ok"
    assert answer.json["schema"]


CHINESE, ENGLISH = 'lang="zh-Hans"', 'lang="en"'


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=0.9", CHINESE),
        ("en-GB,en;q=0.9", ENGLISH),
        ("fr", CHINESE),
        ("", CHINESE),
    ],
)
def test_a_stranger_reads_the_browsers_language(client, accepted, expected):
    headers = {"Accept-Language": accepted}
    assert expected in client.get("/sign-in", headers=headers).text


def test_a_link_chooses_the_language(client):
    assert ENGLISH in client.get("/sign-in?lang=en").text
    assert CHINESE in client.get("/sign-in?lang=xx").text


def test_a_person_reads_the_language_they_chose(cast, sign_in):
    client = sign_in(cast.guard)
    english = {"Accept-Language": "en"}
    assert CHINESE in client.get("/me", headers=english).text
    client.post("/me", data={"locale": "en", "theme": "dark"})
    page = client.get("/me", headers={"Accept-Language": "zh"}).text
    assert ENGLISH in page
    assert 'data-theme="dark"' in page


def test_words_can_be_said_outside_of_a_request(app):
    from casefield.core.errors import NotFound

    with app.app_context():
        assert str(NotFound())
