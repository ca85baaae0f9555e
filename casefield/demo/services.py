"""Load the invented project: who, where, when; and a fortnight of rounds walked."""

import csv
import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from flask import Flask, current_app
from flask_babel import force_locale
from sqlalchemy import select

from casefield.accounts import services as accounts
from casefield.accounts.models import Account
from casefield.checks.services import make_checklist
from casefield.core.db import db, unit_of_work
from casefield.core.ledger import CLOCKWORK
from casefield.core.policy import Role
from casefield.core.scope import at_site
from casefield.core.windows import Plan as Timing
from casefield.demo.history import walk_the_fortnight
from casefield.patrol.models import Checkpoint
from casefield.patrol.services import routes as patrol
from casefield.people import services as people
from casefield.people.models import Person, Post, ShiftTemplate
from casefield.people.queries import on_duty
from casefield.sites import services as sites
from casefield.sites.models import Place, PlaceKind, Site

LISTS = Path(__file__).parent / "lists"
#: the demo's past begins so many days before today
PAST = timedelta(days=13)
#: and its rota reaches so far ahead
AHEAD = timedelta(days=14)
SHIFTS = (
    ("D1", "早班", 8 * 60, 17 * 60),
    ("D2", "日班", 8 * 60 + 20, 17 * 60 + 20),
    ("D3", "晚日班", 9 * 60 + 30, 18 * 60 + 30),
    ("N1", "夜一班", 18 * 60, 25 * 60),
    ("N2", "夜二班", 25 * 60, 32 * 60),
)
NIGHT_SHIFTS = frozenset({"N1", "N2"})
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CLOSING = tuple(f"X{n:02d}" for n in range(4, 15))
NIGHT = ("X01", "X02", "X04", "X07", "X09", "X11", "X12", "X13", "X14")
#: whom the start page of the demo offers, by post
SHOWN = (
    "S20", "S22", "S02", "S01", "S04", "S08", "S10", "S13", "S15", "S17", "S07", "S23",
    "S25", "S26", "X01", "A00",
)  # fmt: skip


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def load_demo(app: Flask, now: datetime) -> None:
    """Fill an empty database; the fortnight ends at ``now``, the same each time."""
    with app.app_context(), force_locale("zh"), unit_of_work():
        company = sites.create_company("云笺物业")
        site = sites.create_site(
            company,
            "砚溪和鸣",
            author=CLOCKWORK,
            now=now - PAST,
            developer="松石置业",
            is_demo=True,
        )
        with at_site(site.id):
            begin = now - PAST - timedelta(hours=1)
            places = _places(begin)
            staff = _staff(site, begin, now.astimezone(site.zone).date())
            _accounts(list(staff.values()), begin)
            _rota(staff, now.astimezone(site.zone).date(), begin)
            _patrol(places, begin)
            walk_the_fortnight(site, staff, begin, now)


def _places(now: datetime) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for ordinal, row in enumerate(_rows("places"), 1):
        places[row["code"]] = sites.add_place(
            code=row["code"],
            name=row["name"],
            kind=PlaceKind(row["kind"]),
            parent=places.get(row["parent"]),
            ordinal=ordinal,
            author=CLOCKWORK,
            now=now,
        )
    return places


def _staff(site: Site, now: datetime, today: date) -> dict[str, Person]:
    posts = {post.code: post for post in db.session.scalars(select(Post))}
    joined = today - timedelta(days=400)
    staff = {}
    for row in _rows("staff"):
        person = people.add_person(
            company_id=site.company_id,
            staff_no=row["staff_no"],
            name=row["name"],
            name_en=row["name_en"],
            role=Role(row["role"]),
            joined_on=joined,
            author=CLOCKWORK,
            now=now,
        )
        for code in row["posts"].split():
            people.give_post(
                person,
                posts[code],
                from_on=joined,
                is_lead=row["lead_of"] == code,
                author=CLOCKWORK,
                now=now,
            )
        staff[row["staff_no"]] = person
    return staff


def _accounts(staff: list[Person], now: datetime) -> None:
    # one invented password for all, hashed once: nobody's secret is at stake here
    password_hash = accounts.hash_password(demo_password())
    db.session.add_all(
        Account(
            person_id=person.id,
            password_hash=password_hash,
            must_change=False,
            changed_at=now,
        )
        for person in staff
    )
    db.session.flush()


