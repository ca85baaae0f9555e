"""Tables of checklists, their runs and what was found abnormal."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from casefield.core.db import Base, PrimaryKey, PublicId
from casefield.core.photos import Photo
from casefield.core.scope import SiteScoped


class Result(StrEnum):
    """How one line was found."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    NOT_APPLICABLE = "na"


class Checklist(SiteScoped, Base):
    """A named list of things to look at; its lines live in versions."""

    __tablename__ = "checklist"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    name: Mapped[str]

    versions: Mapped[list["ChecklistVersion"]] = relationship(
        back_populates="checklist",
        lazy="raise_on_sql",
        order_by="ChecklistVersion.number",
    )


class ChecklistVersion(SiteScoped, Base):
    """The lines as they stood from one day on; old runs keep their version."""

    __tablename__ = "checklist_version"
    __table_args__ = (UniqueConstraint("checklist_id", "number"),)

    id: Mapped[PrimaryKey]
    checklist_id: Mapped[int] = mapped_column(ForeignKey("checklist.id"))
    number: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    checklist: Mapped[Checklist] = relationship(
        back_populates="versions", lazy="raise_on_sql"
    )
    lines: Mapped[list["ChecklistLine"]] = relationship(
        back_populates="version", lazy="raise_on_sql", order_by="ChecklistLine.ordinal"
    )


class ChecklistLine(SiteScoped, Base):
    """One thing to look at, and when it is in order."""

    __tablename__ = "checklist_line"
    __table_args__ = (UniqueConstraint("version_id", "ordinal"),)

    id: Mapped[PrimaryKey]
    version_id: Mapped[int] = mapped_column(ForeignKey("checklist_version.id"))
    ordinal: Mapped[int]
    name: Mapped[str]
    standard: Mapped[str] = mapped_column(default="")

    version: Mapped[ChecklistVersion] = relationship(
        back_populates="lines", lazy="raise_on_sql"
    )


class CheckRun(SiteScoped, Base):
    """A checklist was gone through, at a place, by somebody."""

    __tablename__ = "check_run"

    id: Mapped[PrimaryKey]
    version_id: Mapped[int] = mapped_column(ForeignKey("checklist_version.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    #: ordinal of the line → result, as it stands after the last revision
    results: Mapped[dict[str, Any]]
    #: counts the corrections
    revision: Mapped[int] = mapped_column(default=0)


class CheckRevision(SiteScoped, Base):
    """The trace of a correction: what stood before, who changed it, when and why."""

    __tablename__ = "check_revision"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[PrimaryKey]
    run_id: Mapped[int] = mapped_column(ForeignKey("check_run.id"))
    number: Mapped[int]
    results_before: Mapped[dict[str, Any]]
    #: ordinal of the line → note and photo (public id) of what was abnormal then
    findings_before: Mapped[dict[str, Any]]
    reason: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class FindingState(StrEnum):
    """Whether somebody still has to deal with it."""

    OPEN = "open"
    CLOSED = "closed"
    #: the tick was a mistake and was put right
    WITHDRAWN = "withdrawn"


class Finding(SiteScoped, Base):
    """An abnormal item (异常项). It stands on the board until somebody closes it."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("run_id", "line_ordinal"),
        Index(
            "ix_finding_open",
            "site_id",
            "opened_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    run_id: Mapped[int] = mapped_column(ForeignKey("check_run.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    line_ordinal: Mapped[int]
    line_name: Mapped[str]
    note: Mapped[str]
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photo.id"))
    state: Mapped[FindingState] = mapped_column(default=FindingState.OPEN)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    closing_note: Mapped[str | None]

    photo: Mapped[Photo | None] = relationship(lazy="raise_on_sql")
