"""At a point: check in, put a tick right, skip with a reason."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, insert, select, update

from casefield.checks import services as checks
from casefield.checks.models import CheckRun, Result
from casefield.core import ledger
from casefield.core.db import db, new_public_id, table_of
from casefield.core.errors import Conflict, DomainError, NotAllowed
from casefield.core.ledger import Author
from casefield.core.policy import MANAGING
from casefield.core.scope import current_site_id, scoped
from casefield.patrol.models import (
    CheckIn,
    Method,
    Omission,
    OmissionKind,
    Round,
)
from casefield.patrol.queries.points import Stop
from casefield.patrol.services.rounds import RoundClosed

#: who may amend what others recorded
MAY_AMEND = MANAGING.roles


class NotYours(NotAllowed):
    """Somebody else's record, or a closed one."""

    code = "not-yours"
    message = _l("这条记录只能由本人在交表前改；交表后请管理岗更正。")


class AlreadyDone(Conflict):
    """One point, one check-in a round."""

    code = "already-done"
    message = _l("这个点本轮已经签过到了。")


class NotOpenYet(DomainError):
    """Too early by the plan; an extra round may be walked any time."""

    status = 409
    code = "not-open-yet"
    message = _l("这一轮还没开始。现在要走，请用“加巡”。")


class HandReasonMissing(DomainError):
    """By hand is weaker evidence, so it says why."""

    code = "hand-reason-missing"
    message = _l("手工签到要写原因。")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a check-in says, besides who, where and when."""

    method: Method
    reason: str = ""
    answers: checks.Answers | None = None


_INSERT = scoped(insert(table_of(CheckIn)).inline())
_ROUNDS = table_of(Round)
_BEGIN = scoped(
    update(_ROUNDS)
    .where(
        _ROUNDS.c.site_id == bindparam("the_site_id"),
        _ROUNDS.c.id == bindparam("the_round_id"),
    )
    .values(person_id=bindparam("person_id"), begun_at=bindparam("begun_at"))
)


def check_in(stop: Stop, visit: Visit, author: Author, now: datetime) -> str:
    """Check in at a stop of an open round; return the check-in's public id.

    The first check-in begins the round for whoever makes it.

    Raises:
        RoundClosed, NotOpenYet: outside the round's window.
        AlreadyDone: the point was visited in this round.
        HandReasonMissing: by hand without a reason.
        AnswerMissing, NoteMissing: the point's list is not complete.
    """
    _demand_open(stop, now)
    if visit.method is Method.HAND and not visit.reason.strip():
        raise HandReasonMissing
    assert author.person_id is not None  # noqa: S101 -- the clock walks no rounds
    run_id = None
    if stop.version_id is not None:
        run_id = checks.record_run(
            stop.version_id, stop.place_id, visit.answers or {}, author.person_id, now
        )
    public_id = new_public_id()
    _write(public_id, stop, visit, run_id, author, now)
    _record(public_id, stop, visit, author, now)
    return public_id


def _write(
    public_id: str,
    stop: Stop,
    visit: Visit,
    run_id: int | None,
    author: Author,
    now: datetime,
) -> None:
    site_id = current_site_id()
    session = db.session()
    session.execute(
        _INSERT,
        {
            "site_id": site_id,
            "public_id": public_id,
            "round_id": stop.round_id,
            "round_stop_id": stop.id,
            "checkpoint_id": stop.checkpoint_id,
            "person_id": author.person_id,
            "device_id": author.device_id,
            "at": now,
            "is_late": now >= stop.late_from_at,
            "method": visit.method,
            "reason": visit.reason.strip(),
            "run_id": run_id,
        },
    )
    if stop.begun_at is None:
        session.execute(
            _BEGIN,
            {
                "the_site_id": site_id,
                "the_round_id": stop.round_id,
                "person_id": author.person_id,
                "begun_at": now,
            },
        )


def _record(
    public_id: str, stop: Stop, visit: Visit, author: Author, now: datetime
) -> None:
    ledger.record(
        current_site_id(),
        author,
        now,
        "patrol.check_in.made",
        f"check_in:{public_id}",
        place_id=stop.place_id,
        facts={
            "checkpoint": stop.code,
            "round": stop.round_public_id,
            "method": visit.method.value,
            "late": now >= stop.late_from_at,
            "abnormal": [
                ordinal
                for ordinal, answer in sorted((visit.answers or {}).items())
                if answer.result is Result.ABNORMAL
            ],
        },
        personal={"reason": visit.reason.strip()},
    )


def _demand_open(stop: Stop, now: datetime) -> None:
    if stop.closed_at is not None or now >= stop.closes_at:
        raise RoundClosed
    if now < stop.opens_at:
        raise NotOpenYet
    if stop.check_in_id is not None:
        raise AlreadyDone


def skip(stop: Stop, reason: str, author: Author, now: datetime) -> None:
    """Leave a point out on purpose: neither done nor missed, and it says why.

    Raises:
        RoundClosed, NotOpenYet, AlreadyDone: as for a check-in.
        DomainError: no reason.
    """
    _demand_open(stop, now)
    if not reason.strip():
        raise DomainError(str(_l("跳过要写原因。")))
    there = db.session.scalar(select(Omission).where(Omission.round_stop_id == stop.id))
    if there is not None:
        raise AlreadyDone(str(_l("这个点本轮已经跳过了。")))
    db.session.add(
        Omission(
            site_id=current_site_id(),
            round_id=stop.round_id,
            round_stop_id=stop.id,
            checkpoint_id=stop.checkpoint_id,
            kind=OmissionKind.SKIPPED,
            at=now,
            person_id=author.person_id,
            reason=reason.strip(),
        )
    )
    ledger.record(
        current_site_id(),
        author,
        now,
        "patrol.point.skipped",
        f"round:{stop.round_public_id}",
        place_id=stop.place_id,
        facts={"checkpoint": stop.code},
        personal={"reason": reason.strip()},
    )


def correct(
    made: CheckIn, answers: checks.Answers, reason: str, author: Author, now: datetime
) -> None:
    """Put ticks right: freely until the round closes, afterwards with a reason.

    Raises:
        ReasonMissing: the round is closed and no reason is given.
        AnswerMissing, NoteMissing: the list is not complete.
    """
    run, round_ = _run_and_round(made)
    if round_.closed_at is not None and not reason.strip():
        raise checks.ReasonMissing
    before = dict(run.results)
    if not checks.correct_run(run, answers, reason.strip(), author, now):
        return
    ledger.record(
        made.site_id,
        author,
        now,
        "patrol.check_in.amended" if round_.closed_at else "patrol.check_in.corrected",
        f"check_in:{made.public_id}",
        place_id=run.place_id,
        facts={"before": before, "after": run.results},
        personal={"reason": reason.strip()},
    )


def _run_and_round(made: CheckIn) -> tuple[CheckRun, Round]:
    row = db.session.execute(
        select(CheckRun, Round)
        .join(CheckIn, CheckIn.run_id == CheckRun.id)
        .join(Round, Round.id == CheckIn.round_id)
        .where(CheckIn.id == made.id)
    ).first()
    if row is None:
        raise Conflict(str(_l("这个点没有检查项，不用更正。")))
    return row[0], row[1]
