"""Serves a peer with the very server and adapter that serve our own app.

`python -m bench.peers.entry NAME PORT`
"""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from bench.serving import PROCESSES, THREADS
from casefield.config import Settings
from casefield.operation.serving import serve_web
from casefield.server import BufferedServer

PEERS = {
    "empty": "bench.peers.empty",
    "one_row": "bench.peers.one_row",
    "django": "bench.peers.django_site.wsgi",
}


def load(module: str, settings: Settings) -> BufferedServer:
    """Wrap the peer as the app is wrapped."""
    return BufferedServer(
        import_module(module).app,
        threads=settings.threads,
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
    )


if __name__ == "__main__":
    serve_web(
        Settings(
            port=int(sys.argv[2]),
            workers=PROCESSES,
            threads=THREADS,
            data=Path("var/bench"),
        ),
        partial(load, PEERS[sys.argv[1]]),
    )
