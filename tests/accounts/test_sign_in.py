"""Signing in and out."""

import time
from datetime import date, timedelta
from statistics import median

import pytest
from sqlalchemy import select, update

from casefield.accounts import services
from casefield.accounts.models import Account, Device, Session
from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.people.models import Person
from tests.client import browser
from tests.factories import PASSWORD, ground, looking, make_person

EVERYWHERE = {"unscoped": "a test looks at signing in"}
REFUSED = "工号或密码不对"


def enter(client, staff_no="G01", password=PASSWORD, **more):
    form = {"staff_no": staff_no, "password": password, **more}
    return client.post("/sign-in", data=form, receipt=False)


def test_the_right_password_opens_the_home_page(cast, client):
    answer = enter(client)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert cast.guard.name in client.get("/me").text


def test_the_form_of_the_page_itself_works(cast, client):
    form = {"staff_no": "G01", "password": PASSWORD}
    assert client.submit("/sign-in", form, receipt=False).status_code == 303


@pytest.mark.parametrize("typed", ["g01", " G01 ", "G01"])
def test_a_staff_number_is_read_kindly(cast, client, typed):
    assert enter(client, typed).status_code == 303


def test_wrong_unknown_and_passwordless_get_the_same_answer(cast, client, frozen):
    newcomer = make_person(cast.site, staff_no="NEW1")
    answers = [
        enter(client, "G01", "nicht-das-richtige"),
        enter(client, "NOBODY", "nicht-das-richtige"),
        enter(client, newcomer.staff_no, "nicht-das-richtige"),
    ]
    assert {answer.status_code for answer in answers} == {422}
    pages = []
    for answer, typed in zip(answers, ("G01", "NOBODY", "NEW1"), strict=True):
        assert REFUSED in answer.text
        page = answer.text.replace(typed, "…")
        pages.append(page.split("<main")[-1].split('name="csrf_token"')[0])
    assert len(set(pages)) == 1


@pytest.mark.usefixtures("slow_hashing")
def test_wrong_and_unknown_take_as_long(app, cast):
    slow = services._hasher.hash(PASSWORD)
    with ground():
        db.session.execute(update(Account).values(password_hash=slow))

    def seconds(staff_no):
        client = browser(app)
        start = time.perf_counter()
        enter(client, staff_no, "nicht-das-richtige")
        return time.perf_counter() - start

    seconds("WARM")
    pairs = [(seconds("G01"), seconds(f"NO{n}")) for n in range(3)]
    known, unknown = (median(column) for column in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2.0


@pytest.mark.parametrize("missing", ["staff_no", "password"])
def test_an_empty_field_is_told_beside_it(cast, client, missing):
    answer = enter(client, **{missing: ""})
    assert answer.status_code == 422
    assert f'id="{missing}-error"' in answer.text


def test_the_password_is_never_sent_back(cast, client):
    assert "nicht-das-richtige" not in enter(client, "G01", "nicht-das-richtige").text


def test_only_hashes_of_tokens_are_kept(app, cast, client):
    enter(client)
    tokens = [
        client.get_cookie("casefield").value,
        client.get_cookie("casefield-device").value,
    ]
    with looking():
        kept = [
            *db.session.scalars(select(Session.token_hash)),
            *db.session.scalars(select(Device.token_hash)),
        ]
    assert not set(tokens) & set(kept)
    assert all(len(hash_) == 64 for hash_ in kept)


def test_signing_in_writes_a_ledger_line(cast, client):
    enter(client)
    with looking(cast.site):
        line = db.session.scalars(
            select(LedgerLine).where(LedgerLine.verb == "accounts.session.opened")
        ).one()
    assert line.person_id == cast.guard.id
    assert line.device_id is not None


# throttling


def test_after_eight_tries_one_has_to_wait(cast, client, frozen):
    answers = [enter(client, "G01", "falsch-falsch-1").status_code for _ in range(9)]
    assert answers == [422] * 8 + [429]
    assert enter(client).status_code == 429
    frozen.forward(minutes=3)
    assert enter(client).status_code == 303


def test_a_colleague_elsewhere_is_not_locked_out(app, cast, client, frozen):
    for _ in range(9):
        enter(client, "G01", "falsch-falsch-1")
    elsewhere = browser(app)
    elsewhere.environ_base["REMOTE_ADDR"] = "127.0.0.9"
    assert enter(elsewhere).status_code == 303
    assert enter(client, "G02").status_code == 303


def test_one_address_cannot_try_the_whole_staff_list(cast, client, frozen):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "verify_password", lambda stored, password: False)
        answers = [enter(client, f"X{n}", "x").status_code for n in range(90)]
    assert answers.count(422) == 80
    assert answers[-1] == 429


def test_many_addresses_cannot_try_one_person_for_ever(app, cast, client, frozen):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "verify_password", lambda stored, password: False)
        answers = []
        for n in range(70):
            client.environ_base["REMOTE_ADDR"] = f"127.0.1.{n}"
            answers.append(enter(client, "G01", "x").status_code)
    assert answers.count(422) == 60


def test_the_right_password_gives_the_tries_back(cast, client, frozen):
    for _ in range(3):
        for _ in range(5):
            assert enter(client, "G01", "falsch-falsch-1").status_code == 422
        assert enter(client).status_code == 303


