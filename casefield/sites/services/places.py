"""Writes of places: the tree of where everything happens."""

from collections.abc import Hashable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from casefield.core.db import db, lock
from casefield.core.errors import DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id
from casefield.sites.models import Place, PlaceKind
from casefield.sites.services.codes import (
    PLACES_LOCK,
    current_code,
    make_code,
    record_place,
)

T = TypeVar("T", bound=Hashable)
#: a place lies in at most so many others
DEEPEST = 6


class PlaceCodeTaken(DomainError):
    """Two places of a site cannot share their short name."""

    code = "place-code-taken"
    message = _l("场所编号 %(code)s 已经有了。请换一个。")


class PlaceInItself(DomainError):
    """A place would lie in itself, or too deep."""

    code = "place-in-itself"
    message = _l("上级场所不能是它自己或它下面的场所，层级最多 6 层。")


class PlaceInUse(DomainError):
    """Places that still hold others cannot be retired."""

    code = "place-in-use"
    message = _l("它下面还有在用的场所。请先停用下面的场所。")


def add_place(
    *,
    code: str,
    name: str,
    kind: PlaceKind,
    author: Author,
    now: datetime,
    parent: Place | None = None,
    ordinal: int | None = None,
) -> Place:
    """Add a place to the present site, with the code for its wall.

    Raises:
        PlaceCodeTaken: the site has a place of that code.
        PlaceInItself: the tree would be too deep.
    """
    site_id = current_site_id()
    lock(PLACES_LOCK, site_id)
    code = _free_code(code, None)
    _check_parent(None, parent)
    if ordinal is None:
        last = db.session.scalar(select(func.max(Place.ordinal)))
        ordinal = (last or 0) + 1
    place = Place(
        site_id=site_id,
        parent_id=parent.id if parent else None,
        code=code,
        name=name,
        kind=kind,
        ordinal=ordinal,
    )
    db.session.add(place)
    db.session.flush()
    facts = {"code": code, "name": name, "kind": kind.value}
    record_place(place, "sites.place.added", author, now, facts)
    make_code(place, now)
    return place


def change_place(
    place: Place,
    *,
    code: str,
    name: str,
    kind: PlaceKind,
    parent: Place | None,
    author: Author,
    now: datetime,
) -> bool:
    """Change a place; return whether anything differed. Its wall code stays.

    Raises:
        PlaceCodeTaken: another place of the site has that code.
        PlaceInItself: the parent lies in the place.
    """
    lock(PLACES_LOCK, place.site_id)
    after = {
        "code": _free_code(code, place),
        "name": name,
        "kind": kind,
        "parent_id": parent.id if parent else None,
    }
    before = {key: getattr(place, key) for key in after}
    changed = [key for key in after if before[key] != after[key]]
    if not changed:
        return False
    if "parent_id" in changed:
        _check_parent(place, parent)
    for key in changed:
        setattr(place, key, after[key])
    db.session.flush()
    facts = {
        "before": {key: before[key] for key in changed},
        "after": {key: after[key] for key in changed},
    }
    record_place(place, "sites.place.changed", author, now, facts)
    return True


def retire_place(place: Place, author: Author, now: datetime) -> None:
    """Take a place out of use; its records and its code stay.

    Raises:
        PlaceInUse: other places in use lie in it.
    """
    if place.retired_at is not None:
        return
    inside = select(Place.id).where(
        Place.parent_id == place.id, Place.retired_at.is_(None)
    )
    if db.session.scalar(inside.limit(1)) is not None:
        raise PlaceInUse
    place.retired_at = now
    db.session.flush()
    record_place(place, "sites.place.retired", author, now)


def restore_place(place: Place, author: Author, now: datetime) -> None:
    """Take a retired place back into use."""
    if place.retired_at is None:
        return
    place.retired_at = None
    db.session.flush()
    if current_code(place) is None:
        make_code(place, now)
    record_place(place, "sites.place.restored", author, now)


def _free_code(code: str, own: Place | None) -> str:
    code = code.strip().upper()
    taken = db.session.scalar(select(Place.id).where(Place.code == code))
    if taken is not None and (own is None or own.id != taken):
        raise PlaceCodeTaken(code=code)
    return code


def _check_parent(place: Place | None, parent: Place | None) -> None:
    """Refuse a tree in which ``place`` would lie in itself, or too deep."""
    if parent is None:
        return
    rows = db.session.execute(select(Place.id, Place.parent_id))
    parents: dict[int, int | None] = {row[0]: row[1] for row in rows}
    above = list(chain_up(parent.id, parents))
    if place is not None and place.id in above:
        raise PlaceInItself
    below = heights(parents).get(place.id, 1) if place is not None else 1
    if len(above) + below > DEEPEST:
        raise PlaceInItself


def chain_up(start: T, parents: Mapping[T, T | None]) -> Iterator[T]:
    """Yield a place and all that it lies in, as far as a tree may reach."""
    here: T | None = start
    for _step in range(DEEPEST + 1):
        if not here:
            return
        yield here
        here = parents.get(here)


def heights(parents: Mapping[T, T | None]) -> dict[T, int]:
    """Return how many levels each place is the top of, itself included."""
    found: dict[T, int] = {}
    for start in parents:
        for height, here in enumerate(chain_up(start, parents), 1):
            found[here] = max(found.get(here, 0), height)
    return found
