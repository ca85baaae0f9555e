"""The guard's screens: what each shows, what each does, what each refuses."""

import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from casefield.checks.models import Finding
from casefield.core.db import db
from casefield.patrol.models import CheckIn, Method, OmissionKind, PatrolNote
from tests import factories
from tests.cast import Cast
from tests.client import Browser, browser
from tests.conftest import Frozen
from tests.factories import looking
from tests.patrol.field import Field

TEN = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
NORMAL = {"line-1": "normal", "line-2": "normal"}
BY_HAND = {"why": "phone"}


@pytest.fixture
def guard(app: Flask, field: Field, frozen: Frozen) -> Browser:
    """The guard's phone at ten, when the round begins."""
    frozen.to(TEN)
    return browser(app, field.guard)


def _round(field: Field) -> str:
    return f"/patrol/rounds/{field.round().public_id}"


def _picture() -> io.BytesIO:
    kept = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(kept, "JPEG")
    kept.seek(0)
    return kept


def _text(answer) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_an_abnormal_point_with_note_and_photo(guard: Browser, field: Field) -> None:
    answer = guard.post(
        f"{_round(field)}/stops/1/check-in",
        data={
            **NORMAL,
            **BY_HAND,
            "line-2": "abnormal",
            "line-2-note": "灯不亮",
            "line-2-photo": (_picture(), "lamp.jpg"),
        },
    )
    assert answer.status_code == 303
    with looking(field.site):
        finding = db.session.scalars(select(Finding)).one()
    assert (finding.line_ordinal, finding.note) == (2, "灯不亮")
    assert finding.photo_id is not None
    page = _text(guard.get(f"/patrol/check-ins/{field.visits()[0].public_id}"))
    picture = re.search(r'src="(/photos/[^"]+)"', page)
    assert picture
    with guard.get(picture[1]) as shown:
        assert shown.mimetype == "image/jpeg"


