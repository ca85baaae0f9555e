"""Tables of company, site, place and wall code."""

import secrets
from datetime import datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from casefield.core.db import Base, PrimaryKey, PublicId
from casefield.core.scope import SiteScoped

#: Crockford's base32: no I, L, O, U
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
_LOOK_ALIKES = str.maketrans("OILＯＩＬ", "011011")


def _check_character(body: str) -> str:
    # position-weighted, so that two swapped characters are seen as well
    total = sum((n + 1) * ALPHABET.index(c) for n, c in enumerate(body, 1))
    return ALPHABET[total % 31]


def new_code() -> str:
    """Make a wall code: nine random characters and a check character."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH - 1))
    return body + _check_character(body)


def read_code(typed: str) -> str | None:
    """Read a code as typed or scanned; None when it cannot be one.

    Case, spaces and hyphens do not matter; O is read as 0, I and L as 1.
    """
    letters = "".join(c for c in typed.upper() if c.isalnum()).translate(_LOOK_ALIKES)
    if len(letters) != CODE_LENGTH or any(c not in ALPHABET for c in letters):
        return None
    return letters if _check_character(letters[:-1]) == letters[-1] else None


class Company(Base):
    """The property company that runs the sites."""

    __tablename__ = "company"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    name: Mapped[str]


class Site(Base):
    """One sales site (项目): its name, its clock, its rules."""

    __tablename__ = "site"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    name: Mapped[str]
    #: the developer, named on notices
    developer: Mapped[str] = mapped_column(default="")
    zone_name: Mapped[str] = mapped_column(default="Asia/Shanghai")
    opens: Mapped[time] = mapped_column(default=time(8, 30))
    closes: Mapped[time] = mapped_column(default=time(18, 0))
    #: shown as 演示 on every screen and print
    is_demo: Mapped[bool] = mapped_column(default=False)
    #: settings that no other row depends on; see ``sites.forms.SiteSettings``
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: everything before this instant has been judged by the sweep
    swept_until_at: Mapped[datetime | None]

    company: Mapped[Company] = relationship(lazy="raise_on_sql")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


class PlaceKind(StrEnum):
    """What a place is for (row R6)."""

    BUILDING = "building"
    HALL = "hall"
    BAR = "bar"
    PARKING = "parking"
    DISPLAY = "display"
    FLAT = "flat"
    OFFICE = "office"
    OUTDOORS = "outdoors"
    RESTROOM = "restroom"
    PLANT = "plant"
    STORE = "store"
    GATE = "gate"
    KEY_SPOT = "key_spot"


class Place(SiteScoped, Base):
    """Somewhere on the site; places lie in places."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        Index("ix_place_site_id_parent_id", "site_id", "parent_id"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    #: the site's own short name for it: L-DM, X01
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[PlaceKind]
    ordinal: Mapped[int] = mapped_column(default=0)
    #: a place out of use keeps its records
    retired_at: Mapped[datetime | None]

    parent: Mapped["Place | None"] = relationship(
        remote_side="Place.id", lazy="raise_on_sql"
    )


class WallCode(SiteScoped, Base):
    """A printed code. Replaced ones keep working until they are revoked."""

    __tablename__ = "wall_code"
    __table_args__ = (
        Index(
            "uq_wall_code_current",
            "place_id",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
        CheckConstraint("length(code) = 10", name="length"),
    )

    id: Mapped[PrimaryKey]
    code: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    made_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    #: somebody said that the label on the wall is damaged
    damaged_at: Mapped[datetime | None]

    place: Mapped[Place] = relationship(lazy="raise_on_sql")
