"""Writes of signing in: sign in and out, set a password, start a link, revoke."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from argon2 import PasswordHasher, profiles
from argon2.exceptions import VerificationError
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from casefield.accounts.models import Account, Device, Session, SignInLink
from casefield.accounts.passwords import check_new_password
from casefield.accounts.queries import SIGNING_IN, Actor, find_account, token_hash
from casefield.core import ledger, throttle
from casefield.core.db import db, rows_changed
from casefield.core.errors import DomainError, NotAllowed
from casefield.core.ledger import Author
from casefield.core.policy import Role
from casefield.people.models import Person
from casefield.people.policy import may_start_link
from casefield.people.services import leave
from casefield.sites.models import Site

_hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
#: verified when there is no such account, so that the answer takes as long
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))

IDLE = timedelta(days=14)
LIFETIME = {
    Role.STAFF: timedelta(days=60),
    Role.LEAD: timedelta(days=60),
    Role.MANAGEMENT: timedelta(days=14),
    Role.SITE_LEAD: timedelta(days=14),
    Role.SALES: timedelta(days=14),
    Role.ADMIN: timedelta(days=3),
}
LINK_LIFETIME = timedelta(minutes=30)
#: write "last seen" so often at most
SEEN_EVERY = timedelta(minutes=10)


class SignInRefused(DomainError):
    """Number or password is wrong, or the account unusable: one sentence for all."""

    status = 422
    code = "sign-in-refused"
    message = _l("工号或密码不对。忘了密码请找班组长或管理岗。")


class TooManyTries(DomainError):
    """The bucket is empty."""

    status = 429
    code = "too-many-tries"
    message = _l("尝试次数太多。请等 %(minutes)s 分钟再试。")


class Departed(DomainError):
    """Whoever has left gets no sign-in."""

    code = "departed"
    message = _l("这个人已办离职。要重新登录，请先恢复在职。")


class LinkUsed(DomainError):
    """A sign-in link works once and for half an hour."""

    status = 410
    code = "link-used"
    message = _l("这个登录码已用过或已过期。请让班组长重新开一个。")


def count_try(staff_no: str, address: str, now: datetime) -> None:
    """Count one try to sign in; raise TooManyTries when there were too many.

    The account's bucket is per address, so that nobody can lock a colleague out.
    """
    waits = (
        throttle.take(f"sign-in:{staff_no}:{address}", now, capacity=8, per_hour=24),
        throttle.take(f"sign-in:{staff_no}", now, capacity=60, per_hour=120),
        throttle.take(f"sign-in-from:{address}", now, capacity=80, per_hour=240),
    )
    if wait := max(waits):
        raise TooManyTries(minutes=int(wait // 60) + 1)


def hash_password(password: str) -> str:
    """Return what the database keeps of a password (argon2id)."""
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Say whether the password is right, in the same time whatever is wrong."""
    try:
        right = _hasher.verify(stored or _NOBODY, password)
    except VerificationError:
        return False
    return right and stored is not None


def admit(staff_no: str, verified: str | None, address: str, now: datetime) -> Person:
    """Return the person who may sign in, looked at again under the write lock.

    Raises:
        SignInRefused: they have left, or the password has changed since it was checked.
    """
    account = find_account(staff_no)
    if account is None or account.password_hash != verified:
        raise SignInRefused
    person = account.person
    site = db.session.scalars(
        select(Site).where(Site.id == person.site_id).execution_options(**SIGNING_IN)
    ).one()
    if person.left_on is not None and person.left_on < now.astimezone(site.zone).date():
        raise SignInRefused
    throttle.clear(f"sign-in:{staff_no}:{address}")
    return person


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """Tokens for the cookies; the database keeps their hashes only."""

    session: Session
    session_token: str
    device_token: str | None


def open_session(
    person: Person, device_token: str | None, label: str, now: datetime
) -> OpenedSession:
    """Sign a person in on a device; a browser seen for the first time becomes one.

    Returns a new device token only then.
    """
    session = db.session()
    device = None
    if device_token:
        device = session.scalar(
            select(Device).where(Device.token_hash == token_hash(device_token))
        )
    fresh = None
    if device is None:
        fresh = secrets.token_urlsafe(32)
        device = Device(token_hash=token_hash(fresh), label=label, first_seen_at=now)
        session.add(device)
        session.flush()
    token = secrets.token_urlsafe(32)
    opened = Session(
        token_hash=token_hash(token),
        person_id=person.id,
        device_id=device.id,
        site_id=person.site_id,
        made_at=now,
        seen_at=now,
        expires_at=now + LIFETIME[person.role],
    )
    session.add(opened)
    session.flush()
    ledger.record(
        person.site_id,
        _As(person.id, device.id),
        now,
        "accounts.session.opened",
        f"person:{person.public_id}",
    )
    return OpenedSession(opened, token, fresh)


@dataclass(frozen=True, slots=True)
class _As:
    person_id: int
    device_id: int | None


def note_seen(session_id: int, now: datetime) -> None:
    """Remember that a sign-in is in use."""
    db.session.execute(
        update(Session).where(Session.id == session_id).values(seen_at=now)
    )


