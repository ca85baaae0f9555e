"""An upgrade leaves the old database or the new one, whatever happens meanwhile."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pysqlite3.dbapi2 as sqlite
import pytest
from alembic.script import ScriptDirectory
from flask_migrate import upgrade as run_migrations

from casefield import create_app
from casefield.config import Settings
from casefield.core.db import db
from casefield.core.dump import DatabasePlace, revision_of
from casefield.operation import upgrade
from casefield.operation.upgrade import MIGRATIONS, State, UpgradeError, standing

ROWS = 2000


def first_and_last() -> tuple[str, str]:
    script = ScriptDirectory(str(MIGRATIONS))
    (first,) = script.get_bases()
    (last,) = script.get_heads()
    return first, last


def at_first_revision(settings: Settings) -> None:
    """Bring an empty database to the first revision only, with rows in it."""
    app = create_app(settings)
    with app.app_context():
        run_migrations(directory=str(MIGRATIONS), revision=first_and_last()[0])
        db.session.remove()
        db.engine.dispose()
    make = "CREATE TABLE keepsake (id INTEGER PRIMARY KEY, word TEXT)"
    fill = "INSERT INTO keepsake VALUES ({0}, 'word ' || {0})"
    if settings.embedded:
        with closing(sqlite.connect(str(settings.database_file))) as connection:
            connection.execute(make)
            for number in range(ROWS):
                connection.execute(fill.format(number))
            connection.commit()
    else:
        with psycopg.connect(DatabasePlace(settings.database_url).libpq) as server:
            server.execute(make)
            server.execute(
                "INSERT INTO keepsake SELECT n, 'word ' || n"
                " FROM generate_series(0, %s) n",
                (ROWS - 1,),
            )


def kept_rows(settings: Settings) -> int:
    query = "SELECT count(*) FROM keepsake WHERE word = 'word ' || id"
    if settings.embedded:
        with closing(sqlite.connect(str(settings.database_file))) as connection:
            assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            return int(connection.execute(query).fetchone()[0])
    with psycopg.connect(DatabasePlace(settings.database_url).libpq) as server:
        row = server.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def revision(settings: Settings) -> str | None:
    return revision_of(DatabasePlace(settings.database_url))


def test_upgrade_from_first_to_last_keeps_rows_and_a_backup(
    settings: Settings,
) -> None:
    at_first_revision(settings)
    before = upgrade.upgrade(settings)
    assert before.state is State.OLDER
    assert standing(settings).state is State.CURRENT
    assert kept_rows(settings) == ROWS
    (kept,) = (settings.data / "backups").iterdir()
    assert before.found is not None
    assert before.found in kept.name
    assert not list(settings.data.glob(".backup-*"))


def test_upgrade_of_a_current_database_changes_nothing(settings: Settings) -> None:
    assert upgrade.upgrade(settings).state is State.ABSENT
    assert upgrade.upgrade(settings).state is State.CURRENT
    assert not (settings.data / "backups").exists()


def test_newer_database_is_refused_with_the_way_back(settings: Settings) -> None:
    upgrade.upgrade(settings)
    change = "UPDATE alembic_version SET version_num = '9999_from_the_future'"
    if settings.embedded:
        with closing(sqlite.connect(str(settings.database_file))) as connection:
            connection.execute(change)
            connection.commit()
    else:
        with psycopg.connect(DatabasePlace(settings.database_url).libpq) as server:
            server.execute(change)
    with pytest.raises(UpgradeError, match=r"9999_from_the_future.*casefield restore"):
        upgrade.upgrade(settings)


def test_failed_step_leaves_the_database_as_it_was(settings: Settings) -> None:
    at_first_revision(settings)
    # The second migration makes this table and so cannot succeed.
    in_the_way = "CREATE TABLE checklist (id INTEGER)"
    if settings.embedded:
        with closing(sqlite.connect(str(settings.database_file))) as connection:
            connection.execute(in_the_way)
    else:
        with psycopg.connect(DatabasePlace(settings.database_url).libpq) as server:
            server.execute(in_the_way)
    with pytest.raises(UpgradeError, match="nothing was changed"):
        upgrade.upgrade(settings)
    assert revision(settings) == first_and_last()[0]
    assert kept_rows(settings) == ROWS


def test_database_in_use_is_not_upgraded(embedded: Settings) -> None:
    at_first_revision(embedded)
    with (
        upgrade.one_of_many(embedded.data),
        upgrade.one_of_many(embedded.data),
        pytest.raises(UpgradeError, match="stop casefield first"),
    ):
        upgrade.upgrade(embedded)
    assert revision(embedded) == first_and_last()[0]


def test_stranger_who_writes_stops_the_swap(embedded: Settings) -> None:
    at_first_revision(embedded)
    with closing(sqlite.connect(str(embedded.database_file))) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(UpgradeError, match=r"locked|in use"):
            upgrade.upgrade(embedded)
        stranger.rollback()
    assert revision(embedded) == first_and_last()[0]
    assert kept_rows(embedded) == ROWS


def test_what_stood_in_the_log_survives_the_swap(embedded: Settings) -> None:
    at_first_revision(embedded)
    with closing(sqlite.connect(str(embedded.database_file))) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"INSERT INTO keepsake VALUES ({ROWS}, 'word {ROWS}')")
        connection.commit()
        copied = embedded.database_file.read_bytes()
        log = embedded.database_file.with_name("casefield.sqlite3-wal")
        left = log.read_bytes()
    # As after a crash: the last commit is in the log only.
    embedded.database_file.write_bytes(copied)
    log.write_bytes(left)
    upgrade.upgrade(embedded)
    assert kept_rows(embedded) == ROWS + 1
    assert not log.exists()


def _killed_after(seconds: float | None, work: Callable[[], object]) -> bool:
    """Run ``work`` in a child and kill it; whether it was still at it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _left_beside(settings: Settings) -> list[str]:
    """List files that a database of the same name would take for its own.

    A journal that was begun but never filled is none of them: SQLite looks at its
    first byte.
    """
    return [
        path.name
        for path in settings.data.glob("casefield.sqlite3-*")
        if path.name != "casefield.sqlite3-journal" or path.read_bytes()[:1] > b"\0"
    ]


def _kill_upgrades(settings: Settings, rounds: int) -> None:
    """Kill upgrades at moments spread over the time that one takes."""
    first, last = first_and_last()
    at_first_revision(settings)
    old = settings.database_file.read_bytes()
    begun = time.monotonic()
    assert not _killed_after(None, lambda: upgrade.upgrade(settings))
    taken = time.monotonic() - begun
    assert revision(settings) == last
    dice = random.Random(rounds)
    killed = 0
    for number in range(rounds):
        settings.database_file.write_bytes(old)
        moment = taken * (number + dice.random()) / rounds
        killed += _killed_after(moment, lambda: upgrade.upgrade(settings))
        assert revision(settings) in {first, last}, f"round {number}"
        assert kept_rows(settings) == ROWS
        assert not _left_beside(settings), f"round {number}"
    assert killed >= rounds / 5
    settings.database_file.write_bytes(old)
    upgrade.upgrade(settings)
    assert revision(settings) == last
    assert kept_rows(settings) == ROWS
    assert not list(settings.data.glob("*.upgrading*"))


@pytest.mark.fault
def test_killed_upgrade_leaves_old_or_new(embedded: Settings) -> None:
    _kill_upgrades(embedded, 5)


@pytest.mark.prove
def test_many_killed_upgrades_leave_old_or_new(embedded: Settings) -> None:
    _kill_upgrades(embedded, 60)
