"""A PostgreSQL of our own on a free loopback port, its data kept between runs."""

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.serving import free_port

#: Outside the checkout, because the server may run as another user than ours.
DATA = Path("/var/tmp") / f"casefield-bench-{getpass.getuser()}"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    # What is filled here can be filled again; only reading is measured.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start the server and yield the address of its first database."""
    port = free_port()
    folder = DATA / "data"
    if not (folder / "PG_VERSION").exists():
        _make(folder)
    options = [f"-c{key}={value}" for key, value in {**SETTINGS, "port": port}.items()]
    log = DATA / "log"
    control = [_program("pg_ctl"), "-D", str(folder), "-w", "-l", str(log)]
    _run([*control, "-o", " ".join(map(_quoted, options)), "start"])
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "fast", "stop"])


def _make(folder: Path) -> None:
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(DATA, "postgres", "postgres")
    _run([_program("initdb"), "-D", str(folder), "-U", "postgres", "-A", "trust"])


def _program(name: str) -> str:
    """Return the newest server program; Debian keeps them off the path."""
    if found := shutil.which(name):
        return found
    candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not candidates:
        raise RuntimeError(f"{name} is missing: install PostgreSQL's server")
    return str(candidates[-1])


def _run(command: list[str]) -> None:
    """Run a server program, never as root, which it would refuse."""
    if os.geteuid() == 0:
        command = [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            *command,
        ]
    subprocess.run(command, check=True, cwd="/", timeout=120, stdout=subprocess.DEVNULL)


def _quoted(option: str) -> str:
    return f"'{option}'"
