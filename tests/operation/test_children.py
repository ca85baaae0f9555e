"""Whatever happens to the supervisor or a child, nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.fault
HERE = Path(__file__).parent

Supervisor = subprocess.Popen[bytes]


def supervise(folder: Path, *words: str) -> Supervisor:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.operation.supervised", str(folder), *words],
        cwd=HERE.parents[1],
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    process = supervise(tmp_path)
    try:
        wait_until(lambda: len(noted(tmp_path)) == 3)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(true: object) -> None:
    latest = time.monotonic() + 15
    while not true():  # type: ignore[operator]  # a function of this file
        assert time.monotonic() < latest, "it never came true"
        time.sleep(0.02)


def noted(folder: Path, name: str = "*") -> set[int]:
    return {int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")}


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(
    supervisor: Supervisor, tmp_path: Path, number: signal.Signals
) -> None:
    pids = noted(tmp_path)
    assert alive(pids) == pids
    supervisor.send_signal(number)
    assert supervisor.wait(5) == 0
    assert alive(pids) == set()


def test_killed_supervisor_leaves_no_child(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    children = noted(tmp_path, "steady") | noted(tmp_path, "parent")
    assert len(alive(children)) == 2
    supervisor.kill()
    wait_until(lambda: alive(children) == set())


def test_killed_child_starts_again_without_its_helpers(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    (first,) = noted(tmp_path, "parent")
    (helper,) = noted(tmp_path, "helper")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(noted(tmp_path, "parent")) == 2)
    assert alive({first, helper}) == set()
    assert len(alive(noted(tmp_path, "parent"))) == 1
    assert supervisor.poll() is None


def test_child_that_cannot_start_ends_the_rest(tmp_path: Path) -> None:
    supervisor = supervise(tmp_path, "short")
    assert supervisor.wait(15) == 1
    assert len(noted(tmp_path, "short")) == 4
    assert alive(noted(tmp_path)) == set()
