"""The adapter hands the application what arrived, and the client what it answered."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from casefield.server import IN_MEMORY, BufferedServer
from tests.page_rules import check_html

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]


def ask(
    app: WSGIApplication,
    *,
    pieces: Iterable[bytes] = (),
    headers: Headers = [],  # noqa: B006 -- read only
    **scope: Any,
) -> Answer:
    """Send one request through the adapter as an ASGI server does."""
    server = BufferedServer(app, threads=1, max_body_bytes=1 << 20, body_seconds=1)
    events = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]
    events.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    whole = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "client": ("192.0.2.7", 4242),
        "server": ("127.0.0.1", 8000),
        "headers": [(b"host", b"site.example.com"), *headers],
        **scope,
    }
    asyncio.run(server(whole, receive, send))
    body = b"".join(event.get("body", b"") for event in sent[1:])
    return sent[0]["status"], sent[0]["headers"], body


def seen(**request: Any) -> WSGIEnvironment:
    found: WSGIEnvironment = {}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        found.update(environ, body=environ["wsgi.input"].read())
        start_response("204 No Content", [])
        return []

    assert ask(app, **request)[0] == 204
    return found


def test_environment_says_where_the_request_came_from() -> None:
    environ = seen(path="/巡更/é", query_string=b"q=%E4%B8%AD", scheme="https")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/巡更/é"
    assert environ["QUERY_STRING"] == "q=%E4%B8%AD"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "site.example.com"


def test_repeated_headers_are_joined() -> None:
    environ = seen(
        headers=[
            (b"x-forwarded-for", b"1.1.1.1"),
            (b"x-forwarded-for", b"2.2.2.2"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
        ]
    )
    assert environ["HTTP_X_FORWARDED_FOR"] == "1.1.1.1, 2.2.2.2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_header_with_underscore_cannot_pose_as_another() -> None:
    environ = seen(headers=[(b"x_forwarded_for", b"6.6.6.6")])
    assert "HTTP_X_FORWARDED_FOR" not in environ


@pytest.mark.parametrize("name", [b"host", b"content-length", b"content-type"])
def test_ambiguous_request_is_refused(name: bytes) -> None:
    headers = [(name, b"1"), (name, b"2")]
    status, _, _ = ask(_never, headers=headers)
    assert status == 400


def _never(_environ: WSGIEnvironment, _start: StartResponse) -> list[bytes]:
    raise AssertionError("the application must not be reached")


@pytest.mark.parametrize("size", [1, 70_000, IN_MEMORY + 1, 1 << 20])
def test_body_arrives_whole_with_its_size(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    pieces = [content[start : start + 65536] for start in range(0, size, 65536)]
    environ = seen(
        method="POST", pieces=pieces, headers=[(b"transfer-encoding", b"chunked")]
    )
    assert environ["body"] == content
    assert environ["CONTENT_LENGTH"] == str(size)
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_one_byte_too_many_is_refused() -> None:
    status, headers, body = ask(
        _never,
        method="POST",
        pieces=[b"x" * (1 << 20), b"x"],
        headers=[(b"transfer-encoding", b"chunked")],
    )
    assert status == 413
    assert (b"connection", b"close") in headers
    assert "太大" in body.decode()


BROWSER = (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8")
TOO_LONG = (b"content-length", b"1048577")


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        (b"http://site.example.com/rounds/a?b=c", "/rounds/a"),
        (b"http://evil.example.com/rounds/a", "/"),
        (b"http://site.example.com//evil.example.com", "/"),
        (b'http://site.example.com/"><b>', "/&quot;&gt;&lt;b&gt;"),
        (b"http://[", "/"),
        (b"", "/"),
    ],
)
def test_a_person_is_told_the_limit_on_a_page(came_from: bytes, back: str) -> None:
    given = [TOO_LONG, BROWSER, (b"referer", came_from)]
    status, headers, body = ask(_never, method="POST", headers=given)
    assert status == 413
    assert (b"content-type", b"text/html; charset=utf-8") in headers
    assert b"default-src 'none'" in dict(headers)[b"content-security-policy"]
    page = body.decode()
    check_html(page)
    assert page.index("一次最多 1 MB") < page.index("at most 1 MB")
    assert "重拍一张" in page
    assert f'href="{back}"' in page


def test_a_program_is_told_the_limit_in_a_line() -> None:
    given = [TOO_LONG, (b"accept", b"*/*")]
    status, headers, body = ask(_never, method="POST", headers=given)
    assert status == 413
    assert (b"content-type", b"text/plain; charset=utf-8") in headers
    assert "<" not in body.decode()
    assert "一次最多 1 MB" in body.decode()


def answering(make: Callable[[], Iterable[bytes]]) -> WSGIApplication:
    def app(
        _environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        start_response(
            "200 OK",
            [
                ("Content-Type", "text/plain"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b"),
            ],
        )
        return make()

    return app


@pytest.mark.parametrize("size", [0, 5, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY])
def test_answer_leaves_whole(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    status, headers, body = ask(answering(lambda: iter([content[:3], content[3:]])))
    assert status == 200
    assert body == content
    assert [value for name, value in headers if name == b"set-cookie"] == [b"a=1", b"b"]


def test_answer_is_closed_even_when_it_breaks() -> None:
    closed = []

    class Breaking:
        def __iter__(self) -> Iterator[bytes]:
            yield b"x" * (IN_MEMORY + 1)
            raise RuntimeError("broke half way")

        def close(self) -> None:
            closed.append(True)

    with pytest.raises(RuntimeError, match="half way"):
        ask(answering(Breaking))
    assert closed == [True]


def test_it_keeps_to_the_rules_of_wsgi() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(5)]

    _, _, body = ask(
        validator(app),
        method="POST",
        pieces=[b"hello"],
        headers=[(b"content-length", b"5"), (b"content-type", b"text/plain")],
    )
    assert body == b"hello"
