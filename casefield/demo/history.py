"""A fortnight of rounds: mostly walked well, with the cases that must show."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from casefield.accounts.models import Device
from casefield.checks import services as checks
from casefield.checks.models import Finding, FindingState, Result
from casefield.checks.queries import lines_of
from casefield.checks.services import Answer
from casefield.core.db import db
from casefield.patrol.models import (
    Checkpoint,
    Method,
    NoteKind,
    Omission,
    OmissionKind,
    Round,
    RoundStop,
)
from casefield.patrol.queries.points import get_stop
from casefield.patrol.services import check_in as points
from casefield.patrol.services import notes, rounds
from casefield.people import queries as people
from casefield.people.models import Person
from casefield.sites.models import Place, Site

SEED = 20261123
#: what a guard might write; by point
ABNORMAL = {
    "X03": (1, "地上有一小片油渍，已放锥桶"),
    "X08": (2, "洗手台下渗水，已放接水盆"),
    "X11": (2, "门厅左侧筒灯不亮"),
    "X14": (3, "灭火器压力在黄区"),
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Who walks, as the services want an author."""

    person_id: int
    device_id: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done at a point, at its instant."""

    at: datetime
    round: Round
    stop: RoundStop
    kind: str
    guard: Guard


def walk_the_fortnight(
    site: Site, staff: dict[str, Person], begin: datetime, now: datetime
) -> None:
    """Lay the past rounds out and walk them up to now, in the order of time."""
    dice = random.Random(SEED)  # noqa: S311 -- repeatable, not secret
    site.swept_until_at = begin
    rounds.lay_out_rounds(site, now)
    device = Device(
        token_hash="demo",  # noqa: S106 -- no token hashes to this
        label="Android · Chrome",
        first_seen_at=begin,
    )
    db.session.add(device)
    db.session.flush()
    judged = begin
    for step in sorted(
        _steps(site, device, dice, now), key=lambda s: (s.at, s.stop.id)
    ):
        if step.at - judged > timedelta(hours=6):
            rounds.miss_what_is_over(site, step.at)
            judged = step.at
        _do(step, site, dice)
    rounds.miss_what_is_over(site, now)
    _answer_for_old_misses(staff["S02"], now - timedelta(days=1))
    _deal_with_old_findings(staff["S02"], now)
    _write_notes(staff, now)
    site.swept_until_at = now


def _guard_of(round_: Round, site: Site, device: Device) -> Guard | None:
    """Return who was on duty when a planned round began, and finishes it."""
    wanted = "P8" if round_.route.code == "R-DAY" else "N1"
    for duty in people.on_duty(site.id, site.zone, round_.starts_at):
        if duty.post_code == wanted:
            return Guard(duty.person_id, device.id)
    return None


def _steps(
    site: Site, device: Device, dice: random.Random, now: datetime
) -> Iterator[Step]:
    yesterday = now.astimezone(site.zone).date() - timedelta(days=1)
    all_rounds = db.session.scalars(
        select(Round)
        .where(Round.opens_at <= now)
        .options(
            joinedload(Round.route),
            selectinload(Round.stops).joinedload(RoundStop.checkpoint),
        )
        .order_by(Round.starts_at, Round.id)
    ).all()
    over = [r for r in all_rounds if r.route.code == "R-DAY" and r.closes_at <= now]
    newest = over[-1] if over else None
    for round_ in all_rounds:
        day_round = round_.route.code == "R-DAY"
        if day_round and round_.day_on == yesterday and round_.ordinal == 5:
            continue
        guard = _guard_of(round_, site, device)
        if guard is None:
            continue
        late = dice.random() < 0.05
        for stop in round_.stops:
            at = stop.due_at + timedelta(seconds=dice.randint(5, 200))
            if late:
                at += timedelta(minutes=9)
            at = min(at, round_.closes_at - timedelta(seconds=20))
            by_hand = day_round and round_.day_on == yesterday and round_.ordinal == 4
            kind = _kind_of(stop.checkpoint.code, dice, by_hand=by_hand)
            left_out = round_ is newest and stop.checkpoint.code == "X06"
            if at <= now and not (left_out and kind != "skip"):
                yield Step(at, round_, stop, kind, guard)


def _kind_of(code: str, dice: random.Random, *, by_hand: bool) -> str:
    if dice.random() < 0.003:
        return "skip"
    if by_hand and code == "X09":
        return "hand"
    return "abnormal" if code in ABNORMAL and dice.random() < 0.008 else "done"


def _do(step: Step, site: Site, dice: random.Random) -> None:
    stop = get_stop(step.round.public_id, step.stop.ordinal)
    if step.kind == "skip":
        points.skip(stop, "有客人在，不便打扰", step.guard, step.at)
        return
    answers: dict[int, Answer] = {}
    if stop.version_id is not None:
        lines = lines_of(site.id, stop.version_id)
        answers = {line.ordinal: Answer(Result.NORMAL) for line in lines}
    if step.kind == "abnormal":
        ordinal, note = ABNORMAL[stop.code]
        answers[ordinal] = Answer(Result.ABNORMAL, note)
    method, reason = Method.SCAN, ""
    if step.kind == "hand":
        method, reason = Method.HAND, "手机拍不了（没电、镜头坏）"
    elif dice.random() < 0.02:
        method = Method.TYPED
    points.check_in(stop, points.Visit(method, reason, answers), step.guard, step.at)


def _answer_for_old_misses(manager: Person, before: datetime) -> None:
    author = Guard(manager.id, None)
    old = db.session.scalars(
        select(Omission)
        .where(Omission.kind == OmissionKind.MISSED, Omission.at < before)
        .order_by(Omission.id)
    )
    for omission in old:
        at = omission.at + timedelta(hours=3)
        rounds.close_miss(omission, "当班去支援车场疏导，已提醒提前报备", author, at)


def _deal_with_old_findings(manager: Person, now: datetime) -> None:
    author = Guard(manager.id, None)
    found = db.session.scalars(
        select(Finding)
        .where(Finding.state == FindingState.OPEN)
        .order_by(Finding.opened_at)
    ).all()
    for finding in found[:-2]:
        at = min(now, finding.opened_at + timedelta(hours=5))
        checks.close_finding(finding, "技术岗已处理，复查正常", author, at)


def _write_notes(staff: dict[str, Person], now: datetime) -> None:
    place = db.session.scalars(select(Place).where(Place.code == "L-DM")).one()
    point = db.session.scalars(select(Checkpoint).where(Checkpoint.code == "X05")).one()
    guard = Guard(staff["S20"].id, None)
    notes.write_note(
        NoteKind.VIOLATION,
        place.id,
        "有人在门口摆放易拉宝广告",
        guard,
        now - timedelta(hours=26),
        action="劝离，已自行收走",
    )
    hall = next(p for p in people.list_posts() if p.code == "P1")
    notes.write_note(
        NoteKind.OBSERVATION,
        point.place_id,
        "客人较多时沙盘边没有人引导，约五分钟后补上",
        guard,
        now - timedelta(hours=3),
        post_id=hall.id,
    )
