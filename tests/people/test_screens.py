"""Screens of people: who reaches them, and that each does what it says."""

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from casefield.core.db import db
from casefield.core.policy import Role
from casefield.people import queries
from casefield.people.models import ClosedDay, Person, Post, RotaEntry, ShiftTemplate
from tests import factories
from tests.cast import Cast
from tests.client import browser

#: what a form says once the consequence has been read
SURE = {"confirmed": "1"}
LEADING = (
    "/people",
    "/people?show=left",
    "/people?q=G0",
    "/rota",
    "/rota?week=2026-03-04",
)
MANAGING = (
    "/people/new",
    "/people/import",
    "/people/export.csv",
    "/posts",
    "/shifts/new",
)
MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize("page", [*LEADING, *MANAGING])
def test_who_opens_which_page(app: Flask, cast: Cast, page: str) -> None:
    managing = {Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}
    allowed = managing | ({Role.LEAD} if page in LEADING else set())
    for role, person in cast.by_role.items():
        status = browser(app, person).get(page).status_code
        assert status == (200 if role in allowed else 403), role
    assert browser(app).get(page).status_code == 303


@pytest.fixture
def post(app: Flask, cast: Cast) -> Post:
    return factories.make_post(cast.site, "P8", name="安全岗")


@pytest.fixture
def shift(app: Flask, cast: Cast) -> ShiftTemplate:
    return factories.make_shift(cast.site, 1080, 1500, code="N1", name="夜一班")


def _text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


NEW = {
    "staff_no": "n01",
    "name": "江小满",
    "name_en": "",
    "role": "staff",
    "joined_on": "2026-03-01",
}


def test_a_person_is_added_with_posts(app: Flask, cast: Cast, post: Post) -> None:
    manager = browser(app, cast.manager)
    answer = manager.submit(
        "/people/new", NEW | {"posts": post.public_id}, to="/people"
    )
    assert answer.status_code == 303
    page = _text(manager.get(answer.location))
    assert "江小满" in page
    assert "P8 安全岗" in page
    assert "N01" in _text(manager.get("/people?q=小满"))


def test_a_taken_number_stands_beside_its_field(app: Flask, cast: Cast) -> None:
    answer = browser(app, cast.manager).post("/people", data=NEW | {"staff_no": "W01"})
    assert answer.status_code == 422
    assert "已经有人用了" in _text(answer)
    assert 'value="江小满"' in _text(answer)


@pytest.mark.parametrize("role", ["management", "admin", "sales", "site_lead", "king"])
def test_a_posted_role_is_not_believed(app: Flask, cast: Cast, role: str) -> None:
    manager = browser(app, cast.manager)
    assert manager.post("/people", data=NEW | {"role": role}).status_code == 422
    page = f"/people/{cast.guard.public_id}"
    data = NEW | {"staff_no": "G01", "role": role}
    assert manager.post(page, data=data).status_code in {403, 422}
    with factories.looking(cast.site):
        assert db.session.get_one(Person, cast.guard.id).role is Role.STAFF


