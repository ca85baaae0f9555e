"""Writes of wall codes: made with their place, replaced, revoked, reported damaged."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from casefield.core import ledger
from casefield.core.db import db, lock
from casefield.core.errors import Conflict, DomainError
from casefield.core.ledger import Author
from casefield.sites.models import Place, WallCode, new_code

PLACES_LOCK = 21


class PlaceRetired(DomainError):
    """A place out of use gets no new code."""

    code = "place-retired"
    message = _l("这个场所已停用。请先恢复使用。")


class CodeRevoked(DomainError):
    """The code does not work any more."""

    code = "code-revoked"
    message = _l("这个码已经停用了。")


def replace_code(place: Place, author: Author, now: datetime) -> WallCode:
    """Give a place a new code. Prints of the old one work until it is revoked.

    Raises:
        PlaceRetired: the place is out of use.
    """
    if place.retired_at is not None:
        raise PlaceRetired
    lock(PLACES_LOCK, place.site_id)
    current = current_code(place)
    if current is not None:
        current.replaced_at = now
        db.session.flush()
    fresh = make_code(place, now)
    record_place(
        place,
        "sites.code.replaced",
        author,
        now,
        {"before": current.code if current else None, "after": fresh.code},
    )
    return fresh


def revoke_code(wall_code: WallCode, author: Author, now: datetime) -> None:
    """Make a code worthless. Where it was the place's own, a new one takes its stead.

    Raises:
        CodeRevoked: it is already.
    """
    if wall_code.revoked_at is not None:
        raise CodeRevoked
    place = _place_of(wall_code)
    if wall_code.replaced_at is None and place.retired_at is None:
        replace_code(place, author, now)
    wall_code.replaced_at = wall_code.replaced_at or now
    wall_code.revoked_at = now
    db.session.flush()
    record_place(place, "sites.code.revoked", author, now, {"code": wall_code.code})


def report_damaged_code(
    wall_code: WallCode, author: Author, now: datetime, note: str | None = None
) -> None:
    """Remember that the label on the wall is damaged, from the first who says so."""
    if wall_code.damaged_at is not None:
        return
    wall_code.damaged_at = now
    db.session.flush()
    ledger.record(
        wall_code.site_id,
        author,
        now,
        "sites.code.damaged",
        f"place:{_place_of(wall_code).public_id}",
        place_id=wall_code.place_id,
        facts={"code": wall_code.code},
        personal={"note": note},
    )


def renew_label(wall_code: WallCode, author: Author, now: datetime) -> None:
    """Say that a fresh print of the same code hangs on the wall again.

    Raises:
        Conflict: nobody has said that it was damaged.
    """
    if wall_code.damaged_at is None:
        raise Conflict
    wall_code.damaged_at = None
    db.session.flush()
    place = _place_of(wall_code)
    record_place(place, "sites.code.renewed", author, now, {"code": wall_code.code})


def _place_of(wall_code: WallCode) -> Place:
    statement = select(Place).where(Place.id == wall_code.place_id)
    return db.session.execute(statement).scalar_one()


def current_code(place: Place) -> WallCode | None:
    """Return the code that the place's next label carries."""
    return db.session.scalar(
        select(WallCode).where(
            WallCode.place_id == place.id, WallCode.replaced_at.is_(None)
        )
    )


def make_code(place: Place, now: datetime) -> WallCode:
    """Make the code of a place; it has no other that is current."""
    fresh = WallCode(
        site_id=place.site_id, place_id=place.id, code=new_code(), made_at=now
    )
    db.session.add(fresh)
    db.session.flush()
    return fresh


def record_place(
    place: Place,
    verb: str,
    author: Author,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write a ledger line about a place."""
    ledger.record(
        place.site_id,
        author,
        now,
        verb,
        f"place:{place.public_id}",
        place_id=place.id,
        facts=facts,
    )
