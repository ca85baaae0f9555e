"""Prebuilt reads answer as the session would, and keep to the rules of scope."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select

from casefield.core.db import UTCDateTime, db, unit_of_work
from casefield.core.prebuilt import Prebuilt
from casefield.core.scope import ForeignRow, UnscopedStatement, at_site, scoped
from casefield.sites.models import Place, PlaceKind, WallCode
from tests.cast import read_cast
from tests.factories import looking, make_place, make_wall_code

MADE = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)
STATEMENT = scoped(
    select(Place.name, Place.kind, WallCode.code, WallCode.made_at)
    .join(WallCode, WallCode.place_id == Place.id)
    .where(
        Place.site_id == bindparam("site_id"),
        WallCode.site_id == bindparam("site_id"),
        WallCode.made_at <= bindparam("until", type_=UTCDateTime()),
    )
    .order_by(Place.id)
    .limit(3)
)
PLACES = Prebuilt(STATEMENT)


@pytest.fixture
def place(cast):
    made = make_place(cast.site, "东门", kind=PlaceKind.GATE)
    make_wall_code(made, made_at=MADE)
    make_wall_code(make_place(cast.other_site, "别家"), made_at=MADE)
    return made


def test_values_come_back_as_the_session_gives_them(cast, place):
    values = {"site_id": cast.site.id, "until": MADE}
    with looking(cast.site):
        expected = [tuple(row) for row in db.session.execute(STATEMENT, values)]
        stored = PLACES.stored(**values)
        assert [PLACES.convert(row) for row in stored] == expected
    with looking(cast.site):
        row = PLACES.first(**values)
    assert row is not None
    assert (row.name, row.kind, row.made_at) == ("东门", PlaceKind.GATE, MADE)


def test_an_instant_is_bound_as_it_is_stored(cast, place):
    before = MADE.replace(microsecond=0, second=0, minute=0, hour=1)
    with looking(cast.site):
        assert PLACES.first(site_id=cast.site.id, until=MADE) is not None
        assert PLACES.first(site_id=cast.site.id, until=before) is None


def test_a_statement_says_its_site_or_why_not():
    with pytest.raises(UnscopedStatement):
        Prebuilt(select(Place.name))


def test_another_site_than_the_sessions_is_refused(cast, place):
    with looking(cast.site), pytest.raises(ForeignRow):
        PLACES.first(site_id=cast.other_site.id, until=MADE)


def test_inside_a_unit_of_work_it_sees_what_is_not_committed_yet(cast, place):
    with looking(cast.site), at_site(cast.site.id), unit_of_work():
        made = db.session.get_one(Place, place.id)
        made.name = "西门"
        db.session.flush()
        row = PLACES.first(site_id=cast.site.id, until=MADE)
        assert row is not None
        assert row.name == "西门"


def test_the_first_question_of_a_unit_of_work_is_asked_under_its_lock(fresh_app):
    cast = read_cast()
    with looking(cast.site, app=fresh_app), at_site(cast.site.id), unit_of_work():
        PLACES.first(site_id=cast.site.id, until=MADE)
        assert db.session().in_transaction()
