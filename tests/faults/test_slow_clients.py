"""Hundreds of clients that send a byte a second must not keep others waiting."""

import contextlib
import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.fault
HERE = Path(__file__).parent
PROMPT = 1.0
HEAD = b"GET /slow-head HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /slow-body HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Length: 4096\r\n\r\n"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(kind: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "echo_server.py"), kind, str(port)],
        cwd=HERE.parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(port: int) -> None:
    latest = time.monotonic() + 15
    while time.monotonic() < latest:
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(port, "GET", "/healthz")
            return
        time.sleep(0.05)
    pytest.fail("the server did not start")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROMPT)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def dripping(port: int, opening: bytes, count: int) -> Iterator[None]:
    """Hold ``count`` connections open that each send one byte a second."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    over = threading.Event()

    def drip() -> None:
        while not over.wait(1):
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"x", socket.MSG_DONTWAIT)

    for client in clients:
        client.sendall(opening)
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        time.sleep(1.5)
        yield
        assert_still_open(clients)
    finally:
        over.set()
        thread.join()
        for client in clients:
            client.close()


def assert_still_open(clients: list[socket.socket]) -> None:
    """A server that had thrown the slow ones out would prove nothing."""
    with selectors.DefaultSelector() as ready:
        for client in clients:
            ready.register(client, selectors.EVENT_READ)
        assert ready.select(0) == []


def ask_others(port: int, seconds: float) -> float:
    """Ask as everybody else does; return the longest wait."""
    longest = 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        assert ask(port, "GET", "/healthz") == "GET 0"
        middle = time.monotonic()
        assert ask(port, "POST", "/check-in", b"k" * 500) == "POST 500"
        longest = max(longest, middle - begun, time.monotonic() - middle)
        time.sleep(0.1)
    return longest


@pytest.mark.parametrize("opening", [HEAD, BODY], ids=["heads", "bodies"])
def test_slow_clients_leave_others_served(opening: bytes) -> None:
    with server("buffered") as port, dripping(port, opening, 200):
        assert ask_others(port, 3) < PROMPT


@pytest.mark.prove
@pytest.mark.parametrize("opening", [HEAD, BODY], ids=["heads", "bodies"])
def test_a_thousand_slow_clients_leave_others_served(opening: bytes) -> None:
    with server("buffered") as port, dripping(port, opening, 1000):
        assert ask_others(port, 20) < PROMPT


def test_without_buffering_slow_bodies_stall_the_site() -> None:
    with (
        server("unbuffered") as port,
        dripping(port, BODY, 200),
        pytest.raises(TimeoutError),
    ):
        ask_others(port, 3)


def test_slow_readers_leave_others_served() -> None:
    with server("buffered") as port, contextlib.ExitStack() as open_connections:
        for _ in range(50):
            client = socket.socket()
            open_connections.enter_context(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1)
        assert ask_others(port, 2) < PROMPT


def test_body_that_never_ends_is_given_up() -> None:
    with server("impatient") as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(BODY + b"x")
            assert client.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert ask_others(port, 0.5) < PROMPT


def test_declared_size_is_refused_before_it_is_sent() -> None:
    with (
        server("buffered") as port,
        socket.create_connection(("127.0.0.1", port), timeout=PROMPT) as client,
    ):
        client.sendall(BODY.replace(b"4096", b"1048577"))
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_undeclared_size_is_refused_when_it_is_reached() -> None:
    with server("buffered") as port:
        head = BODY.replace(b"Content-Length: 4096", b"Transfer-Encoding: chunked")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(head)
            for _ in range(9):
                client.sendall(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