def test_the_refusal_says_how_long(cast, client, frozen):
    for _ in range(8):
        enter(client, "G01", "falsch-falsch-1")
    assert "请等 3 分钟" in enter(client).text


# ending


def test_signing_out_kills_the_session_on_the_server(cast, sign_in):
    client = sign_in(cast.guard)
    stolen = client.twin()
    assert stolen.get("/me").status_code == 200
    answer = client.post("/sign-out", receipt=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in"
    assert stolen.get("/me").status_code == 303
    assert client.get_cookie("casefield") is None


def test_signing_out_here_leaves_the_other_phone(cast, sign_in):
    here, there = sign_in(cast.guard), sign_in(cast.guard)
    here.post("/sign-out", receipt=False)
    assert there.get("/me").status_code == 200


def test_the_next_user_of_a_shared_phone_ends_the_session_of_the_first(
    app, cast, client
):
    enter(client, "G01")
    first = client.twin()
    enter(client, "G02")
    assert cast.lead.name in client.get("/me").text
    assert first.get("/me").status_code == 303


def test_a_phone_may_be_shared_by_people_of_two_sites(cast, client):
    assert enter(client, "G01").status_code == 303
    assert enter(client, "W01").status_code == 303
    assert cast.stranger.name in client.get("/me").text


def test_a_shared_phone_stays_one_device(cast, client):
    enter(client, "G01")
    enter(client, "G02")
    with looking():
        devices = db.session.scalars(select(Session.device_id)).all()
    assert len(set(devices)) == 1


def test_a_session_ends_when_it_is_not_used(cast, sign_in, frozen):
    client = sign_in(cast.guard)
    frozen.forward(seconds=services.IDLE.total_seconds())
    assert client.get("/me").status_code == 200
    frozen.forward(seconds=services.IDLE.total_seconds() + 1)
    assert client.get("/me").status_code == 303


@pytest.mark.parametrize("role", list(services.LIFETIME))
def test_a_session_in_use_ends_after_the_roles_time(cast, sign_in, frozen, role):
    client = sign_in(cast.by_role[role])
    left = services.LIFETIME[role]
    step = min(services.IDLE, left) - timedelta(hours=1)
    while left > step:
        frozen.forward(seconds=step.total_seconds())
        left -= step
        assert client.get("/me").status_code == 200
    frozen.forward(seconds=left.total_seconds())
    assert client.get("/me").status_code == 303


def test_a_role_is_read_again_on_every_request(cast, sign_in):
    client = sign_in(cast.manager)
    assert client.get("/people").status_code == 200
    _change(cast.manager, role="sales")
    assert client.get("/people").status_code == 403


def _change(person, **values):
    with ground():
        db.session.execute(
            update(Person)
            .where(Person.id == person.id)
            .values(**values)
            .execution_options(**EVERYWHERE)
        )


def test_leaving_ends_sign_ins_with_the_last_day_at_the_site(cast, sign_in, frozen):
    client = sign_in(cast.guard)
    _change(cast.guard, left_on=date(2026, 3, 5))
    frozen.forward(hours=13, minutes=59)
    assert client.get("/me").status_code == 200
    frozen.forward(minutes=1)
    assert client.get("/me").status_code == 303


def test_whoever_has_left_cannot_sign_in(cast, client, frozen):
    _change(cast.guard, left_on=date(2026, 3, 4))
    answer = enter(client)
    assert answer.status_code == 422
    assert REFUSED in answer.text


def test_the_last_day_is_told_by_the_persons_site(cast, client, frozen):
    # 7:00 of the 6th in Shanghai is midnight of the 6th in Berlin
    _change(cast.stranger, left_on=date(2026, 3, 5))
    _change(cast.guard, left_on=date(2026, 3, 5))
    frozen.forward(hours=20, minutes=30)
    assert enter(client, "G01").status_code == 422
    assert enter(client, "W01").status_code == 303


def test_a_password_changed_meanwhile_does_not_let_in(cast, client, monkeypatch):
    verify = services.verify_password

    def change_then_say(stored, password):
        right = verify(stored, password)
        with ground():
            db.session.execute(
                update(Account)
                .where(Account.person_id == cast.guard.id)
                .values(password_hash="$another")
            )
        return right

    monkeypatch.setattr(services, "verify_password", change_then_say)
    db_answer = enter(client)
    assert db_answer.status_code == 422


def test_a_made_up_cookie_is_nobody(client):
    client.set_cookie("casefield", "x" * 43)
    assert client.get("/me").status_code == 303


def test_a_stranger_comes_back_to_the_page_after_signing_in(cast, client):
    refused = client.get("/me?lang=zh")
    page = refused.headers["Location"]
    assert page == "/sign-in?next=/me?lang%3Dzh"
    target = client.get(page).text.split('name="next" value="')[1].split('"')[0]
    assert enter(client, next=target).headers["Location"] == "/me?lang=zh"


def test_a_fragment_asked_for_without_a_session_leaves_the_page(client):
    headers = {"HX-Current-URL": "http://localhost/me"}
    answer = client.get("/me", fragment=True, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/me"


def test_who_is_signed_in_does_not_sign_in_again(cast, sign_in):
    answer = sign_in(cast.guard).get("/sign-in?next=/me")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/me")
