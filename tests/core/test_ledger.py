"""The chain holds, and tells which line was touched when it does not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.functions import count

from casefield.core import db as database
from casefield.core import ledger
from casefield.core.db import db
from tests.factories import ground, looking

AT = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
UNSCOPED = {"unscoped": "a test tampers"}


@dataclass(frozen=True)
class Author:
    person_id: int | None
    device_id: int | None = None


def _write(site, author, times=1, **values):
    with ground(site):
        for n in range(times):
            ledger.record(
                site.id,
                author,
                AT + timedelta(minutes=n),
                "proof.line.written",
                f"line:{n}",
                **values,
            )


def _breaks(site):
    with looking(site):
        return [(found.seq, found.why) for found in ledger.verify(site.id)]


def _tamper(statement, **values):
    """Do by SQL what the triggers refuse, with the triggers taken off."""
    with ground():
        session = db.session()
        if session.get_bind().dialect.name == "sqlite":
            for event in ("update", "delete"):
                _sql(f"DROP TRIGGER ledger_line_no_{event}")
        else:
            _sql("ALTER TABLE ledger_line DISABLE TRIGGER USER")
        assert _sql(statement, **values).rowcount == 1


def _sql(statement, **values):
    return db.session.execute(text(statement), values, execution_options=UNSCOPED)


@pytest.fixture
def ten(cast):
    """Ten lines at each of the two sites."""
    author = Author(cast.guard.id)
    _write(cast.site, author, 10, personal={"note": "顾安说的话"}, facts={"n": 1})
    _write(cast.other_site, author, 10)
    return cast.site


def test_an_untouched_chain_holds_and_counts_from_one(ten, cast):
    assert _breaks(ten) == _breaks(cast.other_site) == []
    with looking(ten):
        seqs = db.session.scalars(select(ledger.LedgerLine.seq)).all()
        assert sorted(seqs) == list(range(1, 11))
        assert ledger.head(ten.id)[0] == 10


def test_the_head_of_nothing_is_zero(cast):
    with looking(cast.site):
        assert ledger.head(cast.site.id) == (0, ledger.FIRST)
    assert _breaks(cast.site) == []


CHANGES = {
    "at": "at = '2026-03-05 01:00:00+00'",
    "claimed_at": "claimed_at = '2026-03-05 01:00:00+00'",
    "person": "person_id = 999",
    "device": "device_id = 999",
    "verb": "verb = 'proof.line.unwritten'",
    "subject": "subject = 'line:x'",
    "place": "place_id = 999",
    "facts": "facts = '{}'",
    "commitments": "commitments = '{}'",
    "site of a line": "hash = hash || 'x'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_line_is_named(ten, change):
    if db_is_sqlite(ten):
        change = change.replace("+00'", ".000000'")
    _tamper(f"UPDATE ledger_line SET {change} WHERE seq = 4 AND site_id = {ten.id}")
    assert 4 in {seq for seq, _ in _breaks(ten)}
    assert {seq for seq, _ in _breaks(ten)} <= {4, 5}


def db_is_sqlite(site):
    with looking(site):
        return db.session().get_bind().dialect.name == "sqlite"


def test_a_lost_line_is_named(ten):
    where = f"seq = 4 AND site_id = {ten.id}"
    with ground():
        _sql(
            "DELETE FROM ledger_value WHERE line_id IN"
            f" (SELECT id FROM ledger_line WHERE {where})"
        )
    _tamper(f"DELETE FROM ledger_line WHERE {where}")
    assert _breaks(ten) == [(5, "lines 4 to 4 are gone")]


def test_a_line_slipped_in_is_named(ten):
    columns = "site_id, at, verb, subject, facts, commitments, previous_hash, hash, seq"
    with ground():
        _sql(
            f"INSERT INTO ledger_line ({columns}) SELECT {columns[:-5]}, 11"
            f" FROM ledger_line WHERE seq = 10 AND site_id = {ten.id}"
        )
    assert {seq for seq, _ in _breaks(ten)} == {11}


def test_a_line_rewritten_with_its_own_hash_breaks_the_next(ten):
    with looking(ten):
        line = db.session.scalars(
            select(ledger.LedgerLine).where(ledger.LedgerLine.seq == 4)
        ).one()
        columns = {c.name: getattr(line, c.name) for c in line.__table__.columns}
    forged = ledger._line_hash({**columns, "facts": '{"n":2}'})
    _tamper(
        "UPDATE ledger_line SET facts = :facts, hash = :hash"
        f" WHERE seq = 4 AND site_id = {ten.id}",
        facts='{"n":2}',
        hash=forged,
    )
    assert _breaks(ten) == [(5, "does not follow the line before it")]


def test_a_changed_personal_value_is_named(ten):
    with ground():
        _sql(
            "UPDATE ledger_value SET value = 'x' WHERE line_id IN (SELECT id FROM"
            f" ledger_line WHERE seq = 4 AND site_id = {ten.id})"
        )
    assert _breaks(ten) == [(4, "its value 'note' was changed")]


def test_erasing_a_person_leaves_the_chain_whole(ten, cast):
    _write(ten, Author(cast.lead.id), 3, personal={"note": "罗衡说的话"})
    with ground(ten):
        assert ledger.erase_person(ten.id, cast.guard.id) == 10
    assert _breaks(ten) == []
    with looking(ten):
        left = db.session.scalars(select(ledger.LedgerValue.value)).all()
        assert set(left) == {"罗衡说的话"}


def test_erasing_at_one_site_leaves_the_other(cast):
    author = Author(cast.guard.id)
    for site in (cast.site, cast.other_site):
        _write(site, author, 2, personal={"note": "话"})
    with ground(cast.site):
        assert ledger.erase_person(cast.site.id, cast.guard.id) == 2
    with looking():
        assert db.session.scalar(select(count(ledger.LedgerValue.line_id))) == 2


def test_personal_values_stand_in_no_line(ten):
    with looking(ten):
        for line in db.session.scalars(select(ledger.LedgerLine)):
            assert "顾安" not in line.facts + line.commitments + line.subject


def test_the_same_words_twice_have_different_commitments(ten):
    with looking(ten):
        kept = db.session.scalars(select(ledger.LedgerLine.commitments)).all()
        assert len(set(kept)) == len(kept)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_line SET facts = '{}' WHERE seq = 4", "DELETE FROM ledger_line"],
)
def test_the_database_refuses_changes(ten, statement):
    with ground():
        _sql("DELETE FROM ledger_value")
    with pytest.raises(DBAPIError, match="append-only"), ground():
        _sql(statement)
    assert _breaks(ten) == []


def _crowd(site, app, writers=8, times=20):
    def write(number):
        try:
            for n in range(times):
                with ground(site, app):
                    ledger.record(
                        site.id, Author(None), AT, "proof.line.written", f"{number}:{n}"
                    )
        except DBAPIError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(write, range(writers)))
    with looking(site, app):
        return outcomes, ledger.head(site.id)[0]


def test_eight_writers_leave_one_chain_without_a_gap(fresh_app, fresh_cast):
    outcomes, last = _crowd(fresh_cast.site, fresh_app)
    assert outcomes == ["done"] * 8
    assert last == 160
    assert _breaks(fresh_cast.site) == []


class _NeverWriting:
    def get(self):
        return False

    def set(self, value):
        return value

    def reset(self, token):
        pass


def test_control_without_the_lock_the_writers_collide(
    fresh_app, fresh_cast, monkeypatch
):
    monkeypatch.setattr(ledger, "lock", lambda space, key: None)
    monkeypatch.setattr(database, "_writing", _NeverWriting())
    outcomes, last = _crowd(fresh_cast.site, fresh_app)
    assert outcomes != ["done"] * 8 or last != 160


def test_sites_have_chains_of_their_own(cast):
    author = Author(cast.guard.id)
    for site in (cast.site, cast.other_site, cast.site):
        _write(site, author)
    with looking(cast.site):
        assert ledger.head(cast.site.id)[0] == 2
    with looking(cast.other_site):
        assert ledger.head(cast.other_site.id)[0] == 1
