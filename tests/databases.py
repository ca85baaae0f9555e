"""The two databases that tests run on: an SQLite file and a PostgreSQL of our own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Connection

PROGRAMS = "/usr/lib/postgresql/*/bin"
#: nothing of a test run has to survive a power cut
QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_connections=60",
    "listen_addresses=",
)


class OneConnection(Connection):
    """Stands in for the engine in a test: everybody works inside its transaction."""

    @contextmanager
    def begin(self) -> Iterator[Connection]:  # type: ignore[override]  # as an engine
        if not self.in_transaction():
            with super().begin():
                yield self
            return
        with self.begin_nested():
            yield self

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        yield self

    def dispose(self) -> None:
        """Close nothing: the connection holds what the test wrote."""


class NoPostgreSQL(RuntimeError):
    """The tests need PostgreSQL's server programs and did not find them."""


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for folder in sorted(Path("/").glob(PROGRAMS.removeprefix("/")), reverse=True):
        if (folder / "initdb").exists():
            return folder
    message = f"no initdb on PATH nor in {PROGRAMS}: install postgresql"
    raise NoPostgreSQL(message)


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: name somebody else to run it as."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = "running as root and there is neither a postgres nor a nobody user"
    raise NoPostgreSQL(message)


class PostgreSQL:
    """A cluster in a temporary folder, reached through a socket in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://tests@/{name}?host={self.folder}"

    def make(self, *, like: str = "template0") -> str:
        """Make a database, a copy of ``like``; return its name."""
        self._made += 1
        name = f"tests{self._made}"
        with self._as_owner() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return name

    def drop(self, name: str) -> None:
        with self._as_owner() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _as_owner(self) -> psycopg.Connection:
        return psycopg.connect(
            f"host={self.folder} user=tests dbname=postgres", autocommit=True
        )


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server for the length of the block."""
    programs, who = _programs(), _unprivileged()
    # a socket's path may have about a hundred characters: not under pytest's folder
    folder = Path(tempfile.mkdtemp(prefix="casefield-pg-"))
    if who is not None:
        os.chown(folder, who.pw_uid, who.pw_gid)

    def run(*command: str) -> None:
        done = subprocess.run(
            command,
            user=who.pw_uid if who else None,
            group=who.pw_gid if who else None,
            extra_groups=[] if who else None,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoPostgreSQL(f"{command[0]} failed: {done.stdout}{done.stderr}")

    cluster = folder / "cluster"
    control = str(programs / "pg_ctl")
    try:
        run(
            str(programs / "initdb"),
            *("-D", str(cluster), "-U", "tests", "-A", "trust", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )
        options = " ".join(f"-c {option}" for option in QUICK)
        run(
            *(control, "-D", str(cluster), "-l", str(folder / "log"), "-w", "-s"),
            *("-o", f"-k {folder} {options}", "start"),
        )
        try:
            yield PostgreSQL(folder)
        finally:
            run(control, "-D", str(cluster), "-m", "immediate", "-s", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
