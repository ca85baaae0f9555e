"""When a duty opens, is due, is late and is missed.

Pure functions of (plan, zone, instant). Four plain numbers shape a window, and zero
means zero::

      opens        starts       late_from          ends        closes
    ───┼──early──────┼──start grace──┼───────────────┼──finish──────┼───
       │             └───────────duration────────────┘   grace      │
       └── may begin                                   missed from ──┘

Every boundary belongs to what follows it: at ``late_from`` a start is late, at
``closes`` an open duty is missed. Minutes are told from midnight of the day that the
duty belongs to, by the clock on the wall: 25:00 is 1:00 of the night after.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = 24 * 60
#: a duty may start up to this late, told from the midnight of its own day
LATEST = 2 * DAY


@dataclass(frozen=True, slots=True)
class Plan:
    """A duty that repeats within its day: first and last start, period, tolerance.

    All numbers are minutes; ``first_start`` and ``last_start`` count from the
    midnight of the duty's day. ``weekdays`` are 0 (Monday) to 6.
    """

    first_start: int
    last_start: int
    period: int
    early: int
    start_grace: int
    duration: int
    finish_grace: int
    weekdays: frozenset[int] = frozenset(range(7))

    def faults(self) -> list[str]:
        """Name every rule that these numbers break (codes, empty when sound)."""
        found = []
        if not 0 <= self.first_start <= self.last_start < LATEST:
            found.append("starts")
        if min(self.early, self.start_grace, self.finish_grace, self.period) < 0:
            found.append("negative")
        if not self.weekdays <= frozenset(range(7)):
            found.append("weekdays")
        if self.duration < 1:
            found.append("duration")
        if self.start_grace > self.duration:
            found.append("start_grace")
        span = self.early + self.duration + self.finish_grace
        if self.first_start != self.last_start and self.period < 1:
            found.append("period")
        elif self.first_start != self.last_start and span > self.period:
            found.append("overlap")
        if self.last_start - self.first_start + span > DAY:
            found.append("day")
        return found


@dataclass(frozen=True, slots=True)
class Window:
    """One time of doing a duty. Instants are UTC; ``opens <= t < closes`` is inside."""

    day_on: date
    #: counts the day's windows from 1
    ordinal: int
    opens_at: datetime
    starts_at: datetime
    late_from_at: datetime
    ends_at: datetime
    closes_at: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.opens_at <= instant < self.closes_at


class Standing(StrEnum):
    """How a duty stands at an instant."""

    AHEAD = "ahead"
    OPEN = "open"
    LATE = "late"
    MISSED = "missed"


def standing(late_from: datetime, window_closes: datetime, at: datetime) -> Standing:
    """Judge a duty that is not done yet: open, then late, then missed."""
    if at >= window_closes:
        return Standing.MISSED
    return Standing.LATE if at >= late_from else Standing.OPEN


def instant_of(day: date, minutes: int, zone: ZoneInfo) -> datetime | None:
    """Return the instant at which the wall clock shows ``minutes`` after midnight.

    None where the clock jumps over that time; the first of the two where it shows it
    twice.
    """
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- wall time
    wall = midnight + timedelta(minutes=minutes)
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        return None
    return instant


def shift_span(
    day: date, start: int, end: int, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Return start and end of a shift of ``day``; both told in minutes from midnight.

    A boundary that the clock jumps over falls on the first minute after the jump.
    """
    return _next_instant(day, start, zone), _next_instant(day, end, zone)


def _next_instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    while True:
        if (instant := instant_of(day, minutes, zone)) is not None:
            return instant
        minutes += 1


def _of_day(
    plan: Plan, day: date, zone: ZoneInfo, not_before: datetime | None
) -> Iterator[Window]:
    ordinal = 0
    step = plan.period or LATEST
    for minutes in range(plan.first_start, plan.last_start + 1, step):
        ordinal += 1
        starts = instant_of(day, minutes, zone)
        if starts is None:
            continue
        ends = starts + timedelta(minutes=plan.duration)
        closes = ends + timedelta(minutes=plan.finish_grace)
        opens = starts - timedelta(minutes=plan.early)
        if not_before is not None and opens < not_before:
            opens = not_before
        if opens >= closes:
            continue
        not_before = closes
        late = max(opens, starts + timedelta(minutes=plan.start_grace))
        yield Window(day, ordinal, opens, starts, late, ends, closes)


def windows_on(
    plan: Plan, day: date, zone: ZoneInfo, closed: Collection[date] = ()
) -> list[Window]:
    """Return the plan's windows of one day, in order, none touching another.

    Only a clock that jumps can press two windows together; the later one then opens
    when the earlier one has closed. A start that the clock skips does not happen.
    """
    if day.weekday() not in plan.weekdays or day in closed:
        return []
    before = day - timedelta(days=1)
    not_before = None
    if before.weekday() in plan.weekdays and before not in closed:
        for window in _of_day(plan, before, zone, None):
            not_before = window.closes_at
    return list(_of_day(plan, day, zone, not_before))


def windows_between(
    plan: Plan,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    closed: Collection[date] = (),
) -> list[Window]:
    """Return the windows that are open at some instant of ``since <= t < until``."""
    first = since.astimezone(zone).date() - timedelta(days=3)
    # a duty may open a day before its own, and a calendar may lack the day between
    last = until.astimezone(zone).date() + timedelta(days=2)
    found = []
    day = first
    while day <= last:
        found += [
            window
            for window in windows_on(plan, day, zone, closed)
            if window.opens_at < until and window.closes_at > since
        ]
        day += timedelta(days=1)
    return found


def window_at(
    plan: Plan, at: datetime, zone: ZoneInfo, closed: Collection[date] = ()
) -> Window | None:
    """Return the one window that ``at`` lies in, or None."""
    for window in windows_between(
        plan, at, at + timedelta(microseconds=1), zone, closed
    ):
        if at in window:
            return window
    return None


def tell_minutes(minutes: int) -> str:
    """Write minutes from midnight as staff say them: 540 is 9:00, 1500 is 25:00."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def read_minutes(told: str) -> int:
    """Read ``9:00`` or ``25:00``; raise ValueError for anything else."""
    hours, colon, rest = told.strip().replace("：", ":").partition(":")
    if not colon or not hours.isdecimal() or len(rest) != 2 or not rest.isdecimal():
        raise ValueError(told)
    minutes = int(hours) * 60 + int(rest)
    if int(rest) > 59 or minutes > LATEST:
        raise ValueError(told)
    return minutes
