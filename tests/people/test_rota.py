"""The rota: shifts past midnight, stand-ins, closed days, who is on duty now."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from casefield.core.errors import Conflict
from casefield.core.ledger import CLOCKWORK
from casefield.core.scope import ForeignRow
from casefield.core.windows import shift_span
from casefield.people import queries, services
from casefield.people.models import Person, Post, RotaEntry, ShiftTemplate
from tests import factories
from tests.cast import Cast

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ONE = timedelta(days=1)


def at(day: date, told: str) -> datetime:
    """Return the instant of a wall time in Shanghai; 25:30 is 1:30 of the day after."""
    hours, minutes = told.split(":")
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return start + timedelta(hours=int(hours), minutes=int(minutes))


@dataclass
class Ground:
    day: ShiftTemplate
    night: ShiftTemplate
    late: ShiftTemplate
    post: Post
    cleaning: Post
    guard: Person
    lead: Person
    site_id: int


@pytest.fixture
def ground(app: Flask, cast: Cast) -> Ground:
    return Ground(
        factories.make_shift(cast.site, 500, 1040, code="D2"),
        factories.make_shift(cast.site, 1080, 1500, code="N1"),
        factories.make_shift(cast.site, 1500, 1920, code="N2"),
        factories.make_post(cast.site, "P8"),
        factories.make_post(cast.site, "P9", starts_early_minutes=30),
        cast.guard,
        cast.lead,
        cast.site.id,
    )


def _plan(person: Person, day: date, shift: ShiftTemplate, post: Post) -> RotaEntry:
    return services.plan_shift(person, day, shift, post, author=CLOCKWORK, now=NOW)


@pytest.mark.parametrize(
    ("shift", "told", "there"),
    [
        ("night", "17:59", False),
        ("night", "18:00", True),
        ("night", "24:30", True),
        ("night", "25:00", False),
        ("late", "24:59", False),
        ("late", "25:00", True),
        ("late", "31:59", True),
        ("late", "32:00", False),
    ],
)
def test_a_night_belongs_to_the_day_that_the_rota_names(
    cast: Cast, ground: Ground, shift: str, told: str, there: bool
) -> None:
    with factories.ground(cast.site):
        _plan(ground.guard, MONDAY, getattr(ground, shift), ground.post)
    with factories.looking(cast.site):
        duties = queries.on_duty(ground.site_id, ZONE, at(MONDAY, told))
        assert [duty.on_day for duty in duties] == ([MONDAY] if there else [])
        own = queries.shift_of(ground.site_id, ground.guard.id, ZONE, at(MONDAY, told))
        assert (own is not None) is there


def test_cleaning_starts_half_an_hour_early(cast: Cast, ground: Ground) -> None:
    with factories.ground(cast.site):
        _plan(ground.guard, MONDAY, ground.day, ground.cleaning)
        _plan(ground.lead, MONDAY, ground.day, ground.post)
    with factories.looking(cast.site):
        early = queries.on_duty(ground.site_id, ZONE, at(MONDAY, "7:50"))
        assert [duty.name for duty in early] == [ground.guard.name]
        both = queries.on_duty(ground.site_id, ZONE, at(MONDAY, "8:20"))
        assert {duty.post_code for duty in both} == {"P8", "P9"}
        one_post = queries.on_duty(
            ground.site_id, ZONE, at(MONDAY, "8:20"), ground.post.id
        )
        assert [duty.name for duty in one_post] == [ground.lead.name]


def test_an_early_start_before_midnight_is_seen_the_evening_before(
    cast: Cast, ground: Ground
) -> None:
    midnight = factories.make_shift(cast.site, 0, 480, code="N3")
    with factories.ground(cast.site):
        _plan(ground.guard, MONDAY, midnight, ground.cleaning)
    with factories.looking(cast.site):
        duties = queries.on_duty(ground.site_id, ZONE, at(MONDAY - ONE, "23:40"))
        assert [duty.on_day for duty in duties] == [MONDAY]


def test_only_the_own_site_is_asked(cast: Cast, ground: Ground) -> None:
    with factories.ground(cast.site):
        _plan(ground.guard, MONDAY, ground.day, ground.post)
    with factories.looking(cast.other_site):
        noon = at(MONDAY, "12:00")
        assert queries.on_duty(cast.other_site.id, ZONE, noon) == []
        with pytest.raises(ForeignRow):
            queries.on_duty(ground.site_id, ZONE, noon)
    with factories.looking(cast.site):
        assert len(queries.on_duty(ground.site_id, ZONE, noon)) == 1


def test_whoever_has_left_is_not_on_duty(cast: Cast, ground: Ground) -> None:
    gone = factories.make_person(cast.site, left_on=MONDAY - ONE)
    factories.make_rota_entry(gone, ground.day, ground.post, MONDAY)
    with factories.looking(cast.site):
        assert queries.on_duty(ground.site_id, ZONE, at(MONDAY, "12:00")) == []


def test_nobody_works_two_shifts_at_a_time(cast: Cast, ground: Ground) -> None:
    with factories.ground(cast.site):
        _plan(ground.guard, MONDAY, ground.late, ground.post)
        for day, shift in (
            (MONDAY, ground.late),
            (MONDAY + ONE, factories.make_shift(cast.site, 450, 900)),
        ):
            with pytest.raises(services.ShiftsOverlap):
                _plan(ground.guard, day, shift, ground.post)
        # the night ends at 8:00, the next begins at 8:20: touching is allowed …
        _plan(ground.guard, MONDAY + ONE, ground.day, ground.post)
        _plan(ground.lead, MONDAY, ground.late, ground.post)
        # … and half an hour early it is not
        with pytest.raises(services.ShiftsOverlap):
            _plan(ground.lead, MONDAY + ONE, ground.day, ground.cleaning)


def test_only_the_employed_and_shifts_in_use_are_planned(
    cast: Cast, ground: Ground
) -> None:
    new = factories.make_person(cast.site, joined_on=MONDAY, left_on=MONDAY + ONE)
    with factories.ground(cast.site):
        for day in (MONDAY - ONE, MONDAY + 2 * ONE):
            with pytest.raises(services.NotEmployed):
                _plan(new, day, ground.day, ground.post)
        shift = queries.find_shift(ground.night.public_id)
        services.retire_shift(shift, CLOCKWORK, NOW)
        with pytest.raises(services.ShiftRetired):
            _plan(new, MONDAY, shift, ground.post)


def test_a_stand_in_works_and_whose_shift_it_was_stays(
    cast: Cast, ground: Ground
) -> None:
    with factories.ground(cast.site):
        entry = _plan(ground.guard, MONDAY, ground.day, ground.post)
        with pytest.raises(services.StandsInForSelf):
            services.stand_in(entry, ground.guard, CLOCKWORK, NOW)
        services.stand_in(entry, ground.lead, CLOCKWORK, NOW)
        duty = queries.on_duty(ground.site_id, ZONE, at(MONDAY, "12:00"))[0]
        assert (duty.person_id, duty.stands_in_for_id) == (
            ground.lead.id,
            ground.guard.id,
        )
        services.stand_in(entry, ground.guard, CLOCKWORK, NOW)
        assert entry.stands_in_for_id is None


def test_copying_a_week_twice_adds_nothing(cast: Cast, ground: Ground) -> None:
    with factories.ground(cast.site):
        entry = _plan(ground.guard, MONDAY, ground.day, ground.post)
        _plan(ground.guard, MONDAY + 6 * ONE, ground.night, ground.post)
        services.stand_in(entry, ground.lead, CLOCKWORK, NOW)
        week = MONDAY + 7 * ONE
        assert services.copy_week(week, MONDAY, CLOCKWORK, NOW) == 2
        assert services.copy_week(week, MONDAY, CLOCKWORK, NOW) == 0
        copied = queries.rota_between(week, week + 6 * ONE)
        assert {e.person_id for e in copied} == {ground.guard.id}
        services.close_day(week + 7 * ONE, "", CLOCKWORK, NOW)
        assert services.copy_week(week + 7 * ONE, week, CLOCKWORK, NOW) == 1


def test_closed_days(cast: Cast, ground: Ground) -> None:
    with factories.ground(cast.site):
        services.close_day(MONDAY, "设备检修", CLOCKWORK, NOW)
        with pytest.raises(Conflict):
            services.close_day(MONDAY, "", CLOCKWORK, NOW)
        assert queries.closed_days(ground.site_id, MONDAY, MONDAY) == {MONDAY}
        assert queries.closed_days(ground.site_id, MONDAY + ONE, MONDAY + ONE) == set()
    with factories.looking(cast.other_site):
        assert queries.closed_days(cast.other_site.id, MONDAY, MONDAY) == set()
    with factories.ground(cast.site):
        services.open_day(queries.find_closed_day(MONDAY), CLOCKWORK, NOW)
        assert queries.closed_days(ground.site_id, MONDAY, MONDAY) == set()


@given(
    day=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    start=st.integers(0, 1440),
    length=st.integers(60, 1440),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
    share=st.floats(0, 1, exclude_max=True),
)
def test_looking_back_far_enough(
    day: date, start: int, length: int, zone: str, share: float
) -> None:
    """Any instant of any shift lies within the days that on_duty looks at."""
    since, until = shift_span(day, start - 240, start + length, ZoneInfo(zone))
    now = since + (until - since) * share
    values = queries._around(1, ZoneInfo(zone), now)
    assert values["since_on"] <= day <= values["until_on"]
