"""Properties of windows, over plans, zones and instants."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from casefield.core import windows
from casefield.core.windows import (
    DAY,
    LATEST,
    Plan,
    Standing,
    instant_of,
    read_minutes,
    shift_span,
    standing,
    tell_minutes,
    window_at,
    windows_between,
    windows_on,
)

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour of daylight saving
        "America/Sao_Paulo",  # changed at midnight, so midnight was skipped
        "Asia/Kathmandu",
        "Pacific/Apia",  # had no 30 December 2011
    )
]
#: days on which one of these clocks jumped
JUMPS = [
    date(2011, 12, 30),  # Apia lost the day
    date(2018, 11, 4),  # Sao Paulo, forward at midnight
    date(2019, 2, 16),  # Sao Paulo, back at midnight
    date(2026, 3, 8),  # New York, forward
    date(2026, 3, 29),  # Berlin, forward
    date(2026, 4, 5),  # Lord Howe, back half an hour
    date(2026, 10, 4),  # Lord Howe, forward half an hour
    date(2026, 10, 25),  # Berlin, back
    date(2026, 11, 1),  # New York, back
]
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)

zones = st.sampled_from(ZONES)
days = st.one_of(
    st.dates(date(2011, 1, 1), date(2030, 12, 31)),
    st.builds(
        lambda day, off: day + timedelta(days=off),
        st.sampled_from(JUMPS),
        st.integers(-3, 3),
    ),
)
minutes = st.one_of(st.integers(0, DAY), st.sampled_from([0, 1, 15, 60, 120, DAY]))


@st.composite
def plans(draw):
    """Draw sound plans, up to those that fill their day to the last minute."""
    first = draw(st.integers(0, LATEST - 1))
    span = draw(st.integers(1, DAY))
    early = draw(st.integers(0, span - 1))
    duration = draw(st.integers(1, span - early))
    finish_grace = span - early - duration
    if draw(st.booleans()):
        period = draw(st.integers(span, max(span, DAY)))
        last = min(first + draw(st.integers(0, DAY - span)), LATEST - 1)
    else:
        period, last = 0, first
    plan = Plan(
        first_start=first,
        last_start=last,
        period=period,
        early=early,
        start_grace=draw(st.integers(0, duration)),
        duration=duration,
        finish_grace=finish_grace,
        weekdays=draw(
            st.one_of(
                st.just(frozenset(range(7))),
                st.frozensets(st.integers(0, 6), min_size=1),
            )
        ),
    )
    assume(not plan.faults())
    return plan


def _around(day, zone):
    start = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
    return start - timedelta(days=4), start + timedelta(days=4)


@settings(max_examples=300, deadline=None)
@given(plans(), zones, days)
def test_windows_of_consecutive_days_are_in_order_and_disjoint(plan, zone, day):
    found = [
        window
        for off in range(-3, 4)
        for window in windows_on(plan, day + timedelta(days=off), zone)
    ]
    for window in found:
        assert window.opens_at < window.closes_at
        assert window.opens_at <= window.late_from_at <= window.closes_at
        assert window.starts_at <= window.ends_at <= window.closes_at
    for before, after in pairwise(found):
        assert before.closes_at <= after.opens_at


@settings(max_examples=300, deadline=None)
@given(plans(), zones, days, st.integers(-2 * DAY, 2 * DAY), st.data())
def test_every_instant_lies_in_at_most_one_window(plan, zone, day, shift, data):
    since, until = _around(day, zone)
    found = windows_between(plan, since, until, zone)
    edges = [edge for w in found for edge in (w.opens_at, w.closes_at)]
    edges = [e + step for e in edges for step in (-TICK, timedelta(), TICK)]
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    at = data.draw(st.sampled_from([noon + shift * MINUTE, *edges]))
    assume(since <= at < until)
    holding = [window for window in found if at in window]
    assert len(holding) <= 1
    assert window_at(plan, at, zone) == (holding[0] if holding else None)


@settings(max_examples=200, deadline=None)
@given(plans(), zones, days, minutes, minutes)
def test_between_finds_exactly_the_windows_that_are_open_then(
    plan, zone, day, start, length
):
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) + start * MINUTE
    until = since + max(1, length) * MINUTE
    wide = [
        window
        for off in range(-7, 8)
        for window in windows_on(plan, day + timedelta(days=off), zone)
    ]
    expected = [w for w in wide if w.opens_at < until and w.closes_at > since]
    assert windows_between(plan, since, until, zone) == expected


@settings(max_examples=200, deadline=None)
@given(plans(), zones, days)
def test_a_window_starts_when_the_wall_clock_says_so(plan, zone, day):
    starts = list(range(plan.first_start, plan.last_start + 1, plan.period or LATEST))
    midnight = datetime.fromisoformat(f"{day}T00:00")
    for window in windows_on(plan, day, zone):
        told = midnight + starts[window.ordinal - 1] * MINUTE
        assert window.starts_at.astimezone(zone).replace(tzinfo=None) == told
        assert window.day_on == day
        assert window.ends_at - window.starts_at == plan.duration * MINUTE
        assert window.closes_at - window.ends_at == plan.finish_grace * MINUTE


@settings(max_examples=100, deadline=None)
@given(plans(), days)
def test_without_daylight_saving_no_window_is_lost_or_pressed(plan, day):
    zone = ZoneInfo("Asia/Shanghai")
    whole = replace(plan, weekdays=frozenset(range(7)))
    found = windows_on(whole, day, zone)
    count = len(range(plan.first_start, plan.last_start + 1, plan.period or LATEST))
    assert [window.ordinal for window in found] == list(range(1, count + 1))
    for window in found:
        assert window.starts_at - window.opens_at == plan.early * MINUTE
        assert window.late_from_at - window.starts_at == plan.start_grace * MINUTE


@settings(max_examples=200, deadline=None)
@given(plans(), zones, days)
def test_late_and_missed_change_exactly_at_the_minute(plan, zone, day):
    for window in windows_on(plan, day, zone):
        late, closes = window.late_from_at, window.closes_at
        assert standing(late, closes, closes - TICK) is not Standing.MISSED
        assert standing(late, closes, closes) is Standing.MISSED
        assert closes - TICK in window
        assert closes not in window
        assert window.opens_at in window
        assert window.opens_at - TICK not in window
        if late < closes:
            assert standing(late, closes, late) is Standing.LATE
        if late > window.opens_at:
            assert standing(late, closes, late - TICK) is Standing.OPEN


@settings(max_examples=100, deadline=None)
@given(plans(), zones, days)
def test_a_closed_day_or_another_weekday_has_no_window(plan, zone, day):
    assert windows_on(plan, day, zone, closed={day}) == []
    others = replace(plan, weekdays=frozenset(range(7)) - {day.weekday()})
    assert windows_on(others, day, zone) == []


def test_25_00_belongs_to_its_day():
    shanghai = ZoneInfo("Asia/Shanghai")
    plan = Plan(1500, 1500, 0, 0, 10, 30, 0)
    (window,) = windows_on(plan, date(2026, 3, 5), shanghai)
    assert window.day_on == date(2026, 3, 5)
    local = window.starts_at.astimezone(shanghai)
    assert local.replace(tzinfo=None) == (datetime.fromisoformat("2026-03-06T01:00"))
    at = window.starts_at + 5 * MINUTE
    assert window_at(plan, at, shanghai) == window
    friday_only = replace(plan, weekdays=frozenset({4}))
    assert window_at(friday_only, at, shanghai) is None


def test_zero_means_zero():
    shanghai = ZoneInfo("Asia/Shanghai")
    plan = Plan(480, 480, 0, 0, 0, 30, 0)
    (window,) = windows_on(plan, date(2026, 3, 5), shanghai)
    assert window.opens_at == window.starts_at == window.late_from_at
    assert window.ends_at == window.closes_at
    assert standing(window.late_from_at, window.closes_at, window.opens_at) is (
        Standing.LATE
    )


def test_a_start_that_the_clock_skips_does_not_happen():
    berlin = ZoneInfo("Europe/Berlin")
    hourly = Plan(60, 240, 60, 0, 10, 60, 0)
    found = windows_on(hourly, date(2026, 3, 29), berlin)
    assert [window.ordinal for window in found] == [1, 3, 4]
    assert instant_of(date(2026, 3, 29), 150, berlin) is None


def test_a_time_that_comes_twice_happens_once():
    berlin = ZoneInfo("Europe/Berlin")
    hourly = Plan(60, 240, 60, 0, 10, 60, 0)
    found = windows_on(hourly, date(2026, 10, 25), berlin)
    assert [window.ordinal for window in found] == [1, 2, 3, 4]
    assert found[1].starts_at == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)


def test_a_window_that_opens_before_a_lost_day_is_found():
    apia = ZoneInfo("Pacific/Apia")
    plan = Plan(0, 0, 0, 15, 0, 30, 0)
    (window,) = windows_on(plan, date(2011, 12, 31), apia)
    at = window.opens_at + MINUTE
    assert at.astimezone(apia).date() == date(2011, 12, 29)
    assert window_at(plan, at, apia) == window


UNSOUND = {
    "starts": {"first_start": 600, "last_start": 540},
    "negative": {"early": -1},
    "duration": {"duration": 0},
    "start_grace": {"start_grace": 31},
    "period": {"last_start": 960, "period": 0},
    "overlap": {"last_start": 960, "period": 29},
    "day": {"last_start": 480 + 1421, "period": 60},
}


@pytest.mark.parametrize(("fault", "values"), UNSOUND.items(), ids=UNSOUND)
def test_an_unsound_plan_is_told_by_name(fault, values):
    sound = Plan(480, 480, 0, 0, 10, 30, 0)
    assert sound.faults() == []
    assert fault in replace(sound, **values).faults()


@pytest.mark.parametrize("values", [{"period": -5}, {"weekdays": frozenset({7})}])
def test_numbers_that_would_make_a_plan_silent_are_refused(values):
    assert replace(Plan(480, 480, 0, 0, 10, 30, 0), **values).faults()


@given(st.integers(0, LATEST))
def test_minutes_are_read_as_they_are_told(told):
    assert read_minutes(tell_minutes(told)) == told


@pytest.mark.parametrize(
    "told",
    ["", "9", "9:0", "9:60", "48:01", "-1:00", "9:00pm", "a:00", "9:000"],
)
def test_what_is_no_time_is_refused(told):
    with pytest.raises(ValueError, match=r".*"):
        read_minutes(told)


@pytest.mark.parametrize("told", ["25:00", " 25：00 ", "48:00", "00:00"])
def test_times_past_midnight_and_wide_colons_are_read(told):
    read_minutes(told)


# the demo rota: five shifts over a week, two of them at night

SHIFTS = {
    "D1": ("8:00", "17:00"),
    "D2": ("8:20", "17:20"),
    "D3": ("9:30", "18:30"),
    "N1": ("18:00", "25:00"),
    "N2": ("25:00", "32:00"),
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ROSTER = Path(windows.__file__).parent.parent / "demo" / "lists" / "roster.csv"


def _roster():
    with ROSTER.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def _span(day, shift, zone):
    start, end = SHIFTS[shift]
    return shift_span(day, read_minutes(start), read_minutes(end), zone)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(
    "monday", [date(2026, 3, 2), date(2026, 3, 23), date(2026, 10, 19)]
)
def test_every_shift_of_the_demo_rota_falls_on_its_day(zone, monday):
    rows = _roster()
    assert {row["shift"] for row in rows} <= set(SHIFTS)
    for row in rows:
        day = monday + timedelta(days=WEEKDAYS.index(row["weekday"]))
        start, end = _span(day, row["shift"], zone)
        told = read_minutes(SHIFTS[row["shift"]][0])
        local = start.astimezone(zone)
        assert (local.date() - day).days == told // DAY
        if instant_of(day, told, zone) is not None:
            assert local.hour * 60 + local.minute == told % DAY
        assert timedelta(hours=5) <= end - start <= timedelta(hours=10)


@settings(max_examples=200, deadline=None)
@given(zones, days, st.integers(0, DAY - 1))
def test_at_every_instant_at_most_one_night_shift(zone, day, minute):
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    spans = [
        _span(day + timedelta(days=off), shift, zone)
        for off in range(-3, 4)
        for shift in ("N1", "N2")
    ]
    assert sum(start <= at < end for start, end in spans) <= 1


@settings(max_examples=200, deadline=None)
@given(
    zones,
    days,
    st.integers(0, DAY),
    st.integers(1, DAY),
)
def test_a_shift_ends_after_it_starts_unless_the_clock_loses_it(
    zone, day, start, length
):
    begins, ends = shift_span(day, start, start + length, zone)
    assert begins <= ends
