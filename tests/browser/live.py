"""The real server with the invented project, at an instant that a test steers."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: 11:23 in Shanghai on a Monday; the third round of the day route is open
MONDAY = datetime.fromisoformat("2026-11-23T03:23:30+00:00")
PASSWORD = "demo-demo-demo"
#: on duty then: the guard on patrol, the duty manager; and who else signs in
GUARD, MANAGER, SITE_LEAD, LEAD = "S20", "S02", "S01", "S04"
STAFF, ADMIN, SALES = "S21", "A00", "X01"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], seconds: float = 20, why: str = "") -> Any:
    """Ask until something is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain {why}")


def _descendants(pid: int) -> list[int]:
    """Return a process's children and theirs; they have groups of their own."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, ask = [], [pid]
    while ask:
        of_one = children.get(ask.pop(), [])
        found += of_one
        ask += of_one
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Live:
    """One server on one data folder; may be stopped, killed and started again."""

    def __init__(self, data: Path, **environ: str) -> None:
        data.parent.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._clock = data.parent / f"{data.name}-clock"
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        #: what the environment holds besides settings
        self.extra: dict[str, str] = {}
        self.command = [sys.executable, "-m", "casefield", "serve"]
        if not self._clock.exists():
            self.at(MONDAY)

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CASEFIELD_")}
        return {
            **kept,
            "CASEFIELD_TESTING": "1",
            "CASEFIELD_CLOCK_FILE": str(self._clock),
            "CASEFIELD_DATA": str(self.data),
            "CASEFIELD_DEMO_PASSWORD": PASSWORD,
            "CASEFIELD_SWEEP_SECONDS": "1",
            "CASEFIELD_WORKERS": "1",
            "PORT": str(self.port),
            **self._environ,
            **self.extra,
        }

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    def at(self, instant: datetime) -> datetime:
        """Let it be this instant for the server; whole at any moment it is read."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(instant.isoformat())
        fresh.replace(self._clock)
        return instant

    def forward(self, **span: float) -> datetime:
        return self.at(self.now + timedelta(**span))

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._clock.read_text())

    def run(self, *arguments: str) -> str:
        """Run another command of the program on the same data."""
        done = subprocess.run(
            [sys.executable, "-m", "casefield", *arguments],
            check=False,
            env=self.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> "Live":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environ,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.is_up, 40, f"for the server, see {self.log}")
        return self

    def is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)
            self._process = None

    def kill(self) -> None:
        """Kill every process of the server at once, as a power cut would."""
        assert self._process is not None
        for pid in (self._process.pid, *_descendants(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(15)
        self._process = None
        wait_for(lambda: not _answers(self.port), why="for the port to be free")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the server."""
        address = f"file:{self.data / 'casefield.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
            return database.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        return self.sql(statement, *values)[0][0]


def make_demo(folder: Path) -> Path:
    """Load the invented project at :data:`MONDAY` into ``folder``."""
    live = Live(folder)
    live.run("demo")
    return folder


def copy_of(folder: Path, to: Path) -> Path:
    """Copy a data folder, so that each test may spoil its own."""
    shutil.copytree(folder, to)
    return to
