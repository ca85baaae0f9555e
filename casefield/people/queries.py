"""Reads of people: who is on duty, who holds what, the staff, the rota."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.core.scope import scoped
from casefield.core.windows import shift_span
from casefield.people.models import (
    ClosedDay,
    Person,
    Post,
    Posting,
    RotaEntry,
    ShiftTemplate,
)
from casefield.people.policy import OFF_ROTA

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody is at work, by the rota: who, at which post, in which shift of a day."""

    person_id: int
    person_public_id: str
    name: str
    post_id: int
    post_code: str
    post_name: str
    #: the shift's code
    shift: str
    shift_name: str
    #: the day that the rota names, whatever the calendar says by now
    on_day: date
    since: datetime
    until: datetime
    stands_in_for_id: int | None


def _on_duty_statement() -> Select[*tuple[Any, ...]]:
    return (
        select(
            RotaEntry.on_day,
            RotaEntry.stands_in_for_id,
            Person.id.label("person_id"),
            Person.public_id.label("person_public_id"),
            Person.name,
            Post.id.label("post_id"),
            Post.code.label("post_code"),
            Post.name.label("post_name"),
            Post.starts_early_minutes,
            ShiftTemplate.code.label("shift"),
            ShiftTemplate.name.label("shift_name"),
            ShiftTemplate.start_minutes,
            ShiftTemplate.end_minutes,
        )
        .join(Person, Person.id == RotaEntry.person_id)
        .join(Post, Post.id == RotaEntry.post_id)
        .join(ShiftTemplate, ShiftTemplate.id == RotaEntry.shift_template_id)
        .where(
            RotaEntry.site_id == bindparam("site_id"),
            Person.site_id == bindparam("site_id"),
            Post.site_id == bindparam("site_id"),
            ShiftTemplate.site_id == bindparam("site_id"),
            RotaEntry.on_day.between(bindparam("since_on"), bindparam("until_on")),
            or_(Person.left_on.is_(None), Person.left_on >= RotaEntry.on_day),
        )
        .order_by(Post.ordinal, ShiftTemplate.start_minutes, Person.staff_no)
    )


_PLANNED = scoped(_on_duty_statement())
_PLANNED_ONE = scoped(
    _on_duty_statement().where(RotaEntry.person_id == bindparam("person_id"))
)


def _on_duty(row: Row[Any], zone: ZoneInfo) -> OnDuty:
    start = row.start_minutes - row.starts_early_minutes
    since, until = shift_span(row.on_day, start, row.end_minutes, zone)
    return OnDuty(
        row.person_id,
        row.person_public_id,
        row.name,
        row.post_id,
        row.post_code,
        row.post_name,
        row.shift,
        row.shift_name,
        row.on_day,
        since,
        until,
        row.stands_in_for_id,
    )


