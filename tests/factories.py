"""Makers of rows: plain functions with sound defaults.

Inside :func:`ground` (or any app context) they add to the present session; elsewhere
they open the present test's application, write, and close it again, so that no
context stays open around a client's calls. What they return is detached.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from flask import Flask, has_app_context
from sqlalchemy import select

from casefield.accounts.models import Account
from casefield.checks.models import Checklist, ChecklistLine, ChecklistVersion
from casefield.core import clock, scope, windows
from casefield.core.db import db, unit_of_work
from casefield.core.policy import Role
from casefield.patrol.models import Checkpoint, Plan, Round, RoundStop, Route, RouteStop
from casefield.people.models import (
    Family,
    Person,
    Post,
    Posting,
    RotaEntry,
    ShiftTemplate,
)
from casefield.sites.models import Company, Place, PlaceKind, Site, WallCode, new_code

P = ParamSpec("P")
T = TypeVar("T")

#: what everybody in the cast signs in with
PASSWORD = "Kranich-Leuchte-42-moos"
_numbers = itertools.count(1)
#: the application of the present test; ``conftest`` sets it
present: list[Flask] = []


def number() -> int:
    """Return a number that no other row of this run has."""
    return next(_numbers)


@contextmanager
def ground(site: Site | None = None, app: Flask | None = None) -> Iterator[None]:
    """Stand in the application, at a site, inside a unit of work that commits.

    For services and factories; not around a client's calls.
    """
    with (app or present[-1]).app_context():
        scope.set_site(site.id if site is not None else None)
        with unit_of_work():
            yield


@contextmanager
def looking(site: Site | None = None, app: Flask | None = None) -> Iterator[None]:
    """Stand in the application, at a site, to read."""
    with (app or present[-1]).app_context():
        scope.set_site(site.id if site is not None else None)
        yield


def maker(function: Callable[P, T]) -> Callable[P, T]:
    """Let a maker work inside and outside of an app context."""

    @functools.wraps(function)
    def make(*args: P.args, **kwargs: P.kwargs) -> T:
        if has_app_context():
            return function(*args, **kwargs)
        with ground():
            return function(*args, **kwargs)

    return make


def keep(row: T) -> T:
    db.session.add(row)
    db.session.flush()
    return row


@maker
def make_company(name: str = "青屿物业") -> Company:
    return keep(Company(name=name))


@maker
def make_site(company: Company, name: str = "云栖案场", **values: Any) -> Site:
    return keep(Site(company_id=company.id, name=name, **values))


@maker
def make_person(site: Site, role: Role = Role.STAFF, **values: Any) -> Person:
    """Make a person with an account; the password of new people is not set."""
    n = number()
    password_hash = values.pop("password_hash", None)
    must_change = values.pop("must_change", False)
    values.setdefault("staff_no", f"T{n:05d}")
    values.setdefault("name", f"员工{n}")
    values.setdefault("joined_on", date(2025, 1, 1))
    person = keep(
        Person(site_id=site.id, company_id=site.company_id, role=role, **values)
    )
    keep(
        Account(
            person_id=person.id, password_hash=password_hash, must_change=must_change
        )
    )
    return person


@maker
def make_post(site: Site, code: str | None = None, **values: Any) -> Post:
    n = number()
    values.setdefault("name", f"岗位{n}")
    values.setdefault("family", Family.BASE)
    return keep(Post(site_id=site.id, code=code or f"B{n}", **values))


@maker
def make_posting(person: Person, post: Post, **values: Any) -> Posting:
    values.setdefault("from_on", date(2025, 1, 1))
    return keep(
        Posting(site_id=post.site_id, person_id=person.id, post_id=post.id, **values)
    )


@maker
def make_shift(
    site: Site, start: int = 480, end: int = 1020, **values: Any
) -> ShiftTemplate:
    """Make a shift; ``start`` and ``end`` are minutes from midnight of its day."""
    n = number()
    values.setdefault("code", f"S{n}")
    values.setdefault("name", f"班次{n}")
    return keep(
        ShiftTemplate(site_id=site.id, start_minutes=start, end_minutes=end, **values)
    )


@maker
def make_rota_entry(
    person: Person, shift: ShiftTemplate, post: Post, on_day: date, **values: Any
) -> RotaEntry:
    return keep(
        RotaEntry(
            site_id=post.site_id,
            person_id=person.id,
            shift_template_id=shift.id,
            post_id=post.id,
            on_day=on_day,
            **values,
        )
    )


@maker
def make_place(site: Site, name: str | None = None, **values: Any) -> Place:
    n = number()
    values.setdefault("code", f"X{n}")
    values.setdefault("kind", PlaceKind.OUTDOORS)
    return keep(Place(site_id=site.id, name=name or f"场所{n}", **values))


@maker
def make_wall_code(place: Place, **values: Any) -> WallCode:
    values.setdefault("code", new_code())
    values.setdefault("made_at", clock.now())
    return keep(WallCode(site_id=place.site_id, place_id=place.id, **values))


@maker
def make_checklist(
    site: Site,
    lines: tuple[str, ...] = ("门已锁好", "灯已关"),
    name: str = "巡视点检查",
) -> Checklist:
    """Make a checklist with one version of ``lines``."""
    checklist = keep(Checklist(site_id=site.id, name=name))
    version = keep(
        ChecklistVersion(
            site_id=site.id, checklist_id=checklist.id, number=1, made_at=clock.now()
        )
    )
    for ordinal, line in enumerate(lines, 1):
        keep(
            ChecklistLine(
                site_id=site.id, version_id=version.id, ordinal=ordinal, name=line
            )
        )
    return checklist


@maker
def make_checkpoint(
    site: Site,
    place: Place | None = None,
    checklist: Checklist | None = None,
    **values: Any,
) -> Checkpoint:
    """Make a checkpoint at a place of its own that carries a wall code."""
    n = number()
    if place is None:
        place = make_place(site)
        make_wall_code(place)
    values.setdefault("code", f"C{n}")
    values.setdefault("name", f"巡视点{n}")
    return keep(
        Checkpoint(
            site_id=site.id,
            place_id=place.id,
            checklist_id=checklist.id if checklist else None,
            **values,
        )
    )


@maker
def make_route(
    site: Site, checkpoints: list[Checkpoint] | int = 3, **values: Any
) -> Route:
    """Make a route over checkpoints (or so many new ones), five minutes apart."""
    n = number()
    values.setdefault("code", f"L{n}")
    values.setdefault("name", f"路线{n}")
    route = keep(Route(site_id=site.id, **values))
    if isinstance(checkpoints, int):
        checkpoints = [make_checkpoint(site) for _ in range(checkpoints)]
    for ordinal, checkpoint in enumerate(checkpoints, 1):
        keep(
            RouteStop(
                site_id=site.id,
                route_id=route.id,
                checkpoint_id=checkpoint.id,
                ordinal=ordinal,
                offset_minutes=(ordinal - 1) * 5,
            )
        )
    return route


@maker
def make_plan(route: Route, post: Post, **values: Any) -> Plan:
    """Make a plan: every two hours from 8:00 to 16:00, every day."""
    defaults: dict[str, Any] = {
        "name": "白班巡视",
        "weekdays": "1111111",
        "first_start_minutes": 480,
        "last_start_minutes": 960,
        "period_minutes": 120,
        "early_minutes": 10,
        "start_grace_minutes": 10,
        "duration_minutes": 60,
        "finish_grace_minutes": 15,
        "valid_from_at": clock.now() - timedelta(days=30),
    }
    return keep(
        Plan(
            site_id=route.site_id,
            route_id=route.id,
            post_id=post.id,
            **(defaults | values),
        )
    )


@maker
def make_round(
    route: Route,
    plan: Plan | None = None,
    *,
    starts_at: datetime | None = None,
    **values: Any,
) -> Round:
    """Make a round that starts now, with a stop for each of the route's checkpoints."""
    site_id = route.site_id
    starts_at = starts_at or clock.now()
    timing = plan.timing if plan is not None else windows.Plan(0, 0, 0, 10, 10, 60, 15)
    ends_at = starts_at + timedelta(minutes=timing.duration)
    defaults: dict[str, Any] = {
        "day_on": starts_at.date(),
        "ordinal": number(),
        "opens_at": starts_at - timedelta(minutes=timing.early),
        "late_from_at": starts_at + timedelta(minutes=timing.start_grace),
        "ends_at": ends_at,
        "closes_at": ends_at + timedelta(minutes=timing.finish_grace),
    }
    made = keep(
        Round(
            site_id=site_id,
            route_id=route.id,
            plan_id=plan.id if plan is not None else None,
            starts_at=starts_at,
            **(defaults | values),
        )
    )
    stops = db.session.scalars(
        select(RouteStop)
        .where(RouteStop.route_id == route.id, RouteStop.site_id == site_id)
        .order_by(RouteStop.ordinal)
        .execution_options(unscoped="a test names the route")
    ).all()
    for stop in stops:
        due_at = starts_at + timedelta(minutes=stop.offset_minutes)
        keep(
            RoundStop(
                site_id=site_id,
                round_id=made.id,
                checkpoint_id=stop.checkpoint_id,
                ordinal=stop.ordinal,
                due_at=due_at,
                late_from_at=due_at + timedelta(minutes=timing.start_grace),
            )
        )
    return made
