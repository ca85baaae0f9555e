"""A real PostgreSQL for tests, started here and thrown away afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def program(name: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(places[-1]) if places else str(shutil.which(name))


def _as_server_user() -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings its own user."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(folder: Path, name: str, *words: str) -> None:
    command = [*_as_server_user(), program(name), *words]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server of its own; give the address of its empty database back."""
    folder = Path(tempfile.mkdtemp(prefix="casefield-postgresql-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        cluster = folder / "cluster"
        _run(
            folder,
            "initdb",
            "--auth=trust",
            "--username=casefield",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            str(cluster),
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = ("pg_ctl", "-D", str(cluster))
        _run(folder, *control, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://casefield@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
