"""The database: declarative base, column types, engine set-up, the unit of work."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, cast

import pysqlite3.dbapi2 as sqlite
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import (
    JSON,
    BigInteger,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    Result,
    Row,
    Select,
    String,
    Table,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.types import TypeDecorator

#: 3.7.0-3.51.2 can lose commits of two connections in WAL mode.
SAFE_SQLITE = (3, 51, 3)

_writing: ContextVar[bool] = ContextVar("writing", default=False)


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive values; gives aware UTC back on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"naive instant {value!r}: instants carry their zone"
            raise ValueError(message)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self, value: datetime | None, _dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


def new_public_id() -> str:
    """Make an id for URLs: 128 random bits, telling nothing about the row."""
    return secrets.token_urlsafe(16)


BigId = BigInteger().with_variant(Integer, "sqlite")

PrimaryKey = Annotated[int, mapped_column(BigId, primary_key=True)]
PublicId = Annotated[str, mapped_column(String(22), unique=True, default=new_public_id)]


class Base(DeclarativeBase):
    """Every table. Constraints get predictable names, so migrations can name them."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UTCDateTime(),
            StrEnum: Enum(
                StrEnum,
                native_enum=False,
                length=20,
                values_callable=lambda kind: [member.value for member in kind],
            ),
            dict[str, Any]: JSON(),
            list[Any]: JSON(),
        },
    )


class GuardedSession(FlaskSession):
    """A session whose ``get`` does not hand out what it holds of another site."""

    #: ``core.scope`` puts its rule here
    may_hand_out: Callable[[OrmSession, object], bool] = staticmethod(
        lambda _session, _row: True
    )

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        row = super().get(entity, ident, **options)
        if row is not None and not type(self).may_hand_out(self, row):
            return None
        return row


#: rows and statements of any columns
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]


def table_of(model: type[Any]) -> Table:
    """Return the table beneath a model, for statements that skip the mapper."""
    return cast("Table", model.__table__)


def rows_changed(result: Result[*tuple[Any, ...]]) -> int:
    """Return how many rows an UPDATE or DELETE touched."""
    return int(cast("CursorResult[*tuple[Any, ...]]", result).rowcount)


db = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False, "class_": GuardedSession},
)


def engine_options(database_url: str, threads: int) -> dict[str, Any]:
    """Options for ``create_engine``; one connection a thread and one to spare."""
    options: dict[str, Any] = {
        "pool_size": threads + 1,
        "pool_timeout": 5,
        # values are people's words: they stay out of errors and logs
        "hide_parameters": True,
    }
    if database_url.startswith("sqlite"):
        options["module"] = sqlite
        options["connect_args"] = {"timeout": 5.0, "check_same_thread": False}
    else:
        options["pool_pre_ping"] = True
    return options


def prepare_sqlite(engine: Engine, synchronous: str) -> None:
    """Hold SQLite to the house rules: WAL, foreign keys, our own BEGIN.

    A write takes the lock at its first statement (``BEGIN IMMEDIATE``): a deferred
    transaction that reads first loses to any other writer at once.
    """
    if sqlite.sqlite_version_info < SAFE_SQLITE:
        message = f"SQLite {sqlite.sqlite_version} can lose commits in WAL mode"
        raise RuntimeError(message)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        mode = "BEGIN IMMEDIATE" if _writing.get() else "BEGIN"
        connection.exec_driver_sql(mode)


def init_app(app: Flask) -> None:
    """Bind the database to the application, once its settings are in ``app.config``."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            prepare_sqlite(db.engine, app.config["SQLITE_SYNCHRONOUS"])


class ReadBeforeWrite(RuntimeError):
    """A view read before it opened its unit of work: what it saw may be stale."""


@contextmanager
def unit_of_work() -> Iterator[None]:
    """One transaction that writes: commit at the end, roll back on any error.

    Whatever the work depends on is read inside, under the write lock. Functions
    given to :func:`after_commit` run once the commit has succeeded.
    """
    session = db.session()
    if session.in_transaction():
        raise ReadBeforeWrite
    token = _writing.set(True)
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        session.info.pop("after_commit", None)
        raise
    finally:
        _writing.reset(token)
    for function in session.info.pop("after_commit", ()):
        function()


def is_writing() -> bool:
    """Say whether a unit of work is open, even if nothing was asked in it yet."""
    return _writing.get()


def after_commit(function: Callable[[], object]) -> None:
    """Run ``function`` once the present unit of work has been committed."""
    db.session().info.setdefault("after_commit", []).append(function)


def lock(space: int, key: int | str) -> None:
    """Hold others off ``(space, key)`` until the transaction ends.

    SQLite has one writer at a time already; PostgreSQL takes an advisory lock.
    """
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        if isinstance(key, str):
            # names that meet by chance only wait for each other
            digest = hashlib.sha256(key.encode()).digest()
            key = int.from_bytes(digest[:4], "big", signed=True)
        session.execute(
            text("SELECT pg_advisory_xact_lock(:space, :key)"),
            {"space": space, "key": key},
            execution_options={"unscoped": "advisory lock, reads no table"},
        )
