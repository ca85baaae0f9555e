"""Management's screens: routes, plans, points; the sheet on screen and on paper."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.core import jobs
from casefield.core.db import db
from casefield.core.jobs import Job
from casefield.patrol.models import Checkpoint, Plan, Round, Route
from tests import factories
from tests.cast import Cast
from tests.client import Browser, browser
from tests.conftest import Frozen
from tests.factories import looking
from tests.patrol.field import Field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def desk(app: Flask, field: Field, cast: Cast) -> Browser:
    return browser(app, cast.manager)


def _one(model, **values):
    with looking():
        statement = select(model).filter_by(**values)
        return db.session.scalars(
            statement.execution_options(unscoped="a test names it")
        ).one()


def test_a_route_is_made_walked_over_and_retired(desk: Browser, field: Field) -> None:
    assert desk.get("/patrol/routes/new").status_code == 200
    assert desk.post("/patrol/routes/new").status_code == 422
    made = desk.post("/patrol/routes/new", data={"code": "R-N", "name": "新路线"})
    assert made.status_code == 303
    again = desk.post("/patrol/routes/new", data={"code": "R-N", "name": "又一条"})
    assert again.status_code == 422
    route = _one(Route, code="R-N")
    page = f"/patrol/routes/{route.public_id}"
    points = [point.public_id for point in field.points]
    whole = {"code": "R-N", "name": "新路线", "stop": points, "offset": ["0", "6", "9"]}
    assert desk.post(page, data=whole | {"offset": ["0", "x", "9"]}).status_code == 422
    assert desk.post(page, data=whole | {"offset": ["9", "6", "0"]}).status_code == 422
    assert desk.post(page, data=whole | {"stop": [points[0]] * 3}).status_code == 422
    assert desk.post(page, data=whole).status_code == 303
    assert desk.get(page).text.count('value="6"') >= 1
    assert desk.post(f"{page}/retire", data={"confirmed": "1"}).status_code == 303
    assert "R-N" not in desk.get("/patrol/routes").text


def _numbers(field: Field, **values: object) -> dict[str, object]:
    return {
        "name": "夜班",
        "post": field.post.public_id,
        "days": ["0", "1", "2", "3", "4"],
        "first_start": "22:00",
        "last_start": "26:00",
        "period": "120",
        "early": "0",
        "start_grace": "5",
        "duration": "40",
        "finish_grace": "0",
        **values,
    }


def test_a_plan_is_made_changed_and_ended(desk: Browser, field: Field) -> None:
    page = f"/patrol/routes/{field.route.public_id}/plans"
    assert desk.get(f"{page}/new").status_code == 200
    wrong = desk.post(f"{page}/new", data=_numbers(field, period="30"))
    assert wrong.status_code == 422
    assert "重叠" in wrong.text
    assert desk.post(f"{page}/new", data=_numbers(field)).status_code == 303
    plan = _one(Plan, name="夜班")
    assert plan.last_start_minutes == 26 * 60, "two in the night after"
    assert plan.finish_grace_minutes == 0
    assert desk.get(f"{page}/{plan.public_id}").status_code == 200
    changed = desk.post(f"{page}/{plan.public_id}", data=_numbers(field, name="后半夜"))
    assert changed.status_code == 303
    other = _one(Plan, name="后半夜")
    assert (
        desk.post(f"{page}/{other.public_id}/end", data={"confirmed": "1"}).status_code
        == 303
    )
    assert field.all_rounds(Round.plan_id == other.id) == []
    assert desk.get(f"{page}/nothing").status_code == 404


def test_a_point_gets_its_list_and_keeps_its_old_ones(
    desk: Browser, field: Field
) -> None:
    place = factories.make_place(field.site)
    assert desk.get("/patrol/checkpoints/new").status_code == 200
    told = {
        "code": "X77",
        "name": "车棚",
        "place": place.public_id,
        "lines": "灯：全亮\n地面：干燥",
    }
    assert desk.post("/patrol/checkpoints/new", data={}).status_code == 422
    assert desk.post("/patrol/checkpoints/new", data=told).status_code == 303
    assert desk.post("/patrol/checkpoints/new", data=told).status_code == 422
    point = _one(Checkpoint, code="X77")
    page = f"/patrol/checkpoints/{point.public_id}"
    assert "灯：全亮" in desk.get(page).text
    assert desk.post(page, data=told | {"lines": "灯：全亮"}).status_code == 303
    assert "地面" not in desk.get(page).text


def _sheet(field: Field) -> str:
    return f"/patrol/sheets/{field.route.public_id}/2026-03-05"


def test_the_sheet_is_shown_and_printed(
    desk: Browser, field: Field, frozen: Frozen
) -> None:
    frozen.to(TEN)
    field.check_in(1)
    frozen.to(TEN + timedelta(minutes=75))
    field.sweep()
    assert field.route.name in desk.get("/patrol/sheets").text
    shown = desk.get(_sheet(field)).text
    assert shown.count("漏巡") >= 2
    printed = desk.get(f"{_sheet(field)}.pdf")
    assert printed.mimetype == "application/pdf"
    assert printed.data.startswith(b"%PDF")
    assert desk.get("/patrol/sheets/blank.pdf").data.startswith(b"%PDF")
    at_once = desk.post(f"{_sheet(field)}/print")
    assert at_once.location.endswith(".pdf")


def test_a_long_sheet_is_made_by_the_worker(
    desk: Browser, app: Flask, cast: Cast, field: Field, frozen: Frozen
) -> None:
    for _ in range(21):
        factories.make_round(field.route, field.plan, starts_at=TEN)
    frozen.to(TEN)
    asked = desk.post(f"{_sheet(field)}/print")
    assert asked.status_code == 303
    assert "/jobs/" in asked.location
    assert desk.get(asked.location).status_code == 200
    job = _one(Job, kind="patrol.sheet")
    with app.app_context():
        jobs.run(job.id)
    assert "打开 PDF" in desk.get(asked.location).text
    with desk.get(f"{asked.location}/file") as file:
        assert file.data.startswith(b"%PDF")
