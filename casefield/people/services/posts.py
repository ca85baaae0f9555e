"""Writes of posts and shift templates."""

from collections.abc import Callable, Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from casefield.core import ledger
from casefield.core.db import db, lock
from casefield.core.errors import DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id
from casefield.core.windows import DAY, LATEST
from casefield.people.models import Family, Post, ShiftTemplate

PEOPLE_LOCK = 22

#: code, name, English name, family, reports to, follows (rows R1, R2, R4)
SEED = (
    ("P1", "销售大厅服务岗", "Hall service", Family.SERVICE, "M1", None),
    ("P2", "吧台服务岗", "Bar", Family.SERVICE, "M1", None),
    ("P3", "车场服务岗", "Parking", Family.SERVICE, "M1", None),
    ("P4", "展示区礼宾岗", "Display-area concierge", Family.SERVICE, "M1", None),
    ("P5", "电瓶车服务岗", "Shuttle driver", Family.SERVICE, "M1", None),
    ("P6", "样板房讲解岗", "Show-flat guide", Family.SERVICE, "M1", None),
    ("P7", "样板房服务岗", "Show-flat service", Family.SERVICE, "M1", "P1"),
    ("P8", "安全岗", "Safety patrol", Family.BASE, "M1", None),
    ("P9", "保洁岗", "Cleaning", Family.BASE, "M1", None),
    ("P10", "绿化岗", "Greening", Family.BASE, "M1", None),
    ("P11", "案场技术岗", "Technical", Family.BASE, "M1", None),
    ("M1", "案场管理岗", "Site management", Family.MANAGEMENT, "M2", None),
    ("M2", "案场负责人", "Site lead", Family.MANAGEMENT, None, None),
    ("N1", "晚班", "Night shift", Family.NIGHT, "M1", None),
)


class PostLoop(DomainError):
    """A post would report to, or follow, itself by a detour."""

    code = "post-loop"
    message = _l("不能绕回自己：请检查上级岗位和沿用标准的岗位。")


class ShiftCodeTaken(DomainError):
    """Two shifts of a site cannot share their code."""

    code = "shift-code-taken"
    message = _l("班次代号 %(code)s 已经有了。请换一个。")


class ShiftOrder(DomainError):
    """A shift ends after it starts, within a day."""

    code = "shift-order"
    message = _l("下班要在上班之后，一班最长 24 小时。次日凌晨 1 点写 25:00。")


def seed_posts(site_id: int, author: Author, now: datetime) -> dict[str, Post]:
    """Give a new site the procedure's fourteen posts; return them by code."""
    posts = {
        code: Post(
            site_id=site_id,
            code=code,
            name=name,
            name_en=name_en,
            family=family,
            ordinal=ordinal,
        )
        for ordinal, (code, name, name_en, family, _, _) in enumerate(SEED, 1)
    }
    db.session.add_all(posts.values())
    db.session.flush()
    for code, _, _, _, reports_to, follows in SEED:
        posts[code].reports_to_id = posts[reports_to].id if reports_to else None
        posts[code].follows_id = posts[follows].id if follows else None
    db.session.flush()
    ledger.record(
        site_id,
        author,
        now,
        "people.posts.seeded",
        "posts",
        facts={"codes": list(posts)},
    )
    return posts


def change_post(
    post: Post,
    *,
    name: str,
    name_en: str,
    reports_to: Post | None,
    follows: Post | None,
    starts_early_minutes: int,
    author: Author,
    now: datetime,
) -> None:
    """Rename a post or change its lines; its history stays with it.

    Raises:
        PostLoop: it would report to itself, or follow itself.
    """
    lock(PEOPLE_LOCK, post.site_id)
    _check_loop(post, reports_to, lambda above: above.reports_to_id)
    _check_loop(post, follows, lambda above: above.follows_id)
    after = {
        "name": name,
        "name_en": name_en,
        "reports_to_id": reports_to.id if reports_to else None,
        "follows_id": follows.id if follows else None,
        "starts_early_minutes": starts_early_minutes,
    }
    before = {key: getattr(post, key) for key in after}
    changed = [key for key in after if before[key] != after[key]]
    if not changed:
        return
    for key in changed:
        setattr(post, key, after[key])
    db.session.flush()
    ledger.record(
        post.site_id,
        author,
        now,
        "people.post.changed",
        f"post:{post.public_id}",
        facts={
            "before": {key: before[key] for key in changed},
            "after": {key: after[key] for key in changed},
        },
    )


