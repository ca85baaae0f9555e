"""Fills the app's own tables with check-ins, whatever other columns they have.

Known columns get their values here; every other column that must not be empty gets its
model's default or an empty value of its type. The big tables are written by the
database itself, from a row of numbers.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table

from casefield.core.db import Base
from casefield.sites.models import new_code

POINTS = 20
PEOPLE = 32
INTERVAL = 3600
STEP = 90
#: The instant up to which rounds have been walked.
UNTIL = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    """How much there is: sites, and rounds walked at each, 20 points a round."""

    sites: int
    rounds: int

    @property
    def check_ins(self) -> int:
        """Return the number of check-ins in all sites together."""
        return self.sites * self.rounds * POINTS


SIZES = {
    10_000: Size(sites=3, rounds=168),
    1_000_000: Size(sites=20, rounds=2_500),
    10_000_000: Size(sites=60, rounds=8_334),
}


def fill(connection: Connection, size: Size, *, trail: bool) -> None:
    """Write sites and their past; `trail` adds a receipt and a ledger line a row."""
    if connection.dialect.name == "postgresql":
        # Forty million looks at rows that were numbered to fit take minutes.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for site in range(size.sites):
        _fill_site(connection, site)
    # Ten million random ids would be sorted into their index one by one. Only new
    # rows care about that, and none are written where there is no trail.
    numbers = Numbers(connection, size, ordered=not trail)
    numbers.insert("round", size.sites * size.rounds, _round_values(numbers))
    numbers.insert("round_stop", size.check_ins, _stop_values(numbers))
    numbers.insert("check_in", size.check_ins, _check_in_values(numbers))
    if trail:
        numbers.insert("receipt", size.check_ins, _receipt_values(numbers))
        numbers.insert("ledger_line", size.check_ins, _ledger_values(numbers))
    if connection.dialect.name == "postgresql":
        _advance_sequences(connection)


def add(connection: Connection, name: str, /, **values: Any) -> None:
    """Insert one row; what is not named gets a default."""
    table = Base.metadata.tables[name]
    rest = {
        column.name: _blank(column)
        for column in table.columns
        if column.name not in values and _must_have(column)
    }
    for key, value in values.items():
        kind = table.columns[key].type
        if isinstance(kind, sa.Enum) and kind.enum_class and isinstance(value, str):
            values[key] = kind.enum_class[value]
    connection.execute(sa.insert(table), {**rest, **values})


def _fill_site(connection: Connection, site: int) -> None:
    """Write one site with its points, its people and one route."""
    own = site + 1
    if site == 0:
        add(connection, "company", id=1, name="示范物业")
    add(connection, "site", id=own, company_id=1, name=f"示范案场 {own}")
    add(
        connection, "post", id=own, site_id=own, code="P3", name="秩序岗", family="BASE"
    )
    add(connection, "route", id=own, site_id=own, code="R1", name="外围路线")
    _add_plan(connection, own)
    for number in range(POINTS):
        row = site * POINTS + number + 1
        known = {"id": row, "site_id": own, "code": f"X{number:02}"}
        name = f"东门外围 {number + 1}"
        add(connection, "place", **known, name=name, kind="OUTDOORS", ordinal=number)
        add(
            connection,
            "wall_code",
            site_id=own,
            place_id=row,
            code=new_code(),
            made_at=UNTIL,
        )
        add(connection, "checkpoint", **known, name=name, place_id=row)
        add(
            connection,
            "route_stop",
            id=row,
            site_id=own,
            route_id=own,
            checkpoint_id=row,
            ordinal=number + 1,
            offset_minutes=number,
        )
    for number in range(PEOPLE):
        row = site * PEOPLE + number + 1
        add(
            connection,
            "person",
            id=row,
            site_id=own,
            company_id=1,
            staff_no=staff_no(own, number),
            name=f"王值守{number + 1}",
            role="STAFF",
            joined_on=date(2025, 1, 1),
        )
        add(connection, "account", person_id=row)
        add(
            connection,
            "posting",
            id=row,
            site_id=own,
            person_id=row,
            post_id=own,
            from_on=date(2025, 1, 1),
        )


def _add_plan(connection: Connection, own: int) -> None:
    """Write the plan whose rounds these are; it has ended, so none is due again."""
    add(
        connection,
        "plan",
        id=own,
        site_id=own,
        route_id=own,
        post_id=own,
        name="每小时",
        weekdays="1111111",
        first_start_minutes=0,
        last_start_minutes=1380,
        period_minutes=60,
        duration_minutes=60,
        valid_from_at=UNTIL - timedelta(days=400),
        valid_until_at=UNTIL,
    )


def staff_no(site: int, number: int) -> str:
    """Return the staff number that the person signs in with."""
    return f"B{site:02}{number:02}"


def _must_have(column: Column[Any]) -> bool:
    return not (
        column.nullable
        or column.default is not None
        or column.server_default is not None
        or column.autoincrement is True
        or (column.primary_key and isinstance(column.type, sa.Integer))
    )


def _blank(column: Column[Any]) -> Any:
    """Return an empty value of the column's type."""
    if isinstance(column.type, sa.Enum) and column.type.enum_class:
        return next(iter(column.type.enum_class))
    kind = column.type.python_type
    blanks: dict[type, Any] = {
        str: "", int: 0, bool: False, dict: {}, list: [], float: 0.0,
        datetime: UNTIL, date: UNTIL.date(), time: time(8, 0),
    }  # fmt: skip
    return blanks[kind]


