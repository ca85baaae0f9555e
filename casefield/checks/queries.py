"""Reads of checklists, runs and findings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from casefield.checks.models import (
    Checklist,
    ChecklistLine,
    ChecklistVersion,
    CheckRevision,
    CheckRun,
    Finding,
    FindingState,
)
from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.core.scope import scoped
from casefield.people.models import Person
from casefield.sites.models import Place


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to look at, as a phone shows it."""

    ordinal: int
    name: str
    standard: str


_LINES = scoped(
    select(ChecklistLine.ordinal, ChecklistLine.name, ChecklistLine.standard)
    .where(
        ChecklistLine.site_id == bindparam("site_id"),
        ChecklistLine.version_id == bindparam("version_id"),
    )
    .order_by(ChecklistLine.ordinal)
)


@lru_cache(maxsize=4096)
def lines_of(site_id: int, version_id: int) -> tuple[Line, ...]:
    """Return the lines of a version. Versions never change, so they may be kept."""
    rows = db.session.execute(_LINES, {"site_id": site_id, "version_id": version_id})
    return tuple(Line(row.ordinal, row.name, row.standard) for row in rows)


def current_versions(checklist_ids: Collection[int]) -> dict[int, int]:
    """Return checklist id → id of its newest version."""
    rows = db.session.execute(
        select(ChecklistVersion.checklist_id, func.max(ChecklistVersion.id))
        .where(ChecklistVersion.checklist_id.in_(checklist_ids))
        .group_by(ChecklistVersion.checklist_id)
    )
    return dict(rows.all())


def get_checklist(public_id: str) -> Checklist:
    """Return a checklist with its versions and their lines; raise NotFound."""
    checklist = db.session.scalar(
        select(Checklist)
        .where(Checklist.public_id == public_id)
        .options(selectinload(Checklist.versions).selectinload(ChecklistVersion.lines))
    )
    if checklist is None:
        raise NotFound
    return checklist


def list_checklists() -> Sequence[Checklist]:
    """Return the site's checklists by name."""
    return db.session.scalars(
        select(Checklist).order_by(Checklist.name, Checklist.id)
    ).all()


def list_revisions(run: CheckRun) -> Sequence[tuple[CheckRevision, str]]:
    """Return the corrections of a run, oldest first, each with its person's name."""
    rows = db.session.execute(
        select(CheckRevision, Person.name)
        .join(Person, Person.id == CheckRevision.person_id)
        .where(CheckRevision.run_id == run.id)
        .order_by(CheckRevision.number)
    )
    return [(row[0], row[1]) for row in rows]


def findings_of(run_ids: Collection[int]) -> dict[int, list[Finding]]:
    """Return run id → its findings that were not withdrawn, with their photos."""
    found: dict[int, list[Finding]] = {}
    rows = db.session.scalars(
        select(Finding)
        .where(Finding.run_id.in_(run_ids), Finding.state != FindingState.WITHDRAWN)
        .options(joinedload(Finding.photo))
        .order_by(Finding.run_id, Finding.line_ordinal)
    )
    for finding in rows:
        found.setdefault(finding.run_id, []).append(finding)
    return found


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """An abnormal item that somebody has to deal with."""

    public_id: str
    place: str
    line_name: str
    note: str
    opened_at: datetime
    opened_by: str


def list_open_findings(limit: int = 50) -> list[OpenFinding]:
    """Return what stands open, oldest first."""
    rows = db.session.execute(
        select(
            Finding.public_id,
            Place.name,
            Finding.line_name,
            Finding.note,
            Finding.opened_at,
            Person.name,
        )
        .join(Place, Place.id == Finding.place_id)
        .join(Person, Person.id == Finding.opened_by_id)
        .where(Finding.state == FindingState.OPEN)
        .order_by(Finding.opened_at, Finding.id)
        .limit(limit)
    )
    return [OpenFinding(*row) for row in rows]


def get_finding(public_id: str) -> tuple[Finding, Place, Person]:
    """Return a finding with its place and who reported it; raise NotFound."""
    row = db.session.execute(
        select(Finding, Place, Person)
        .join(Place, Place.id == Finding.place_id)
        .join(Person, Person.id == Finding.opened_by_id)
        .where(Finding.public_id == public_id)
        .options(joinedload(Finding.photo))
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]
