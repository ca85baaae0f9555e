"""Every row belongs to a site; a statement that does not say which one raises.

Three ways to be in scope, and no fourth:

* ORM statements get ``site_id = <the session's site>`` added by themselves;
* statements built once (``select`` on columns) are passed through :func:`scoped`,
  which demands a ``site_id`` comparison for every scoped table they read;
* work that crosses sites by nature (the sweep, signing in) says why:
  ``execution_options(unscoped="the sweep looks at every site")``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Executable, ForeignKey, Table, event
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression

from casefield.core.db import Base, db

Statement = TypeVar("Statement", bound=Executable)


class UnscopedStatement(RuntimeError):
    """A statement reads or writes rows of sites without saying of which one."""


class ForeignRow(RuntimeError):
    """A row of another site was about to be written."""


class SiteScoped:
    """Mixin for every table whose rows belong to one site."""

    @declared_attr
    def site_id(self) -> Mapped[int]:
        return mapped_column(ForeignKey("site.id"), index=False)


def set_site(site_id: int | None) -> None:
    """Bind the present session to one site (or to none)."""
    db.session().info["site_id"] = site_id


def current_site_id() -> int:
    """Return the site that the present session is bound to."""
    site_id: int | None = db.session().info.get("site_id")
    if site_id is None:
        message = "no site is bound to this session"
        raise UnscopedStatement(message)
    return site_id


@contextmanager
def at_site(site_id: int) -> Iterator[None]:
    """Bind the session to ``site_id`` for a while (jobs, the sweep, the demo)."""
    info = db.session().info
    before = info.get("site_id")
    info["site_id"] = site_id
    try:
        yield
    finally:
        info["site_id"] = before


def _scoped_tables(statement: Any) -> set[Table]:
    names = _scoped_table_names()
    found: set[Table] = set()
    for element in visitors.iterate(statement):
        if isinstance(element, Table) and element.name in names:
            found.add(element)
    target = getattr(statement, "table", None)
    if isinstance(target, Table) and target.name in names:
        found.add(target)
    return found


_names: set[str] = set()
_names_of = 0


def _scoped_table_names() -> set[str]:
    global _names_of  # noqa: PLW0603 -- recomputed only when a mapper was added
    if _names_of != len(Base.registry.mappers):
        _names.clear()
        for mapper in Base.registry.mappers:
            if issubclass(mapper.class_, SiteScoped):
                _names.add(mapper.local_table.name)  # type: ignore[attr-defined]
        _names_of = len(Base.registry.mappers)
    return _names


def scoped(statement: Statement) -> Statement:
    """Mark a prebuilt statement as scoped, after checking that it is.

    Every scoped table must be compared by its ``site_id`` somewhere in the statement
    (or be the target of an insert that sets it), else :class:`UnscopedStatement`.
    """
    compared: set[Any] = set()
    for element in visitors.iterate(statement):
        if isinstance(element, BinaryExpression) and element.operator is operators.eq:
            for side in (element.left, element.right):
                if getattr(side, "name", None) == "site_id":
                    compared.add(getattr(side, "table", None))
    compared_names = {getattr(table, "name", None) for table in compared} | {
        getattr(getattr(table, "element", None), "name", None) for table in compared
    }
    if getattr(statement, "is_insert", False):
        return statement.execution_options(scoped=True)
    missing = {t.name for t in _scoped_tables(statement)} - compared_names
    if missing:
        message = f"no site_id comparison for {', '.join(sorted(missing))}"
        raise UnscopedStatement(message)
    return statement.execution_options(scoped=True)


def _guard_statement(state: ORMExecuteState) -> None:
    options = state.execution_options
    if options.get("scoped") or options.get("unscoped"):
        return
    if state.is_column_load or state.is_relationship_load:
        return
    site_id = state.session.info.get("site_id")
    if not state.is_orm_statement:
        if _scoped_tables(state.statement):
            message = f"pass it through scoped(): {state.statement}"
            raise UnscopedStatement(message)
        return
    mappers = state.all_mappers
    if not any(issubclass(mapper.class_, SiteScoped) for mapper in mappers):
        if _scoped_tables(state.statement) and site_id is None:
            raise UnscopedStatement(str(state.statement))
        return
    if site_id is None:
        raise UnscopedStatement(str(state.statement))
    if state.is_insert:
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            SiteScoped,
            lambda entity: entity.site_id == site_id,
            include_aliases=True,
            track_closure_variables=True,
        )
    )


def _guard_flush(session: Session, _context: object, _instances: object) -> None:
    site_id = session.info.get("site_id")
    for row in session.new.union(session.dirty):
        if isinstance(row, SiteScoped) and site_id is not None:
            if row.site_id is None:
                row.site_id = site_id
            elif row.site_id != site_id:
                message = f"{type(row).__name__} belongs to site {row.site_id}"
                raise ForeignRow(message)


def init_scope() -> None:
    """Put the guards on every session of the application."""
    if not event.contains(db.session, "do_orm_execute", _guard_statement):
        event.listen(db.session, "do_orm_execute", _guard_statement)
        event.listen(db.session, "before_flush", _guard_flush)
