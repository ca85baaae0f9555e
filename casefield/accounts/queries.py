"""Reads of signing in: who is this request, which sign-ins does a person have."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from casefield.accounts.models import Account, Session, SignInLink
from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.core.policy import Role
from casefield.core.prebuilt import Prebuilt
from casefield.people.models import Person, Post, Posting
from casefield.sites.models import Site

SIGNING_IN = {"unscoped": "signing in precedes any site"}


def token_hash(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person, read afresh for every request."""

    person_id: int
    public_id: str
    staff_no: str
    name: str
    name_en: str
    role: Role
    locale: str
    theme: str
    company_id: int
    site_id: int
    session_id: int
    device_id: int
    must_change: bool
    #: the first post held, in Chinese and in English
    post_told: str | None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.public_id

    @property
    def post_names(self) -> str | None:
        """The first post that the person holds, in the person's language."""
        if self.post_told is None:
            return None
        chinese, _, english = self.post_told.partition(_BETWEEN)
        return (english if self.locale == "en" else "") or chinese


@dataclass(frozen=True, slots=True)
class SignIn:
    """What one query tells about a request's cookie."""

    actor: Actor
    seen_at: datetime
    left_on: date | None
    site: "SiteFacts"


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The site that a request works for."""

    id: int
    public_id: str
    name: str
    zone_name: str
    is_demo: bool
    opens: time
    closes: time


#: one subquery for both languages; nobody types this character into a name
_BETWEEN = "\x1f"
_FIRST_POST = (
    select(Post.name + _BETWEEN + Post.name_en)
    .join(Posting, Posting.post_id == Post.id)
    .where(Posting.person_id == Person.id, Posting.to_on.is_(None))
    .order_by(Posting.id)
    .limit(1)
    .scalar_subquery()
)


_SIGN_IN = Prebuilt(
    select(
        Person.id.label("person_id"),
        Person.public_id,
        Person.staff_no,
        Person.name,
        Person.name_en,
        Person.role,
        Person.locale,
        Person.theme,
        Person.company_id,
        Person.left_on,
        Session.id.label("session_id"),
        Session.device_id,
        Session.seen_at,
        Session.site_id,
        Account.must_change,
        _FIRST_POST.label("post_told"),
        Site.public_id.label("site_public_id"),
        Site.name.label("site_name"),
        Site.zone_name,
        Site.is_demo,
        Site.opens,
        Site.closes,
    )
    .join(Person, Person.id == Session.person_id)
    .join(Account, Account.person_id == Person.id)
    .join(Site, Site.id == Session.site_id)
    .where(
        Session.token_hash == bindparam("token_hash"),
        Session.revoked_at.is_(None),
        Session.expires_at > bindparam("at"),
    )
    .execution_options(**SIGNING_IN)
)


def find_sign_in(token: str, now: datetime) -> SignIn | None:
    """Return who holds ``token``, or None when it is no good (any more)."""
    row = _SIGN_IN.first(token_hash=token_hash(token), at=now)
    if row is None:
        return None
    actor = Actor(
        row.person_id,
        row.public_id,
        row.staff_no,
        row.name,
        row.name_en,
        row.role,
        row.locale,
        row.theme,
        row.company_id,
        row.site_id,
        row.session_id,
        row.device_id,
        row.must_change,
        row.post_told,
    )
    site = SiteFacts(
        row.site_id,
        row.site_public_id,
        row.site_name,
        row.zone_name,
        row.is_demo,
        row.opens,
        row.closes,
    )
    return SignIn(actor, row.seen_at, row.left_on, site)


def find_account(staff_no: str) -> Account | None:
    """Return the account of a staff number, with its person."""
    return db.session.scalar(
        select(Account)
        .join(Account.person)
        .where(Person.staff_no == staff_no)
        .options(joinedload(Account.person))
        .execution_options(populate_existing=True, **SIGNING_IN)
    )


def get_account(person_id: int) -> Account:
    """Return somebody's account, with its person; raise NotFound if there is none."""
    account = db.session.scalar(
        select(Account)
        .where(Account.person_id == person_id)
        .options(joinedload(Account.person))
        .execution_options(unscoped="one's own account, wherever one works")
    )
    if account is None:
        raise NotFound
    return account


def get_session(person_id: int, public_id: str) -> Session:
    """Return one of a person's sign-ins; raise NotFound for anybody else's."""
    found = db.session.scalar(
        select(Session).where(
            Session.public_id == public_id, Session.person_id == person_id
        )
    )
    if found is None:
        raise NotFound
    return found


def list_sessions(person_id: int, now: datetime) -> Sequence[Session]:
    """Return a person's sign-ins that still work, newest first, with their devices."""
    return db.session.scalars(
        select(Session)
        .where(
            Session.person_id == person_id,
            Session.revoked_at.is_(None),
            Session.expires_at > now,
        )
        .options(joinedload(Session.device))
        .order_by(Session.seen_at.desc(), Session.id)
    ).all()


def find_link(token: str, now: datetime) -> SignInLink | None:
    """Return a sign-in link that may still be used, with its person."""
    return db.session.scalar(
        select(SignInLink)
        .where(
            SignInLink.token_hash == token_hash(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .options(joinedload(SignInLink.person))
        .execution_options(**SIGNING_IN)
    )


def link_state(token: str, person_id: int, now: datetime) -> str:
    """Tell how somebody's link stands: open, used, spent, expired, or none."""
    found = db.session.execute(
        select(SignInLink.used_at, SignInLink.expires_at, Account.changed_at)
        .outerjoin(Account, Account.person_id == SignInLink.person_id)
        .where(
            SignInLink.token_hash == token_hash(token),
            SignInLink.person_id == person_id,
        )
        .execution_options(**SIGNING_IN)
    ).first()
    if found is None:
        return "none"
    if found.used_at is not None:
        # a newer link spends the older ones, and then no password is set
        changed = found.changed_at
        return "used" if changed and changed >= found.used_at else "spent"
    return "open" if found.expires_at > now else "expired"
