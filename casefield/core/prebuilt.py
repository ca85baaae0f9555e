"""Reads that every request makes: compiled once, run straight on the driver.

What SQLAlchemy does around one run of a statement (session, transaction, result, a row
object a row) costs several times such a read. Everything else goes through the session.
"""

from collections import namedtuple
from typing import Any, cast

from sqlalchemy import Dialect, Engine
from sqlalchemy.exc import OperationalError

from casefield.core.db import AnySelect, db, is_writing
from casefield.core.scope import ForeignRow, UnscopedStatement

Stored = tuple[Any, ...]


class Prebuilt:
    """A statement of columns with named parameters, held to the rules of scope."""

    def __init__(self, statement: AnySelect) -> None:
        """Take a statement that is scoped, or says why it need not be."""
        told = statement.get_execution_options()
        if not (told.get("scoped") or told.get("unscoped")):
            message = f"neither scoped nor excused: {statement}"
            raise UnscopedStatement(message)
        self._statement = statement
        names = statement.selected_columns.keys()
        self._row = namedtuple("Row", names)  # type: ignore[misc]  # names known late
        self._compiled: dict[str, _Compiled] = {}

    def first(self, **values: object) -> Any | None:
        """Run it; return its first row, named as its columns, or None."""
        rows = self.stored(**values)
        return self._row(*self.convert(rows[0])) if rows else None

    def stored(self, **values: object) -> list[Stored]:
        """Run it; return its rows as the driver gives them, good as keys.

        In a unit of work it reads what the session sees, under its lock; else on a
        connection of its own that is given back at once.
        """
        session = db.session()
        site_id = session.info.get("site_id")
        if site_id is not None and values.get("site_id", site_id) != site_id:
            message = f"site {values['site_id']} asked for in a session of {site_id}"
            raise ForeignRow(message)
        engine = db.engine
        # something else than an engine is the one connection that a test works on
        own = isinstance(engine, Engine) and not is_writing()
        if session.in_transaction() or not own:
            return self._run(session.connection().connection, values)
        reader = engine.raw_connection()
        try:
            return self._run(reader, values)
        finally:
            reader.close()

    def convert(self, row: Stored) -> Stored:
        """Return a stored row with every value as its type says."""
        return self._for(db.engine.dialect).convert(row)

    def _run(self, connection: Any, values: dict[str, object]) -> list[Stored]:
        dialect = db.engine.dialect
        compiled = self._for(dialect)
        cursor = connection.cursor()
        try:
            cursor.execute(compiled.sql, compiled.bind(values))
            return cast("list[Stored]", cursor.fetchall())
        except dialect.loaded_dbapi.OperationalError as problem:
            # what was asked for names people, so it does not get into the error
            raise OperationalError(
                compiled.sql, None, problem, hide_parameters=True
            ) from problem
        finally:
            cursor.close()

    def _for(self, dialect: Dialect) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = _Compiled(self._statement, dialect)
            self._compiled[dialect.name] = compiled
        return compiled


class _Compiled:
    """A statement in the words of one database, with what its types convert."""

    def __init__(self, statement: AnySelect, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._fixed = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        self._order: list[str] | None = getattr(compiled, "positiontup", None)
        self._outward = {
            name: process
            for name, bind in compiled.binds.items()
            if (process := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        self._inward = [
            (place, process)
            for place, column in enumerate(statement.selected_columns)
            if (process := _result_processor(column, dialect))
        ]

    def bind(self, values: dict[str, object]) -> Any:
        told = {**self._fixed, **values}
        for name, process in self._outward.items():
            if name in told:
                told[name] = process(told[name])
        return told if self._order is None else [told[name] for name in self._order]

    def convert(self, row: Stored) -> Stored:
        cells = list(row)
        for place, process in self._inward:
            cells[place] = process(cells[place])
        return tuple(cells)


def _result_processor(column: Any, dialect: Dialect) -> Any:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)
