"""The command line: one clear line on a bad setting, and a server that goes away."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from casefield.cli import main
from tests.operation.test_children import wait_until

pytestmark = pytest.mark.fault
ROOT = Path(__file__).parents[2]
LOADED_MACHINE_SECONDS = 60


def environment(data: Path, **more: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if "CASEFIELD" not in key}
    return own | {"CASEFIELD_DATA": str(data), "CASEFIELD_WORKERS": "2"} | more


def casefield(*words: str, data: Path, **more: str) -> Result:
    """Run a command here, in the time it takes and not that of a new Python."""
    root = logging.getLogger()
    handlers, level, set_up = root.handlers[:], root.level, structlog.get_config()
    try:
        environ = {"CASEFIELD_DATA": str(data), "CASEFIELD_WORKERS": "2"} | more
        return CliRunner().invoke(main, list(words), env=environ)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**set_up)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    log = data.parent / "serve.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "casefield", "serve"],
            env=environment(data, PORT=str(port)),
            cwd=ROOT,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + LOADED_MACHINE_SECONDS
        while not answering(port):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, "it did not start"
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def answering(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            return bool(json.load(answer)["status"] == "ok")
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    children = {int(each) for each in listed}
    return children.union(*(descendants(child) for child in children))


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("site") / "data"
    done = casefield("migrate", data=data)
    assert done.exit_code == 0, done.output
    return data


@pytest.mark.parametrize("command", ["serve", "migrate", "doctor", "backup"])
def test_bad_setting_stops_every_command_with_one_line(
    tmp_path: Path, command: str
) -> None:
    words = [command, str(tmp_path / "x.tar.zst")] if command == "backup" else [command]
    done = casefield(*words, data=tmp_path, CASEFIELD_WORKERS="many")
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("casefield: CASEFIELD_WORKERS='many': not a whole number")


def test_serving_without_a_database_names_the_way(tmp_path: Path) -> None:
    done = casefield("serve", data=tmp_path, PORT=str(free_port()))
    assert done.exit_code == 1
    assert "casefield migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_port_is_named(migrated: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = casefield("serve", data=migrated, PORT=str(port))
    assert done.exit_code == 2
    assert f"PORT='{port}': address already in use" in done.stderr


def test_doctor_is_content_with_a_fresh_database(migrated: Path) -> None:
    done = casefield("doctor", data=migrated)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.count("ok  ") == len(done.stdout.splitlines())


def test_doctor_names_what_is_wrong(tmp_path: Path, migrated: Path) -> None:
    damaged = tmp_path / "casefield.sqlite3"
    content = bytearray((migrated / "casefield.sqlite3").read_bytes())
    content[8192:40960] = b"\xff" * (40960 - 8192)
    damaged.write_bytes(content)
    (tmp_path / "secret.key").write_text("f3b1c8e2a4d597061b2c3d4e5f607182" * 2)
    (tmp_path / "secret.key").chmod(0o644)
    done = casefield(
        "doctor", data=tmp_path, CASEFIELD_PUBLIC_URL="http://site.example.com"
    )
    assert done.exit_code == 1
    bad = {line.split()[1] for line in done.stdout.splitlines() if line[:3] == "BAD"}
    assert bad >= {"key", "soundness", "address"}
    assert "Traceback" not in done.stderr


def test_backup_and_restore_through_the_command(migrated: Path, tmp_path: Path) -> None:
    archive = tmp_path / "site.tar.zst"
    assert casefield("backup", str(archive), data=migrated).exit_code == 0
    again = casefield("backup", str(archive), data=migrated)
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)
    new = tmp_path / "new"
    done = casefield("restore", str(archive), data=new)
    assert done.exit_code == 0, done.output
    healthy = casefield("doctor", data=new)
    assert healthy.exit_code == 0, healthy.output
    used = casefield("restore", str(archive), data=new)
    assert used.exit_code == 1
    assert "empty place" in used.stderr


def test_server_mends_itself_and_ends_at_ctrl_c(migrated: Path) -> None:
    port = free_port()
    with served(migrated, port) as process:
        refused = casefield("migrate", data=migrated)
        assert refused.exit_code == 1
        assert "stop casefield first" in refused.stderr

        killed = descendants(process.pid)
        assert len(killed) >= 4
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: alive(killed) == set())
        wait_until(lambda: answering(port))
        assert process.poll() is None

        family = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(15) == 0
        assert alive(family) == set()
    assert not answering(port)
    assert casefield("migrate", data=migrated).exit_code == 0


def test_killed_server_leaves_nothing_and_starts_again(migrated: Path) -> None:
    port = free_port()
    with served(migrated, port) as process:
        family = descendants(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: alive(family) == set())
    with served(migrated, port):
        assert answering(port)
