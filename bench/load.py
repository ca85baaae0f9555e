"""Load from outside the process: wrk, bounded in seconds and to loopback."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LUA = Path(__file__).parent / "load.lua"


class LoadError(RuntimeError):
    """A load run did not do what it was asked to do."""


@dataclass(frozen=True)
class Load:
    """What one run of the load generator saw."""

    requests: int
    seconds: float
    bytes: int
    errors: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Return answered requests per second."""
        return self.requests / self.seconds


def run_load(
    url: str,
    *,
    connections: int,
    seconds: int,
    headers: dict[str, str],
    posts: Path | None = None,
    skip: int = 0,
) -> Load:
    """Ask the address as often as it answers; `posts` holds prepared forms."""
    if urlsplit(url).hostname != "127.0.0.1":
        raise LoadError(f"load is for loopback only, not {url}")
    if not (wrk := shutil.which("wrk")):
        raise LoadError("wrk is not installed; `make bench` installs it")
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(LUA), url]
    if posts:
        command += ["--", str(posts), str(skip)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 30, check=False
    )
    return _read(done.stdout, done.stderr)


def _read(output: str, complaint: str) -> Load:
    """Take the one line that load.lua prints at the end."""
    lines = [line for line in output.splitlines() if line.startswith("LOAD ")]
    if not lines:
        raise LoadError(f"wrk said nothing: {output} {complaint}")
    load = Load(**json.loads(lines[-1].removeprefix("LOAD ")))
    if load.requests == 0:
        raise LoadError("no request was answered")
    return load
