"""What a wall code points at."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from casefield.core.db import db
from casefield.sites.models import Place, Site, WallCode

_CODE = (
    select(
        WallCode.code,
        WallCode.revoked_at.is_not(None).label("is_revoked"),
        Place.id.label("place_id"),
        Place.public_id.label("place_public_id"),
        Place.name.label("place_name"),
        Place.code.label("place_code"),
        Site.id.label("site_id"),
        Site.name.label("site_name"),
        Site.is_demo,
    )
    .join(Place, Place.id == WallCode.place_id)
    .join(Site, Site.id == WallCode.site_id)
    .where(WallCode.code == bindparam("code"))
    .execution_options(unscoped="whoever scans may belong to another site, or to none")
)


@dataclass(frozen=True, slots=True)
class Scanned:
    """A code that is (or was) on a wall."""

    code: str
    is_revoked: bool
    place_id: int
    place_public_id: str
    place_name: str
    place_code: str
    site_id: int
    site_name: str
    is_demo: bool


def resolve(code: str) -> Scanned | None:
    """Return what a code points at, on whatever site; None for an unknown one."""
    row = db.session.execute(_CODE, {"code": code}).first()
    return Scanned(*row) if row else None
