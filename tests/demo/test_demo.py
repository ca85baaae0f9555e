"""The invented project: whole, lively, and the same each time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.core import ledger
from casefield.core.db import db
from casefield.demo import services
from casefield.patrol.models import (
    CheckIn,
    Method,
    Omission,
    OmissionKind,
    Round,
    RoundStop,
)
from casefield.people.models import Person
from casefield.sites.models import Site
from tests.browser.live import MONDAY, PASSWORD, copy_of
from tests.conftest import build
from tests.factories import looking

# runs where the project is loaded anyway, once for all who look at it
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """What the demo command loaded."""
    folder = copy_of(demo_data, tmp_path_factory.mktemp("look") / "data")
    app = build(folder, demo_password=PASSWORD)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def site(demo: Flask) -> Site:
    with looking(app=demo):
        return db.session.scalars(select(Site)).one()


def _count(site: Site, demo: Flask, model: type[Any], *where: Any) -> int:
    with looking(site, demo):
        return len(db.session.scalars(select(model.id).where(*where)).all())


def test_every_past_point_is_answered_for(demo: Flask, site: Site) -> None:
    with looking(site, demo):
        unanswered = db.session.scalars(
            select(RoundStop.id)
            .join(Round, Round.id == RoundStop.round_id)
            .outerjoin(CheckIn, CheckIn.round_stop_id == RoundStop.id)
            .outerjoin(Omission, Omission.round_stop_id == RoundStop.id)
            .where(
                Round.closed_at.is_not(None),
                CheckIn.id.is_(None),
                Omission.id.is_(None),
            )
        ).all()
    assert unanswered == []


def test_every_case_that_must_show_is_there(demo: Flask, site: Site) -> None:
    missed = Omission.kind == OmissionKind.MISSED
    for model, case in (
        (CheckIn, CheckIn.is_late.is_(True)),
        (CheckIn, CheckIn.method == Method.HAND),
        (CheckIn, CheckIn.method == Method.TYPED),
        (Omission, Omission.kind == OmissionKind.SKIPPED),
        (Omission, missed & Omission.closed_at.is_(None)),
    ):
        assert _count(site, demo, model, case) > 0, case
    assert _count(site, demo, CheckIn) > 1000


def test_nothing_lies_in_the_future(demo: Flask, site: Site) -> None:
    assert _count(site, demo, CheckIn, CheckIn.at > MONDAY) == 0
    assert _count(site, demo, Omission, Omission.at > MONDAY) == 0


def test_the_demos_ledger_is_whole(demo: Flask, site: Site) -> None:
    with looking(app=demo):
        assert list(ledger.verify(site.id)) == []


def test_the_table_of_sign_ins_names_one_a_post(demo: Flask, site: Site) -> None:
    with demo.app_context():
        table = str(services.sign_in_table(demo, MONDAY))
    assert PASSWORD in table
    with looking(site, demo):
        numbers = db.session.scalars(select(Person.staff_no)).all()
    assert sum(number in table for number in numbers) >= 12
