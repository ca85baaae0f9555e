"""Every route for every role, at the own site and at another: refused and allowed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from casefield.core.db import Base, db
from casefield.core.ledger import CLOCKWORK
from casefield.core.scope import SiteScoped
from casefield.people.models import ClosedDay
from tests import factories, happenings
from tests.client import browser
from tests.routes import UNSAFE, calls, fill

#: who may what does not depend on the database
pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)
#: answered for whoever holds the token, whatever the site
ELSEWHERE = {"accounts.link_use", "scan.place_view"}
#: the rows are there and the files are not
NOT_THERE = {"core.photo_view", "core.job_file"}


def _status(client, address, method):
    """Tell the status alone; how the page is made is checked where it is tested."""
    client.checks_pages = False
    # as somebody who has read what the step does
    form = {"data": {"confirmed": "1"}} if method in UNSAFE else {}
    try:
        return client.open(address, method=method, fragment=True, **form).status_code
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:120]


def test_the_gate_stands_before_every_route_for_every_role(app, cast):
    table = app.extensions["policy"]
    wrong = []
    for role, person in cast.by_role.items():
        client = browser(app, person)
        for rule, method in calls(app):
            if rule.endpoint == "accounts.sign_out":
                continue
            status = _status(client, fill(rule), method)
            allow = table[rule.endpoint]
            allowed = allow.public or role in allow.roles
            if (status == 403) == allowed or not isinstance(status, int):
                wrong.append(f"{role} {method} {rule}: {status}")
    assert not wrong, "\n".join(wrong)


def test_a_stranger_is_sent_to_sign_in_everywhere(app, cast):
    table = app.extensions["policy"]
    wrong = []
    for rule, method in calls(app):
        client = browser(app)
        answer = client.open(fill(rule), method=method)
        sent = answer.headers.get("Location", "").startswith("/sign-in")
        if sent == table[rule.endpoint].public:
            wrong.append(f"{method} {rule}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def furnished(app, cast):
    """One row of everything that has an address, at both sites."""
    for site, person in ((cast.site, cast.guard), (cast.other_site, cast.stranger)):
        _furnish(site, person)
    return cast


def _furnish(site, person):
    with factories.ground(site):
        checklist = factories.make_checklist(site)
        post = factories.make_post(site)
        factories.make_posting(person, post)
        shift = factories.make_shift(site)
        checkpoint = factories.make_checkpoint(site, checklist=checklist)
        route = factories.make_route(site, [checkpoint])
        plan = factories.make_plan(route, post)
        walked = factories.make_round(route, plan, person_id=person.id)
        factories.make_rota_entry(person, shift, post, walked.day_on)
        db.session.add(ClosedDay(site_id=site.id, on_day=walked.day_on))
        happenings.make_check_in(walked, person)
        happenings.make_miss(factories.make_round(route, plan))
        happenings.make_finding(site, checklist, checkpoint, person)
        happenings.make_note(checkpoint, person)
        happenings.make_photo(site)
        happenings.make_job(site, CLOCKWORK)


def _addresses(site) -> Iterator[tuple[str, str]]:
    """Yield a public id or code of each of a site's tables, with the table's name."""
    with factories.looking(site):
        for mapper in Base.registry.mappers:
            if not issubclass(mapper.class_, SiteScoped):
                continue
            for name in ("public_id", "code"):
                if name in mapper.columns:
                    column = mapper.columns[name]
                    statement = select(getattr(mapper.class_, name)).limit(1)
                    for value in db.session.scalars(statement):
                        yield f"{column.table.name}.{name}", value


def _with_rows(app):
    return [
        (rule, method)
        for rule, method in calls(app)
        if rule.arguments and rule.endpoint not in ELSEWHERE
        if any(_is_id(name) for name in rule.arguments)
    ]


def _is_id(name):
    return name in {"public_id", "code"} or name.endswith("_id")


def _answers(app, person, site, rule, method):
    """Call a rule with each address of a site; yield table and status."""
    client = browser(app, person)
    for table, value in list(_addresses(site)):
        values = {name: value for name in rule.arguments if _is_id(name)}
        yield table, _status(client, fill(rule, **values), method)


def test_rows_of_another_site_are_not_found(app, furnished):
    wrong = []
    for rule, method in _with_rows(app):
        refused = {404, 422} if method in UNSAFE else {404}
        found = _answers(app, furnished.admin, furnished.other_site, rule, method)
        wrong += [
            f"{method} {rule} with a {table}: {status}"
            for table, status in found
            if status not in refused
        ]
    assert not wrong, "\n".join(wrong)


def test_control_rows_of_the_own_site_are_found(app, furnished):
    wrong = []
    for rule, method in _with_rows(app):
        several = sum(_is_id(name) for name in rule.arguments) > 1
        if method == "GET" and rule.endpoint not in NOT_THERE and not several:
            found = dict(_answers(app, furnished.admin, furnished.site, rule, method))
            if set(found.values()) == {404}:
                wrong.append(f"{rule}: {found}")
    assert not wrong, "\n".join(wrong)
