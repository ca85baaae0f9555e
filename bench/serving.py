"""Starts and ends the servers under measurement, each with the same settings."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 2
THREADS = 2


@dataclass(frozen=True)
class Served:
    """A server that answers on loopback."""

    origin: str
    pid: int

    def url(self, path: str) -> str:
        """Return the whole address of a path."""
        return self.origin + path


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def peer(name: str, environ: dict[str, str], log: Path) -> Iterator[Served]:
    """Serve a peer behind the server and the adapter of our own app."""
    port = free_port()
    command = [sys.executable, "-m", "bench.peers.entry", name, str(port)]
    with running(command, environ, port=port, ready="/", log=log) as served:
        yield served


@contextlib.contextmanager
def running(
    command: list[str], environ: dict[str, str], *, port: int, ready: str, log: Path
) -> Iterator[Served]:
    """Run a server command until the block ends, then end its whole group."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, port, ready, log)
        yield Served(f"http://127.0.0.1:{port}", process.pid)
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until the path answers below 500."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", path)
            if line.getresponse().status < 500:
                return
        except OSError:
            pass
        finally:
            line.close()
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"no answer on {path}: {said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its children so far (Linux)."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == pid or int(fields[1]) == pid:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
