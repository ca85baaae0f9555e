"""Bring a database up to this program, so that a killed upgrade leaves old or new."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import psycopg
import pysqlite3.dbapi2 as sqlite
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from casefield.config import Settings
from casefield.core import clock, dump
from casefield.core.backup import write_backup
from casefield.core.dump import DatabasePlace, DumpError

MIGRATIONS = Path(__file__).parents[2] / "migrations"
BACKUPS_KEPT = 5
#: Only one program at a time may change a PostgreSQL database's shape.
UPGRADE_LOCK = 0x63617365


class State(StrEnum):
    """How a database stands to this program."""

    ABSENT = "absent"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


class UpgradeError(Exception):
    """The database must not be used or changed as it is."""


@dataclass(frozen=True)
class Standing:
    """The database's revision beside the program's."""

    state: State
    found: str | None
    wanted: str


def standing(settings: Settings) -> Standing:
    """Compare the database with this program, without changing anything."""
    script = _script()
    wanted = script.get_current_head() or ""
    found = dump.revision_of(DatabasePlace(settings.database_url))
    if found is None:
        return Standing(State.ABSENT, found, wanted)
    if found == wanted:
        return Standing(State.CURRENT, found, wanted)
    known = {revision.revision for revision in script.walk_revisions()}
    state = State.OLDER if found in known else State.NEWER
    return Standing(state, found, wanted)


def _script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def refuse_newer(now: Standing) -> None:
    """Stop an older program before it reads what it does not understand."""
    if now.state is State.NEWER:
        raise UpgradeError(
            f"the database is at {now.found}, which this program (at {now.wanted})"
            " does not know. Start the newer program, or put the backup made before"
            " the upgrade into an empty place: casefield restore FILE"
        )


def upgrade(settings: Settings) -> Standing:
    """Back up, then bring the database to this program's revision.

    Raises:
        UpgradeError: newer than the program, in use, or a step failed; the database
            is then as it was.
    """
    with only_user(settings.data):
        before = standing(settings)
        refuse_newer(before)
        if before.state is State.CURRENT:
            return before
        try:
            if before.state is State.OLDER:
                _back_up(settings, before)
            if settings.embedded:
                _upgrade_copy(settings)
            else:
                _upgrade_in_place(settings)
        except (SQLAlchemyError, sqlite.Error, psycopg.Error, DumpError) as problem:
            raise UpgradeError(f"nothing was changed: {problem}") from problem
        return before


@contextmanager
def only_user(data: Path) -> Iterator[None]:
    """Keep every other casefield process of this data folder out meanwhile."""
    with _locked(data, fcntl.LOCK_EX):
        yield


@contextmanager
def one_of_many(data: Path) -> Iterator[None]:
    """Say that the data folder is in use; upgrades and restores then wait."""
    with _locked(data, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(data: Path, how: int) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    handle = os.open(data / ".in-use", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpgradeError(f"{data} is in use: stop casefield first") from None
        yield
    finally:
        os.close(handle)


def _back_up(settings: Settings, before: Standing) -> None:
    folder = settings.data / "backups"
    made = f"{clock.now():%Y%m%d-%H%M%S-%f}"
    place = DatabasePlace(settings.database_url)
    name = f"before-upgrade-{made}-from-{before.found}.tar.zst"
    write_backup(place, settings.data, folder / name, with_media=False)
    for old in sorted(folder.glob("before-upgrade-*.tar.zst"))[:-BACKUPS_KEPT]:
        old.unlink()


def _upgrade_copy(settings: Settings) -> None:
    """Change a copy and swap it in with one rename."""
    file = settings.database_file
    copy = file.with_name(f".{file.name}.upgrading")
    for left_over in file.parent.glob(f"{copy.name}*"):
        left_over.unlink()
    if not file.exists():
        _run_migrations(settings, copy)
        _close(copy)
        _swap(copy, file)
        return
    with closing(sqlite.connect(str(file), timeout=5, isolation_level=None)) as old:
        # Fold the log in, so that no file of the old database can meet the new one.
        mode = old.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        if mode != "delete":
            raise DumpError(f"{file} is in use (journal mode {mode})")
        # Held until the swap; it also keeps out a program that ignores our own lock.
        old.execute("PRAGMA locking_mode=EXCLUSIVE")
        old.execute("BEGIN EXCLUSIVE")
        old.execute("COMMIT")
        old.execute("VACUUM INTO ?", (str(copy),))
        _run_migrations(settings, copy)
        _close(copy)
        _swap(copy, file)


def _run_migrations(settings: Settings, copy: Path | None = None) -> None:
    # Building the application takes a second that a current database is spared.
    from flask_migrate import upgrade as run

    from casefield import create_app
    from casefield.core.db import db

    if copy is not None:
        settings = replace(settings, database_url=f"sqlite:///{copy}")
    app = create_app(settings)
    with app.app_context():
        try:
            run(directory=str(MIGRATIONS))
        finally:
            db.session.remove()
            db.engine.dispose()


def _close(file: Path) -> None:
    """Leave the database as one file, checked, with nothing beside it."""
    with closing(sqlite.connect(str(file), timeout=5, isolation_level=None)) as new:
        new.execute("PRAGMA journal_mode=DELETE")
        problems = new.execute("PRAGMA foreign_key_check").fetchall()
        damage = new.execute("PRAGMA quick_check").fetchone()[0]
    if problems or damage != "ok":
        raise DumpError(f"the upgraded copy is not sound: {damage}, {problems[:3]}")
    file.chmod(0o600)
    dump.sync(file)


def _swap(copy: Path, file: Path) -> None:
    copy.replace(file)
    dump.sync(file.parent)


def _upgrade_in_place(settings: Settings) -> None:
    """PostgreSQL changes its shape inside a transaction: all of it or nothing."""
    place = DatabasePlace(settings.database_url)
    with psycopg.connect(place.libpq, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (UPGRADE_LOCK,))
        _run_migrations(settings)