def test_an_unfinished_form_comes_back_whole(guard: Browser, field: Field) -> None:
    answer = guard.post(
        f"{_round(field)}/stops/1/check-in",
        data={
            **BY_HAND,
            "line-1": "abnormal",
            "line-1-photo": (_picture(), "lamp.jpg"),
            "line-2": "na",
        },
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "请写一句看到了什么" in page
    kept = re.search(r'name="line-1-kept" value="([^"]+)"', page)
    assert kept, "the photo need not be taken again"
    assert re.search(r'id="line-2-na"[^>]* checked', page)
    assert field.visits() == []
    again = guard.post(
        f"{_round(field)}/stops/1/check-in",
        data={
            **BY_HAND,
            "line-1": "abnormal",
            "line-1-note": "门没锁",
            "line-1-kept": kept[1],
            "line-2": "na",
        },
    )
    assert again.status_code == 303
    with looking(field.site):
        assert db.session.scalars(select(Finding)).one().photo_id is not None


def test_a_broken_photo_is_refused_and_the_form_kept(
    guard: Browser, field: Field
) -> None:
    answer = guard.post(
        f"{_round(field)}/stops/1/check-in",
        data={
            **NORMAL,
            **BY_HAND,
            "line-1": "abnormal",
            "line-1-note": "门没锁",
            "line-1-photo": (io.BytesIO(b"no picture at all"), "lamp.jpg"),
        },
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "门没锁" in page
    assert "field__error" in page
    assert field.visits() == []


def test_skipping_wants_a_reason(guard: Browser, field: Field) -> None:
    page = f"{_round(field)}/stops/2/skip"
    assert guard.get(page).status_code == 200
    assert guard.post(page).status_code == 422
    assert guard.post(page, data={"why": "other"}).status_code == 422
    assert guard.post(page, data={"why": "guest", "words": "样板房"}).status_code == 303
    assert field.omissions(OmissionKind.SKIPPED)[0][0] == field.points[1].code
    assert "样板房" in _text(guard.get(_round(field)))


def test_a_round_is_handed_in(guard: Browser, field: Field) -> None:
    close = f"{_round(field)}/close"
    refused = guard.post(close)
    assert refused.status_code == 422
    assert "还有 3 个点没走" in _text(refused)
    for ordinal in (1, 2, 3):
        field.check_in(ordinal)
    assert guard.post(close).status_code == 303
    assert guard.post(close).status_code == 409
    assert "已交" in _text(guard.get(_round(field)))


def test_a_round_is_handed_over_to_somebody_on_duty(
    guard: Browser, field: Field, cast: Cast
) -> None:
    page = f"{_round(field)}/hand-over"
    assert "现在没有其他人在岗" in _text(guard.get(page))
    shift = factories.make_shift(field.site)
    factories.make_rota_entry(cast.lead, shift, field.post, date(2026, 3, 5))
    assert cast.lead.name in _text(guard.get(page))
    assert guard.post(page, data={"person": cast.sales.public_id}).status_code == 422
    assert guard.post(page, data={"person": cast.lead.public_id}).status_code == 303
    assert field.round().person_id == cast.lead.id


def test_an_extra_round_begins_from_the_day(guard: Browser, field: Field) -> None:
    assert guard.get("/patrol").status_code == 200
    begun = guard.post(f"/patrol/routes/{field.route.public_id}/extra")
    assert begun.status_code == 303
    assert "加巡" in _text(guard.get(begun.location))


def test_the_maker_corrects_before_and_management_after(
    guard: Browser, field: Field, app: Flask, cast: Cast, frozen: Frozen
) -> None:
    made = field.check_in(1)
    page = f"/patrol/check-ins/{made}/correct"
    assert guard.get(page).status_code == 200
    wrong = guard.post(page, data={**NORMAL, "line-1": "abnormal"})
    assert wrong.status_code == 422
    put_right = {**NORMAL, "line-1": "abnormal", "line-1-note": "锁坏了"}
    assert guard.post(page, data=put_right).status_code == 303
    trace = _text(guard.get(f"/patrol/check-ins/{made}"))
    assert "正常 → 异常" in trace
    assert browser(app, cast.lead).get(page).status_code == 403
    frozen.to(TEN + timedelta(hours=2))
    field.sweep()
    assert guard.get(page).status_code == 403
    assert guard.post(page, data={**NORMAL, "reason": "改"}).status_code == 403
    manager = browser(app, cast.manager)
    assert manager.post(page, data=NORMAL).status_code == 422
    assert manager.post(page, data={**NORMAL, "reason": "勾错"}).status_code == 303
    assert "勾错" in _text(manager.get(f"/patrol/check-ins/{made}"))


def test_a_correction_keeps_what_was_seen(
    guard: Browser, field: Field, frozen: Frozen
) -> None:
    made = field.check_in(1)
    page = f"/patrol/check-ins/{made}/correct"
    guard.post(page, data={**NORMAL, "line-1": "abnormal", "line-1-note": "锁坏了"})
    listed = _text(guard.get("/patrol/check-ins"))
    assert "异常 1" in listed
    assert guard.post(page, data=NORMAL).status_code == 303
    story = _text(guard.get(f"/patrol/check-ins/{made}"))
    assert "异常 → 正常" in story
    assert "锁坏了" in story
    assert "异常 1" not in _text(guard.get("/patrol/check-ins"))


def test_the_second_at_a_point_is_shown_the_first(
    guard: Browser, field: Field, frozen: Frozen
) -> None:
    stop = f"/patrol/rounds/{field.round().public_id}/stops/1"
    made = field.check_in(1)
    late = guard.post(f"{stop}/check-in", data={**NORMAL, **BY_HAND})
    assert late.status_code == 409
    assert f"/patrol/check-ins/{made}" in late.text


def test_what_was_observed_of_a_post_is_for_management_alone(
    guard: Browser, field: Field, app: Flask, cast: Cast
) -> None:
    place = factories.make_place(field.site)
    for kind, text in (("observation", "沙盘边无人"), ("violation", "有人发广告")):
        page = f"/patrol/notes/new?kind={kind}"
        assert guard.get(page).status_code == 200
        assert guard.post(page, data={"kind": kind}).status_code == 422
        told = {"kind": kind, "place": place.public_id, "text": text}
        photo = {"photo": (_picture(), "seen.jpg")} if kind == "violation" else {}
        assert guard.post("/patrol/notes/new", data=told | photo).status_code == 303
    with looking(field.site):
        notes = db.session.scalars(select(PatrolNote)).all()
    assert [note.photo_id is not None for note in notes] == [False, True]
    assert "有人发广告" in _text(guard.get("/patrol/notes"))
    for reader in (guard, browser(app, cast.lead)):
        assert reader.get("/patrol/notes?kind=observation").status_code == 403
        assert "沙盘边无人" not in _text(reader.get("/patrol/notes"))
    manager = browser(app, cast.manager)
    assert "沙盘边无人" in _text(manager.get("/patrol/notes?kind=observation"))


def test_a_miss_is_answered_for_by_a_named_person(
    guard: Browser, field: Field, app: Flask, cast: Cast, frozen: Frozen
) -> None:
    field.check_in(1)
    frozen.to(TEN + timedelta(minutes=75))
    field.sweep()
    lead = browser(app, cast.lead)
    page = f"{_round(field)}/misses"
    assert field.points[1].code in _text(lead.get(page))
    assert lead.post(page).status_code == 422
    assert lead.post(page, data={"comment": "去支援了"}).status_code == 303
    assert lead.post(page, data={"comment": "再来"}).status_code == 422
    told = _text(guard.get(_round(field)))
    assert "去支援了" in told
    assert cast.lead.name in told
    assert field.points[1].code in _text(lead.get("/patrol/omissions/missed"))
    assert lead.get("/patrol/omissions/skipped").status_code == 200
    assert guard.get("/patrol/omissions/missed").status_code == 403


def test_a_colleagues_point_by_hand_needs_a_reason(
    guard: Browser, field: Field
) -> None:
    page = f"{_round(field)}/stops/1"
    assert "手工签到" in _text(guard.get(page))
    answer = guard.post(f"{page}/check-in", data=NORMAL)
    assert answer.status_code == 422
    assert guard.post(f"{page}/check-in", data=NORMAL | BY_HAND).status_code == 303
    with looking(field.site):
        made = db.session.scalars(select(CheckIn)).one()
    assert made.method is Method.HAND
    assert made.device_id is not None, "every person has a device from the first day"


def test_figures_open_the_lines_behind_them(
    guard: Browser, field: Field, app: Flask, cast: Cast
) -> None:
    field.check_in(1)
    lead = browser(app, cast.lead)
    for by in ("route", "point", "person", "nonsense"):
        page = lead.get(f"/patrol/figures?by={by}")
        assert page.status_code == 200
    linked = re.findall(
        r'href="(/patrol/check-ins\?[^"]+)"', lead.get("/patrol/figures").text
    )
    assert linked
    opened = lead.get(linked[0].replace("&amp;", "&"))
    assert field.points[0].code in _text(opened)
    assert guard.get("/patrol/figures").status_code == 403


def test_a_round_is_handed_in_by_its_walker_or_a_lead(
    guard: Browser, field: Field, app: Flask, cast: Cast
) -> None:
    for ordinal in (1, 2, 3):
        field.check_in(ordinal)
    colleague = browser(app, factories.make_person(cast.site))
    assert colleague.post(f"{_round(field)}/close").status_code == 403
    assert browser(app, cast.lead).post(f"{_round(field)}/close").status_code == 303
