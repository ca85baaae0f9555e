"""Screens of sites: reached by those who manage, wired to what they show."""

import subprocess

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.core.db import db
from casefield.core.policy import Role
from casefield.sites.models import Place, PlaceKind, Site, WallCode
from tests import factories
from tests.cast import Cast
from tests.client import browser

#: what a form says once the consequence has been read
SURE = {"confirmed": "1"}
PAGES = (
    "/settings",
    "/places",
    "/places?show=retired",
    "/places/new",
    "/places/labels",
    "/places/import",
    "/places/export.csv",
)


@pytest.mark.parametrize("page", PAGES)
def test_management_opens_every_page_and_staff_none(
    app: Flask, cast: Cast, page: str
) -> None:
    assert browser(app, cast.manager).get(page).status_code == 200
    for person in (cast.guard, cast.lead, cast.sales):
        assert browser(app, person).get(page).status_code == 403
    assert browser(app).get(page).status_code == 303


def _place(cast: Cast, **values: object) -> tuple[Place, WallCode]:
    place = factories.make_place(cast.site, "东门岗", code="L-DM", **values)
    return place, factories.make_wall_code(place)


def test_a_place_is_added_with_one_code_and_shown(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    answer = manager.submit(
        "/places/new",
        {"code": "l-dm", "name": "东门岗", "kind": "gate", "parent": ""},
        to="/places",
    )
    assert answer.status_code == 303
    page = manager.get(answer.location).get_data(as_text=True)
    assert "东门岗" in page
    assert "L-DM" in page
    with factories.looking(cast.site):
        place = db.session.scalars(select(Place).where(Place.code == "L-DM")).one()
        codes = db.session.scalars(
            select(WallCode).where(WallCode.place_id == place.id)
        ).all()
    assert place.kind is PlaceKind.GATE
    assert len(codes) == 1
    assert f"{codes[0].code[:5]}-{codes[0].code[5:]}" in page


def test_a_taken_code_is_said_beside_its_field_and_keeps_the_rest(
    app: Flask, cast: Cast
) -> None:
    _place(cast)
    answer = browser(app, cast.manager).post(
        "/places", data={"code": "L-dm", "name": "西门", "kind": "gate", "parent": ""}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "已经有了" in page
    assert 'value="西门"' in page


def test_edit_moves_a_place_below_another(app: Flask, cast: Cast) -> None:
    place, _code = _place(cast)
    hall = factories.make_place(cast.site, "大厅", code="L-DT", kind=PlaceKind.HALL)
    manager = browser(app, cast.manager)
    answer = manager.submit(
        f"/places/{place.public_id}/edit",
        {
            "code": "L-DM",
            "name": "东门岗亭",
            "kind": "gate",
            "parent": hall.public_id,
        },
        to=f"/places/{place.public_id}",
    )
    assert answer.status_code == 303
    page = manager.get("/places").get_data(as_text=True)
    assert "tree--1" in page
    assert "东门岗亭" in page


def test_a_damaged_label_is_flagged_until_a_new_print_hangs(
    app: Flask, cast: Cast
) -> None:
    place = factories.make_place(cast.site, "水景", code="L-SJ")
    from casefield.core import clock

    code = factories.make_wall_code(place, damaged_at=clock.now())
    manager = browser(app, cast.manager)
    assert "码牌损坏" in manager.get("/places").get_data(as_text=True)
    assert "水景" in manager.get("/places/labels?which=damaged").get_data(as_text=True)
    answer = manager.submit(
        f"/places/{place.public_id}", {}, to=f"/codes/{code.code}/renew"
    )
    assert answer.status_code == 303
    assert "码牌损坏" not in manager.get("/places").get_data(as_text=True)


def test_replace_and_revoke_through_the_page(app: Flask, cast: Cast) -> None:
    place, first = _place(cast)
    manager = browser(app, cast.manager)
    view = f"/places/{place.public_id}"
    assert manager.submit(view, {}, to=f"{view}/codes").status_code == 303
    assert "还能扫" in manager.get(view).get_data(as_text=True)
    revoked = manager.submit(view, SURE, to=f"/codes/{first.code}/revoke")
    assert revoked.status_code == 303
    assert "还能扫</" not in manager.get(view).get_data(as_text=True)
    again = manager.submit(view, SURE, to=f"/codes/{first.code}/revoke")
    assert again.status_code == 422


def test_what_cannot_be_taken_back_is_asked_first(app: Flask, cast: Cast) -> None:
    place, code = _place(cast)
    manager = browser(app, cast.manager)
    view = f"/places/{place.public_id}"
    revoke = f"/codes/{code.code}/revoke"
    page = manager.get(view).get_data(as_text=True)
    assert page.count("墙上的码牌立刻扫不了") == 1
    assert page.count("它的码牌立刻扫不了") == 1
    asked = manager.submit(view, {}, to=revoke)
    assert asked.status_code == 422
    assert "墙上的码牌立刻扫不了" in asked.text
    with factories.looking(cast.site):
        kept = db.session.scalars(select(WallCode)).one()
        assert kept.revoked_at is None
    headers = {"Referer": f"http://localhost{view}"}
    fields = {"name": "value", "confirmed": "yes"}
    asked = manager.submit(view, fields, to=f"{view}/retire", headers=headers)
    assert asked.status_code == 422
    assert f'href="{view}"' in asked.text
    assert '<input type="hidden" name="name" value="value">' in asked.text
    assert "东门岗" in manager.get("/places").get_data(as_text=True)
    assert manager.submit(view, SURE, to=revoke).status_code == 303


def test_retire_and_restore_through_the_page(app: Flask, cast: Cast) -> None:
    place, _code = _place(cast)
    manager = browser(app, cast.manager)
    view = f"/places/{place.public_id}"
    assert manager.submit(view, SURE, to=f"{view}/retire").status_code == 303
    assert "东门岗" not in manager.get("/places").get_data(as_text=True)
    assert "东门岗" in manager.get("/places?show=retired").get_data(as_text=True)
    assert manager.submit(view, {}, to=f"{view}/restore").status_code == 303
    assert "东门岗" in manager.get("/places").get_data(as_text=True)


def test_a_place_of_another_site_is_not_known(app: Flask, cast: Cast) -> None:
    place, code = _place(cast)
    stranger = browser(app, cast.stranger)
    view = f"/places/{place.public_id}"
    assert stranger.get(view).status_code == 404
    assert stranger.post(f"{view}/retire", data=SURE).status_code == 404
    assert stranger.post(f"/codes/{code.code}/revoke", data=SURE).status_code == 404
    assert browser(app, cast.manager).get(view).status_code == 200


SETTINGS = {
    "name": "砚溪和鸣",
    "developer": "松石置业",
    "zone_name": "Asia/Shanghai",
    "opens": "08:30",
    "closes": "18:00",
    "greet_morning_minutes": "5:00",
    "greet_noon_minutes": "11:30",
    "greet_afternoon_minutes": "14:30",
    "greet_evening_minutes": "18:00",
}


def test_settings_are_saved_and_prints_take_the_new_name(
    app: Flask, cast: Cast
) -> None:
    with factories.ground(cast.site):
        site = db.session.get_one(Site, cast.site.id)
        site.settings = {"restroom_minutes": 12}
    manager = browser(app, cast.manager)
    first = manager.get("/settings").get_data(as_text=True)
    assert 'name="greet_noon_minutes"' in first
    assert "restroom_minutes" not in first
    assert manager.submit("/settings", SETTINGS).status_code == 303
    page = manager.get("/settings").get_data(as_text=True)
    assert 'value="砚溪和鸣"' in page
    pdf = manager.get("/places/labels.pdf?grid=plate-60x40&test=1").data
    words = subprocess.run(
        ["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    assert "砚溪和鸣" in words
    with factories.looking(cast.site):
        site = db.session.get_one(Site, cast.site.id)
        assert site.name == "砚溪和鸣"
        assert site.settings["restroom_minutes"] == 12
        assert site.settings["location_enabled"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("zone_name", "Asia/Nowhere"),
        ("closes", "08:00"),
        ("greet_evening_minutes", "14:00"),
        ("greet_noon_minutes", ""),
        ("greet_noon_minutes", "half past"),
        ("opens", "early"),
    ],
)
def test_bad_settings_change_nothing(
    app: Flask, cast: Cast, field: str, value: str
) -> None:
    manager = browser(app, cast.manager)
    answer = manager.submit("/settings", SETTINGS | {field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.get_data(as_text=True)
    with factories.looking(cast.site):
        assert db.session.get_one(Site, cast.site.id).settings == {}


def test_roles_below_management_cannot_save(app: Flask, cast: Cast) -> None:
    for role, person in cast.by_role.items():
        answer = browser(app, person).post("/settings", data=SETTINGS)
        managing = role in {Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}
        assert answer.status_code == (303 if managing else 403), role
