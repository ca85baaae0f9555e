"""Between granian and the application: no slow client ever holds a thread."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from io import BytesIO
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

from casefield.core.assets import static_url
from casefield.core.headers import SECURITY_HEADERS
from casefield.core.logs import security_event

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes | IO[bytes]]

#: A body or a page up to this size stays in memory; larger ones go to a file.
IN_MEMORY = 512 * 1024
PIECE = 64 * 1024


class Refused(Exception):
    """A request answered before the application sees it."""

    def __init__(self, status: int, english: str, chinese: str) -> None:
        """Keep the status and the sentence that the client is shown."""
        super().__init__(english)
        self.status = status
        self.english = english
        self.chinese = chinese


class Disconnected(Exception):
    """The client left before its body was whole."""


class BufferedServer:
    """Serve a WSGI application over ASGI, with whole requests and whole answers.

    The event loop collects the body and later sends the answer; the thread in
    between is busy exactly as long as the application itself is.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        threads: int,
        max_body_bytes: int,
        body_seconds: float,
    ) -> None:
        """Wrap ``app``; limits hold for one request body."""
        self.app = app
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self.max_body_bytes = max_body_bytes
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        environ: WSGIEnvironment = {}
        try:
            environ = _environ(scope)
            body = await self._body(environ, receive)
        except Disconnected:
            return
        except Refused as refused:
            security_event("request_refused", status=refused.status, why=str(refused))
            await _send(send, _refusal(refused, environ))
            return
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self.pool, self._run, environ, body)
        finally:
            if body is not None:
                body.close()
        await _send(send, answer)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.pool.shutdown(wait=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _body(
        self, environ: WSGIEnvironment, receive: Receive
    ) -> IO[bytes] | None:
        declared = environ.get("CONTENT_LENGTH", "")
        chunked = environ.pop("HTTP_TRANSFER_ENCODING", None)
        if not chunked and declared in {"", "0"}:
            return None
        if declared and int(declared) > self.max_body_bytes:
            raise self._too_large()
        body: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 -- closed after the answer
        try:
            async with asyncio.timeout(self.body_seconds):
                size = await self._collect(body, receive)
        except TimeoutError:
            body.close()
            raise Refused(
                408, "The upload took too long.", "上传超时。请到信号好的地方再试一次。"
            ) from None
        except BaseException:
            body.close()
            raise
        environ["CONTENT_LENGTH"] = str(size)
        body.seek(0)
        return body

    def _too_large(self) -> Refused:
        limit = self.max_body_bytes >> 20
        return Refused(
            413,
            f"This is too large: at most {limit} MB can be sent at once. Please go"
            " back and take the photo again, or send fewer photos.",
            f"内容太大，没有收下：一次最多 {limit} MB。请返回上一页，重拍一张照片"
            "再试，或少选几张。",
        )

    async def _collect(self, body: IO[bytes], receive: Receive) -> int:
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            piece = event.get("body", b"")
            size += len(piece)
            if size > self.max_body_bytes:
                raise self._too_large()
            body.write(piece)
            if not event.get("more_body", False):
                return size

    def _run(self, environ: WSGIEnvironment, body: IO[bytes] | None) -> Answer:
        """Call the application and take all it yields; runs in a thread."""
        if body is not None:
            environ["wsgi.input"] = body
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return _no_write

        pieces = self.app(environ, start_response)
        try:
            content = _whole(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        status, headers = started[0]
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        return int(status[:3]), raw, content


def _environ(scope: Scope) -> WSGIEnvironment:
    client = scope.get("client") or ("", 0)
    server = scope.get("server") or ("localhost", 0)
    root = scope.get("root_path", "")
    path = scope["path"]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _latin(root),
        "PATH_INFO": _latin(path[len(root) :] if root else path),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper()
        if "_" in name:
            continue  # would be read as the header spelt with hyphens
        name = name.replace("-", "_")
        if name not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            name = "HTTP_" + name
        value = raw_value.decode("latin-1")
        if name in environ:
            value = _joined(name, environ[name], value)
        environ[name] = value
    return environ


def _latin(text: str) -> str:
    """Spell text the way WSGI wants it: bytes in Latin-1 clothes."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _joined(name: str, first: str, second: str) -> str:
    if name in {"HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE"}:
        raise Refused(400, "A header is given twice.", "请求头重复。")
    return first + ("; " if name == "HTTP_COOKIE" else ", ") + second


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("write() is older than this server supports")


def _whole(pieces: Iterable[bytes]) -> bytes | IO[bytes]:
    """Take everything the application yields; a long answer goes to a file."""
    kept: list[bytes] = []
    size = 0
    rest = iter(pieces)
    for piece in rest:
        kept.append(piece)
        size += len(piece)
        if size > IN_MEMORY:
            break
    else:
        return kept[0] if len(kept) == 1 else b"".join(kept)
    file = TemporaryFile()  # noqa: SIM115 -- closed once it is sent
    try:
        file.writelines(kept)
        file.writelines(rest)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


_SHEETS = (
    "tokens",
    "base",
    "controls",
    "cards",
    "feedback",
    "forms",
    "shell",
    "public",
)
_PAGE = """<!doctype html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<title>没有完成 · casefield</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
{sheets}
</head>
<body>
<div class="public"><main class="public__main">
<h1>没有完成</h1>
<div class="notice notice--error"><div class="notice__body">
<p>{chinese}</p>
<p lang="en">{english}</p>
</div></div>
<p class="form-actions">
<a class="button button--primary" href="{back}">返回上一页 · Back</a></p>
</main></div>
</body>
</html>
"""


def _refusal(refused: Refused, environ: Mapping[str, Any]) -> Answer:
    """Say why a request was refused: a page to a person, a line to a program."""
    if "text/html" in environ.get("HTTP_ACCEPT", ""):
        kind = b"text/html; charset=utf-8"
        text = _refusal_page(refused, environ)
    else:
        kind = b"text/plain; charset=utf-8"
        text = f"{refused.english} {refused.chinese}\n"
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    headers += [(k.lower().encode(), v.encode()) for k, v in SECURITY_HEADERS.items()]
    return refused.status, headers, text.encode()


def _refusal_page(refused: Refused, environ: Mapping[str, Any]) -> str:
    back = "/"
    with suppress(ValueError):
        came_from = urlsplit(environ.get("HTTP_REFERER", ""))
        own = came_from.netloc == environ.get("HTTP_HOST")
        if own and came_from.path[:1] == "/" and came_from.path[:2] != "//":
            back = came_from.path
    sheets = (
        f'<link rel="stylesheet" href="{static_url(f"css/{name}.css")}">'
        for name in _SHEETS
    )
    return _PAGE.format(
        sheets="\n".join(sheets),
        chinese=escape(refused.chinese),
        english=escape(refused.english),
        back=escape(back),
    )


async def _send(send: Send, answer: Answer) -> None:
    status, headers, content = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if isinstance(content, bytes):
        await send({"type": "http.response.body", "body": content})
        return
    with content:
        while piece := content.read(PIECE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
