"""The list of check-ins: what is kept between requests never shows."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from casefield.core.db import db
from casefield.patrol.models import CheckIn, Method, RoundStop
from casefield.people.models import Person
from tests.factories import ground, make_round, make_route

LAST = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
LINK = re.compile(r'href="/patrol/check-ins/([\w-]{20,})"')


def walk(site, person, rounds):
    """Check in at every point of so many rounds, three at the same instant each."""
    route = make_route(site, 3)
    with ground(site):
        for turn in range(rounds):
            made = make_round(route, starts_at=LAST - timedelta(minutes=turn))
            stops = db.session.scalars(
                select(RoundStop).where(RoundStop.round_id == made.id)
            ).all()
            for stop in stops:
                db.session.add(
                    CheckIn(
                        site_id=site.id,
                        round_id=made.id,
                        round_stop_id=stop.id,
                        checkpoint_id=stop.checkpoint_id,
                        person_id=person.id,
                        at=made.starts_at,
                        is_late=False,
                        method=Method.SCAN,
                    )
                )


@pytest.fixture
def walked(cast, frozen):
    walk(cast.site, cast.guard, 20)
    return cast


def shown(browser, address="/patrol/check-ins"):
    return browser.get(address).get_data(as_text=True)


def test_older_pages_show_each_check_in_once(walked, sign_in):
    browser = sign_in(walked.guard)
    first = shown(browser)
    (older,) = re.findall(r'href="(\?before=[^"]+)"', first)
    second = shown(browser, "/patrol/check-ins" + older.replace("&amp;", "&"))

    ids = LINK.findall(first) + LINK.findall(second)
    assert (len(LINK.findall(first)), len(LINK.findall(second))) == (50, 10)
    assert len(set(ids)) == 60


def test_the_second_answer_is_the_first(walked, sign_in):
    browser = sign_in(walked.guard)

    assert shown(browser) == shown(browser)


def test_each_person_sees_their_own_name_and_menu(walked, sign_in):
    guard, manager = sign_in(walked.guard), sign_in(walked.manager)
    for _ in range(2):
        of_guard, of_manager = shown(guard), shown(manager)
        assert f'data-actor="{walked.guard.staff_no}"' in of_guard
        assert f'data-actor="{walked.manager.staff_no}"' in of_manager
        assert "/settings" not in of_guard
        assert "/settings" in of_manager


def test_another_site_sees_none_of_it(walked, sign_in):
    assert LINK.findall(shown(sign_in(walked.guard)))
    assert not LINK.findall(shown(sign_in(walked.stranger)))


def test_a_new_name_shows_at_once(walked, sign_in):
    browser = sign_in(walked.manager)
    assert "新名字" not in shown(browser)
    with ground(walked.site):
        db.session.execute(
            update(Person).where(Person.id == walked.guard.id).values(name="新名字")
        )
    assert shown(browser).count("新名字") == 50


def test_an_ended_sign_in_is_asked_to_sign_in_again(walked, sign_in):
    browser = sign_in(walked.guard)
    assert browser.get("/patrol/check-ins").status_code == 200
    browser.post("/sign-out")

    assert browser.get("/patrol/check-ins").status_code == 303


def test_the_chosen_language_counts_from_the_next_page(walked, sign_in):
    browser = sign_in(walked.guard)
    assert "签到记录" in shown(browser)
    browser.post("/me", data={"locale": "en", "theme": "dark"})
    shown(browser)  # says once that the choice was kept
    page = shown(browser)

    assert "签到记录" not in page
    assert 'data-theme="dark"' in page


def test_a_message_is_said_once_over_the_kept_page(walked, sign_in):
    browser = sign_in(walked.guard)
    shown(browser)
    with browser.session_transaction() as form_session:
        form_session["_flashes"] = [("message", "一句话")]

    assert "一句话" in shown(browser)
    assert "一句话" not in shown(browser)


def test_the_clock_of_the_page_goes_on(walked, sign_in, frozen):
    browser = sign_in(walked.guard)
    told = re.compile(r'data-server-time="([^"]+)"')
    before = told.findall(shown(browser))
    frozen.forward(minutes=1)

    assert before
    assert told.findall(shown(browser)) != before