def test_edit_changes_name_and_role(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    page = f"/people/{cast.guard.public_id}"
    data = NEW | {"staff_no": "G01", "name": "顾安安", "role": "lead"}
    answer = manager.submit(f"{page}/edit", data, to=page)
    assert answer.status_code == 303
    assert "顾安安" in _text(manager.get(page))
    assert "班组长" in _text(manager.get(page))


def test_people_above_have_no_buttons_and_no_edit(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    page = f"/people/{cast.admin.public_id}"
    assert f"{page}/edit" not in _text(manager.get(page))
    assert f"{page}/leaving" not in _text(manager.get(page))
    assert manager.get(f"{page}/edit").status_code == 403
    assert manager.post(page, data=NEW | {"staff_no": "A01"}).status_code == 403


def test_postings_begin_and_end(app: Flask, cast: Cast, post: Post) -> None:
    manager = browser(app, cast.manager)
    page = f"/people/{cast.guard.public_id}"
    data = {"post": post.public_id, "from_on": "2026-03-01", "to_on": ""}
    assert manager.submit(page, data, to=f"{page}/posts").status_code == 303
    again = manager.submit(page, data, to=f"{page}/posts")
    assert again.status_code == 422
    assert "已经在这个岗位上" in _text(again)
    end = f"{page}/posts/{post.public_id}/2026-03-01/end"
    assert end in _text(manager.get(page))
    assert manager.submit(page, SURE, to=end).status_code == 303
    assert end not in _text(manager.get(page))
    for nothing in ("2026-03-02", "2026-13-01", "x"):
        gone = f"{page}/posts/{post.public_id}/{nothing}/end"
        assert manager.post(gone, data=SURE).status_code == 404


def test_a_person_of_another_site_is_not_known(app: Flask, cast: Cast) -> None:
    page = f"/people/{cast.guard.public_id}"
    stranger = browser(app, cast.stranger)
    for path in ("", "/edit", "/leaving", "/sign-in-link"):
        assert stranger.get(page + path).status_code == 404
    for path in ("", "/rejoin", "/leaving", "/sign-in-link"):
        data = NEW | {"on": "2026-03-05"}
        assert stranger.post(page + path, data=data).status_code == 404


def test_a_post_is_renamed_and_a_loop_is_said(
    app: Flask, cast: Cast, post: Post
) -> None:
    other = factories.make_post(cast.site, "M1", name="案场管理岗")
    manager = browser(app, cast.manager)
    data = {
        "name": "安保岗",
        "name_en": "Safety",
        "reports_to": other.public_id,
        "follows": "",
        "starts_early_minutes": "30",
    }
    page = f"/posts/{post.public_id}"
    assert manager.submit(page, data).status_code == 303
    listed = _text(manager.get("/posts"))
    assert "安保岗" in listed
    assert "提前 30 分钟" in listed
    loop = manager.submit(
        f"/posts/{other.public_id}", data | {"reports_to": post.public_id}
    )
    assert loop.status_code == 422
    assert "不能绕回自己" in _text(loop)


SHIFT = {
    "code": "n2",
    "name": "夜二班",
    "start_minutes": "25:00",
    "end_minutes": "32:00",
}


def test_shifts_are_told_past_midnight(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    assert manager.submit("/shifts/new", SHIFT, to="/shifts").status_code == 303
    assert "次日 01:00–次日 08:00" in _text(manager.get("/posts"))
    with factories.looking(cast.site):
        made = db.session.scalars(select(ShiftTemplate)).one()
    page = f"/shifts/{made.public_id}"
    assert 'value="25:00"' in _text(manager.get(page))
    for bad in ({"end_minutes": "24:00"}, {"end_minutes": "49:30"}, {"code": "n 2"}):
        assert manager.submit(page, SHIFT | bad).status_code == 422
    taken = manager.submit("/shifts/new", SHIFT, to="/shifts")
    assert "已经有了" in _text(taken)
    assert manager.submit("/posts", SURE, to=f"{page}/retire").status_code == 303
    assert "已停用" in _text(manager.get("/posts"))
    assert manager.submit("/posts", {}, to=f"{page}/restore").status_code == 303


def test_closed_days_come_and_go(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    data = {"on_day": "2999-01-01", "reason": "元旦"}
    assert manager.submit("/posts", data, to="/closed-days").status_code == 303
    assert "元旦" in _text(manager.get("/posts"))
    gone = manager.submit("/posts", SURE, to="/closed-days/2999-01-01/remove")
    assert gone.status_code == 303
    with factories.looking(cast.site):
        assert not db.session.scalars(select(ClosedDay)).all()


@pytest.mark.parametrize("week", [{}, {"week": "2026-03-02"}])
@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-03-04", "这一天已经过去"),
        ("2026-03-06", "这一天已经是闭馆日"),
        ("gestern", "请选一个日期"),
    ],
)
@pytest.mark.usefixtures("frozen")
def test_a_day_that_cannot_close_is_said_beside_it(
    app: Flask, cast: Cast, day: str, why: str, week: dict[str, str]
) -> None:
    manager = browser(app, cast.manager)
    first = {"on_day": "2026-03-06"}
    assert manager.submit("/posts", first, to="/closed-days").status_code == 303
    answer = manager.submit("/posts", {"on_day": day} | week, to="/closed-days")
    assert answer.status_code == 422
    assert ("排班表" in answer.text) == bool(week)
    assert f'<a href="#on_day">{why}' in answer.text
    assert why in answer.text.split('id="on_day-error"')[1].split("</p>")[0]


@pytest.mark.usefixtures("frozen")
def test_the_rota_shows_closes_and_opens_a_day(
    app: Flask, cast: Cast, shift: ShiftTemplate
) -> None:
    assert shift.code
    manager = browser(app, cast.manager)
    page = f"/rota?week={MONDAY}"
    assert 'class="rota__off"' not in _text(manager.get(page))
    week = {"week": str(MONDAY)}
    data = {"on_day": "2026-03-06", "reason": "年会"} | week
    answer = manager.submit(page, data, to="/closed-days")
    assert answer.location == page
    shown = _text(manager.get(page))
    assert shown.count('class="rota__off"') == shown.count('scope="row"')
    assert "年会" in shown
    assert "年会" in _text(browser(app, cast.lead).get(page))
    gone = manager.submit(page, SURE | week, to="/closed-days/2026-03-06/remove")
    assert gone.location == page
    assert "年会" not in _text(manager.get(page))


def test_a_number_names_its_field_bounds_and_unit(
    app: Flask, cast: Cast, post: Post
) -> None:
    manager = browser(app, cast.manager)
    page = f"/posts/{post.public_id}"
    for told in ("241", "-1", "bald", ""):
        data = {"name": "安保岗", "starts_early_minutes": told}
        answer = manager.submit(page, data)
        assert answer.status_code == 422
        assert "提前到岗请填 0 到 240 的整数，单位：分钟" in answer.text


def test_nobody_is_chosen_before_the_planner_chooses(
    app: Flask, cast: Cast, post: Post, shift: ShiftTemplate
) -> None:
    factories.make_rota_entry(cast.guard, shift, post, MONDAY)
    holder = factories.make_person(cast.site, name="本岗闲人")
    busy = factories.make_person(cast.site, name="本岗忙人")
    other = factories.make_person(cast.site, name="他岗闲人")
    for person in (holder, busy):
        factories.make_posting(person, post)
    factories.make_rota_entry(busy, shift, post, MONDAY)
    manager = browser(app, cast.manager)
    cell = f"/rota/{cast.guard.public_id}/{MONDAY}"
    page = _text(manager.get(cell))
    chooser = page.split('id="person-1"')[1].split("</select>")[0]
    assert "selected" not in chooser.replace('<option value="" selected', "")
    names = re.findall(r">(\S+) \w+</option>", chooser)
    order = [names.index(person.name) for person in (holder, other, busy)]
    assert order == sorted(order)
    assert names[0] == holder.name
    assert names[-1] == busy.name
    assert cast.admin.name not in names
    assert cast.sales.name not in names
    with factories.looking(cast.site):
        entry = db.session.scalars(
            select(RotaEntry).where(RotaEntry.person_id == cast.guard.id)
        ).one()
    hand = f"/rota/entries/{entry.public_id}/stand-in"
    assert "请选换谁来上" in manager.submit(cell, {}, to=hand).text
    unplanned = manager.submit(cell, {"stands_in_for": ""})
    assert unplanned.status_code == 422
    assert "请选班次" in unplanned.text
    assert "请选岗位" in unplanned.text
    given = f"/people/{cast.guard.public_id}"
    data = {"post": "", "from_on": "2026-03-01"}
    assert "请选岗位" in manager.submit(given, data, to=f"{given}/posts").text


def test_sales_and_admin_have_no_row_unless_planned(
    app: Flask, cast: Cast, post: Post, shift: ShiftTemplate
) -> None:
    factories.make_rota_entry(cast.sales, shift, post, MONDAY)
    page = _text(browser(app, cast.manager).get(f"/rota?week={MONDAY}"))
    assert f"/people/{cast.sales.public_id}" in page
    assert f"/people/{cast.guard.public_id}" in page
    assert f"/people/{cast.admin.public_id}" not in page


def test_a_shift_is_planned_handed_over_and_removed(
    app: Flask, cast: Cast, post: Post, shift: ShiftTemplate
) -> None:
    manager = browser(app, cast.manager)
    cell = f"/rota/{cast.guard.public_id}/{MONDAY}"
    data = {"shift": shift.public_id, "post": post.public_id, "stands_in_for": ""}
    answer = manager.submit(cell, data)
    assert answer.status_code == 303
    week = _text(manager.get(answer.location))
    assert ">N1</span>" in week
    assert "已经排了班" in _text(manager.submit(cell, data))
    with factories.looking(cast.site):
        entry = db.session.scalars(select(RotaEntry)).one()
    base = f"/rota/entries/{entry.public_id}"
    person = {"person": cast.lead.public_id}
    assert manager.submit(cell, person, to=f"{base}/stand-in").status_code == 303
    assert "替" in _text(manager.get(f"/rota?week={MONDAY}"))
    assert manager.submit(cell, SURE, to=f"{base}/remove").status_code == 303
    with factories.looking(cast.site):
        assert not db.session.scalars(select(RotaEntry)).all()


def test_last_week_is_copied(
    app: Flask, cast: Cast, post: Post, shift: ShiftTemplate
) -> None:
    factories.make_rota_entry(cast.guard, shift, post, MONDAY)
    manager = browser(app, cast.manager)
    week = MONDAY + timedelta(7)
    answer = manager.submit(f"/rota?week={week}", {"week": str(week)}, to="/rota/copy")
    assert answer.status_code == 303
    assert "照上周排了 1 班" in _text(manager.get(answer.location))
    with factories.looking(cast.site):
        days = {entry.on_day for entry in queries.rota_between(MONDAY, week)}
    assert days == {MONDAY, week}


def test_a_lead_reads_the_rota_and_changes_nothing(
    app: Flask, cast: Cast, post: Post, shift: ShiftTemplate
) -> None:
    factories.make_rota_entry(cast.guard, shift, post, MONDAY)
    lead = browser(app, cast.lead)
    page = _text(lead.get(f"/rota?week={MONDAY}"))
    assert ">N1</span>" in page
    assert "/rota/copy" not in page
    assert not re.search(r'href="/rota/[^"?]+/2026', page)
    cell = f"/rota/{cast.guard.public_id}/{MONDAY}"
    assert lead.get(cell).status_code == 403
    assert lead.post(cell).status_code == 403


def test_impossible_days_are_not_known(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    for page in ("/rota?week=2026-02-30", f"/rota/{cast.guard.public_id}/gestern"):
        assert manager.get(page).status_code == 404
