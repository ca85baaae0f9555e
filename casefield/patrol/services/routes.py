"""Checkpoints, routes and plans. An edit reaches rounds that are not open yet."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from casefield.core import ledger
from casefield.core.db import db
from casefield.core.errors import DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id
from casefield.core.windows import Plan as Timing
from casefield.patrol.models import Checkpoint, Plan, Route, RouteStop
from casefield.patrol.services.rounds import lay_out_again
from casefield.sites.models import Place


class CodeTaken(DomainError):
    """Codes tell routes and points apart."""

    code = "code-taken"
    message = _l("编号 %(code)s 已经有了。")


class StopsWrong(DomainError):
    """A route needs points in walking order, each once."""

    code = "stops-wrong"
    message = _l("路线至少要有一个点，同一个点只放一次，分钟数不能往回走。")


class TimingWrong(DomainError):
    """The four numbers do not fit together."""

    code = "timing-wrong"


FAULTS = {
    "starts": _l("末轮不能早于首轮。"),
    "negative": _l("提前、宽限不能是负数。"),
    "duration": _l("每轮用时至少 1 分钟。"),
    "start_grace": _l("开始宽限不能比每轮用时长。"),
    "period": _l("一天不止一轮时，要写间隔。"),
    "overlap": _l(
        "提前 %(early)s + 用时 %(duration)s + 完成宽限 %(finish_grace)s "
        "超过了间隔 %(period)s 分钟，相邻两轮会重叠。"
    ),
    "day": _l("首轮到末轮加上用时超过了一天。"),
    "walk": _l("路线最后一点要在每轮用时之内走到。"),
    "weekdays": _l("至少选一天。"),
}


def make_checkpoint(
    code: str,
    name: str,
    place: Place,
    checklist_id: int | None,
    author: Author,
    now: datetime,
) -> Checkpoint:
    """Put a place on patrol.

    Raises:
        CodeTaken: the code, or the place, is on patrol already.
    """
    taken = db.session.scalar(
        select(Checkpoint).where(
            (Checkpoint.code == code) | (Checkpoint.place_id == place.id)
        )
    )
    if taken is not None:
        raise CodeTaken(code=taken.code)
    checkpoint = Checkpoint(
        site_id=current_site_id(),
        code=code,
        name=name,
        place_id=place.id,
        checklist_id=checklist_id,
    )
    db.session.add(checkpoint)
    db.session.flush()
    ledger.record(
        checkpoint.site_id,
        author,
        now,
        "patrol.checkpoint.made",
        f"checkpoint:{checkpoint.public_id}",
        place_id=place.id,
        facts={"code": code, "name": name},
    )
    return checkpoint


def change_checkpoint(
    checkpoint: Checkpoint,
    name: str,
    checklist_id: int | None,
    author: Author,
    now: datetime,
) -> None:
    """Rename a point or give it another list; what was recorded stays as it was."""
    before = {"name": checkpoint.name, "checklist": checkpoint.checklist_id}
    checkpoint.name, checkpoint.checklist_id = name, checklist_id
    ledger.record(
        checkpoint.site_id,
        author,
        now,
        "patrol.checkpoint.changed",
        f"checkpoint:{checkpoint.public_id}",
        place_id=checkpoint.place_id,
        facts={"before": before, "after": {"name": name, "checklist": checklist_id}},
    )


def make_route(code: str, name: str, author: Author, now: datetime) -> Route:
    """Make a route without points.

    Raises:
        CodeTaken: another route has the code.
    """
    if db.session.scalar(select(Route).where(Route.code == code)) is not None:
        raise CodeTaken(code=code)
    last = db.session.scalar(select(func.max(Route.ordinal))) or 0
    route = Route(
        site_id=current_site_id(),
        code=code,
        name=name,
        ordinal=last + 1,
        stops=[],
        plans=[],
    )
    db.session.add(route)
    db.session.flush()
    _record(route, author, now, "made", code=code, name=name)
    return route


def change_route(
    route: Route,
    name: str,
    stops: Sequence[tuple[int, int]],
    author: Author,
    now: datetime,
) -> None:
    """Set a route's name and points: (checkpoint id, minutes from the start) in order.

    Raises:
        StopsWrong: no point, a point twice, or minutes that go back.
        TimingWrong: a current plan is too short for the walk.
    """
    points = [checkpoint_id for checkpoint_id, _ in stops]
    offsets = [offset for _, offset in stops]
    if (
        not stops
        or len(set(points)) != len(points)
        or offsets != sorted(offsets)
        or offsets[0] < 0
    ):
        raise StopsWrong
    for plan in current_plans(route, now):
        if offsets[-1] > plan.duration_minutes:
            raise TimingWrong(str(FAULTS["walk"]))
    before = [(stop.checkpoint_id, stop.offset_minutes) for stop in route.stops]
    route.name = name
    if before != list(stops):
        route.stops.clear()
        db.session.flush()
        route.stops = [
            RouteStop(
                site_id=route.site_id,
                checkpoint_id=checkpoint_id,
                ordinal=ordinal,
                offset_minutes=offset,
            )
            for ordinal, (checkpoint_id, offset) in enumerate(stops, 1)
        ]
        db.session.flush()
        lay_out_again(route, now)
    _record(route, author, now, "changed", name=name, before=before, after=list(stops))


def retire_route(route: Route, author: Author, now: datetime) -> None:
    """Take a route out of use; its records stay."""
    route.retired_at = now
    lay_out_again(route, now)
    _record(route, author, now, "retired")


def current_plans(route: Route, now: datetime) -> list[Plan]:
    """Return the route's plans that still make rounds."""
    return [
        plan
        for plan in route.plans
        if plan.valid_until_at is None or plan.valid_until_at > now
    ]


