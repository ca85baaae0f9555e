"""Every row belongs to a site; a statement that does not say which one raises.

Three ways to be in scope, and no fourth:

* ORM statements get ``site_id = <the session's site>`` added by themselves;
* statements built once (``select`` on columns) are passed through :func:`scoped`,
  which demands a ``site_id`` comparison for every scoped table they read;
* work that crosses sites by nature (the sweep, signing in) says why:
  ``execution_options(unscoped="the sweep looks at every site")``.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Executable,
    ForeignKey,
    Table,
    TextClause,
    TextualSelect,
    event,
)
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

from casefield.core.db import Base, GuardedSession, db, table_of

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
                _names.add(table_of(mapper.class_).name)
        _names_of = len(Base.registry.mappers)
    return _names


def _bound_to_a_site(statement: Any) -> set[str]:
    """Name the tables whose ``site_id`` is held to a value, directly or over a join."""
    held: set[str] = set()
    pairs: list[tuple[str, str]] = []
    for element in visitors.iterate(statement):
        if not isinstance(element, BinaryExpression):
            continue
        if element.operator is not operators.eq:
            continue
        names = [_owner(side) for side in (element.left, element.right)]
        if names[0] and names[1]:
            pairs.append((names[0], names[1]))
        elif isinstance(element.right, BindParameter) and names[0]:
            held.add(names[0])
        elif isinstance(element.left, BindParameter) and names[1]:
            held.add(names[1])
    before = -1
    while before != len(held):
        before = len(held)
        for left, right in pairs:
            if held & {left, right}:
                held |= {left, right}
    return held


def _owner(column: Any) -> str | None:
    if getattr(column, "name", None) != "site_id":
        return None
    table = getattr(column, "table", None)
    table = getattr(table, "element", table)
    return getattr(table, "name", None)


def scoped(statement: Statement) -> Statement:
    """Mark a prebuilt statement as scoped, after checking that it is.

    Every scoped table must be held to one site by its ``site_id``: compared with a
    parameter, or with the ``site_id`` of a table that is. An insert must be given a
    ``site_id``. The value given must be the session's own site, if it has one.
    """
    if not getattr(statement, "is_insert", False):
        missing = {t.name for t in _scoped_tables(statement)} - _bound_to_a_site(
            statement
        )
        if missing:
            message = f"no site_id comparison for {', '.join(sorted(missing))}"
            raise UnscopedStatement(message)
    return statement.execution_options(scoped=True)


def _given(state: ORMExecuteState) -> list[Mapping[str, Any]]:
    parameters = state.parameters
    if parameters is None:
        return [{}]
    return [parameters] if isinstance(parameters, Mapping) else list(parameters)


def _guard_scoped(state: ORMExecuteState, site_id: int | None) -> None:
    if site_id is None:
        return
    for row in _given(state):
        asked = row.get("site_id", site_id)
        if asked != site_id:
            message = f"site {asked} asked for in a session of site {site_id}"
            raise ForeignRow(message)


def _target(state: ORMExecuteState) -> str:
    return str(getattr(state.statement, "table", "?"))


def _guard_insert(state: ORMExecuteState, site_id: int | None) -> None:
    """Hold an ORM insert to rows that name the session's site."""
    values = getattr(state.statement, "_values", None) or {}
    set_once = {
        column.name: getattr(value, "value", None) for column, value in values.items()
    }
    if getattr(state.statement, "select", None) is not None:
        message = f"rows copied into {_target(state)}: nobody can tell whose"
        raise UnscopedStatement(message)
    several = getattr(state.statement, "_multi_values", ())
    rows = [
        {getattr(key, "name", key): value for key, value in row.items()}
        for group in several
        for row in group
    ] or _given(state)
    for row in rows:
        asked = row.get("site_id", set_once.get("site_id"))
        if asked is None:
            message = f"a row without site_id for {_target(state)}"
            raise UnscopedStatement(message)
        if site_id is not None and asked != site_id:
            message = f"a row of site {asked} in a session of site {site_id}"
            raise ForeignRow(message)


def _names_scoped(state: ORMExecuteState) -> bool:
    return any(issubclass(mapper.class_, SiteScoped) for mapper in state.all_mappers)


def _reaches_scoped(statement: Any) -> bool:
    """Say whether a scoped table is read anywhere, joins by relationship included."""
    if _scoped_tables(statement):
        return True
    froms: Iterable[Any] = getattr(statement, "get_final_froms", tuple)()
    return any(_scoped_tables(source) for source in froms)


def _guard_statement(state: ORMExecuteState) -> None:
    options = state.execution_options
    if options.get("unscoped"):
        return
    site_id = state.session.info.get("site_id")
    if options.get("scoped"):
        _guard_scoped(state, site_id)
    elif state.is_column_load or state.is_relationship_load:
        return
    elif not state.is_orm_statement:
        _guard_plain(state)
    elif state.is_insert:
        if _names_scoped(state):
            _guard_insert(state, site_id)
    else:
        _hold_to_site(state, site_id)


def _guard_plain(state: ORMExecuteState) -> None:
    if isinstance(state.statement, TextClause | TextualSelect):
        message = f"written as text, so nobody can tell whose rows: {state.statement}"
        raise UnscopedStatement(message)
    if _scoped_tables(state.statement):
        message = f"pass it through scoped(): {state.statement}"
        raise UnscopedStatement(message)


def _hold_to_site(state: ORMExecuteState, site_id: int | None) -> None:
    if site_id is None:
        if _names_scoped(state) or _reaches_scoped(state.statement):
            raise UnscopedStatement(str(state.statement))
        return
    # always, as a join may bring rows of sites in from a table that has no site
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
    if site_id is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, SiteScoped):
            belongs: int | None = row.site_id
            if belongs is None:
                row.site_id = site_id
            elif belongs != site_id:
                message = f"{type(row).__name__} belongs to site {belongs}"
                raise ForeignRow(message)


def _guard_identity(session: Session, row: object) -> bool:
    """Say whether a row that the session already holds may be handed out again."""
    site_id = session.info.get("site_id")
    return not isinstance(row, SiteScoped) or row.site_id == site_id


def init_scope() -> None:
    """Put the guards on every session of the application."""
    if not event.contains(db.session, "do_orm_execute", _guard_statement):
        event.listen(db.session, "do_orm_execute", _guard_statement)
        event.listen(db.session, "before_flush", _guard_flush)
        GuardedSession.may_hand_out = _guard_identity
