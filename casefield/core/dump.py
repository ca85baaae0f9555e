"""A whole database in and out of one file, on either engine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pysqlite3.dbapi2 as sqlite
from psycopg import sql

SQLITE_FILE = "database.sqlite3"
POSTGRESQL_FILE = "database.dump"


class DumpError(Exception):
    """A database that cannot be copied out of, or put into, its place."""


@dataclass(frozen=True)
class DatabasePlace:
    """Where the database is: SQLAlchemy's address, as the settings give it."""

    url: str

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None on PostgreSQL."""
        if self.url.startswith("sqlite:///"):
            return Path(self.url.removeprefix("sqlite:///"))
        return None

    @property
    def libpq(self) -> str:
        """The address as PostgreSQL's own programs read it."""
        return "postgresql:" + self.url.partition(":")[2]


@dataclass(frozen=True)
class Copy:
    """A database copied into a file at one instant."""

    file: Path
    revision: str | None
    rows: dict[str, int]


def revision_of(place: DatabasePlace) -> str | None:
    """Return the migration the database stands at; None when there is none yet."""
    if place.file is not None:
        if not place.file.exists():
            return None
        with _open(place.file) as connection:
            return _sqlite_revision(connection)
    with psycopg.connect(place.libpq, connect_timeout=5) as server:
        row = server.execute("SELECT to_regclass('alembic_version')").fetchone()
        if row is None or row[0] is None:
            return None
        found = server.execute("SELECT version_num FROM alembic_version").fetchone()
        return found[0] if found else None


def is_empty(place: DatabasePlace) -> bool:
    """Whether nothing would be overwritten there."""
    if place.file is not None:
        return not place.file.exists()
    with psycopg.connect(place.libpq, connect_timeout=5) as server:
        return not _tables(server)


def check_kind(place: DatabasePlace, name: str) -> None:
    """Refuse to pour one engine's copy into the other."""
    wanted = SQLITE_FILE if place.file is not None else POSTGRESQL_FILE
    if name != wanted:
        kind = "SQLite" if name == SQLITE_FILE else "PostgreSQL"
        raise DumpError(
            f"the archive holds a {kind} database, the settings name the other kind"
        )


def copy_database(place: DatabasePlace, folder: Path) -> Copy:
    """Copy the database as it is at this instant; writers go on."""
    if place.file is None:
        return _dump_postgresql(place, folder / POSTGRESQL_FILE)
    if not place.file.exists():
        raise DumpError(f"there is no database at {place.file}")
    target = folder / SQLITE_FILE
    copy_sqlite(place.file, target)
    with _open(target) as connection:
        return Copy(target, _sqlite_revision(connection), _sqlite_rows(connection))


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy an SQLite file, whole and consistent, and see it on the disk."""
    with _open(source) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)
    sync(target)


def restore_database(
    place: DatabasePlace, source: Path, expected: dict[str, int]
) -> None:
    """Put a copied database in its place; ``expected`` counts each table's rows."""
    if place.file is None:
        _restore_postgresql(place, source)
        with psycopg.connect(place.libpq) as server:
            _compare(_postgresql_rows(server), expected)
        return
    with _open(source) as connection:
        result = connection.execute("PRAGMA quick_check").fetchone()[0]
        if result != "ok":
            raise DumpError(f"the copied database is damaged: {result}")
        _compare(_sqlite_rows(connection), expected)
    place.file.parent.mkdir(parents=True, exist_ok=True)
    source.replace(place.file)
    sync(place.file.parent)


def _compare(found: dict[str, int], expected: dict[str, int]) -> None:
    if found != expected:
        differing = {name for name, _ in found.items() ^ expected.items()}
        raise DumpError(
            f"tables differ from the manifest: {', '.join(sorted(differing))}"
        )


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _open(file: Path) -> Iterator[Any]:
    with closing(sqlite.connect(str(file), timeout=5, isolation_level=None)) as found:
        yield found


def _sqlite_revision(connection: Any) -> str | None:
    named = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if connection.execute(named).fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _sqlite_rows(connection: Any) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    count = 'SELECT count(*) FROM "{}"'
    return {
        name: connection.execute(count.format(name.replace('"', '""'))).fetchone()[0]
        for (name,) in names
    }


def _tables(server: psycopg.Connection[Any]) -> list[str]:
    rows = server.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        " ORDER BY tablename"
    ).fetchall()
    return [name for (name,) in rows]


def _postgresql_rows(server: psycopg.Connection[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in _tables(server):
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        row = server.execute(query).fetchone()
        counts[name] = row[0] if row else 0
    return counts


def _dump_postgresql(place: DatabasePlace, target: Path) -> Copy:
    with psycopg.connect(place.libpq) as server:
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = server.execute("SELECT pg_export_snapshot()").fetchone()
        rows = _postgresql_rows(server)
        revision = None
        if "alembic_version" in rows:
            found = server.execute("SELECT version_num FROM alembic_version").fetchone()
            revision = found[0] if found else None
        # The dump and the counts read the very same instant.
        _run(
            place,
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot[0] if snapshot else ''}",
            f"--file={target}",
        )
    target.chmod(0o600)
    return Copy(target, revision, rows)


def _restore_postgresql(place: DatabasePlace, source: Path) -> None:
    _run(
        place,
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        str(source),
    )


def _run(place: DatabasePlace, program: str, *arguments: str) -> None:
    parts = urlsplit(place.libpq)
    where, _, host = parts.netloc.rpartition("@")
    user, _, password = where.partition(":")
    # A password on a command line is read by every user of the machine.
    address = urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))
    environ = os.environ | ({"PGPASSWORD": unquote(password)} if password else {})
    done = subprocess.run(  # noqa: S603 -- a fixed program, no shell
        [_program(program), f"--dbname={address}", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpError(f"{program} failed: {done.stderr.strip()[-500:]}")


def _program(name: str) -> str:
    """Find PostgreSQL's program; Debian keeps the newest beside its server."""
    places = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[4]) if path.parts[4].isdigit() else 0,
    )
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        raise DumpError(f"{name} is not installed (apt-get install postgresql-client)")
    return found
