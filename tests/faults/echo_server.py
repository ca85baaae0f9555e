"""A tiny application behind the real server set-up, or behind plain granian."""

import sys
import tempfile
import time
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from granian.constants import Interfaces
from granian.server import Server

from casefield.config import Settings
from casefield.operation.serving import serve_web
from casefield.server import BufferedServer


def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.2)
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/large":
        return [b"x" * 65536] * 320
    return [f"{environ['REQUEST_METHOD']} {len(body)}".encode()]


def load(settings: Settings) -> BufferedServer:
    return BufferedServer(
        app,
        threads=settings.threads,
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
    )


def main(kind: str, port: int) -> None:
    data = Path(tempfile.gettempdir())
    if kind == "buffered":
        limit = 1 << 20
        serve_web(Settings(data=data, port=port, workers=2, max_body_bytes=limit), load)
    elif kind == "impatient":
        serve_web(Settings(data=data, port=port, workers=1, body_seconds=2), load)
    else:
        Server(
            "echo_server:app",
            port=port,
            interface=Interfaces.WSGI,
            workers=2,
            blocking_threads=2,
            backpressure=2048,
            working_dir=Path(__file__).parent,
        ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
