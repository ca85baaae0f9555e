"""Passwords: chosen, changed, set through a link; and who is out after it."""

import pytest
from sqlalchemy import select, update

from casefield.accounts import services
from casefield.accounts.models import Account, SignInLink
from casefield.accounts.passwords import PasswordRefused, check_new_password
from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.people.models import Person
from tests.accounts.test_sign_in import enter
from tests.conftest import SLOW
from tests.factories import PASSWORD, ground, looking, make_person

NEW = "vierzig-Laternen-am-Kai"


def change(client, old=PASSWORD, new=NEW, again=None):
    form = {"old": old, "password": new, "again": new if again is None else again}
    return client.post("/password", data=form, receipt=False)


def test_a_changed_password_is_the_only_one(cast, sign_in, client):
    assert change(sign_in(cast.guard)).status_code == 303
    assert enter(client).status_code == 422
    assert enter(client, password=NEW).status_code == 303


def test_changing_ends_every_other_sign_in(cast, sign_in):
    here, there = sign_in(cast.guard), sign_in(cast.guard)
    before = here.twin()
    change(here)
    assert here.get("/me").status_code == 200
    assert there.get("/me").status_code == 303
    assert before.get("/me").status_code == 303


def test_others_keep_their_sign_ins(cast, sign_in):
    other = sign_in(cast.lead)
    change(sign_in(cast.guard))
    assert other.get("/me").status_code == 200


