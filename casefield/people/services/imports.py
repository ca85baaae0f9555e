"""The import of staff: judge every row first, then write what differs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from casefield.core.db import db
from casefield.core.i18n import in_every_language
from casefield.core.imports import Change, DryRun, Verdict, judge_outcome, read_day
from casefield.core.ledger import Author
from casefield.core.policy import Role
from casefield.core.spreadsheets import Row
from casefield.people.forms import ROLES
from casefield.people.models import Person, Post, Posting
from casefield.people.policy import STAFF_NUMBER, may_give, may_handle
from casefield.people.services.staff import (
    add_person,
    author_role,
    change_person,
    change_role,
    end_post,
    give_post,
)

_BETWEEN = re.compile(r"[、,，;；/\s]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a row says, read as far as it can be read; None is not said."""

    number: int
    staff_no: str
    name: str
    name_en: str | None
    role: Role | None
    joined_on: date | None
    posts: tuple[str, ...] | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows are judged against, read once."""

    people: Mapping[str, Person]
    posts: Mapping[str, Post]
    #: numbers that people of the company's other sites have
    elsewhere: frozenset[str]
    handler: Role | None
    handler_id: int | None
    on: date


def read_known(company_id: int, author: Author, on: date) -> Known:
    """Read staff, posts and the author's role as they stand."""
    session = db.session
    people = session.scalars(
        select(Person).options(selectinload(Person.postings).joinedload(Posting.post))
    ).all()
    everywhere = session.scalars(
        select(Person.staff_no).where(Person.company_id == company_id),
        execution_options={"unscoped": "a staff number is the company's"},
    )
    own = {person.staff_no: person for person in people}
    return Known(
        people=own,
        posts={post.code: post for post in session.scalars(select(Post))},
        elsewhere=frozenset(everywhere) - own.keys(),
        handler=author_role(author),
        handler_id=author.person_id,
        on=on,
    )


def judge_people(rows: Sequence[Row], known: Known) -> DryRun:
    """Say of every row what importing it would do; write nothing."""
    verdicts = []
    for wish in read_wishes(rows, known):
        person = known.people.get(wish.staff_no)
        reasons = [*wish.reasons, *_role_faults(wish, person, known)]
        changes = _changes(person, wish, known) if person else []
        name = wish.name or (person.name if person else "")
        verdicts.append(
            Verdict(
                wish.number,
                f"{wish.staff_no} {name}".strip(),
                judge_outcome(reasons, changes, known=person is not None),
                tuple(changes),
                tuple(reasons),
            )
        )
    return DryRun(tuple(verdicts))


def import_people(
    rows: Sequence[Row], known: Known, company_id: int, author: Author, now: datetime
) -> None:
    """Write what the rows say; call it only when no row is refused."""
    for wish in read_wishes(rows, known):
        person = known.people.get(wish.staff_no)
        if person is None:
            person = add_person(
                company_id=company_id,
                staff_no=wish.staff_no,
                name=wish.name,
                name_en=wish.name_en or "",
                role=wish.role or Role.STAFF,
                joined_on=wish.joined_on or known.on,
                author=author,
                now=now,
            )
            held: dict[str, Posting] = {}
        elif not _changes(person, wish, known):
            continue
        else:
            held = _held(person, known.on)
            change_person(
                person,
                staff_no=person.staff_no,
                name=wish.name or person.name,
                name_en=person.name_en if wish.name_en is None else wish.name_en,
                joined_on=wish.joined_on or person.joined_on,
                author=author,
                now=now,
            )
            change_role(person, wish.role or person.role, author, now)
        _write_posts(person, wish, held, known, author, now)


def _write_posts(
    person: Person,
    wish: Wish,
    held: Mapping[str, Posting],
    known: Known,
    author: Author,
    now: datetime,
) -> None:
    if wish.posts is None:
        return
    for code, posting in held.items():
        if code not in wish.posts:
            end_post(person, posting, known.on - timedelta(days=1), author, now)
    since = max(known.on, person.joined_on)
    for code in wish.posts:
        if code not in held:
            post = known.posts[code]
            give_post(person, post, from_on=since, author=author, now=now)


def _held(person: Person, on: date) -> dict[str, Posting]:
    """Return what somebody holds on a day, or will: by the post's code."""
    return {
        posting.post.code: posting
        for posting in person.postings
        if posting.to_on is None or posting.to_on >= on
    }


