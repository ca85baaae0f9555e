"""Tables of patrol: what should be walked, what was walked, what was left out."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from casefield.checks.models import Checklist, CheckRun
from casefield.core import windows
from casefield.core.db import Base, PrimaryKey, PublicId
from casefield.core.photos import Photo
from casefield.core.scope import SiteScoped
from casefield.people.models import Person, Post
from casefield.sites.models import Place


class Checkpoint(SiteScoped, Base):
    """A place on patrol (巡视点), with the list of what to look at there."""

    __tablename__ = "checkpoint"
    __table_args__ = (UniqueConstraint("site_id", "code"), UniqueConstraint("place_id"))

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    code: Mapped[str]
    name: Mapped[str]
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    checklist_id: Mapped[int | None] = mapped_column(ForeignKey("checklist.id"))
    retired_at: Mapped[datetime | None]

    place: Mapped[Place] = relationship(lazy="raise_on_sql")
    checklist: Mapped[Checklist | None] = relationship(lazy="raise_on_sql")


class Route(SiteScoped, Base):
    """Checkpoints in walking order (巡视路线)."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    code: Mapped[str]
    name: Mapped[str]
    ordinal: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[datetime | None]

    stops: Mapped[list["RouteStop"]] = relationship(
        back_populates="route",
        lazy="raise_on_sql",
        order_by="RouteStop.ordinal",
        cascade="all, delete-orphan",
    )
    plans: Mapped[list["Plan"]] = relationship(
        back_populates="route", lazy="raise_on_sql", order_by="Plan.id"
    )


class RouteStop(SiteScoped, Base):
    """A checkpoint on a route, and how many minutes after the start it is due."""

    __tablename__ = "route_stop"
    __table_args__ = (UniqueConstraint("route_id", "ordinal"),)

    id: Mapped[PrimaryKey]
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"))
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    ordinal: Mapped[int]
    offset_minutes: Mapped[int]

    route: Mapped[Route] = relationship(back_populates="stops", lazy="raise_on_sql")
    checkpoint: Mapped[Checkpoint] = relationship(lazy="raise_on_sql")


