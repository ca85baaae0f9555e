"""Reads of sites: the settings, the tree of places, what hangs on the walls."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.sites.forms import SiteSettings
from casefield.sites.models import Place, Site, WallCode


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A line of the tree: how deep the place lies, and its code."""

    place: Place
    depth: int
    code: WallCode | None
    #: earlier prints that still work
    old_codes: int = 0

    @property
    def damaged(self) -> bool:
        return self.code is not None and self.code.damaged_at is not None


def find_site(site_id: int) -> Site:
    """Return the site with its company; raises NotFound."""
    found = db.session.scalar(
        select(Site).where(Site.id == site_id).options(joinedload(Site.company))
    )
    if found is None:
        raise NotFound
    return found


def greeting_bands(site_id: int) -> tuple[int, int, int, int]:
    """Return from which minutes it is morning, noon, afternoon, evening at a site."""
    rules = SiteSettings.read(find_site(site_id).settings)
    return (
        rules.greet_morning_minutes,
        rules.greet_noon_minutes,
        rules.greet_afternoon_minutes,
        rules.greet_evening_minutes,
    )


def list_sites(company_id: int) -> Sequence[Site]:
    """Return a company's sites by name."""
    return db.session.scalars(
        select(Site).where(Site.company_id == company_id).order_by(Site.name, Site.id)
    ).all()


def _old_codes() -> dict[int, int]:
    rows = db.session.execute(
        select(WallCode.place_id, func.count())
        .where(WallCode.replaced_at.is_not(None), WallCode.revoked_at.is_(None))
        .group_by(WallCode.place_id)
    )
    return {row[0]: row[1] for row in rows}


def list_places(*, retired: bool = False) -> list[PlaceRow]:
    """Return the tree of places, each below the one it lies in, with its code.

    Without ``retired`` only what is in use; with it only what is not.
    """
    statement = select(Place).order_by(Place.ordinal, Place.id)
    if retired:
        statement = statement.where(Place.retired_at.is_not(None))
    else:
        statement = statement.where(Place.retired_at.is_(None))
    places = db.session.scalars(statement).all()
    codes = {
        code.place_id: code
        for code in db.session.scalars(
            select(WallCode).where(WallCode.replaced_at.is_(None))
        )
    }
    old = _old_codes()
    return [
        PlaceRow(place, depth, codes.get(place.id), old.get(place.id, 0))
        for place, depth in _tree(places)
    ]


def _tree(places: Sequence[Place]) -> Iterator[tuple[Place, int]]:
    known = {place.id for place in places}
    inside: dict[int | None, list[Place]] = {}
    for place in places:
        above = place.parent_id if place.parent_id in known else None
        inside.setdefault(above, []).append(place)

    def walk(above: int | None, depth: int) -> Iterator[tuple[Place, int]]:
        for place in inside.get(above, ()):
            yield place, depth
            yield from walk(place.id, depth + 1)

    yield from walk(None, 0)


def find_place(public_id: str) -> Place:
    """Return a place of the site, with the one it lies in; raises NotFound."""
    found = db.session.scalar(
        select(Place)
        .where(Place.public_id == public_id)
        .options(joinedload(Place.parent))
    )
    if found is None:
        raise NotFound
    return found


def search_places(q: str, limit: int = 20) -> Sequence[Place]:
    """Find places by a part of code or name, those in use first."""
    words = q.strip()
    if not words:
        return []
    return db.session.scalars(
        select(Place)
        .where(
            or_(
                Place.code.icontains(words, autoescape=True),
                Place.name.icontains(words, autoescape=True),
            )
        )
        .order_by(Place.retired_at.is_not(None), Place.ordinal)
        .limit(limit)
    ).all()


def codes_of(place_id: int) -> Sequence[WallCode]:
    """Return every code that a place has had, the current one first."""
    return db.session.scalars(
        select(WallCode)
        .where(WallCode.place_id == place_id)
        .order_by(WallCode.replaced_at.is_not(None), WallCode.id.desc())
    ).all()


def find_wall_code(code: str) -> WallCode:
    """Return a code of the site with its place; raises NotFound."""
    found = db.session.scalar(
        select(WallCode)
        .where(WallCode.code == code)
        .options(joinedload(WallCode.place))
    )
    if found is None:
        raise NotFound
    return found


def damaged_codes() -> Sequence[WallCode]:
    """Return the labels that somebody called damaged, the longest waiting first."""
    return db.session.scalars(
        select(WallCode)
        .join(WallCode.place)
        .where(
            WallCode.damaged_at.is_not(None),
            WallCode.replaced_at.is_(None),
            Place.retired_at.is_(None),
        )
        .options(joinedload(WallCode.place))
        .order_by(WallCode.damaged_at)
    ).all()


def rows_for_labels(which: str, chosen: Collection[str] = ()) -> list[PlaceRow]:
    """Return the places whose labels to print: ``all``, ``damaged`` or ``chosen``."""
    rows = [row for row in list_places() if row.code is not None]
    if which == "damaged":
        return [row for row in rows if row.damaged]
    if which == "chosen":
        return [row for row in rows if row.place.public_id in chosen]
    return rows
