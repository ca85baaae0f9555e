"""What is next for one person; what is late for everybody."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from casefield.checks.queries import list_open_findings
from casefield.patrol.models import Round
from casefield.patrol.queries import points
from casefield.patrol.queries import rounds as patrol
from casefield.patrol.queries.rounds import Outcome, Progress
from casefield.people import queries as people
from casefield.people.queries import OnDuty


@dataclass(frozen=True, slots=True)
class MyTasks:
    """A person's day: the shift, the round to walk now, what comes after."""

    shift: OnDuty | None
    now: list[Progress]
    ahead: list[Round]
    #: names of the things to look at, at the next point
    look_at: list[str]


def my_tasks(
    site_id: int, person_id: int, zone: ZoneInfo, now: datetime, limit: int = 3
) -> MyTasks:
    """Return the next tasks by post and time: what is begun first, then what closes."""
    shift = people.shift_of(site_id, person_id, zone, now)
    today = now.astimezone(zone).date()
    posts = [post.id for post in people.posts_of(person_id, today)]
    if shift is not None:
        posts = [shift.post_id]
    open_now = [
        progress
        for progress in patrol.rounds_open(now)
        if progress.open_count and _is_mine(progress, person_id, posts)
    ]
    open_now.sort(key=lambda p: (p.round.person_id != person_id, p.round.closes_at))
    until = shift.until if shift is not None else now + timedelta(hours=12)
    ahead = patrol.rounds_ahead(posts, now, until, max(0, limit - len(open_now)))
    next_point = open_now[0].next if open_now else None
    look_at = points.look_at(next_point.checkpoint_id) if next_point else []
    return MyTasks(shift, open_now, ahead, look_at)


def _is_mine(progress: Progress, person_id: int, posts: list[int]) -> bool:
    round_ = progress.round
    if round_.person_id is not None:
        return round_.person_id == person_id
    return round_.plan is not None and round_.plan.post_id in posts


@dataclass(frozen=True, slots=True)
class LateRound:
    """An open round that should be further than it is."""

    progress: Progress
    overdue: int
    since: datetime


def late_now(now: datetime) -> list[LateRound]:
    """Return the open rounds with points that are late and still to be done."""
    found = []
    for progress in patrol.rounds_open(now):
        late = [p for p in progress.points if p.outcome is Outcome.OVERDUE]
        if late and not progress.round.is_extra:
            since = min(point.late_from_at for point in late)
            found.append(LateRound(progress, len(late), since))
    return sorted(found, key=lambda late: late.since)


def day_grids(day: date, now: datetime) -> list[tuple[object, list[Progress]]]:
    """Return each route with its rounds of a day, those without any left out."""
    found: list[tuple[object, list[Progress]]] = []
    for route in patrol.list_routes():
        rounds = patrol.rounds_of_day(route.id, day, now)
        if rounds:
            found.append((route, rounds))
    return found


@dataclass(frozen=True, slots=True)
class Attention:
    """How much waits on the duty board."""

    missed: int
    late: int
    findings: int


def attention(now: datetime) -> Attention:
    """Return how much waits to be dealt with, for the home of whoever leads."""
    return Attention(
        missed=sum(len(group.points) for group in patrol.standing_misses()),
        late=sum(late.overdue for late in late_now(now)),
        findings=len(list_open_findings()),
    )