def _check_loop(
    post: Post, first: Post | None, step: Callable[[Post], int | None]
) -> None:
    posts = {row.id: row for row in db.session.scalars(select(Post))}
    above = first
    while above is not None:
        if above.id == post.id:
            raise PostLoop
        above = posts.get(step(above) or 0)


def add_shift(
    *,
    code: str,
    name: str,
    start_minutes: int,
    end_minutes: int,
    author: Author,
    now: datetime,
) -> ShiftTemplate:
    """Add a shift; its times count from midnight of its day (25:00 is 1:00 after).

    Raises:
        ShiftCodeTaken: the site has a shift of that code.
        ShiftOrder: it does not end after it starts, within 24 hours.
    """
    site_id = current_site_id()
    lock(PEOPLE_LOCK, site_id)
    code = _free_code(code, None)
    _check_order(start_minutes, end_minutes)
    last = db.session.scalar(select(func.max(ShiftTemplate.ordinal)))
    shift = ShiftTemplate(
        site_id=site_id,
        code=code,
        name=name,
        start_minutes=start_minutes,
        end_minutes=end_minutes,
        ordinal=(last or 0) + 1,
    )
    db.session.add(shift)
    db.session.flush()
    _record(shift, "people.shift.added", author, now, {"code": code})
    return shift


def change_shift(
    shift: ShiftTemplate,
    *,
    code: str,
    name: str,
    start_minutes: int,
    end_minutes: int,
    author: Author,
    now: datetime,
) -> None:
    """Change a shift. Days already worked are read by the new times, so prefer adding.

    Raises:
        ShiftCodeTaken: another shift of the site has that code.
        ShiftOrder: it does not end after it starts, within 24 hours.
    """
    lock(PEOPLE_LOCK, shift.site_id)
    _check_order(start_minutes, end_minutes)
    after = {
        "code": _free_code(code, shift),
        "name": name,
        "start_minutes": start_minutes,
        "end_minutes": end_minutes,
    }
    before = {key: getattr(shift, key) for key in after}
    if before == after:
        return
    for key, value in after.items():
        setattr(shift, key, value)
    db.session.flush()
    facts = {"before": before, "after": after}
    _record(shift, "people.shift.changed", author, now, facts)


def retire_shift(shift: ShiftTemplate, author: Author, now: datetime) -> None:
    """Take a shift out of planning; planned and worked days keep it."""
    if shift.retired_at is None:
        shift.retired_at = now
        db.session.flush()
        _record(shift, "people.shift.retired", author, now, {"code": shift.code})


def restore_shift(shift: ShiftTemplate, author: Author, now: datetime) -> None:
    """Let a shift be planned again."""
    if shift.retired_at is not None:
        shift.retired_at = None
        db.session.flush()
        _record(shift, "people.shift.restored", author, now, {"code": shift.code})


def _check_order(start_minutes: int, end_minutes: int) -> None:
    if not 0 < end_minutes - start_minutes <= DAY:
        raise ShiftOrder
    if start_minutes < 0 or end_minutes > LATEST:
        raise ShiftOrder


def _free_code(code: str, own: ShiftTemplate | None) -> str:
    code = code.strip().upper()
    taken = db.session.scalar(
        select(ShiftTemplate.id).where(ShiftTemplate.code == code)
    )
    if taken is not None and (own is None or own.id != taken):
        raise ShiftCodeTaken(code=code)
    return code


def _record(
    shift: ShiftTemplate,
    verb: str,
    author: Author,
    now: datetime,
    facts: Mapping[str, object],
) -> None:
    subject = f"shift:{shift.public_id}"
    ledger.record(shift.site_id, author, now, verb, subject, facts=facts)
