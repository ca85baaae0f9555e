"""The web processes, the worker, and the one process above them."""

import gc
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from casefield import FEATURES, create_app
from casefield.config import Settings, SettingsError
from casefield.core import jobs
from casefield.operation.children import Child, end_with_parent, keep_running
from casefield.server import BufferedServer

#: Connections waiting to be accepted, and open at once in each web process: a slow
#: phone costs a little memory and no thread, so there may be many.
BACKLOG = 2048
OPEN_CONNECTIONS = 2048
#: Long enough for a slow phone to send a request's head, and for an idle connection.
HEADER_MILLISECONDS = 30_000
STOP_SECONDS = 5

LoadServer = Callable[[Settings], BufferedServer]

# Granian sets its own handlers up; its lines belong into our log like all others.
_GRANIAN_LOG = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


def load_application(settings: Settings) -> BufferedServer:
    """Build the application inside a web process."""
    return BufferedServer(
        create_app(settings),
        threads=settings.threads,
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
    )


def serve_web(settings: Settings, load: LoadServer = load_application) -> None:
    """Run granian until a signal ends it."""
    server = Server(
        "casefield.server",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        websockets=False,
        backlog=BACKLOG,
        backpressure=OPEN_CONNECTIONS,
        log_level=LogLevels.warning,
        log_dictconfig=_GRANIAN_LOG,
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.serve(
        target_loader=partial(_load_in_web_process, settings, load, os.getpid()),
        wrap_loader=False,
    )


def _load_in_web_process(
    settings: Settings, load: LoadServer, parent: int
) -> BufferedServer:
    # Granian's own handlers come once we are loaded; the parent's, inherited, would
    # swallow a stop until then.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(parent, signal.SIGKILL)
    return load(settings)


def run_worker(settings: Settings) -> None:
    """Do the jobs and the sweep until a signal ends it."""
    # Blocked before any thread starts, so that only the one below hears them: the
    # queue would put handlers of its own in place.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    stop = threading.Event()

    def listen() -> None:
        signal.sigwait(ends)
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    jobs.run_worker(create_app(settings), stop)


def serve(
    settings: Settings,
    *,
    announce: Callable[[], None] | None = None,
    beside: tuple[Child, ...] = (),
) -> int:
    """Serve until Ctrl-C or SIGTERM; ``announce`` is called once the port answers.

    Raises:
        SettingsError: the port is taken.
    """
    refuse_taken_port(settings.host, settings.port)
    _import_features()
    children = [
        Child("web", partial(serve_web, settings)),
        Child("worker", partial(run_worker, settings)),
        *beside,
    ]

    def ready() -> bool:
        if not answers(settings.host, settings.port):
            return False
        if announce is not None:
            announce()
        return True

    return keep_running(children, ready)


def _import_features() -> None:
    """Import once what every child needs; they share the memory and start at once."""
    for feature in FEATURES:
        import_module(f"casefield.{feature}.views")
    gc.collect()
    gc.freeze()


def refuse_taken_port(host: str, port: int) -> None:
    """Say so now: several processes share the port, so the kernel would not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            reason = (problem.strerror or "cannot be used").lower()
            raise SettingsError("PORT", str(port), str(port + 1), reason) from None


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound
    with socket.socket(family) as probe, suppress(OSError):
        probe.settimeout(0.2)
        probe.connect((reachable, port))
        return True
    return False
