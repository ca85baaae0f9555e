"""Writes of the rota: planning shifts, stand-ins, closed days."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from casefield.core import ledger
from casefield.core.db import db, lock
from casefield.core.errors import Conflict, DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id
from casefield.people.models import ClosedDay, Person, Post, RotaEntry, ShiftTemplate

ROTA_LOCK = 24
DAY = 24 * 60
ONE_DAY = timedelta(days=1)


class NotEmployed(DomainError):
    """Before joining or after leaving, nobody is planned."""

    code = "not-employed"
    message = _l("这一天 %(name)s 不在职。")


class ShiftRetired(DomainError):
    """A retired shift is not planned any more."""

    code = "shift-retired"
    message = _l("这个班次已停用，不能再排。")


class ShiftsOverlap(DomainError):
    """Nobody works two shifts at a time."""

    code = "shifts-overlap"
    message = _l("%(name)s 在这段时间已经排了班。")


class StandsInForSelf(DomainError):
    """A stand-in is somebody else."""

    code = "stands-in-for-self"
    message = _l("替班的人不能是本人。")


def plan_shift(
    person: Person,
    day: date,
    template: ShiftTemplate,
    post: Post,
    stands_in_for: Person | None = None,
    *,
    author: Author,
    now: datetime,
) -> RotaEntry:
    """Plan somebody for a shift of a day, at a post, perhaps in somebody's stead.

    Raises:
        NotEmployed: not on that day.
        ShiftRetired: the shift is out of use.
        ShiftsOverlap: they work at that time already.
        StandsInForSelf: for oneself.
    """
    lock(ROTA_LOCK, person.site_id)
    if stands_in_for is not None and stands_in_for.id == person.id:
        raise StandsInForSelf
    if template.retired_at is not None:
        raise ShiftRetired
    _check_free(person, day, template, post)
    entry = RotaEntry(
        site_id=person.site_id,
        on_day=day,
        person_id=person.id,
        shift_template_id=template.id,
        post_id=post.id,
        stands_in_for_id=stands_in_for.id if stands_in_for else None,
    )
    db.session.add(entry)
    db.session.flush()
    _record(entry, "people.rota.planned", author, now)
    return entry


def _check_free(
    person: Person,
    day: date,
    template: ShiftTemplate,
    post: Post,
    ignore: RotaEntry | None = None,
) -> None:
    if day < person.joined_on or (person.left_on is not None and day > person.left_on):
        raise NotEmployed(name=person.name)
    start = template.start_minutes - post.starts_early_minutes
    near = db.session.scalars(
        select(RotaEntry)
        .where(
            RotaEntry.person_id == person.id,
            RotaEntry.on_day.between(day - 2 * ONE_DAY, day + 2 * ONE_DAY),
        )
        .options(joinedload(RotaEntry.shift_template), joinedload(RotaEntry.post))
    )
    for entry in near:
        shift = (entry.on_day - day).days * DAY
        begins = shift + entry.shift_template.start_minutes
        begins -= entry.post.starts_early_minutes
        ends = shift + entry.shift_template.end_minutes
        if entry is not ignore and begins < template.end_minutes and start < ends:
            raise ShiftsOverlap(name=person.name)


def remove_shift(entry: RotaEntry, author: Author, now: datetime) -> None:
    """Take a planned shift out of the rota; the ledger keeps that it was there."""
    _record(entry, "people.rota.removed", author, now)
    db.session.delete(entry)
    db.session.flush()


def stand_in(
    entry: RotaEntry, person: Person, author: Author, now: datetime
) -> RotaEntry:
    """Let another person work a planned shift instead; whose it was stays visible.

    Raises:
        StandsInForSelf: the one who was planned.
        NotEmployed, ShiftsOverlap: the stand-in cannot.
    """
    if person.id == entry.person_id:
        raise StandsInForSelf
    lock(ROTA_LOCK, entry.site_id)
    template = db.session.get_one(ShiftTemplate, entry.shift_template_id)
    post = db.session.get_one(Post, entry.post_id)
    _check_free(person, entry.on_day, template, post)
    before = entry.person_id
    entry.stands_in_for_id = entry.stands_in_for_id or before
    if entry.stands_in_for_id == person.id:
        entry.stands_in_for_id = None
    entry.person_id = person.id
    db.session.flush()
    _record(entry, "people.rota.stood_in", author, now, {"before_id": before})
    return entry


def copy_week(monday: date, from_monday: date, author: Author, now: datetime) -> int:
    """Plan a week as another was; return how many shifts were added.

    Whoever is planned that day already, or does not work here any more, is left out;
    stand-ins are not repeated: the shift goes back to whose it was.
    """
    source = db.session.scalars(
        select(RotaEntry)
        .where(RotaEntry.on_day.between(from_monday, from_monday + 6 * ONE_DAY))
        .options(
            joinedload(RotaEntry.person),
            joinedload(RotaEntry.stands_in_for),
            joinedload(RotaEntry.shift_template),
            joinedload(RotaEntry.post),
        )
        .order_by(RotaEntry.on_day, RotaEntry.id)
    ).all()
    closed = set(db.session.scalars(select(ClosedDay.on_day)))
    added = 0
    for entry in source:
        day = entry.on_day + (monday - from_monday)
        person = entry.stands_in_for or entry.person
        if day in closed:
            continue
        try:
            plan_shift(
                person, day, entry.shift_template, entry.post, author=author, now=now
            )
        except (NotEmployed, ShiftRetired, ShiftsOverlap):
            continue
        added += 1
    return added


def close_day(day: date, reason: str, author: Author, now: datetime) -> ClosedDay:
    """Close the site for a day: no duty of that day is due.

    Raises:
        Conflict: it is closed already.
    """
    site_id = current_site_id()
    lock(ROTA_LOCK, site_id)
    if db.session.scalar(select(ClosedDay.id).where(ClosedDay.on_day == day)):
        raise Conflict
    closed = ClosedDay(site_id=site_id, on_day=day, reason=reason)
    db.session.add(closed)
    db.session.flush()
    ledger.record(
        site_id,
        author,
        now,
        "people.day.closed",
        f"day:{day}",
        personal={"reason": reason},
    )
    return closed


def open_day(closed: ClosedDay, author: Author, now: datetime) -> None:
    """Take a closed day back."""
    db.session.delete(closed)
    db.session.flush()
    ledger.record(
        closed.site_id, author, now, "people.day.opened", f"day:{closed.on_day}"
    )


def _record(
    entry: RotaEntry,
    verb: str,
    author: Author,
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    facts: dict[str, object] = {
        "on_day": entry.on_day,
        "person_id": entry.person_id,
        "shift_template_id": entry.shift_template_id,
        "post_id": entry.post_id,
        "stands_in_for_id": entry.stands_in_for_id,
    }
    facts.update(more or {})
    subject = f"rota:{entry.public_id}"
    ledger.record(entry.site_id, author, now, verb, subject, facts=facts)