def read_wishes(rows: Sequence[Row], known: Known) -> list[Wish]:
    """Read every row, naming all that is wrong with it."""
    roles = {
        told: role for role, words in ROLES.items() for told in in_every_language(words)
    }
    roles |= {role.value: role for role in Role}
    first_rows: dict[str, int] = {}
    wishes = []
    for row in rows:
        staff_no = row.values.get("staff_no", "").upper()
        reasons = _number_faults(staff_no, first_rows, known)
        first_rows.setdefault(staff_no, row.number)
        name = row.values.get("name", "")
        name_en = row.values.get("name_en", "") or None
        if staff_no not in known.people and not name:
            reasons.append(_("没有姓名"))
        if len(name) > 40 or len(name_en or "") > 60:
            reasons.append(_("姓名太长"))
        told_role = row.values.get("role", "")
        role = roles.get(told_role) or roles.get(told_role.lower())
        if told_role and role is None:
            reasons.append(_("没有“%(role)s”这种权限", role=told_role))
        joined_on = _joined(row.values.get("joined_on", ""), reasons)
        posts = _posts(row.values.get("posts", ""), known, reasons)
        wishes.append(
            Wish(
                row.number,
                staff_no,
                name,
                name_en,
                role,
                joined_on,
                posts,
                tuple(reasons),
            )
        )
    return wishes


def _number_faults(
    staff_no: str, first_rows: Mapping[str, int], known: Known
) -> list[str]:
    if not staff_no:
        return [_("没有工号")]
    if not STAFF_NUMBER.fullmatch(staff_no):
        return [_("工号只用字母、数字和横线，最多 20 个")]
    if staff_no in first_rows:
        return [_("工号与第 %(n)s 行重复", n=first_rows[staff_no])]
    if staff_no in known.elsewhere:
        return [_("这个工号属于公司的另一个项目")]
    person = known.people.get(staff_no)
    if person is not None and person.left_on is not None:
        return [_("这个人已离职，请先在人员页恢复")]
    return []


def _joined(told: str, reasons: list[str]) -> date | None:
    if not told:
        return None
    try:
        return read_day(told)
    except ValueError:
        reasons.append(_("入职日“%(day)s”看不懂，请写成 2026-03-05", day=told))
        return None


def _posts(told: str, known: Known, reasons: list[str]) -> tuple[str, ...] | None:
    names = {post.name: code for code, post in known.posts.items()}
    found = []
    for word in filter(None, _BETWEEN.split(told)):
        code = word.upper() if word.upper() in known.posts else names.get(word)
        if code is None:
            reasons.append(_("没有岗位“%(post)s”", post=word))
        elif code not in found:
            found.append(code)
    return tuple(found) or None


def _role_faults(wish: Wish, person: Person | None, known: Known) -> list[str]:
    if known.handler is None or wish.reasons:
        return []
    if person is None:
        allowed = may_handle(known.handler, wish.role or Role.STAFF)
    elif wish.role is not None and wish.role is not person.role:
        own = known.handler_id == person.id
        allowed = may_give(known.handler, person.role, wish.role, own=own)
    elif _changes(person, wish, known):
        allowed = may_handle(known.handler, person.role)
    else:
        return []
    return [] if allowed else [_("您不能设置或修改这个权限的人员")]


def _changes(person: Person, wish: Wish, known: Known) -> list[Change]:
    found = []
    if wish.name and wish.name != person.name:
        found.append(Change(_("姓名"), person.name, wish.name))
    if wish.name_en is not None and wish.name_en != person.name_en:
        found.append(Change(_("英文名"), person.name_en, wish.name_en))
    if wish.role is not None and wish.role is not person.role:
        before, after = str(ROLES[person.role]), str(ROLES[wish.role])
        found.append(Change(_("权限"), before, after))
    if wish.joined_on is not None and wish.joined_on != person.joined_on:
        days = (person.joined_on.isoformat(), wish.joined_on.isoformat())
        found.append(Change(_("入职日"), *days))
    held = set(_held(person, known.on))
    if wish.posts is not None and set(wish.posts) != held:
        order = {code: post.ordinal for code, post in known.posts.items()}
        before, after = (
            "、".join(sorted(codes, key=lambda code: order.get(code, 0)))
            for codes in (held, wish.posts)
        )
        found.append(Change(_("岗位"), before, after))
    return found