REFUSED = {
    "wrong old": {"old": "nicht-das-richtige"},
    "not repeated": {"again": "etwas-anderes"},
    "short": {"new": "Kz7-qx"},
    "common": {"new": "password123"},
    "own number": {"new": "G01G01G01"},
    "empty": {"new": ""},
    "endless": {"new": "x9-Q" * 60},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_refused_change_changes_nothing(cast, sign_in, client, given):
    here = sign_in(cast.guard)
    answer = change(here, **given)
    assert answer.status_code == 422
    assert "-error" in answer.text
    assert here.get("/me").status_code == 200
    assert enter(client).status_code == 303


def test_the_old_password_cannot_be_tried_for_ever(cast, sign_in, frozen):
    here = sign_in(cast.guard)
    answers = [change(here, old=f"falsch-{n}").status_code for n in range(9)]
    assert answers == [422] * 8 + [429]


@pytest.mark.parametrize(
    ("part", "password", "good"),
    [
        ("guard", "moos-42x", True),
        ("guard", "moos-42", False),
        ("manager", "moos-42x-ta", False),
        ("manager", "moos-42x-tau", True),
        ("guard", "12345678", False),
        ("guard", "casefield1", False),
        ("guard", "anchang1", False),
        ("guard", "三只灯笼挂在码头上", True),
    ],
)
def test_which_passwords_are_good_enough(app, cast, part, password, good):
    person = getattr(cast, part)
    with app.app_context():
        if good:
            check_new_password(password, person)
        else:
            with pytest.raises(PasswordRefused):
                check_new_password(password, person)


def test_the_program_spends_what_the_profile_asks():
    hasher, nobody = SLOW
    assert nobody.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (65536, 3, 4)


# the first password is somebody else's: nothing else before it is changed


@pytest.fixture
def newcomer(cast):
    person = make_person(cast.site, staff_no="NEW1")
    with ground():
        db.session.execute(
            update(Account)
            .where(Account.person_id == person.id)
            .values(
                must_change=True,
                password_hash=select(Account.password_hash)
                .where(Account.person_id == cast.guard.id)
                .scalar_subquery(),
            )
            .execution_options(synchronize_session=False)
        )
    return person


@pytest.mark.parametrize("path", ["/", "/me", "/no-such-page"])
def test_a_given_password_opens_nothing_but_its_change(newcomer, sign_in, path):
    client = sign_in(newcomer)
    answer = client.get(path)
    assert answer.status_code in {303, 404}
    if answer.status_code == 303:
        assert answer.headers["Location"] == "/password"
    assert client.get("/password").status_code == 200


def test_a_given_password_writes_nothing_but_its_change(newcomer, sign_in):
    client = sign_in(newcomer)
    answer = client.post("/me", data={"locale": "en", "theme": "dark"})
    assert answer.headers["Location"] == "/password"
    with looking(newcomer):
        locale = db.session.scalars(
            select(Person.locale).where(Person.id == newcomer.id),
            execution_options={"unscoped": "a test"},
        ).one()
    assert locale == "zh"


def test_after_the_change_everything_opens(newcomer, sign_in):
    client = sign_in(newcomer)
    assert change(client).status_code == 303
    assert client.get("/me").status_code == 200


def test_a_newcomer_may_sign_out_before_changing(newcomer, sign_in):
    answer = sign_in(newcomer).post("/sign-out", receipt=False)
    assert answer.headers["Location"] == "/sign-in"


# links


def start(cast, person, author=None):
    class By:
        person_id = (author or cast.manager).id
        role = (author or cast.manager).role
        device_id = None

    with ground(cast.site):
        return services.start_link(person, By(), services_now())


def services_now():
    from casefield.core import clock

    return clock.now()


def use(client, token, password=NEW):
    form = {"password": password, "again": password}
    return client.post(f"/first/{token}", data=form, receipt=False)


def test_a_link_sets_the_password_and_signs_in(cast, client, frozen):
    token = start(cast, cast.guard)
    assert cast.guard.name in client.get(f"/first/{token}").text
    assert use(client, token).status_code == 303
    assert cast.guard.name in client.get("/me").text
    assert enter(client, password=NEW).status_code == 303


def test_a_link_ends_the_sign_ins_before_it(cast, sign_in, client, frozen):
    lost_phone = sign_in(cast.guard)
    use(client, start(cast, cast.guard))
    assert lost_phone.get("/me").status_code == 303


def test_a_link_works_once(app, cast, client, frozen):
    token = start(cast, cast.guard)
    use(client, token)
    client.post("/sign-out", receipt=False)
    assert client.get(f"/first/{token}").status_code == 410
    assert use(client, token, "noch-einmal-Laternen").status_code == 410
    assert enter(client, password=NEW).status_code == 303


def test_a_link_works_for_half_an_hour(cast, client, frozen):
    token = start(cast, cast.guard)
    frozen.forward(minutes=29, seconds=59)
    assert client.get(f"/first/{token}").status_code == 200
    frozen.forward(seconds=1)
    assert client.get(f"/first/{token}").status_code == 410
    assert use(client, token).status_code == 410
    assert enter(client).status_code == 303


def test_a_newer_link_ends_the_older(cast, client, frozen):
    older, newer = start(cast, cast.guard), start(cast, cast.guard)
    assert client.get(f"/first/{older}").status_code == 410
    assert client.get(f"/first/{newer}").status_code == 200


def test_the_screen_with_the_code_says_when_it_was_used(cast, sign_in, client, frozen):
    manager = sign_in(cast.manager)
    page = f"/people/{cast.guard.public_id}"
    screen = f"{page}/sign-in-link"
    assert manager.submit(page, {}, to=screen).status_code == 303
    with manager.session_transaction() as kept:
        token = kept["link"]
    assert 'data-hx-trigger="every 3s"' in manager.get(screen).text
    assert manager.get(screen, fragment=True).status_code == 204
    use(client, token)
    for fragment in (True, False):
        answer = manager.get(screen, fragment=fragment).text
        assert "已设好密码" in answer
        assert "every 3s" not in answer
        assert ("<html" in answer) != fragment


def test_the_screen_with_the_code_says_when_it_is_over(cast, sign_in, frozen):
    manager = sign_in(cast.manager)
    page = f"/people/{cast.guard.public_id}"
    screen = f"{page}/sign-in-link"
    manager.submit(page, {}, to=screen)
    frozen.forward(minutes=30)
    expired = manager.get(screen, fragment=True).text
    assert "已过期" in expired
    assert "every 3s" not in expired
    manager.submit(page, {}, to=screen)
    start(cast, cast.guard)
    assert "后来又开了一个新的" in manager.get(screen, fragment=True).text
    other = f"/people/{cast.lead.public_id}/sign-in-link"
    assert "没有可用的登录码" in manager.get(other).text


def test_a_weak_password_leaves_the_link_good(cast, client, frozen):
    token = start(cast, cast.guard)
    assert use(client, token, "12345678").status_code == 422
    assert use(client, token).status_code == 303


def test_a_made_up_link_is_refused_like_a_spent_one(cast, client, frozen):
    assert client.get("/first/made-up").status_code == 410


def test_only_the_hash_of_a_link_is_kept_and_no_ledger_line_holds_it(cast, frozen):
    token = start(cast, cast.guard)
    with looking(cast.site):
        kept = db.session.scalars(select(SignInLink.token_hash)).one()
        lines = db.session.scalars(select(LedgerLine)).all()
    assert token != kept
    assert all(token not in line.facts + line.subject for line in lines)


def test_a_link_on_anothers_phone_ends_what_was_open_there(cast, sign_in, frozen):
    phone = sign_in(cast.stranger)
    before = phone.twin()
    assert use(phone, start(cast, cast.guard)).status_code == 303
    assert cast.guard.name in phone.get("/me").text
    assert before.get("/me").status_code == 303


# one's own sign-ins


def test_a_sign_in_can_be_revoked_from_the_list(cast, sign_in):
    here, lost = sign_in(cast.guard), sign_in(cast.guard)
    page = here.get("/me").text
    paths = {
        part.split('"')[0]
        for part in page.split('action="')[1:]
        if part.startswith("/me/sessions/")
    }
    assert paths
    for path in paths:
        assert here.post(path).status_code == 303
    assert lost.get("/me").status_code == 303


def test_anothers_sign_in_cannot_be_revoked(cast, sign_in):
    victim = sign_in(cast.guard)
    with looking():
        from casefield.accounts.models import Session

        public_id = db.session.scalars(
            select(Session.public_id).where(Session.person_id == cast.guard.id)
        ).one()
    answer = sign_in(cast.admin).post(f"/me/sessions/{public_id}/revoke")
    assert answer.status_code == 404
    assert victim.get("/me").status_code == 200