def _rota(staff: dict[str, Person], today: date, now: datetime) -> None:
    shifts: dict[str, ShiftTemplate] = {}
    for code, name, start, end in SHIFTS:
        shifts[code] = people.add_shift(
            code=code,
            name=name,
            start_minutes=start,
            end_minutes=end,
            author=CLOCKWORK,
            now=now,
        )
    posts = {post.code: post for post in db.session.scalars(select(Post))}
    of_day: dict[str, list[tuple[str, str]]] = {}
    for row in _rows("roster"):
        of_day.setdefault(row["weekday"], []).append((row["shift"], row["staff"]))
    first_posts = {
        row["staff_no"]: row["posts"].split()[0]
        for row in _rows("staff")
        if row["posts"]
    }
    day = today - PAST - timedelta(days=1)
    while day <= today + AHEAD:
        for shift, staff_no in of_day[WEEKDAYS[day.weekday()]]:
            post = "N1" if shift in NIGHT_SHIFTS else first_posts[staff_no]
            people.plan_shift(
                staff[staff_no],
                day,
                shifts[shift],
                posts[post],
                author=CLOCKWORK,
                now=now,
            )
        day += timedelta(days=1)


def _patrol(places: dict[str, Place], now: datetime) -> None:
    points: dict[str, Checkpoint] = {}
    minutes: dict[str, int] = {}
    for row in _rows("checkpoints"):
        pairs = [tuple(line.split("：", 1)) for line in row["lines"].split("|")]
        title = f"{row['code']} {row['name']}"
        checklist = make_checklist(title, [(a, b) for a, b in pairs], CLOCKWORK, now)
        points[row["code"]] = patrol.make_checkpoint(
            row["code"], row["name"], places[row["place"]], checklist.id, CLOCKWORK, now
        )
        minutes[row["code"]] = int(row["minutes"])
    posts = {post.code: post.id for post in db.session.scalars(select(Post))}
    day = Timing(9 * 60, 17 * 60, 60, 10, 10, 40, 10)
    closing = Timing(18 * 60, 18 * 60, 0, 0, 10, 40, 10)
    night = Timing(20 * 60, 30 * 60, 120, 10, 10, 40, 10)
    for code, name, stops, post, timing in (
        ("R-DAY", "日间巡视", tuple(points), "P8", day),
        ("R-CLOSE", "闭馆巡视", CLOSING, "N1", closing),
        ("R-NIGHT", "夜间巡视", NIGHT, "N1", night),
    ):
        route = patrol.make_route(code, name, CLOCKWORK, now)
        start = minutes[stops[0]]
        walk = [(points[stop].id, minutes[stop] - start) for stop in stops]
        patrol.change_route(route, name, walk, CLOCKWORK, now)
        patrol.make_plan(route, patrol.Wish(name, posts[post], timing), CLOCKWORK, now)


def demo_password() -> str:
    """Return the demo's password: the setting, or one made once and kept."""
    settings = current_app.config["SETTINGS"]
    if settings.demo_password:
        return str(settings.demo_password)
    kept: Path = settings.data / "demo-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text("-".join(secrets.token_hex(2) for _ in range(3)) + "\n")
    return kept.read_text().strip()


def sign_in_table(app: Flask, now: datetime) -> str:
    """Return the table of sign-ins that a first start prints; empty without demo."""
    with app.app_context():
        site_id = db.session.scalar(select(Site.id).where(Site.is_demo))
        if site_id is None:
            return ""
        with at_site(site_id):
            rows = db.session.execute(
                select(Person.staff_no, Person.name, Person.role).where(
                    Person.staff_no.in_(SHOWN)
                )
            ).all()
            site = db.session.get_one(Site, site_id)
            at_work = {duty.name for duty in on_duty(site_id, site.zone, now)}
        posts = {row["staff_no"]: row["posts"] for row in _rows("staff")}
        people_by_no = {row.staff_no: row for row in rows}
        lines = [
            f"  {no:<5} {posts[no] or '—':<6} {people_by_no[no].role.value:<11}"
            f" {people_by_no[no].name}"
            f"{'  on duty now' if people_by_no[no].name in at_work else ''}"
            for no in SHOWN
            if no in people_by_no
        ]
        head = f"Sign in with a staff number and the password {demo_password()}"
        return "\n".join((head, "  no.   posts  role        name", *lines))