class Numbers:
    """Writes a table out of numbered rows, in the database's own words."""

    def __init__(self, connection: Connection, size: Size, *, ordered: bool) -> None:
        self.connection = connection
        self.ordered = ordered
        self.size = size
        self.sqlite = connection.dialect.name == "sqlite"

    def instant(self, seconds: str) -> str:
        """Return the expression for an instant so many seconds after the first."""
        first = UNTIL - timedelta(seconds=self.size.rounds * INTERVAL)
        epoch = int(first.timestamp())
        if self.sqlite:
            form = "'%Y-%m-%d %H:%M:%S.000000'"
            return f"strftime({form}, {epoch} + {seconds}, 'unixepoch')"
        return f"to_timestamp({epoch} + {seconds})"

    def day(self, seconds: str) -> str:
        """Return the expression for the day on which an instant falls."""
        if self.sqlite:
            return f"date({self.instant(seconds)})"
        return f"({self.instant(seconds)} AT TIME ZONE 'UTC')::date"

    def public_id(self) -> str:
        """Return the expression for an id of its own."""
        if not self.ordered:
            return self.random_text(22)
        if self.sqlite:
            return "printf('%022d', i)"
        return "lpad(i::text, 22, '0')"

    def random_text(self, length: int) -> str:
        """Return the expression for random letters."""
        if self.sqlite:
            return f"substr(lower(hex(randomblob({(length + 1) // 2}))), 1, {length})"
        pieces = " || ".join("md5(random()::text)" for _ in range(-(-length // 32)))
        return f"substr({pieces}, 1, {length})"

    def insert(self, name: str, count: int, known: Mapping[str, str]) -> None:
        """Fill a table; its indexes are made again afterwards, which is faster."""
        table = Base.metadata.tables[name]
        values = {**self._defaults(table, known), **known}
        columns, expressions = ", ".join(values), ", ".join(values.values())
        indexes = list(table.indexes)
        for index in indexes:
            index.drop(self.connection)
        if self.sqlite:
            source = (
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
                f" WHERE i + 1 < {count}) INSERT INTO {name} ({columns})"
                f" SELECT {expressions} FROM n"
            )
        else:
            source = (
                f"INSERT INTO {name} ({columns}) SELECT {expressions}"
                f" FROM generate_series(0, {count} - 1) AS n(i)"
            )
        self.connection.exec_driver_sql(source.replace("%", self._percent))
        for index in indexes:
            index.create(self.connection)

    @property
    def _percent(self) -> str:
        return "%" if self.sqlite else "%%"

    def _defaults(self, table: Table, known: Mapping[str, str]) -> dict[str, str]:
        """Return literal values for the columns that must have one."""
        found: dict[str, str] = {}
        for column in table.columns:
            if column.name in known or column.nullable or column.primary_key:
                continue
            if column.name == "public_id":
                found[column.name] = self.public_id()
            else:
                found[column.name] = self._literal(column)
        return found

    def member(self, column: Column[Any], name: str) -> str:
        """Return the literal that stands for a member of the column's enumeration."""
        kind = column.type
        if not isinstance(kind, sa.Enum) or kind.enum_class is None:
            return f"'{name.lower()}'"
        return f"'{kind.enums[list(kind.enum_class.__members__).index(name)]}'"

    def _literal(self, column: Column[Any]) -> str:
        default = column.default
        value = default.arg if isinstance(default, sa.ColumnDefault) else None
        if callable(value):
            value = None
        if value is None:
            value = _blank(column)
        if isinstance(value, enum.Enum):
            return self.member(column, value.name)
        if isinstance(value, bool):
            return ("1" if value else "0") if self.sqlite else str(value).lower()
        if isinstance(value, (dict, list)):
            return "'{}'" if isinstance(value, dict) else "'[]'"
        return str(value) if isinstance(value, int) else f"'{value}'"


def _site(numbers: Numbers, round_no: str) -> str:
    return f"({round_no}) % {numbers.size.sites} + 1"


def _start(numbers: Numbers, round_no: str) -> str:
    return f"(({round_no}) / {numbers.size.sites}) * {INTERVAL}"


def _round_values(n: Numbers) -> dict[str, str]:
    start = _start(n, "i")
    return {
        "id": "i + 1",
        "site_id": _site(n, "i"),
        "route_id": _site(n, "i"),
        "plan_id": _site(n, "i"),
        "day_on": n.day(start),
        "ordinal": f"i / {n.size.sites}",
        "opens_at": n.instant(start),
        "starts_at": n.instant(start),
        "late_from_at": n.instant(f"{start} + 1800"),
        "ends_at": n.instant(f"{start} + 3000"),
        "closes_at": n.instant(f"{start} + 3600"),
        "begun_at": n.instant(start),
        "closed_at": n.instant(f"{start} + 3600"),
        "person_id": _person(n, "i"),
    }


def _person(n: Numbers, round_no: str) -> str:
    turn = f"(({round_no}) / {n.size.sites}) % {PEOPLE}"
    return f"(({round_no}) % {n.size.sites}) * {PEOPLE} + {turn} + 1"


def _stop_values(n: Numbers) -> dict[str, str]:
    round_no = f"i / {POINTS}"
    due = f"{_start(n, round_no)} + (i % {POINTS}) * {STEP}"
    return {
        "id": "i + 1",
        "site_id": _site(n, round_no),
        "round_id": f"{round_no} + 1",
        "checkpoint_id": _checkpoint(n),
        "ordinal": f"i % {POINTS} + 1",
        "due_at": n.instant(due),
        "late_from_at": n.instant(f"{due} + 600"),
    }


def _checkpoint(n: Numbers) -> str:
    return f"((i / {POINTS}) % {n.size.sites}) * {POINTS} + i % {POINTS} + 1"


def _check_in_values(n: Numbers) -> dict[str, str]:
    round_no = f"i / {POINTS}"
    at = f"{_start(n, round_no)} + (i % {POINTS}) * {STEP} + 17"
    return {
        "id": "i + 1",
        "site_id": _site(n, round_no),
        "round_id": f"{round_no} + 1",
        "round_stop_id": "i + 1",
        "checkpoint_id": _checkpoint(n),
        "person_id": _person(n, round_no),
        "at": n.instant(at),
        "method": n.member(Base.metadata.tables["check_in"].columns["method"], "SCAN"),
    }


def _receipt_values(n: Numbers) -> dict[str, str]:
    round_no = f"i / {POINTS}"
    return {
        "id": "i + 1",
        "holder": f"'person:' || ({_person(n, round_no)})",
        "key": n.random_text(36),
        "fingerprint": n.random_text(64),
        "location": "'/patrol/rounds/' || " + n.random_text(22),
        "made_at": n.instant(f"{_start(n, round_no)} + 17"),
    }


def _ledger_values(n: Numbers) -> dict[str, str]:
    """Lines of the right size and order; their hashes are random, not a chain."""
    round_no = f"i / {POINTS}"
    return {
        "id": "i + 1",
        "site_id": _site(n, round_no),
        "seq": f"(({round_no}) / {n.size.sites}) * {POINTS} + i % {POINTS} + 1",
        "at": n.instant(f"{_start(n, round_no)} + 17"),
        "person_id": _person(n, round_no),
        "verb": "'patrol.check_in.made'",
        "subject": "'round:' || " + n.random_text(22),
        "place_id": _checkpoint(n),
        "facts": '\'{"late":false,"method":"scan"}\'',
        "commitments": "'{}'",
        "previous_hash": n.random_text(64),
        "hash": n.random_text(64),
    }


def _advance_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on from the ids that were given."""
    for table in Base.metadata.tables.values():
        column = table.columns.get("id")
        if column is None:
            continue
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
            f" (SELECT coalesce(max(id), 1) FROM {table.name}))"
            f" WHERE pg_get_serial_sequence('{table.name}', 'id') IS NOT NULL"
        )
