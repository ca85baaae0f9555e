"""One form, one effect: retries, mix-ups and crowds."""

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from werkzeug.datastructures import MultiDict

from casefield.core import db as database
from casefield.core import receipts
from casefield.core.db import unit_of_work
from tests.client import browser

KEY = "key-of-one-form"


@pytest.fixture
def guard(marks, fresh_cast):
    return browser(marks, fresh_cast.guard)


@pytest.fixture
def lead(marks, fresh_cast):
    return browser(marks, fresh_cast.lead)


def test_the_same_form_again_gives_the_first_answer(guard, effects, fresh_cast):
    form = {"name": "东门", "receipt_key": KEY}
    first, again = guard.post("/marks", data=form), guard.post("/marks", data=form)
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["X-Receipt"] == again.headers["X-Receipt"] == KEY
    assert "X-Replayed" not in first.headers
    assert again.headers["X-Replayed"] == "1"
    assert effects(fresh_cast.site) == (1, 1, 1)


def test_order_and_token_do_not_make_another_form(guard, effects, fresh_cast):
    one = [("name", "东门"), ("a", "1"), ("a", "2"), ("receipt_key", KEY)]
    one.append(("csrf_token", guard.csrf_token()))
    other = [*one[3::-1], ("csrf_token", guard.csrf_token())]
    guard.post("/marks", data=MultiDict(one))
    assert "X-Replayed" in guard.post("/marks", data=MultiDict(other)).headers
    assert effects(fresh_cast.site) == (1, 1, 1)


DIFFERENT = {
    "a value": {"name": "西门"},
    "a field more": {"name": "东门", "note": "x"},
    "a file": {"name": "东门", "photo": (io.BytesIO(b"1"), "a.jpg")},
}


@pytest.mark.parametrize("form", DIFFERENT.values(), ids=DIFFERENT)
def test_the_same_key_with_another_body_is_refused(guard, effects, fresh_cast, form):
    guard.post("/marks", data={"name": "东门", "receipt_key": KEY})
    if "photo" in form:
        form = {**form, "photo": (io.BytesIO(b"1"), "a.jpg")}
    refused = guard.post("/marks", data={**form, "receipt_key": KEY})
    assert refused.status_code == 422
    assert effects(fresh_cast.site) == (1, 1, 1)


@pytest.mark.parametrize("key", [None, "", "short", "x" * 65])
def test_a_form_without_a_sound_key_is_refused(guard, effects, fresh_cast, key):
    form = {"name": "东门"} if key is None else {"name": "东门", "receipt_key": key}
    refused = guard.post("/marks", data=form, receipt=False)
    assert refused.status_code == 400
    assert effects(fresh_cast.site) == (0, 0, 0)


def test_the_same_key_of_another_person_is_another_form(
    guard, lead, effects, fresh_cast
):
    form = {"name": "东门", "receipt_key": KEY}
    answers = [browser.post("/marks", data=form) for browser in (guard, lead)]
    assert len({answer.headers["Location"] for answer in answers}) == 2
    assert effects(fresh_cast.site) == (2, 2, 2)


def test_a_refused_form_leaves_nothing_and_may_be_sent_again(
    guard, effects, fresh_cast
):
    refused = guard.post("/marks", data={"name": "refuse", "receipt_key": KEY})
    assert refused.status_code == 422
    assert effects(fresh_cast.site) == (0, 0, 0)
    sent = guard.post("/marks", data={"name": "东门", "receipt_key": KEY})
    assert sent.status_code == 303
    assert effects(fresh_cast.site) == (1, 1, 1)


def test_a_fault_in_the_middle_leaves_nothing_half_written(guard, effects, fresh_cast):
    with pytest.raises(RuntimeError, match="break"):
        guard.post("/marks", data={"name": "break", "receipt_key": KEY})
    assert effects(fresh_cast.site) == (0, 0, 0)


# a crowd: the same request fifty times at once


def _crowd(client, times=50):
    form = {"name": "东门", "receipt_key": KEY, "csrf_token": client.csrf_token()}
    twins = [client.twin() for _ in range(times)]
    start = Barrier(times)

    def send(twin):
        start.wait()
        try:
            answer = twin.post("/marks", data=form)
        except Exception as error:
            return type(error).__name__
        return f"{answer.status_code} {answer.headers.get('Location')}"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(send, twins))


def _is_one(outcomes, counted):
    ((outcome, times),) = outcomes.most_common(1)
    return (
        outcome.startswith("303 /marks/")
        and times == outcomes.total()
        and (counted == (1, 1, 1))
    )


def test_fifty_replays_at_once_are_one_effect_and_one_answer(
    guard, effects, fresh_cast
):
    outcomes = _crowd(guard)
    counted = effects(fresh_cast.site)
    assert _is_one(outcomes, counted), (outcomes, counted)


def test_control_without_receipts_the_crowd_leaves_many(
    guard, effects, fresh_cast, monkeypatch
):
    @contextmanager
    def accept_anything():
        answer = receipts.Answer(KEY)
        with unit_of_work():
            yield answer

    monkeypatch.setattr(receipts, "accept", accept_anything)
    outcomes = _crowd(guard)
    counted = effects(fresh_cast.site)
    assert not _is_one(outcomes, counted)
    assert counted[0] > 1, (outcomes, counted)


class _NeverWriting:
    def get(self):
        return False

    def set(self, value):
        return value

    def reset(self, token):
        pass


def test_control_without_the_lock_the_crowd_collides(
    guard, effects, fresh_cast, monkeypatch
):
    monkeypatch.setattr(receipts, "lock", lambda space, key: None)
    monkeypatch.setattr(database, "_writing", _NeverWriting())
    outcomes = _crowd(guard)
    counted = effects(fresh_cast.site)
    assert not _is_one(outcomes, counted), (outcomes, counted)
