"""The ledger: one append-only line per thing done, hash-chained per site.

A line carries plain facts, hashed as they are, and personal values, hashed as salted
commitments: the values themselves lie in side rows. Erasing the side rows removes the
person from the ledger and leaves the chain whole.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import (
    DDL,
    ForeignKey,
    Index,
    UniqueConstraint,
    bindparam,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from casefield.core.db import (
    Base,
    BigId,
    PrimaryKey,
    db,
    lock,
    rows_changed,
    table_of,
)
from casefield.core.scope import SiteScoped, scoped

LEDGER_LOCK = 7
FIRST = "0" * 64


class Author(Protocol):
    """Whoever does things: a signed-in person, or the clock (all ids None)."""

    @property
    def person_id(self) -> int | None: ...
    @property
    def device_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Clockwork:
    """The author of what time itself does: a miss, a purge, a reminder."""

    person_id: None = None
    device_id: None = None


CLOCKWORK = Clockwork()


class LedgerLine(SiteScoped, Base):
    """Something happened: who, what, to which thing, when; and the line before."""

    __tablename__ = "ledger_line"
    __table_args__ = (
        UniqueConstraint("site_id", "seq"),
        Index("ix_ledger_line_subject", "site_id", "subject", "seq"),
        Index("ix_ledger_line_place", "site_id", "place_id", "seq"),
    )

    id: Mapped[PrimaryKey]
    #: counts from 1 in each site, without a gap
    seq: Mapped[int]
    at: Mapped[datetime]
    #: when the person says it happened, where that differs
    claimed_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(BigId)
    device_id: Mapped[int | None] = mapped_column(BigId)
    #: feature.noun.verb, e.g. ``patrol.check_in.made``
    verb: Mapped[str]
    #: kind and public id of the thing, e.g. ``round:Zk3…``
    subject: Mapped[str]
    place_id: Mapped[int | None] = mapped_column(BigId)
    #: canonical JSON; before and after stand here
    facts: Mapped[str]
    #: canonical JSON, name → sha256(salt + value)
    commitments: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class LedgerValue(Base):
    """A personal value of a line. May be erased; the line's commitment stays."""

    __tablename__ = "ledger_value"

    line_id: Mapped[int] = mapped_column(ForeignKey("ledger_line.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[str]
    value: Mapped[str]


for _dialect, _ddl in (
    (
        "sqlite",
        "CREATE TRIGGER ledger_line_no_{event} BEFORE {EVENT} ON ledger_line "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ),
    (
        "postgresql",
        "CREATE TRIGGER ledger_line_no_{event} BEFORE {EVENT} ON ledger_line "
        "FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()",
    ),
):
    if _dialect == "postgresql":
        event.listen(
            table_of(LedgerLine),
            "after_create",
            DDL(
                "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger "
                "AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$ "
                "LANGUAGE plpgsql"
            ).execute_if(dialect=_dialect),
        )
    for _event in ("update", "delete"):
        event.listen(
            table_of(LedgerLine),
            "after_create",
            DDL(_ddl.format(event=_event, EVENT=_event.upper())).execute_if(
                dialect=_dialect
            ),
        )

_LINES = table_of(LedgerLine)
_LAST = scoped(
    select(_LINES.c.seq, _LINES.c.hash)
    .where(_LINES.c.site_id == bindparam("site_id"))
    .order_by(_LINES.c.seq.desc())
    .limit(1)
)
_INSERT_LINE = scoped(insert(_LINES).returning(_LINES.c.id))
_INSERT_LINE_ONLY = scoped(insert(_LINES).inline())
_INSERT_VALUES = insert(table_of(LedgerValue))
_CHAIN = scoped(
    select(_LINES)
    .where(_LINES.c.site_id == bindparam("site_id"), _LINES.c.seq > bindparam("after"))
    .order_by(_LINES.c.seq)
    .limit(1000)
)


def _canonical(value: object) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str
    )


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()


def _line_hash(line: Mapping[Any, Any]) -> str:
    parts = [
        line["site_id"],
        line["seq"],
        _instant(line["at"]),
        _instant(line["claimed_at"]),
        line["person_id"],
        line["device_id"],
        line["verb"],
        line["subject"],
        line["place_id"],
        line["facts"],
        line["commitments"],
        line["previous_hash"],
    ]
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()


def _commit_to(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}\x00{value}".encode()).hexdigest()


def record(  # noqa: PLR0913 -- one argument for each thing that a line says
    site_id: int,
    author: Author,
    at: datetime,
    verb: str,
    subject: str,
    *,
    place_id: int | None = None,
    claimed_at: datetime | None = None,
    facts: Mapping[str, object] | None = None,
    personal: Mapping[str, str | None] | None = None,
) -> None:
    """Write one line at the end of the site's chain, in the present transaction.

    ``personal`` takes whatever names or describes somebody, free text above all;
    it can be erased later. Values of None are left out.
    """
    session = db.session()
    lock(LEDGER_LOCK, site_id)
    last = session.execute(_LAST, {"site_id": site_id}).first()
    values = [
        {"name": name, "salt": secrets.token_hex(16), "value": value}
        for name, value in (personal or {}).items()
        if value
    ]
    line: dict[str, Any] = {
        "site_id": site_id,
        "seq": last.seq + 1 if last else 1,
        "at": at,
        "claimed_at": claimed_at,
        "person_id": author.person_id,
        "device_id": author.device_id,
        "verb": verb,
        "subject": subject,
        "place_id": place_id,
        "facts": _canonical(facts or {}),
        "commitments": _canonical(
            {v["name"]: _commit_to(v["salt"], v["value"]) for v in values}
        ),
        "previous_hash": last.hash if last else FIRST,
    }
    line["hash"] = _line_hash(line)
    if not values:
        session.execute(_INSERT_LINE_ONLY, line)
        return
    line_id = session.execute(_INSERT_LINE, line).scalar_one()
    session.execute(_INSERT_VALUES, [{**v, "line_id": line_id} for v in values])


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold: the line, and what is wrong with it."""

    seq: int
    line_id: int
    why: str


def _values_of(line_ids: list[int]) -> dict[int, dict[str, tuple[str, str]]]:
    table = table_of(LedgerValue)
    rows = db.session().execute(select(table).where(table.c.line_id.in_(line_ids)))
    found: dict[int, dict[str, tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.line_id, {})[row.name] = (row.salt, row.value)
    return found


def verify(site_id: int) -> Iterator[Break]:
    """Walk the site's chain and yield every line that was changed, lost or slipped in.

    A cut at the end cannot be seen from the chain alone: compare :func:`head` with
    the one printed on paper or kept in a backup.
    """
    previous, seq = FIRST, 0
    while (
        lines := db.session()
        .execute(_CHAIN, {"site_id": site_id, "after": seq})
        .mappings()
        .all()
    ):
        values = _values_of([line["id"] for line in lines])
        for line in lines:
            at = (line["seq"], line["id"])
            if line["seq"] != seq + 1:
                yield Break(*at, f"lines {seq + 1} to {line['seq'] - 1} are gone")
            elif line["previous_hash"] != previous:
                yield Break(*at, "does not follow the line before it")
            if _line_hash(line) != line["hash"]:
                yield Break(*at, "was changed after it was written")
            commitments = json.loads(line["commitments"])
            for name, (salt, value) in values.get(line["id"], {}).items():
                if commitments.get(name) != _commit_to(salt, value):
                    yield Break(*at, f"its value {name!r} was changed")
            previous, seq = line["hash"], line["seq"]


def head(site_id: int) -> tuple[int, str]:
    """Return number and hash of the site's last line; ``(0, FIRST)`` when empty."""
    last = db.session().execute(_LAST, {"site_id": site_id}).first()
    return (last.seq, last.hash) if last else (0, FIRST)


def erase_person(site_id: int, person_id: int) -> int:
    """Remove the personal values of every line that a person wrote; return how many.

    The chain still verifies afterwards.
    """
    table = table_of(LedgerValue)
    written = select(_LINES.c.id).where(
        _LINES.c.site_id == site_id, _LINES.c.person_id == person_id
    )
    result = db.session().execute(
        delete(table).where(table.c.line_id.in_(written)),
        execution_options={"unscoped": "the sub-select names the site"},
    )
    return rows_changed(result)
