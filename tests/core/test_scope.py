"""Rows of one site are out of reach from another, however they are asked for."""

import pytest
from sqlalchemy import (
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.orm import aliased

from casefield.accounts.models import Account
from casefield.core import ledger
from casefield.core.db import db, table_of
from casefield.core.scope import (
    ForeignRow,
    UnscopedStatement,
    at_site,
    current_site_id,
    scoped,
    set_site,
)
from casefield.people.models import Person
from casefield.sites.models import Place, PlaceKind, Site, WallCode
from tests.factories import ground, looking, make_place, make_wall_code

PLACES = table_of(Place)
CODES = table_of(WallCode)
ANOTHER = aliased(Place)


@pytest.fixture
def two(cast):
    """A place with a wall code at each of the two sites."""
    own, foreign = make_place(cast.site, "自家"), make_place(cast.other_site, "别家")
    make_wall_code(own)
    make_wall_code(foreign)
    return cast, own, foreign


READS = {
    "entity": select(Place.name),
    "whole": select(Place).with_only_columns(Place.name),
    "alias": select(ANOTHER.name),
    "joined": select(Place.name).join(WallCode, WallCode.place_id == Place.id),
    "from a table without site": select(Place.name)
    .select_from(Site)
    .join(Place, Place.site_id == Site.id),
    "subquery": select(select(Place).subquery().c.name),
    "cte": select(select(Place).cte().c.name),
    "in": select(Place.name).where(Place.id.in_(select(WallCode.place_id))),
    "union": select(Place.name).union(select(Place.name)),
}


@pytest.mark.parametrize("statement", READS.values(), ids=READS)
def test_a_read_finds_the_own_site_alone(two, statement):
    cast, _, _ = two
    with looking(cast.site):
        assert db.session.scalars(statement).all() == ["自家"]
    with looking(cast.other_site):
        assert db.session.scalars(statement).all() == ["别家"]


@pytest.mark.parametrize("statement", READS.values(), ids=READS)
def test_a_read_without_a_site_is_refused(two, statement):
    with looking(), pytest.raises(UnscopedStatement):
        db.session.execute(statement)


COUNTS = {
    "of an entity": select(func.count()).select_from(Place),
    "of a column": select(func.count(Place.id)),
    "of people behind accounts": select(func.count())
    .select_from(Account)
    .join(Person, Person.id == Account.person_id),
}


def test_counts_count_the_own_site_alone(two):
    cast, _, _ = two
    with looking(cast.site):
        counted = {name: db.session.scalar(s) for name, s in COUNTS.items()}
    assert counted == {
        "of an entity": 1,
        "of a column": 1,
        "of people behind accounts": 6,
    }


@pytest.mark.parametrize("statement", COUNTS.values(), ids=COUNTS)
def test_counts_without_a_site_are_refused(two, statement):
    with looking(), pytest.raises(UnscopedStatement):
        db.session.execute(statement)


def test_a_join_from_a_table_without_a_site_brings_no_foreign_rows(two):
    cast, _, _ = two
    accounts = select(Account).join(Account.person)
    with looking(cast.site):
        people = {account.person_id for account in db.session.scalars(accounts)}
    assert cast.guard.id in people
    assert cast.stranger.id not in people


def test_get_finds_no_foreign_row_even_if_the_session_holds_it(two):
    cast, own, foreign = two
    with looking(cast.site):
        assert db.session.get(Place, own.id) is not None
        assert db.session.get(Place, foreign.id) is None
        with at_site(cast.other_site.id):
            held = db.session.get(Place, foreign.id)
            assert held is not None
        assert db.session.get(Place, foreign.id) is None
        assert current_site_id() == cast.site.id


def test_bulk_changes_touch_the_own_site_alone(two):
    cast, own, foreign = two
    with ground(cast.site):
        db.session.execute(update(Place).values(name="改过"))
        db.session.execute(delete(WallCode))
    with looking(cast.other_site):
        assert db.session.get_one(Place, foreign.id).name == "别家"
        assert db.session.scalar(select(func.count(WallCode.id))) == 1
    with looking(cast.site):
        assert db.session.get_one(Place, own.id).name == "改过"
        assert db.session.scalar(select(func.count(WallCode.id))) == 0


@pytest.mark.parametrize("statement", [update(Place).values(name="x"), delete(Place)])
def test_bulk_changes_without_a_site_are_refused(two, statement):
    with pytest.raises(UnscopedStatement), ground():
        db.session.execute(statement)


def _row(site):
    return {
        "site_id": site.id,
        "public_id": "x" * 22,
        "code": "Z9",
        "name": "混入",
        "kind": PlaceKind.HALL,
    }


INSERTS = {
    "added": lambda site: db.session.add(Place(**_row(site))),
    "orm": lambda site: db.session.execute(insert(Place).values(**_row(site))),
    "orm many": lambda site: db.session.execute(insert(Place), [_row(site)]),
    "orm several": lambda site: db.session.execute(insert(Place).values([_row(site)])),
    "prebuilt": lambda site: db.session.execute(scoped(insert(PLACES)), _row(site)),
}


@pytest.mark.parametrize("put", INSERTS.values(), ids=INSERTS)
def test_a_row_for_another_site_is_not_written(cast, put):
    with pytest.raises(ForeignRow), ground(cast.site):
        put(cast.other_site)
    with ground(cast.site):
        put(cast.site)
    with looking(cast.site):
        assert db.session.scalar(select(Place.name)) == "混入"


def test_an_insert_must_name_its_site(cast):
    row = _row(cast.site)
    del row["site_id"]
    with pytest.raises(UnscopedStatement), ground(cast.site):
        db.session.execute(insert(Place), [row])
    copy = select(literal(cast.other_site.id), WallCode.code)
    with pytest.raises(UnscopedStatement), ground(cast.site):
        db.session.execute(insert(Place).from_select(["site_id", "code"], copy))


def test_a_row_made_in_a_session_gets_its_site(cast):
    with ground(cast.site):
        place = Place(code="Z8", name="新", kind=PlaceKind.HALL)
        db.session.add(place)
        db.session.flush()
        assert place.site_id == cast.site.id


def test_a_row_cannot_be_moved_to_another_site(two):
    cast, own, _ = two
    with pytest.raises(ForeignRow), ground(cast.site):
        db.session.get_one(Place, own.id).site_id = cast.other_site.id


def _change_foreign(cast, foreign, change):
    with ground(cast.site):
        with at_site(cast.other_site.id):
            held = db.session.get(Place, foreign.id)
        change(held)


@pytest.mark.parametrize("how", ["change", "delete"])
def test_a_foreign_row_held_by_the_session_is_not_written(two, how):
    cast, _, foreign = two
    changes = {
        "change": lambda row: setattr(row, "name", "x"),
        "delete": db.session.delete,
    }
    with pytest.raises(ForeignRow):
        _change_foreign(cast, foreign, changes[how])


UNSCOPED = {
    "core select": select(PLACES.c.name),
    "core update": update(PLACES).values(name="x"),
    "core delete": delete(PLACES),
    "core insert": insert(PLACES).values(code="x"),
    "core join": select(PLACES.c.name).join(CODES, CODES.c.place_id == PLACES.c.id),
    "core subquery": select(select(PLACES.c.name).subquery().c.name),
    "bare exists": select(exists().where(Place.name == "别家")),
    "text": text("SELECT name FROM place"),
    "text with columns": text("SELECT name FROM place").columns(PLACES.c.name),
}


@pytest.mark.parametrize("statement", UNSCOPED.values(), ids=UNSCOPED)
def test_statements_on_plain_tables_or_text_are_refused(cast, statement):
    with pytest.raises(UnscopedStatement), ground(cast.site):
        db.session.execute(statement)


def test_a_reason_opens_the_way(two):
    with looking():
        statement = select(Place.name).order_by(Place.id)
        found = db.session.scalars(
            statement, execution_options={"unscoped": "a test looks everywhere"}
        )
        assert found.all() == ["自家", "别家"]


NOT_HELD = {
    "no comparison": select(PLACES.c.name),
    "one of two": select(PLACES.c.name, CODES.c.code).where(
        PLACES.c.site_id == bindparam("site_id")
    ),
    "only with each other": select(PLACES.c.name, CODES.c.code).where(
        PLACES.c.site_id == CODES.c.site_id
    ),
    "not equal": select(PLACES.c.name).where(PLACES.c.site_id != bindparam("site_id")),
    "update": update(PLACES).values(name="x"),
}


@pytest.mark.parametrize("statement", NOT_HELD.values(), ids=NOT_HELD)
def test_a_prebuilt_statement_must_hold_every_table_to_a_site(statement):
    with pytest.raises(UnscopedStatement):
        scoped(statement)


def test_a_prebuilt_statement_may_hold_one_table_through_another(two):
    cast, _, _ = two
    statement = scoped(
        select(PLACES.c.name)
        .join(CODES, CODES.c.site_id == PLACES.c.site_id)
        .where(CODES.c.site_id == bindparam("site_id"))
    )
    with looking(cast.site):
        found = db.session.execute(statement, {"site_id": cast.site.id})
        assert found.scalars().all() == ["自家"]


def test_a_prebuilt_statement_cannot_ask_for_another_site(two):
    cast, _, _ = two
    statement = scoped(
        select(PLACES.c.name).where(PLACES.c.site_id == bindparam("site_id"))
    )
    with looking(cast.site), pytest.raises(ForeignRow):
        db.session.execute(statement, {"site_id": cast.other_site.id})
    with looking(cast.site), pytest.raises(ForeignRow):
        ledger.head(cast.other_site.id)


def test_there_is_no_present_site_unless_one_is_bound(cast):
    with looking():
        with pytest.raises(UnscopedStatement):
            current_site_id()
        set_site(cast.site.id)
        assert current_site_id() == cast.site.id
