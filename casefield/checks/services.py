"""Writes of checklists, runs and findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import insert, select
from sqlalchemy.orm import joinedload

from casefield.checks.models import (
    Checklist,
    ChecklistLine,
    ChecklistVersion,
    CheckRevision,
    CheckRun,
    Finding,
    FindingState,
    Result,
)
from casefield.checks.queries import Line, lines_of
from casefield.core import ledger
from casefield.core.db import db, table_of
from casefield.core.errors import Conflict, DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id, scoped


class AnswerMissing(DomainError):
    """A line has no result."""

    code = "answer-missing"
    message = _l("还有 %(n)s 项没有勾选。")


class NoteMissing(DomainError):
    """Abnormal without a word says nothing to whoever has to mend it."""

    code = "note-missing"
    message = _l("“%(line)s”勾了异常，请写一句看到了什么。")


class ReasonMissing(DomainError):
    """What was closed is only amended with a reason."""

    code = "reason-missing"
    message = _l("已交的记录只能更正，请写明原因。")


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody found at one line."""

    result: Result
    note: str = ""
    photo_id: int | None = None


Answers = Mapping[int, Answer]

_RUNS = table_of(CheckRun)
_INSERT_RUN = scoped(insert(_RUNS).returning(_RUNS.c.id))


def make_checklist(
    name: str, lines: Sequence[tuple[str, str]], author: Author, now: datetime
) -> Checklist:
    """Make a checklist; ``lines`` are (what to look at, when it is in order)."""
    checklist = Checklist(name=name, site_id=current_site_id())
    db.session.add(checklist)
    db.session.flush()
    _add_version(checklist, 1, lines, author, now)
    return checklist


def revise_checklist(
    checklist: Checklist,
    name: str,
    lines: Sequence[tuple[str, str]],
    author: Author,
    now: datetime,
) -> bool:
    """Change a checklist: a new version, unless nothing differs. Old runs keep theirs.

    ``checklist`` comes with its versions loaded. Returns whether the lines changed.
    """
    checklist.name = name
    newest = checklist.versions[-1]
    if [(line.name, line.standard) for line in newest.lines] == list(lines):
        return False
    _add_version(checklist, newest.number + 1, lines, author, now)
    return True


def _add_version(
    checklist: Checklist,
    number: int,
    lines: Sequence[tuple[str, str]],
    author: Author,
    now: datetime,
) -> None:
    site_id = current_site_id()
    version = ChecklistVersion(
        site_id=site_id,
        checklist_id=checklist.id,
        number=number,
        made_at=now,
        made_by_id=author.person_id,
    )
    db.session.add(version)
    db.session.flush()
    db.session.add_all(
        ChecklistLine(
            site_id=site_id,
            version_id=version.id,
            ordinal=ordinal,
            name=name,
            standard=standard,
        )
        for ordinal, (name, standard) in enumerate(lines, 1)
    )
    db.session.flush()
    ledger.record(
        site_id,
        author,
        now,
        "checks.checklist.revised",
        f"checklist:{checklist.public_id}",
        facts={"version": number, "lines": [name for name, _ in lines]},
    )


def _demand_whole(lines: Sequence[Line], answers: Answers) -> None:
    missing = [line for line in lines if line.ordinal not in answers]
    if missing:
        raise AnswerMissing(n=len(missing))
    for line in lines:
        answer = answers[line.ordinal]
        if answer.result is Result.ABNORMAL and not answer.note.strip():
            raise NoteMissing(line=line.name)


def record_run(
    version_id: int, place_id: int, answers: Answers, person_id: int, now: datetime
) -> int:
    """Record a checklist gone through; every abnormal line becomes an open finding.

    Returns the run's id.

    Raises:
        AnswerMissing: a line has no result.
        NoteMissing: an abnormal line has no note.
    """
    site_id = current_site_id()
    lines = lines_of(site_id, version_id)
    _demand_whole(lines, answers)
    session = db.session()
    run_id: int = session.execute(
        _INSERT_RUN,
        {
            "site_id": site_id,
            "version_id": version_id,
            "place_id": place_id,
            "person_id": person_id,
            "at": now,
            "results": {
                str(line.ordinal): answers[line.ordinal].result.value for line in lines
            },
            "revision": 0,
        },
    ).scalar_one()
    for line in lines:
        if answers[line.ordinal].result is Result.ABNORMAL:
            _open_finding(run_id, place_id, line, answers[line.ordinal], person_id, now)
    return run_id


