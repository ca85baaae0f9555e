"""Tables of posts, staff, who holds which post, shifts, the rota and closed days."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from casefield.core.db import Base, PrimaryKey, PublicId
from casefield.core.policy import Role
from casefield.core.scope import SiteScoped


class Family(StrEnum):
    """The families of posts in the procedure."""

    SERVICE = "service"
    BASE = "base"
    MANAGEMENT = "management"
    NIGHT = "night"


class Post(SiteScoped, Base):
    """A post (岗位): P1 hall service … N1 night shift. May be renamed at any time."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    family: Mapped[Family]
    ordinal: Mapped[int] = mapped_column(default=0)
    #: the post whose standard this one follows (P7 follows P1)
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    #: the post that this one reports to
    reports_to_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    #: shifts of this post begin so many minutes earlier (the cleaners' half hour)
    starts_early_minutes: Mapped[int] = mapped_column(default=0)


class Person(SiteScoped, Base):
    """Somebody who works here. No column for sex, age or height (row R12)."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("company_id", "staff_no"),
        Index("ix_person_site_id_staff_no", "site_id", "staff_no"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    staff_no: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    role: Mapped[Role]
    joined_on: Mapped[date]
    #: the last day; sign-ins end with it
    left_on: Mapped[date | None]
    locale: Mapped[str] = mapped_column(default="zh")
    theme: Mapped[str] = mapped_column(default="auto")

    postings: Mapped[list["Posting"]] = relationship(
        back_populates="person", lazy="raise_on_sql", order_by="Posting.id"
    )


class Posting(SiteScoped, Base):
    """A person may hold a post, from one day to another."""

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("person_id", "post_id", "from_on"),
        Index("ix_posting_site_id_post_id", "site_id", "post_id"),
    )

    id: Mapped[PrimaryKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    is_lead: Mapped[bool] = mapped_column(default=False)
    from_on: Mapped[date]
    to_on: Mapped[date | None]

    person: Mapped[Person] = relationship(
        back_populates="postings", lazy="raise_on_sql"
    )
    post: Mapped[Post] = relationship(lazy="raise_on_sql")


class ShiftTemplate(SiteScoped, Base):
    """A shift (班次). Its times count from midnight of its day: 25:00 is 1:00 after."""

    __tablename__ = "shift_template"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        CheckConstraint("start_minutes < end_minutes", name="order"),
        CheckConstraint("end_minutes - start_minutes <= 1440", name="one_day"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    code: Mapped[str]
    name: Mapped[str]
    start_minutes: Mapped[int]
    end_minutes: Mapped[int]
    ordinal: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[datetime | None]


class RotaEntry(SiteScoped, Base):
    """Somebody works a shift on a day, at a post; perhaps in somebody's stead."""

    __tablename__ = "rota_entry"
    __table_args__ = (
        UniqueConstraint("person_id", "on_day", "shift_template_id"),
        Index("ix_rota_entry_site_id_on_day", "site_id", "on_day"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    on_day: Mapped[date]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    shift_template_id: Mapped[int] = mapped_column(ForeignKey("shift_template.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    #: for whom this person stands in
    stands_in_for_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    stands_in_for: Mapped[Person | None] = relationship(
        lazy="raise_on_sql", foreign_keys=[stands_in_for_id]
    )
    shift_template: Mapped[ShiftTemplate] = relationship(lazy="raise_on_sql")
    post: Mapped[Post] = relationship(lazy="raise_on_sql")


class ClosedDay(SiteScoped, Base):
    """A day on which the site is closed: no round is due, nothing is missed."""

    __tablename__ = "closed_day"
    __table_args__ = (UniqueConstraint("site_id", "on_day"),)

    id: Mapped[PrimaryKey]
    on_day: Mapped[date]
    reason: Mapped[str] = mapped_column(default="")
