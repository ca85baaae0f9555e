"""Writes of staff: joining, posts, roles, leaving."""

from collections.abc import Mapping
from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, or_, select

from casefield.core import ledger
from casefield.core.db import db, lock
from casefield.core.errors import DomainError, NotAllowed
from casefield.core.ledger import Author
from casefield.core.policy import Role
from casefield.core.scope import current_site_id
from casefield.people.models import Person, Post, Posting, RotaEntry
from casefield.people.policy import may_give, may_handle

STAFF_LOCK = 23


class StaffNumberTaken(DomainError):
    """A staff number belongs to one person of the company, for ever."""

    code = "staff-number-taken"
    message = _l("工号 %(staff_no)s 已经有人用了。工号在公司内不能重复。")


class RoleNotYours(NotAllowed):
    """The person's role is above what the author may handle."""

    code = "role-not-yours"
    message = _l("您不能设置或修改这个权限的人员。需要时请告诉公司管理员。")


class LeavesTooEarly(DomainError):
    """Nobody leaves before joining."""

    code = "leaves-too-early"
    message = _l("最后一天不能早于入职日。")


class PostHeld(DomainError):
    """The person holds the post in that time already."""

    code = "post-held"
    message = _l("这段时间已经在这个岗位上了。")


class PostingOrder(DomainError):
    """A posting ends after it starts."""

    code = "posting-order"
    message = _l("结束日不能早于开始日。")


def author_role(author: Author) -> Role | None:
    """Return the author's role as it stands now; None for the machine itself."""
    if author.person_id is None:
        return None
    role = db.session.scalar(select(Person.role).where(Person.id == author.person_id))
    if role is None:
        raise RoleNotYours
    return role


def check_handles(author: Author, role: Role) -> None:
    """Raise RoleNotYours unless the author may handle people of ``role``."""
    handler = author_role(author)
    if handler is not None and not may_handle(handler, role):
        raise RoleNotYours


def _record(
    person: Person,
    verb: str,
    author: Author,
    now: datetime,
    facts: Mapping[str, object] | None = None,
    personal: Mapping[str, str | None] | None = None,
) -> None:
    ledger.record(
        person.site_id,
        author,
        now,
        verb,
        f"person:{person.public_id}",
        facts=facts,
        personal=personal,
    )


def add_person(
    *,
    company_id: int,
    staff_no: str,
    name: str,
    role: Role,
    joined_on: date,
    author: Author,
    now: datetime,
    name_en: str = "",
) -> Person:
    """Take somebody on at the present site.

    Raises:
        StaffNumberTaken: somebody in the company has that number.
        RoleNotYours: the author may not take on people of that role.
    """
    check_handles(author, role)
    person = Person(
        site_id=current_site_id(),
        company_id=company_id,
        staff_no=_free_number(company_id, staff_no, None),
        name=name,
        name_en=name_en,
        role=role,
        joined_on=joined_on,
    )
    db.session.add(person)
    db.session.flush()
    _record(
        person,
        "people.person.added",
        author,
        now,
        {"staff_no": person.staff_no, "role": role.value, "joined_on": joined_on},
        {"name": name, "name_en": name_en},
    )
    return person


def change_person(
    person: Person,
    *,
    staff_no: str,
    name: str,
    name_en: str,
    joined_on: date,
    author: Author,
    now: datetime,
) -> bool:
    """Change who somebody is; return whether anything differed.

    Raises:
        StaffNumberTaken: somebody else in the company has that number.
        RoleNotYours: the author may not edit people of this role.
    """
    after = {
        "staff_no": _free_number(person.company_id, staff_no, person),
        "name": name,
        "name_en": name_en,
        "joined_on": joined_on,
    }
    before = {key: getattr(person, key) for key in after}
    changed = [key for key in after if before[key] != after[key]]
    if not changed:
        return False
    check_handles(author, person.role)
    for key in changed:
        setattr(person, key, after[key])
    db.session.flush()
    plain = [key for key in changed if key in {"staff_no", "joined_on"}]
    named = [key for key in changed if key not in plain]
    _record(
        person,
        "people.person.changed",
        author,
        now,
        {
            "changed": changed,
            "before": {key: before[key] for key in plain},
            "after": {key: after[key] for key in plain},
        },
        {f"{key}_before": str(before[key]) for key in named if before[key]}
        | {f"{key}_after": str(after[key]) for key in named if after[key]},
    )
    return True


