"""A small screen of our own, so that the ground is proved without a feature."""

from collections.abc import Callable

import pytest
from flask import Flask, Response, g, request
from sqlalchemy import select
from sqlalchemy.sql.functions import count

from casefield.core import clock, ledger, receipts
from casefield.core.db import db
from casefield.core.errors import DomainError
from casefield.core.policy import SIGNED_IN
from casefield.sites.models import Place, PlaceKind, Site
from tests.factories import looking


def _mark_create() -> Response:
    """Write a place and a ledger line, as a check-in would."""
    with receipts.accept() as answer:
        name = request.form["name"]
        if name == "refuse":
            raise DomainError
        place = Place(code=receipts.fingerprint(request)[:8], name=name)
        place.kind = PlaceKind.HALL
        place.code = f"{place.code}{db.session.scalar(select(count(Place.id)))}"
        db.session.add(place)
        db.session.flush()
        if name == "break":
            raise RuntimeError(name)
        ledger.record(
            g.site.id,
            g.actor,
            clock.now(),
            "proof.mark.made",
            f"place:{place.public_id}",
            personal={"name": name},
        )
        answer.see(f"/marks/{place.public_id}")
    return answer.response


@pytest.fixture
def add_marks() -> Callable[[Flask], Flask]:
    """Give an application that has answered nothing yet a form at ``/marks``."""

    def add(app: Flask) -> Flask:
        app.add_url_rule("/marks", "mark_create", _mark_create, methods=["POST"])
        app.extensions["policy"]["mark_create"] = SIGNED_IN
        return app

    return add


@pytest.fixture
def marks(fresh_app: Flask, add_marks: Callable[[Flask], Flask]) -> Flask:
    return add_marks(fresh_app)


@pytest.fixture
def effects(fresh_app: Flask) -> Callable[[Site], tuple[int, int, int]]:
    """Count what the site's marks left behind: places, ledger lines, receipts."""

    def counted(site: Site) -> tuple[int, int, int]:
        with looking(site, fresh_app):
            lines = select(count(ledger.LedgerLine.id)).where(
                ledger.LedgerLine.verb == "proof.mark.made"
            )
            return (
                db.session.scalar(select(count(Place.id))) or 0,
                db.session.scalar(lines) or 0,
                db.session.scalar(select(count(receipts.Receipt.id))) or 0,
            )

    return counted
