"""Makers of what happens: check-ins, misses, findings, notes, photos, jobs."""

from typing import Any

from sqlalchemy import select

from casefield.checks.models import Checklist, ChecklistVersion, CheckRun, Finding
from casefield.core import clock
from casefield.core.db import db
from casefield.core.jobs import Job
from casefield.core.ledger import Author
from casefield.core.photos import Photo
from casefield.patrol.models import (
    CheckIn,
    Checkpoint,
    Method,
    NoteKind,
    Omission,
    OmissionKind,
    PatrolNote,
    Round,
    RoundStop,
)
from casefield.people.models import Person
from casefield.sites.models import Site
from tests.factories import keep, maker, number


@maker
def _first_stop(walked: Round) -> RoundStop:
    return db.session.scalars(
        select(RoundStop)
        .where(RoundStop.round_id == walked.id)
        .order_by(RoundStop.ordinal)
        .execution_options(unscoped="a test names the round")
    ).first()  # type: ignore[return-value]  # a round has stops


@maker
def make_check_in(walked: Round, person: Person, **values: Any) -> CheckIn:
    """Check in at the first stop of a round."""
    stop = _first_stop(walked)
    defaults = {"at": walked.starts_at, "is_late": False, "method": Method.SCAN}
    return keep(
        CheckIn(
            site_id=walked.site_id,
            round_id=walked.id,
            round_stop_id=stop.id,
            checkpoint_id=stop.checkpoint_id,
            person_id=person.id,
            **(defaults | values),
        )
    )


@maker
def make_miss(walked: Round, **values: Any) -> Omission:
    """Let the first stop of a round be missed."""
    stop = _first_stop(walked)
    defaults = {"at": walked.closes_at, "kind": OmissionKind.MISSED}
    return keep(
        Omission(
            site_id=walked.site_id,
            round_id=walked.id,
            round_stop_id=stop.id,
            checkpoint_id=stop.checkpoint_id,
            **(defaults | values),
        )
    )


@maker
def make_finding(
    site: Site, checklist: Checklist, checkpoint: Checkpoint, person: Person
) -> Finding:
    """Let the first line of a checklist be found abnormal at a checkpoint."""
    version_id = db.session.scalars(
        select(ChecklistVersion.id)
        .where(ChecklistVersion.checklist_id == checklist.id)
        .execution_options(unscoped="a test names the checklist")
    ).one()
    run = keep(
        CheckRun(
            site_id=site.id,
            version_id=version_id,
            place_id=checkpoint.place_id,
            person_id=person.id,
            at=clock.now(),
            results={"1": "abnormal"},
        )
    )
    return keep(
        Finding(
            site_id=site.id,
            run_id=run.id,
            place_id=checkpoint.place_id,
            line_ordinal=1,
            line_name="门已锁好",
            note="门没锁",
            opened_by_id=person.id,
            opened_at=clock.now(),
        )
    )


@maker
def make_note(checkpoint: Checkpoint, person: Person, **values: Any) -> PatrolNote:
    defaults = {"kind": NoteKind.VIOLATION, "text": "有人张贴广告", "at": clock.now()}
    return keep(
        PatrolNote(
            site_id=checkpoint.site_id,
            place_id=checkpoint.place_id,
            person_id=person.id,
            **(defaults | values),
        )
    )


@maker
def make_photo(site: Site, **values: Any) -> Photo:
    """Make a photo's row; its file is not there."""
    n = number()
    defaults = {
        "sha256": f"{n:064d}",
        "key": f"{n:064d}",
        "width": 4,
        "height": 3,
        "size_bytes": 12,
        "made_at": clock.now(),
    }
    return keep(Photo(site_id=site.id, **(defaults | values)))


@maker
def make_job(site: Site, author: Author, kind: str = "proof.echo") -> Job:
    """Make a waiting job that no worker was told of."""
    return keep(
        Job(
            site_id=site.id,
            kind=kind,
            arguments={},
            person_id=author.person_id,
            asked_at=clock.now(),
        )
    )
