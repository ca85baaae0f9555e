"""Staff: who may take on, raise, let go whom; joining, posts, leaving."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.accounts import services as accounts
from casefield.accounts.models import Account, Session
from casefield.core import ledger
from casefield.core.db import db
from casefield.core.errors import NotAllowed
from casefield.core.policy import Role
from casefield.people import queries, services
from casefield.people.models import Person, Posting, RotaEntry
from casefield.people.policy import may_give, may_handle, may_start_link
from tests import factories
from tests.cast import Cast
from tests.client import browser

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
DAY = date(2026, 3, 5)
LOW = {Role.STAFF, Role.LEAD}
ALL = set(Role)

#: who handles whom, written a second time on purpose
HANDLED = {
    Role.STAFF: set(),
    Role.LEAD: set(),
    Role.SALES: set(),
    Role.MANAGEMENT: LOW,
    Role.SITE_LEAD: LOW,
    Role.ADMIN: ALL,
}
LINKED = {
    Role.STAFF: set(),
    Role.LEAD: {Role.STAFF},
    Role.SALES: set(),
    Role.MANAGEMENT: LOW | {Role.SALES},
    Role.SITE_LEAD: LOW | {Role.SALES, Role.MANAGEMENT},
    Role.ADMIN: ALL,
}
PAIRS = [(one, other) for one in Role for other in Role]


@dataclass
class By:
    """Somebody as an author."""

    person_id: int | None
    device_id: int | None = None


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_who_may_handle_and_reset_whom(one: Role, other: Role) -> None:
    assert may_handle(one, other) is (other in HANDLED[one])
    assert may_start_link(one, other, own=False) is (other in LINKED[one])
    assert not may_start_link(one, other, own=True)
    for after in Role:
        both = {other, after} <= HANDLED[one]
        assert may_give(one, other, after, own=False) is both
        assert not may_give(one, other, after, own=True)


def test_nobody_resets_a_role_with_more_powers_than_their_own() -> None:
    powers = {role: len(HANDLED[role]) for role in Role}
    for starter, whom in LINKED.items():
        assert all(powers[role] <= powers[starter] for role in whom)


def _hire(cast: Cast, author: Person | None, role: Role, staff_no: str) -> Person:
    return services.add_person(
        company_id=cast.company.id,
        staff_no=staff_no,
        name="新人",
        role=role,
        joined_on=DAY,
        author=By(author.id) if author else ledger.CLOCKWORK,
        now=NOW,
    )


@pytest.mark.parametrize(("giver", "role"), PAIRS)
def test_services_hold_to_the_table(
    app: Flask, cast: Cast, giver: Role, role: Role
) -> None:
    author = cast.by_role[giver]
    other = factories.make_person(cast.site, role)
    allowed = role in HANDLED[giver]
    with factories.ground(cast.site):
        person = queries.find_person(other.public_id)
        acts = [
            lambda: _hire(cast, author, role, "NEU1"),
            lambda: services.change_person(
                person,
                staff_no=person.staff_no,
                name="改名",
                name_en="",
                joined_on=person.joined_on,
                author=By(author.id),
                now=NOW,
            ),
            lambda: services.leave(person, DAY, By(author.id), NOW),
        ]
        for act in acts:
            if allowed:
                act()
            else:
                with pytest.raises(services.RoleNotYours):
                    act()
        new_role = Role.LEAD if role is Role.STAFF else Role.STAFF
        if allowed:
            assert services.change_role(person, new_role, By(author.id), NOW)
        else:
            with pytest.raises(services.RoleNotYours):
                services.change_role(person, new_role, By(author.id), NOW)


def test_nobody_raises_their_own_role(app: Flask, cast: Cast) -> None:
    for role, person in cast.by_role.items():
        with factories.ground(cast.site):
            own = queries.find_person(person.public_id)
            other = Role.LEAD if role is not Role.LEAD else Role.STAFF
            with pytest.raises(services.RoleNotYours):
                services.change_role(own, other, By(own.id), NOW)
            with pytest.raises(services.RoleNotYours):
                services.leave(own, DAY, By(own.id), NOW)


def test_a_demoted_manager_loses_the_power_at_once(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        manager = queries.find_person(cast.manager.public_id)
        services.change_role(manager, Role.STAFF, By(cast.admin.id), NOW)
        with pytest.raises(services.RoleNotYours):
            _hire(cast, cast.manager, Role.STAFF, "NEU2")


def test_a_staff_number_is_the_company_s(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        assert _hire(cast, None, Role.STAFF, " neu3 ").staff_no == "NEU3"
        for taken in ("NEU3", "neu3", cast.stranger.staff_no):
            with pytest.raises(services.StaffNumberTaken):
                _hire(cast, None, Role.STAFF, taken)


def test_names_lie_where_erasure_reaches_them(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        person = _hire(cast, cast.manager, Role.STAFF, "NEU4")
        line = db.session.scalars(
            select(ledger.LedgerLine).where(
                ledger.LedgerLine.verb == "people.person.added"
            )
        ).one()
        assert line.subject == f"person:{person.public_id}"
        assert "新人" not in line.facts
        assert list(ledger.verify(cast.site.id)) == []
        ledger.erase_person(cast.site.id, cast.manager.id)
        assert list(ledger.verify(cast.site.id)) == []


def test_posts_are_held_from_one_day_to_another(app: Flask, cast: Cast) -> None:
    hall, bar = factories.make_post(cast.site), factories.make_post(cast.site)
    by = By(cast.manager.id)
    with factories.ground(cast.site):
        person = queries.find_person(cast.guard.public_id)
        services.give_post(person, hall, from_on=DAY, author=by, now=NOW)
        services.give_post(
            person, bar, from_on=DAY, to_on=DAY + timedelta(3), author=by, now=NOW
        )
        for since in (DAY - timedelta(3), DAY, DAY + timedelta(9)):
            with pytest.raises(services.PostHeld):
                services.give_post(person, hall, from_on=since, author=by, now=NOW)
        with pytest.raises(services.PostingOrder):
            services.give_post(
                person, bar, from_on=DAY, to_on=DAY - timedelta(1), author=by, now=NOW
            )
        codes = [post.code for post in queries.posts_of(person.id, DAY)]
        assert sorted(codes) == sorted([hall.code, bar.code])
        later = queries.posts_of(person.id, DAY + timedelta(4))
        assert [post.code for post in later] == [hall.code]
        assert not queries.posts_of(person.id, DAY - timedelta(1))


def test_leaving_ends_posts_and_takes_later_shifts_out(app: Flask, cast: Cast) -> None:
    post, shift = factories.make_post(cast.site), factories.make_shift(cast.site)
    posting = factories.make_posting(cast.guard, post, from_on=DAY - timedelta(9))
    for ahead in (-1, 0, 1, 2):
        factories.make_rota_entry(cast.guard, shift, post, DAY + timedelta(ahead))
    with factories.ground(cast.site):
        person = queries.find_person(cast.guard.public_id)
        with pytest.raises(services.LeavesTooEarly):
            services.leave(
                person, person.joined_on - timedelta(1), By(cast.manager.id), NOW
            )
        services.leave(person, DAY, By(cast.manager.id), NOW)
    with factories.looking(cast.site):
        days = set(db.session.scalars(select(RotaEntry.on_day)))
        assert days == {DAY - timedelta(1), DAY}
        assert db.session.get_one(Posting, posting.id).to_on == DAY


PASSWORD = {"staff_no": "G01", "password": factories.PASSWORD}


def test_leaving_ends_every_sign_in_at_once(app: Flask, cast: Cast) -> None:
    phone, manager = browser(app, cast.guard), browser(app, cast.manager)
    assert phone.get("/me").status_code == 200
    page = f"/people/{cast.guard.public_id}/leaving"
    answer = manager.submit(page, {"on": "2026-03-05"})
    assert answer.status_code == 303
    assert "/sign-in" in phone.get("/me").location
    assert browser(app).post("/sign-in", data=PASSWORD).status_code == 422
    with factories.looking():
        open_sessions = select(Session.id).where(
            Session.person_id == cast.guard.id, Session.revoked_at.is_(None)
        )
        assert db.session.scalars(open_sessions).all() == []


def test_without_leaving_the_same_person_signs_in(app: Flask, cast: Cast) -> None:
    assert browser(app).post("/sign-in", data=PASSWORD).status_code == 303


def test_a_last_day_ahead_leaves_the_sign_in_until_then(app: Flask, cast: Cast) -> None:
    phone = browser(app, cast.guard)
    page = f"/people/{cast.guard.public_id}/leaving"
    browser(app, cast.manager).submit(page, {"on": "2999-01-01"})
    assert phone.get("/me").status_code == 200
    with factories.looking():
        account = db.session.get_one(Account, cast.guard.id)
        assert account.password_hash is not None


def test_rejoining_needs_a_new_link(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    view = f"/people/{cast.guard.public_id}"
    manager.submit(f"{view}/leaving", {"on": "2026-03-05"})
    assert manager.post(f"{view}/sign-in-link").status_code == 422
    assert manager.submit(view, {}, to=f"{view}/rejoin").status_code == 303
    assert browser(app).post("/sign-in", data=PASSWORD).status_code == 422
    answer = manager.post(f"{view}/sign-in-link")
    assert answer.status_code == 303
    assert "<svg" in manager.get(answer.location).get_data(as_text=True)


def test_a_link_never_reaches_up(app: Flask, cast: Cast) -> None:
    for giver, author in cast.by_role.items():
        for role, person in cast.by_role.items():
            answer = browser(app, author).post(
                f"/people/{person.public_id}/sign-in-link"
            )
            allowed = role in LINKED[giver] and giver is not role
            assert answer.status_code == (303 if allowed else 403), (giver, role)


def test_the_link_stays_in_the_browser_that_asked(app: Flask, cast: Cast) -> None:
    lead = browser(app, cast.lead)
    address = f"/people/{cast.guard.public_id}/sign-in-link"
    lead.post(address)
    assert "<figure" in lead.get(address).get_data(as_text=True)
    other = browser(app, cast.manager).get(address).get_data(as_text=True)
    assert "<figure" not in other
    assert "重新开一个" in other


def test_start_link_refuses_one_s_own(app: Flask, cast: Cast) -> None:
    @dataclass
    class Actor(By):
        role: Role = Role.ADMIN

    with factories.ground(cast.site):
        own = queries.find_person(cast.admin.public_id)
        with pytest.raises(NotAllowed):
            accounts.start_link(own, Actor(own.id), NOW)
