"""Writes of sites: companies, sites and their settings, places, wall codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from casefield.core import ledger
from casefield.core.db import db, lock
from casefield.core.errors import Conflict, DomainError
from casefield.core.ledger import Author
from casefield.core.scope import at_site, current_site_id
from casefield.people.services import seed_posts
from casefield.sites.models import Company, Place, PlaceKind, Site, WallCode, new_code

PLACES_LOCK = 21
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


class PlaceRetired(DomainError):
    """A place out of use gets no new code."""

    code = "place-retired"
    message = _l("这个场所已停用。请先恢复使用。")


class CodeRevoked(DomainError):
    """The code does not work any more."""

    code = "code-revoked"
    message = _l("这个码已经停用了。")


@dataclass(frozen=True, slots=True)
class SiteValues:
    """What the settings page says about a site."""

    name: str
    developer: str
    zone_name: str
    opens: time
    closes: time
    #: the keys that it names; others stay as they are
    settings: Mapping[str, Any]


def create_company(name: str) -> Company:
    """Add the property company that runs the sites."""
    company = Company(name=name)
    db.session.add(company)
    db.session.flush()
    return company


def create_site(
    company: Company,
    name: str,
    zone_name: str = "Asia/Shanghai",
    *,
    author: Author,
    now: datetime,
    developer: str = "",
    is_demo: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Site:
    """Open a site with the procedure's fourteen posts; nothing before now is judged."""
    site = Site(
        company_id=company.id,
        name=name,
        developer=developer,
        zone_name=zone_name,
        is_demo=is_demo,
        settings=dict(settings or {}),
        swept_until_at=now,
    )
    db.session.add(site)
    db.session.flush()
    with at_site(site.id):
        ledger.record(
            site.id,
            author,
            now,
            "sites.site.created",
            f"site:{site.public_id}",
            facts={"name": name, "zone": zone_name},
        )
        seed_posts(site.id, author, now)
    return site


def change_site(site: Site, values: SiteValues, author: Author, now: datetime) -> None:
    """Change a site's settings; the ledger keeps what stood there before."""
    after = {
        "name": values.name,
        "developer": values.developer,
        "zone_name": values.zone_name,
        "opens": values.opens,
        "closes": values.closes,
        "settings": {**site.settings, **values.settings},
    }
    before = {key: getattr(site, key) for key in after}
    changed = [key for key in after if before[key] != after[key]]
    if not changed:
        return
    for key in changed:
        setattr(site, key, after[key])
    db.session.flush()
    ledger.record(
        site.id,
        author,
        now,
        "sites.site.changed",
        f"site:{site.public_id}",
        facts={
            "before": {key: before[key] for key in changed},
            "after": {key: after[key] for key in changed},
        },
    )


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
    _record(place, "sites.place.added", author, now, facts)
    _make_code(place, now)
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
    _record(place, "sites.place.changed", author, now, facts)
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
    _record(place, "sites.place.retired", author, now)


def restore_place(place: Place, author: Author, now: datetime) -> None:
    """Take a retired place back into use."""
    if place.retired_at is None:
        return
    place.retired_at = None
    db.session.flush()
    _record(place, "sites.place.restored", author, now)


def replace_code(place: Place, author: Author, now: datetime) -> WallCode:
    """Give a place a new code. Prints of the old one work until it is revoked.

    Raises:
        PlaceRetired: the place is out of use.
    """
    if place.retired_at is not None:
        raise PlaceRetired
    lock(PLACES_LOCK, place.site_id)
    current = db.session.scalar(
        select(WallCode).where(
            WallCode.place_id == place.id, WallCode.replaced_at.is_(None)
        )
    )
    if current is not None:
        current.replaced_at = now
        db.session.flush()
    fresh = _make_code(place, now)
    _record(
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
    if wall_code.replaced_at is None:
        replace_code(place, author, now)
    wall_code.revoked_at = now
    db.session.flush()
    _record(place, "sites.code.revoked", author, now, {"code": wall_code.code})


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
    _record(place, "sites.code.renewed", author, now, {"code": wall_code.code})


def _place_of(wall_code: WallCode) -> Place:
    statement = select(Place).where(Place.id == wall_code.place_id)
    return db.session.execute(statement).scalar_one()


def _make_code(place: Place, now: datetime) -> WallCode:
    fresh = WallCode(
        site_id=place.site_id, place_id=place.id, code=new_code(), made_at=now
    )
    db.session.add(fresh)
    db.session.flush()
    return fresh


def _free_code(code: str, own: Place | None) -> str:
    code = code.strip().upper()
    taken = db.session.scalar(select(Place.id).where(Place.code == code))
    if taken is not None and (own is None or own.id != taken):
        raise PlaceCodeTaken(code=code)
    return code


def _check_parent(place: Place | None, parent: Place | None) -> None:
    above, depth = parent.id if parent else None, 0
    while above is not None:
        depth += 1
        if depth >= DEEPEST or (place is not None and above == place.id):
            raise PlaceInItself
        above = db.session.scalar(select(Place.parent_id).where(Place.id == above))


def _record(
    place: Place,
    verb: str,
    author: Author,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    ledger.record(
        place.site_id,
        author,
        now,
        verb,
        f"place:{place.public_id}",
        place_id=place.id,
        facts=facts,
    )