def close_session(actor: Actor, now: datetime) -> None:
    """Sign out: the token is dead on the server, whoever kept a copy."""
    revoke_sessions(actor.person_id, now, only=actor.session_id)
    ledger.record(
        actor.site_id,
        actor,
        now,
        "accounts.session.closed",
        f"person:{actor.public_id}",
    )


def revoke_sessions(
    person_id: int, now: datetime, *, only: int | None = None, keep: int | None = None
) -> int:
    """End a person's sign-ins: all, ``only`` one, all but ``keep``; say how many."""
    statement = update(Session).where(
        Session.person_id == person_id, Session.revoked_at.is_(None)
    )
    if only is not None:
        statement = statement.where(Session.id == only)
    if keep is not None:
        statement = statement.where(Session.id != keep)
    result = db.session.execute(statement.values(revoked_at=now))
    return rows_changed(result)


def open_account(person: Person) -> Account:
    """Give a person an account without a password; a sign-in link sets its first."""
    account = Account(person_id=person.id, password_hash=None, must_change=False)
    db.session.add(account)
    db.session.flush()
    return account


def set_password(
    account: Account, person: Person, password: str, now: datetime, *, must_change: bool
) -> None:
    """Store a password; all sign-ins of the person end.

    Raises:
        PasswordRefused: too short, too common, or made of the person's own data.
    """
    check_new_password(password, person)
    account.password_hash = _hasher.hash(password)
    account.must_change = must_change
    account.changed_at = now
    revoke_sessions(person.id, now)


def change_password(
    account: Account, person: Person, old: str, new: str, author: Actor, now: datetime
) -> None:
    """Change one's own password; every other sign-in ends, a new one is opened.

    Raises:
        SignInRefused: the old password is wrong.
        PasswordRefused: the new one is too weak.
    """
    if not verify_password(account.password_hash, old):
        raise SignInRefused(str(_l("现在的密码不对。")))
    set_password(account, person, new, now, must_change=False)
    ledger.record(
        person.site_id,
        author,
        now,
        "accounts.password.changed",
        f"person:{person.public_id}",
    )


class Starter(ledger.Author, Protocol):
    """Whoever starts a link for somebody, and by what role."""

    @property
    def role(self) -> Role: ...


def start_link(person: Person, author: Starter, now: datetime) -> str:
    """Start a first sign-in or a reset; return the token for the code on the screen.

    Earlier links of the person stop working. The author never sees the password.

    Raises:
        NotAllowed: the person's role is above what the author may reset.
        Departed: nobody signs in after leaving.
    """
    session = db.session()
    own = author.person_id == person.id
    if not may_start_link(author.role, person.role, own=own):
        raise NotAllowed
    if person.left_on is not None:
        raise Departed
    _spend_links(person.id, now)
    token = secrets.token_urlsafe(24)
    session.add(
        SignInLink(
            token_hash=token_hash(token),
            person_id=person.id,
            started_by_id=author.person_id,
            made_at=now,
            expires_at=now + LINK_LIFETIME,
        )
    )
    ledger.record(
        person.site_id,
        author,
        now,
        "accounts.link.started",
        f"person:{person.public_id}",
    )
    return token


def _spend_links(person_id: int, now: datetime) -> None:
    db.session.execute(
        update(SignInLink)
        .where(SignInLink.person_id == person_id, SignInLink.used_at.is_(None))
        .values(used_at=now)
    )


def end_employment(
    person: Person, on: date, author: Author, now: datetime, today: date
) -> None:
    """Let ``on`` be somebody's last day; sign-ins end with it, at once if it is here.

    Password and links go as well, so that nobody signs in again on the same day.

    Raises:
        LeavesTooEarly, RoleNotYours: see ``people.services.leave``.
    """
    leave(person, on, author, now)
    if on > today:
        return
    revoke_sessions(person.id, now)
    _spend_links(person.id, now)
    db.session.execute(
        update(Account).where(Account.person_id == person.id).values(password_hash=None)
    )


def use_link(link: SignInLink, password: str, now: datetime) -> None:
    """Set the password that the person chose through a link; the link is spent.

    Raises:
        PasswordRefused: too weak; the link stays good.
    """
    account = db.session.scalar(
        select(Account)
        .where(Account.person_id == link.person_id)
        .execution_options(**SIGNING_IN)
    )
    if account is None:
        account = open_account(link.person)
    set_password(account, link.person, password, now, must_change=False)
    link.used_at = now
    ledger.record(
        link.person.site_id,
        _As(link.person_id, None),
        now,
        "accounts.password.set",
        f"person:{link.person.public_id}",
    )


def choose_look(person_id: int, locale: str, theme: str) -> None:
    """Remember a person's language and theme."""
    db.session.execute(
        update(Person).where(Person.id == person_id).values(locale=locale, theme=theme),
        execution_options={"unscoped": "one's own row, wherever one works"},
    )


def choose_site(actor: Actor, site: Site, now: datetime) -> None:
    """Let a company's admin work at another of its sites from now on."""
    db.session.execute(
        update(Session).where(Session.id == actor.session_id).values(site_id=site.id)
    )
    ledger.record(
        actor.site_id, actor, now, "accounts.site.chosen", f"site:{site.public_id}"
    )
