"""From an empty database to the last migration and back, with data on the way."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.types import JSON, Boolean, Date, DateTime, Float, Integer, Time

from casefield.core.db import Base, db
from tests.conftest import BOTH, ROOT, build, migrate
from tests.databases import PostgreSQL

#: values that a constraint or an enumeration asks for, by table and column
PARTICULAR = {
    ("wall_code", "code"): "ABCDEFGHJK",
    ("shift_template", "start_minutes"): 480,
    ("shift_template", "end_minutes"): 1020,
}


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config)


REVISIONS = [script.revision for script in _scripts().walk_revisions()][::-1]


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    """An application whose database has nothing in it yet."""
    url, server, name = "", None, ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, PostgreSQL)
        name = server.make()
        url = server.url(name)
    app = build(tmp_path, url)
    yield app
    with app.app_context():
        db.engine.dispose()
    if server is not None:
        server.drop(name)


def test_there_is_one_head_and_one_line():
    assert len(_scripts().get_heads()) == 1
    for script in _scripts().walk_revisions():
        assert not isinstance(script.down_revision, tuple)


def test_files_are_numbered_in_order():
    names = sorted(p.name for p in (ROOT / "migrations" / "versions").glob("*.py"))
    assert [name[:4] for name in names] == [
        f"{n:04d}" for n in range(1, len(names) + 1)
    ]
    assert [Path(_scripts().get_revision(r).path).name for r in REVISIONS] == names


def test_migrations_do_not_import_the_program():
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        assert "models" not in path.read_text(encoding="utf-8").split("def upgrade")[0]


def test_the_head_is_what_the_models_say(empty):
    migrate(empty)
    with empty.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_head_has_every_index_and_check_of_the_models(empty):
    migrate(empty)
    with empty.app_context(), db.engine.connect() as connection:
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            indexes = {index["name"] for index in found.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= indexes, table.name
            checks = {
                check["name"] for check in found.get_check_constraints(table.name)
            }
            wanted = {
                constraint.name
                for constraint in table.constraints
                if constraint.__visit_name__ == "check_constraint"
                and not getattr(constraint, "_type_bound", False)
            }
            assert wanted <= checks, table.name


def test_both_databases_refuse_changes_of_the_ledger(empty):
    migrate(empty)
    with empty.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        else:
            found = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        names = set(connection.execute(text(found)).scalars())
    assert {"ledger_line_no_update", "ledger_line_no_delete"} <= names


def _reflected(connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata


def _enumerated(table: Table, column_name: str) -> str | None:
    model = Base.metadata.tables.get(table.name)
    if model is not None and column_name in model.c:
        choices = getattr(model.c[column_name].type, "enums", None)
        if choices:
            return str(choices[0])
    return None


def _value(table, column, ids):
    if (table.name, column.name) in PARTICULAR:
        return PARTICULAR[table.name, column.name]
    for key in column.foreign_keys:
        target = key.column.table.name
        return None if target == table.name else ids.get((target, key.column.name))
    plain = {
        Boolean: True,
        Float: 1.0,
        Integer: 1,
        DateTime: dt.datetime(2026, 3, 5, 2, 0, tzinfo=dt.UTC),
        Date: dt.date(2026, 3, 5),
        Time: dt.time(9, 0),
        JSON: {"a": 1},
    }
    for kind, value in plain.items():
        if isinstance(column.type, kind):
            return value
    return _enumerated(table, column.name) or f"{table.name}-{column.name}"[:20]


def _fill(connection) -> dict[str, int]:
    """Put a row into every table that this revision has; return how many there are."""
    ids: dict[tuple[str, str], object] = {}
    counts = {}
    for table in _reflected(connection).sorted_tables:
        if table.name == "alembic_version":
            continue
        row = {
            column.name: _value(table, column, ids)
            for column in table.columns
            if not (column.primary_key and not column.foreign_keys)
            or not isinstance(column.type, Integer)
        }
        given = {name: value for name, value in row.items() if value is not None}
        there = connection.execute(select(func.count()).select_from(table)).scalar()
        if there == 0:
            statement = insert(table).values({n: bindparam(n) for n in given})
            connection.execute(statement, given)
        first = connection.execute(select(table).limit(1)).mappings().one()
        ids |= {(table.name, name): value for name, value in first.items()}
        counts[table.name] = 1
    return counts


def _rows(connection) -> dict[str, list[dict[str, object]]]:
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in _reflected(connection).sorted_tables
        if table.name != "alembic_version"
    }


@pytest.mark.parametrize("first", REVISIONS[:-1])
def test_an_upgrade_keeps_the_rows_that_were_there(empty, first):
    migrate(empty, first)
    with empty.app_context(), db.engine.begin() as connection:
        _fill(connection)
        before = _rows(connection)
    migrate(empty)
    with empty.app_context(), db.engine.begin() as connection:
        after = _rows(connection)
        for name, rows in before.items():
            kept = [
                {column: new.get(column) for column in old}
                for old, new in zip(rows, after[name], strict=True)
            ]
            assert kept == rows, name
        _fill(connection)


def test_every_step_goes_down_and_up_again(empty):
    for revision in REVISIONS:
        migrate(empty, revision)
        with empty.app_context(), db.engine.connect() as connection:
            before = _shape(connection)
        migrate(empty, "-1")
        migrate(empty, revision)
        with empty.app_context(), db.engine.connect() as connection:
            assert _shape(connection) == before, revision


def test_all_the_way_down_leaves_nothing(empty):
    migrate(empty)
    for _ in REVISIONS:
        migrate(empty, "-1")
    with empty.app_context(), db.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}


def _shape(connection):
    found = inspect(connection)
    return {
        name: (
            sorted(
                (c["name"], str(c["type"]), c["nullable"])
                for c in found.get_columns(name)
            ),
            sorted(str(i["name"]) for i in found.get_indexes(name)),
            sorted(str(u["name"]) for u in found.get_unique_constraints(name)),
            sorted(str(k["name"]) for k in found.get_foreign_keys(name)),
            sorted(str(c["name"]) for c in found.get_check_constraints(name)),
        )
        for name in found.get_table_names()
    }
