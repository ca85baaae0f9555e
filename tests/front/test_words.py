"""What an English reader meets: no Chinese but names; a table is read in both."""

import re
from io import BytesIO

import pytest
from flask import Flask

from casefield.core.i18n import in_every_language
from casefield.people.forms import ROLES
from casefield.sites.forms import KINDS
from tests.cast import Cast
from tests.client import Browser, browser
from tests.routes import calls, fill

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")


def _reader(app: Flask, cast: Cast, part: str) -> Browser:
    client = browser(app, getattr(cast, part))
    answer = client.submit("/me", {"locale": "en", "theme": "auto"})
    assert answer.status_code == 303
    client.get("/me")
    return client


def _data(cast: Cast) -> list[str]:
    """Names stay as they are written; a language is called by its own name."""
    people = [*cast.by_role.values(), cast.stranger]
    names = {person.name for person in people} | {"中文", cast.company.name}
    names |= {cast.site.name, cast.other_site.name}
    return sorted(names, key=len, reverse=True)


@pytest.mark.parametrize("part", ["guard", "manager", "admin", "sales"])
def test_english_screens_hold_no_chinese_but_names(app, cast, part):
    client, names = _reader(app, cast, part), _data(cast)
    left, seen = {}, 0
    for rule, method in calls(app):
        if method != "GET" or rule.arguments or rule.endpoint == "static":
            continue
        answer = client.get(fill(rule))
        if answer.mimetype != "text/html" or answer.status_code not in (200, 403):
            continue
        seen += 1
        text = answer.get_data(as_text=True)
        for name in names:
            text = text.replace(name, "")
        if CHINESE.search(text):
            left[rule.rule] = CHINESE.findall(text)
    assert left == {}
    assert seen > 10


def test_the_same_screens_in_chinese_do_hold_it(app, cast):
    text = browser(app, cast.manager).get("/places").get_data(as_text=True)
    assert len(CHINESE.findall(text)) > 10


@pytest.mark.parametrize("words", [ROLES, KINDS], ids=["roles", "kinds"])
def test_every_choice_has_a_name_of_its_own_in_each_language(app, words):
    with app.test_request_context():
        told = [word for label in words.values() for word in in_every_language(label)]
    assert len(told) == len(set(told)) == 2 * len(words)


@pytest.mark.parametrize("role", ["员工", "Staff", "staff"])
def test_a_table_says_a_role_in_either_language(app, cast, role):
    client = _reader(app, cast, "manager")
    table = f"staff no,name,role\nN77,Jo,{role}\n".encode()
    run = client.post("/people/import", data={"table": (BytesIO(table), "staff.csv")})
    page = client.get(run.location).get_data(as_text=True)
    assert "N77" in page
    assert "There is no role" not in page


def test_a_role_of_neither_language_is_refused_in_the_readers(app, cast):
    client = _reader(app, cast, "manager")
    table = "工号,姓名,权限\nN78,Jo,国王\n".encode()
    run = client.post("/people/import", data={"table": (BytesIO(table), "staff.csv")})
    page = client.get(run.location).get_data(as_text=True)
    assert "There is no role &#34;国王&#34;" in page