def _open_finding(
    run_id: int,
    place_id: int,
    line: Line,
    answer: Answer,
    person_id: int,
    now: datetime,
) -> None:
    db.session.add(
        Finding(
            site_id=current_site_id(),
            run_id=run_id,
            place_id=place_id,
            line_ordinal=line.ordinal,
            line_name=line.name,
            note=answer.note.strip(),
            photo_id=answer.photo_id,
            opened_by_id=person_id,
            opened_at=now,
        )
    )
    db.session.flush()


def correct_run(
    run: CheckRun, answers: Answers, reason: str, author: Author, now: datetime
) -> bool:
    """Put a mistaken tick right; what stood before is kept. Returns whether it differs.

    Raises:
        AnswerMissing, NoteMissing: as in :func:`record_run`.
    """
    assert author.person_id is not None  # noqa: S101 -- the clock ticks no boxes
    lines = lines_of(run.site_id, run.version_id)
    _demand_whole(lines, answers)
    results = {str(line.ordinal): answers[line.ordinal].result.value for line in lines}
    standing = {
        finding.line_ordinal: finding
        for finding in db.session.scalars(
            select(Finding)
            .where(Finding.run_id == run.id)
            .options(joinedload(Finding.photo))
        )
    }
    noted = any(
        answers[line.ordinal].result is Result.ABNORMAL
        and standing.get(line.ordinal) is not None
        and standing[line.ordinal].note != answers[line.ordinal].note.strip()
        for line in lines
    )
    if results == run.results and not noted:
        return False
    run.revision += 1
    db.session.add(
        CheckRevision(
            site_id=run.site_id,
            run_id=run.id,
            number=run.revision,
            results_before=dict(run.results),
            findings_before=_evidence(standing.values()),
            reason=reason,
            person_id=author.person_id,
            at=now,
        )
    )
    run.results = results
    for line in lines:
        _settle(run, line, answers[line.ordinal], standing, author.person_id, now)
    db.session.flush()
    return True


def _evidence(findings: Iterable[Finding]) -> dict[str, dict[str, str | None]]:
    """Return what stood abnormal: a correction must not lose it."""
    return {
        str(finding.line_ordinal): {
            "note": finding.note,
            "photo": finding.photo.public_id if finding.photo else None,
        }
        for finding in findings
        if finding.state is not FindingState.WITHDRAWN
    }


def _settle(
    run: CheckRun,
    line: Line,
    answer: Answer,
    standing: Mapping[int, Finding],
    person_id: int,
    now: datetime,
) -> None:
    finding = standing.get(line.ordinal)
    if answer.result is not Result.ABNORMAL:
        if finding is not None and finding.state is FindingState.OPEN:
            finding.state = FindingState.WITHDRAWN
        return
    if finding is None:
        _open_finding(run.id, run.place_id, line, answer, person_id, now)
        return
    finding.note = answer.note.strip()
    finding.photo_id = answer.photo_id or finding.photo_id
    if finding.state is FindingState.WITHDRAWN:
        finding.state = FindingState.OPEN


def close_finding(
    finding: Finding, comment: str, author: Author, now: datetime
) -> None:
    """Say how an abnormal item was dealt with; it leaves the board.

    Raises:
        Conflict: somebody closed it before.
        ReasonMissing: no comment.
    """
    if finding.state is not FindingState.OPEN:
        raise Conflict
    if not comment.strip():
        raise ReasonMissing(str(_l("请写一句怎么处理的。")))
    finding.state = FindingState.CLOSED
    finding.closed_at = now
    finding.closed_by_id = author.person_id
    finding.closing_note = comment.strip()
    ledger.record(
        finding.site_id,
        author,
        now,
        "checks.finding.closed",
        f"finding:{finding.public_id}",
        place_id=finding.place_id,
        facts={"line": finding.line_name},
        personal={"comment": comment.strip()},
    )