class Plan(SiteScoped, Base):
    """When a route is to be walked; four plain numbers say how exactly."""

    __tablename__ = "plan"
    __table_args__ = (Index("ix_plan_site_id_route_id", "site_id", "route_id"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"))
    name: Mapped[str]
    #: who walks it: whoever is on duty at this post
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    #: seven characters, Monday first: ``1111100``
    weekdays: Mapped[str]
    first_start_minutes: Mapped[int]
    last_start_minutes: Mapped[int]
    period_minutes: Mapped[int]
    early_minutes: Mapped[int]
    start_grace_minutes: Mapped[int]
    duration_minutes: Mapped[int]
    finish_grace_minutes: Mapped[int]
    #: an edit ends the plan and begins another, so past rounds keep their numbers
    valid_from_at: Mapped[datetime]
    valid_until_at: Mapped[datetime | None]

    route: Mapped[Route] = relationship(back_populates="plans", lazy="raise_on_sql")
    post: Mapped[Post] = relationship(lazy="raise_on_sql")

    @property
    def timing(self) -> windows.Plan:
        """The numbers alone, as ``core.windows`` wants them."""
        return windows.Plan(
            first_start=self.first_start_minutes,
            last_start=self.last_start_minutes,
            period=self.period_minutes,
            early=self.early_minutes,
            start_grace=self.start_grace_minutes,
            duration=self.duration_minutes,
            finish_grace=self.finish_grace_minutes,
            weekdays=frozenset(n for n, c in enumerate(self.weekdays) if c == "1"),
        )


class Round(SiteScoped, Base):
    """One time of walking a route (轮次). An extra round has no plan and no miss."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("plan_id", "day_on", "ordinal"),
        Index("ix_round_site_id_day_on", "site_id", "day_on"),
        Index(
            "ix_round_open",
            "site_id",
            "closes_at",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("opens_at <= starts_at OR plan_id IS NOT NULL", name="order"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    day_on: Mapped[date]
    #: number within the plan's day; extra rounds count by themselves
    ordinal: Mapped[int]
    opens_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    late_from_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    #: an unfinished round is missed from here on
    closes_at: Mapped[datetime]
    #: who is expected to walk it, then who walks it
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    begun_at: Mapped[datetime | None]
    #: after this nothing changes any more, it is only amended
    closed_at: Mapped[datetime | None]

    route: Mapped[Route] = relationship(lazy="raise_on_sql")
    plan: Mapped[Plan | None] = relationship(lazy="raise_on_sql")
    person: Mapped[Person | None] = relationship(lazy="raise_on_sql")
    stops: Mapped[list["RoundStop"]] = relationship(
        back_populates="round", lazy="raise_on_sql", order_by="RoundStop.ordinal"
    )

    @property
    def is_extra(self) -> bool:
        return self.plan_id is None


class RoundStop(SiteScoped, Base):
    """A checkpoint that this round is to visit, as the route stood when it opened."""

    __tablename__ = "round_stop"
    __table_args__ = (
        UniqueConstraint("round_id", "ordinal"),
        Index(
            "ix_round_stop_site_id_checkpoint_id", "site_id", "checkpoint_id", "due_at"
        ),
    )

    id: Mapped[PrimaryKey]
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    ordinal: Mapped[int]
    due_at: Mapped[datetime]
    late_from_at: Mapped[datetime]

    round: Mapped[Round] = relationship(back_populates="stops", lazy="raise_on_sql")
    checkpoint: Mapped[Checkpoint] = relationship(lazy="raise_on_sql")


class Method(StrEnum):
    """How a check-in was made; by hand is weaker evidence and needs a reason."""

    SCAN = "scan"
    #: the short code under the picture, typed in
    TYPED = "typed"
    HAND = "hand"


class CheckIn(SiteScoped, Base):
    """Somebody was at a checkpoint (签到). Never changed, never deleted."""

    __tablename__ = "check_in"
    __table_args__ = (
        UniqueConstraint("round_stop_id"),
        Index("ix_check_in_site_id_at", "site_id", "at", "id"),
        Index("ix_check_in_checkpoint_id_at", "site_id", "checkpoint_id", "at"),
        Index("ix_check_in_person_id_at", "site_id", "person_id", "at"),
        CheckConstraint("method <> 'hand' OR reason <> ''", name="hand_has_reason"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    round_stop_id: Mapped[int] = mapped_column(ForeignKey("round_stop.id"))
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    #: the instant that is judged: when the server received it
    at: Mapped[datetime]
    is_late: Mapped[bool]
    method: Mapped[Method]
    #: why it was made by hand
    reason: Mapped[str] = mapped_column(default="")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("check_run.id"))

    run: Mapped[CheckRun | None] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    checkpoint: Mapped[Checkpoint] = relationship(lazy="raise_on_sql")


class OmissionKind(StrEnum):
    """Left out on purpose, with a reason; or simply not visited in time."""

    SKIPPED = "skipped"
    MISSED = "missed"


class Omission(SiteScoped, Base):
    """A checkpoint that the round did not visit. A miss stands until it is closed."""

    __tablename__ = "omission"
    __table_args__ = (
        UniqueConstraint("round_stop_id"),
        Index("ix_omission_site_id_at", "site_id", "at"),
        Index(
            "ix_omission_standing",
            "site_id",
            "at",
            sqlite_where=text("kind = 'missed' AND closed_at IS NULL"),
            postgresql_where=text("kind = 'missed' AND closed_at IS NULL"),
        ),
        CheckConstraint("kind <> 'skipped' OR reason <> ''", name="skip_has_reason"),
        CheckConstraint(
            "closed_at IS NULL OR (closed_by_id IS NOT NULL AND comment <> '')",
            name="closed_by_somebody",
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    round_stop_id: Mapped[int] = mapped_column(ForeignKey("round_stop.id"))
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    kind: Mapped[OmissionKind]
    at: Mapped[datetime]
    #: who skipped it, or who should have been there
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    comment: Mapped[str] = mapped_column(default="")

    person: Mapped[Person | None] = relationship(
        lazy="raise_on_sql", foreign_keys=[person_id]
    )
    closed_by: Mapped[Person | None] = relationship(
        lazy="raise_on_sql", foreign_keys=[closed_by_id]
    )
    checkpoint: Mapped[Checkpoint] = relationship(lazy="raise_on_sql")
    round: Mapped[Round] = relationship(lazy="raise_on_sql")


class NoteKind(StrEnum):
    """What a guard writes down besides the checkpoints (rows R31, R120)."""

    OBSERVATION = "observation"
    VIOLATION = "violation"


class PatrolNote(SiteScoped, Base):
    """A post observed, or an unpermitted photo or advertisement stopped."""

    __tablename__ = "patrol_note"
    __table_args__ = (Index("ix_patrol_note_site_id_at", "site_id", "kind", "at"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    kind: Mapped[NoteKind]
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    #: the post that was observed; for management's eyes
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    text: Mapped[str]
    #: what was done about it
    action: Mapped[str] = mapped_column(default="")
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photo.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]

    place: Mapped[Place] = relationship(lazy="raise_on_sql")
    post: Mapped[Post | None] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    photo: Mapped[Photo | None] = relationship(lazy="raise_on_sql")
