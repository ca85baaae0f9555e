"""Processor time of one page inside a process: no server, no network, least noise."""

import time
from collections.abc import Callable
from wsgiref.types import WSGIApplication, WSGIEnvironment

from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.figures import Figure
from bench.peers import empty
from bench.rounds import Side, alternate

ROUNDS = 16
CALLS = 20


def measure(app: WSGIApplication, path: str, cookie: str) -> list[Figure]:
    """Compare the list page with the empty route."""
    page = caller(app, path, cookie)
    nothing = caller(empty.app, "/", "")
    pair = alternate(_sample(page), _sample(nothing), rounds=ROUNDS)
    return [pair.figure("page_cpu", "us")]


def caller(app: WSGIApplication, path: str, cookie: str) -> Callable[[], bytes]:
    """Return a function that asks the app once and returns the whole body."""
    headers = [("Cookie", cookie)] if cookie else []
    base = "http://127.0.0.1:8000"
    environ = EnvironBuilder(path=path, base_url=base, headers=headers).get_environ()

    def call() -> bytes:
        fresh: WSGIEnvironment = dict(environ)
        body, status, _ = run_wsgi_app(app, fresh, buffered=True)
        content = b"".join(body)
        if not status.startswith("200"):
            raise RuntimeError(f"{path} answers {status}")
        return content

    for _ in range(CALLS):
        call()
    return call


def _sample(call: Callable[[], bytes]) -> Side:
    """Return microseconds of this thread for one call, taken over several."""

    def sample() -> float:
        began = time.thread_time_ns()
        for _ in range(CALLS):
            call()
        return (time.thread_time_ns() - began) / CALLS / 1000

    return sample
