"""The clients of the benchmarks: forms, what a page loads, floods, load from wrk."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.first_load import parts_of
from bench.flood import Flood, Post, flood
from bench.load import LoadError, run_load
from bench.visitor import forms_of

PAGE = """
<link rel="stylesheet" href="/static/a.css"><link rel="alternate" href="/other">
<script src="/static/a.js"></script><img src="data:image/png;base64,AA">
<svg><use href="/static/icons.svg#east"></use></svg>
<form action="/sign-out"><input type="hidden" name="csrf_token" value="t1"></form>
<form action="/x/check-in"><input type="hidden" name="csrf_token" value="t2">
<input type="radio" name="r" value="no"><input type="radio" name="r" value="ok" checked>
<input name="note"></form>
"""


def test_forms_keep_hidden_and_ticked_values_apart() -> None:
    sign_out, check_in = forms_of(PAGE)

    assert sign_out.values == {"csrf_token": "t1"}
    assert check_in.action == "/x/check-in"
    assert check_in.values == {"csrf_token": "t2", "r": "ok"}
    assert "note" in check_in.names


def test_a_page_loads_styles_scripts_and_icons_and_nothing_else() -> None:
    assert parts_of(PAGE, "text/html") == [
        "/static/a.css",
        "/static/a.js",
        "data:image/png;base64,AA",
        "/static/icons.svg#east",
    ]


def test_style_sheets_and_scripts_load_further_files() -> None:
    style = "@import 'b.css'; a { background: url(\"c.svg\") }"
    script = "import { go } from './d.js';\nimport './e.js';\nconst x = 'f.js';"

    assert parts_of(style, "text/css") == ["b.css", "c.svg"]
    assert parts_of(script, "text/javascript") == ["./d.js", "./e.js"]


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """Give these answers in turn, over and over; an empty one hangs up."""
    turn = itertools.cycle(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = next(turn)
            self.wfile.write(answer)
            self.close_connection = not answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


SEEN = b"HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
PIECES = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"


def test_flood_sends_each_post_once_and_counts_every_answer() -> None:
    posts = [Post("/check-in", f"n={n}", "") for n in range(40)]
    with answering(SEEN, BUSY, PIECES, b"") as origin:
        result = flood(origin, posts, clients=4, seconds=20)

    assert result == Flood({303: 10, 503: 10, 200: 10, 0: 10})
    assert result.errors == 20


def test_load_stays_on_loopback() -> None:
    with pytest.raises(LoadError, match="loopback"):
        run_load("http://192.0.2.1/", connections=1, seconds=1, headers={})