@dataclass(frozen=True, slots=True)
class Wish:
    """A plan as somebody wants it."""

    name: str
    post_id: int
    timing: Timing

    def fields(self) -> dict[str, object]:
        days = self.timing.weekdays
        return {
            "name": self.name,
            "post_id": self.post_id,
            "weekdays": "".join("1" if day in days else "0" for day in range(7)),
            "first_start_minutes": self.timing.first_start,
            "last_start_minutes": self.timing.last_start,
            "period_minutes": self.timing.period,
            "early_minutes": self.timing.early,
            "start_grace_minutes": self.timing.start_grace,
            "duration_minutes": self.timing.duration,
            "finish_grace_minutes": self.timing.finish_grace,
        }


def faults_of(route: Route, timing: Timing) -> list[str]:
    """Name every rule that a plan's numbers break on this route (codes)."""
    found = timing.faults()
    if not timing.weekdays:
        found.append("weekdays")
    if route.stops and route.stops[-1].offset_minutes > timing.duration:
        found.append("walk")
    return found


def make_plan(route: Route, wish: Wish, author: Author, now: datetime) -> Plan:
    """Begin a plan at once.

    Raises:
        TimingWrong: with the sentence of the first broken rule.
    """
    if faults := faults_of(route, wish.timing):
        raise TimingWrong(str(FAULTS[faults[0]]), **asdict(wish.timing))
    plan = Plan(site_id=route.site_id, valid_from_at=now, **wish.fields())
    route.plans.append(plan)
    db.session.flush()
    lay_out_again(route, now)
    _record(route, author, now, "planned", **wish.fields())
    return plan


def change_plan(
    route: Route, plan: Plan, wish: Wish, author: Author, now: datetime
) -> Plan:
    """End a plan and begin another, so that past rounds keep their numbers.

    Rounds that are open already stay as they are.

    Raises:
        TimingWrong: as in :func:`make_plan`.
    """
    if faults := faults_of(route, wish.timing):
        raise TimingWrong(str(FAULTS[faults[0]]), **asdict(wish.timing))
    plan.valid_until_at = now
    return make_plan(route, wish, author, now)


def end_plan(route: Route, plan: Plan, author: Author, now: datetime) -> None:
    """No more rounds by this plan from now on."""
    plan.valid_until_at = now
    lay_out_again(route, now)
    _record(route, author, now, "plan_ended", plan=plan.name)


def _record(
    route: Route, author: Author, now: datetime, what: str, **facts: object
) -> None:
    ledger.record(
        route.site_id,
        author,
        now,
        f"patrol.route.{what}",
        f"route:{route.public_id}",
        facts=facts,
    )
