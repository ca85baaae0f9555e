"""What the address on the wall answers, to whom."""

import pytest
from sqlalchemy import select
from sqlalchemy.sql.functions import count

from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.sites.models import new_code
from tests.factories import looking, make_checkpoint, make_place, make_wall_code


@pytest.fixture
def place(cast, frozen):
    return make_place(cast.site, "东门")


@pytest.fixture
def code(place):
    return make_wall_code(place).code


def test_a_stranger_sees_the_place_and_a_way_to_sign_in(client, code):
    page = client.get(f"/q/{code}")
    assert page.status_code == 200
    assert "东门" in page.text
    assert f"/sign-in?next=/q/{code}" in page.text
    assert "员工登录" in page.text


@pytest.mark.parametrize("write", [str.lower, str.upper, " {} ".format])
def test_a_code_is_read_kindly(client, code, write):
    written = write(f"{code[:5]}-{code[5:]}")
    assert client.get(f"/q/{written}").status_code == 200


def test_print_carries_the_address_in_capitals(client, code):
    assert client.get(f"/Q/{code}").status_code == 200


@pytest.mark.parametrize("role", ["guard", "lead", "manager", "sales", "admin"])
def test_everybody_of_the_site_is_answered(cast, sign_in, code, role):
    assert sign_in(getattr(cast, role)).get(f"/q/{code}").status_code == 200


def test_a_checkpoint_with_nothing_due_says_so(cast, sign_in):
    checked = make_place(cast.site, "西门")
    code = make_wall_code(checked).code
    make_checkpoint(cast.site, checked)
    page = sign_in(cast.guard).get(f"/q/{code}")
    assert page.status_code == 200
    assert "西门" in page.text


@pytest.mark.parametrize("who", ["guard", None])
def test_an_unknown_code_says_what_to_do(cast, client, sign_in, who):
    caller = sign_in(cast.guard) if who else client
    assert caller.get(f"/q/{new_code()}").status_code == 404
    assert caller.get("/q/nothing").status_code == 404


def test_a_revoked_code_is_not_answered(cast, client, place, frozen):
    code = make_wall_code(place, revoked_at=frozen.now, replaced_at=frozen.now).code
    assert client.get(f"/q/{code}").status_code == 404


def test_a_replaced_code_still_works(cast, client, place, frozen):
    code = make_wall_code(place, replaced_at=frozen.now).code
    assert client.get(f"/q/{code}").status_code == 200


def test_a_code_of_another_site_is_said_so_and_nothing_is_recorded(cast, sign_in, code):
    answer = sign_in(cast.stranger).get(f"/q/{code}")
    assert answer.status_code == 404
    with looking(cast.site):
        assert db.session.scalar(select(count(LedgerLine.id))) == 0


def test_guessing_is_slowed_down(client, frozen):
    answers = [client.get(f"/q/{new_code()}").status_code for _ in range(31)]
    assert answers == [404] * 30 + [429]


def test_a_known_code_is_answered_to_whoever_guessed_before(client, code, frozen):
    for _ in range(31):
        client.get(f"/q/{new_code()}")
    assert client.get(f"/q/{code}").status_code == 200


def test_the_typed_code_goes_to_its_place(cast, sign_in, code):
    guard = sign_in(cast.guard)
    typed = f"{code[:4]}-{code[4:7]}-{code[7:]}".lower()
    answer = guard.get("/scan", query_string={"code": typed})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/q/{code}")
    assert guard.get("/scan", query_string={"code": "xx"}).status_code == 422


def test_a_damaged_label_is_told_once(cast, sign_in, code):
    guard = sign_in(cast.guard)
    assert guard.post(f"/q/{code}/damaged").status_code == 303
    with looking(cast.site):
        verbs = db.session.scalars(select(LedgerLine.verb)).all()
    assert [verb for verb in verbs if "damaged" in verb or "label" in verb]


def test_a_label_of_another_site_is_not_reported(cast, sign_in, code):
    assert sign_in(cast.stranger).post(f"/q/{code}/damaged").status_code == 404