def change_role(person: Person, role: Role, author: Author, now: datetime) -> bool:
    """Give a person another role; return whether it differed.

    Raises:
        RoleNotYours: it is the author's own, or above what the author may give.
    """
    if role is person.role:
        return False
    giver = author_role(author)
    own = author.person_id == person.id
    if giver is not None and not may_give(giver, person.role, role, own=own):
        raise RoleNotYours
    before, person.role = person.role, role
    db.session.flush()
    facts: dict[str, object] = {"before": before.value, "after": role.value}
    _record(person, "people.role.changed", author, now, facts)
    return True


def give_post(
    person: Person,
    post: Post,
    *,
    from_on: date,
    author: Author,
    now: datetime,
    to_on: date | None = None,
    is_lead: bool = False,
) -> Posting:
    """Let a person hold a post from one day, perhaps to another.

    Raises:
        PostHeld: they hold it in that time already.
        PostingOrder: it would end before it starts.
        RoleNotYours: the author may not edit people of this role.
    """
    check_handles(author, person.role)
    if to_on is not None and to_on < from_on:
        raise PostingOrder
    lock(STAFF_LOCK, person.company_id)
    meets = select(Posting.id).where(
        Posting.person_id == person.id,
        Posting.post_id == post.id,
        or_(Posting.to_on.is_(None), Posting.to_on >= from_on),
    )
    if to_on is not None:
        meets = meets.where(Posting.from_on <= to_on)
    if db.session.scalar(meets.limit(1)) is not None:
        raise PostHeld
    posting = Posting(
        site_id=person.site_id,
        person_id=person.id,
        post_id=post.id,
        is_lead=is_lead,
        from_on=from_on,
        to_on=to_on,
    )
    db.session.add(posting)
    db.session.flush()
    facts: dict[str, object] = {
        "post": post.code,
        "from_on": from_on,
        "to_on": to_on,
        "is_lead": is_lead,
    }
    _record(person, "people.post.given", author, now, facts)
    return posting


def end_post(
    person: Person, posting: Posting, on: date, author: Author, now: datetime
) -> None:
    """Let a posting end with a day; one that would not have begun is taken back.

    Raises:
        RoleNotYours: the author may not edit people of this role.
    """
    check_handles(author, person.role)
    if on < posting.from_on:
        db.session.delete(posting)
    else:
        posting.to_on = on
    db.session.flush()
    facts: dict[str, object] = {"post_id": posting.post_id, "to_on": on}
    _record(person, "people.post.ended", author, now, facts)


def leave(person: Person, on: date, author: Author, now: datetime) -> None:
    """Let ``on`` be somebody's last day: posts end, shifts after it are taken out.

    Sign-ins are not known here; see ``accounts.services.end_employment``.

    Raises:
        LeavesTooEarly: before the day of joining.
        RoleNotYours: it is the author, or above what the author may handle.
    """
    check_handles(author, person.role)
    if author.person_id == person.id:
        raise RoleNotYours
    if on < person.joined_on:
        raise LeavesTooEarly
    person.left_on = on
    session = db.session
    held = select(Posting).where(
        Posting.person_id == person.id,
        or_(Posting.to_on.is_(None), Posting.to_on > on),
    )
    for posting in session.scalars(held).all():
        if posting.from_on > on:
            session.delete(posting)
        else:
            posting.to_on = on
    session.execute(
        delete(RotaEntry).where(RotaEntry.person_id == person.id, RotaEntry.on_day > on)
    )
    session.flush()
    _record(person, "people.person.left", author, now, {"left_on": on})


def rejoin(person: Person, author: Author, now: datetime) -> None:
    """Take somebody back who had left; posts are given anew.

    Raises:
        RoleNotYours: the author may not handle people of this role.
    """
    check_handles(author, person.role)
    if person.left_on is None:
        return
    before, person.left_on = person.left_on, None
    db.session.flush()
    _record(person, "people.person.rejoined", author, now, {"had_left_on": before})


def _free_number(company_id: int, staff_no: str, own: Person | None) -> str:
    lock(STAFF_LOCK, company_id)
    staff_no = staff_no.strip().upper()
    taken = db.session.scalar(
        select(Person.id).where(
            Person.company_id == company_id, Person.staff_no == staff_no
        ),
        execution_options={"unscoped": "a staff number is the company's"},
    )
    if taken is not None and (own is None or own.id != taken):
        raise StaffNumberTaken(staff_no=staff_no)
    return staff_no
