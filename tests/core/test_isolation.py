"""Tests do not see each other's rows, on either database."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from casefield.core import clock
from casefield.core.db import db
from casefield.sites.models import Place
from tests.factories import looking, make_place


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_rows_of_one_test_are_gone_in_the_next(cast, turn):
    with looking(cast.site):
        assert db.session.scalar(select(func.count()).select_from(Place)) == 0
    make_place(cast.site, "大堂")
    with looking(cast.site):
        assert db.session.scalar(select(Place.name)) == "大堂"


def test_who_is_signed_in_in_one_browser_is_not_in_another(cast, sign_in, client):
    assert sign_in(cast.guard).get("/sign-in").status_code == 303
    assert client.get("/sign-in").status_code == 200


def test_commits_in_a_fresh_database_are_real_and_stay_there(fresh_app, fresh_cast):
    place = make_place(fresh_cast.site, "大堂")
    with fresh_app.app_context(), db.engine.connect() as connection:
        found = connection.execute(select(Place.name).where(Place.id == place.id))
        assert found.scalar() == "大堂"


def test_the_clock_stands_until_it_is_moved(frozen):
    before = clock.now()
    assert clock.now() == before
    assert frozen.forward(minutes=10) == clock.now() == before + timedelta(minutes=10)