def _around(site_id: int, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    # a shift lasts into the second night after its day; an early start reaches into
    # the day before
    today = now.astimezone(zone).date()
    return {
        "site_id": site_id,
        "since_on": today - 2 * ONE_DAY,
        "until_on": today + ONE_DAY,
    }


def on_duty(
    site_id: int, zone: ZoneInfo, now: datetime, post_id: int | None = None
) -> list[OnDuty]:
    """Return who is at work at ``now``, by the rota, in the order of the posts."""
    rows = db.session.execute(_PLANNED, _around(site_id, zone, now))
    found = (_on_duty(row, zone) for row in rows)
    return [
        duty
        for duty in found
        if duty.since <= now < duty.until and post_id in {None, duty.post_id}
    ]


def shifts_around(
    site_id: int, person_id: int, zone: ZoneInfo, now: datetime
) -> list[OnDuty]:
    """Return a person's shifts that are not over yet, soonest first, to tomorrow's."""
    values = _around(site_id, zone, now) | {"person_id": person_id}
    rows = db.session.execute(_PLANNED_ONE, values)
    found = (_on_duty(row, zone) for row in rows)
    return sorted((d for d in found if now < d.until), key=lambda d: d.since)


def shift_of(
    site_id: int, person_id: int, zone: ZoneInfo, now: datetime
) -> OnDuty | None:
    """Return the shift that a person is working at ``now``, or None."""
    for duty in shifts_around(site_id, person_id, zone, now):
        if duty.since <= now:
            return duty
    return None


_CLOSED = scoped(
    select(ClosedDay.on_day).where(
        ClosedDay.site_id == bindparam("site_id"),
        ClosedDay.on_day.between(bindparam("since"), bindparam("until")),
    )
)


def closed_days(site_id: int, since: date, until: date) -> set[date]:
    """Return the site's closed days from ``since`` to ``until``, both included."""
    values = {"site_id": site_id, "since": since, "until": until}
    return set(db.session.scalars(_CLOSED, values))


def list_closed_days(since: date) -> Sequence[ClosedDay]:
    """Return the closed days from ``since`` on, soonest first."""
    return db.session.scalars(
        select(ClosedDay).where(ClosedDay.on_day >= since).order_by(ClosedDay.on_day)
    ).all()


def find_closed_day(day: date) -> ClosedDay:
    """Return a closed day; raises NotFound."""
    found = db.session.scalar(select(ClosedDay).where(ClosedDay.on_day == day))
    if found is None:
        raise NotFound
    return found


def posts_of(person_id: int, on: date) -> Sequence[Post]:
    """Return the posts that a person holds on a day, in order."""
    return db.session.scalars(
        select(Post)
        .join(Posting, Posting.post_id == Post.id)
        .where(
            Posting.person_id == person_id,
            Posting.from_on <= on,
            or_(Posting.to_on.is_(None), Posting.to_on >= on),
        )
        .order_by(Post.ordinal)
    ).all()


def list_posts() -> Sequence[Post]:
    """Return the site's posts in order."""
    return db.session.scalars(select(Post).order_by(Post.ordinal, Post.id)).all()


def find_post(public_id: str) -> Post:
    """Return a post of the site; raises NotFound."""
    found = db.session.scalar(select(Post).where(Post.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def list_shifts(*, retired: bool = False) -> Sequence[ShiftTemplate]:
    """Return the site's shifts by their start, without (or with) those out of use."""
    statement = select(ShiftTemplate).order_by(
        ShiftTemplate.start_minutes, ShiftTemplate.ordinal
    )
    if not retired:
        statement = statement.where(ShiftTemplate.retired_at.is_(None))
    return db.session.scalars(statement).all()


def find_shift(public_id: str) -> ShiftTemplate:
    """Return a shift of the site; raises NotFound."""
    found = db.session.scalar(
        select(ShiftTemplate).where(ShiftTemplate.public_id == public_id)
    )
    if found is None:
        raise NotFound
    return found


def list_people(on: date, *, left: bool = False) -> Sequence[Person]:
    """Return the staff who work here on a day (or those who have left before it)."""
    statement = (
        select(Person)
        .options(selectinload(Person.postings).joinedload(Posting.post))
        .order_by(Person.staff_no)
    )
    if left:
        statement = statement.where(Person.left_on < on)
    else:
        statement = statement.where(or_(Person.left_on.is_(None), Person.left_on >= on))
    return db.session.scalars(statement).all()


def search_people(q: str, limit: int = 20) -> Sequence[Person]:
    """Find staff by a part of number or name, those who still work here first."""
    words = q.strip()
    if not words:
        return []
    return db.session.scalars(
        select(Person)
        .where(
            or_(
                Person.staff_no.icontains(words, autoescape=True),
                Person.name.icontains(words, autoescape=True),
                Person.name_en.icontains(words, autoescape=True),
            )
        )
        .options(selectinload(Person.postings).joinedload(Posting.post))
        .order_by(Person.left_on.is_not(None), Person.staff_no)
        .limit(limit)
    ).all()


def find_person(public_id: str) -> Person:
    """Return a person of the site with their postings; raises NotFound."""
    found = db.session.scalar(
        select(Person)
        .where(Person.public_id == public_id)
        .options(selectinload(Person.postings).joinedload(Posting.post))
    )
    if found is None:
        raise NotFound
    return found


def find_by_staff_no(staff_no: str) -> Person | None:
    """Return the person of the site with a staff number."""
    return db.session.scalar(
        select(Person).where(Person.staff_no == staff_no.strip().upper())
    )


def rota_between(since: date, until: date) -> Sequence[RotaEntry]:
    """Return the planned shifts of some days, both included, with what they name."""
    return db.session.scalars(
        select(RotaEntry)
        .where(RotaEntry.on_day.between(since, until))
        .options(
            joinedload(RotaEntry.person),
            joinedload(RotaEntry.stands_in_for),
            joinedload(RotaEntry.shift_template),
            joinedload(RotaEntry.post),
        )
        .order_by(RotaEntry.on_day, RotaEntry.id)
    ).all()


def find_rota_entry(public_id: str) -> RotaEntry:
    """Return a planned shift of the site with all that it names; raises NotFound."""
    found = db.session.scalar(
        select(RotaEntry)
        .where(RotaEntry.public_id == public_id)
        .options(
            joinedload(RotaEntry.person),
            joinedload(RotaEntry.stands_in_for),
            joinedload(RotaEntry.shift_template),
            joinedload(RotaEntry.post),
        )
    )
    if found is None:
        raise NotFound
    return found


def held_on(person: Person, on: date) -> list[Post]:
    """Return the posts of a person read with their postings, on a day, in order."""
    held = [
        posting.post
        for posting in person.postings
        if posting.from_on <= on and (posting.to_on is None or posting.to_on >= on)
    ]
    return sorted(held, key=lambda post: (post.ordinal, post.id))


def holders(on: date) -> dict[int, int]:
    """Return how many people hold each post on a day, by the post's id."""
    rows = db.session.execute(
        select(Posting.post_id, func.count())
        .where(Posting.from_on <= on, or_(Posting.to_on.is_(None), Posting.to_on >= on))
        .group_by(Posting.post_id)
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class RotaRow:
    """One person's week: the shifts of each of its days."""

    person: Person
    posts: list[Post]
    days: list[list[RotaEntry]]


@dataclass(frozen=True, slots=True)
class RotaWeek:
    """A week of the rota, person by person in the order of their posts."""

    days: list[date]
    closed: list[ClosedDay]
    rows: list[RotaRow]

    @property
    def planned(self) -> int:
        return sum(len(entries) for row in self.rows for entries in row.days)


def rota_week(monday: date) -> RotaWeek:
    """Return the rota of the week that begins with ``monday``."""
    days = [monday + n * ONE_DAY for n in range(7)]
    cells: dict[tuple[int, date], list[RotaEntry]] = {}
    for entry in rota_between(days[0], days[-1]):
        cells.setdefault((entry.person_id, entry.on_day), []).append(entry)
    planned = {person_id for person_id, _day in cells}
    rows = [
        RotaRow(
            person,
            held_on(person, days[-1]) or held_on(person, days[0]),
            [cells.get((person.id, day), []) for day in days],
        )
        for person in list_people(monday)
        if person.joined_on <= days[-1]
        if person.role not in OFF_ROTA or person.id in planned
    ]
    last = 10_000
    rows.sort(
        key=lambda row: (
            row.posts[0].ordinal if row.posts else last,
            row.person.staff_no,
        )
    )
    closed = [day for day in list_closed_days(monday) if day.on_day <= days[-1]]
    return RotaWeek(days, closed, rows)
