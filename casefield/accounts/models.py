"""Tables of signing in. Tokens are kept as hashes only."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from casefield.core.db import Base, PrimaryKey, PublicId
from casefield.people.models import Person


class Account(Base):
    """How a person proves to be that person."""

    __tablename__ = "account"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    #: argon2id; None until the first password is set through a sign-in link
    password_hash: Mapped[str | None]
    #: given by somebody else, so the person sets another at first use
    must_change: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class Device(Base):
    """A browser from which somebody once signed in."""

    __tablename__ = "device"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: what it says it is, short: "Android · Chrome"
    label: Mapped[str]
    first_seen_at: Mapped[datetime]


class Session(Base):
    """A sign-in that is still good: of one person, on one device, for one site."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_person_id", "person_id"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="raise_on_sql")


class SignInLink(Base):
    """A one-time way to set a password, shown as a code on a lead's screen.

    The lead starts it and never sees the password; the person scans it.
    """

    __tablename__ = "sign_in_link"

    id: Mapped[PrimaryKey]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
