"""When the visits of a series fall: by the clock on the wall, over every change of it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from services.appointments.series.recurrence import Recurrence, as_text, planned_times
from services.errors import InvalidInput
from services.timetable import instant

ZONES = ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


def first(zone: str, wall: str) -> datetime:
    """The instant of a time on the wall, of two of them the first."""
    at = datetime.fromisoformat(wall)
    return instant(at.date(), at.time(), ZoneInfo(zone))


def planned(zone: str, wall: str, recurrence: Recurrence) -> list[str]:
    """Each time of a series in UTC, as `03-28T07:00`; in brackets one that the clocks leave out."""
    times = planned_times(first(zone, wall), ZoneInfo(zone), recurrence)
    assert [time.number for time in times] == [*range(1, len(times) + 1)]
    shown = ((time, f"{time.at.astimezone(UTC):%m-%dT%H:%M}") for time in times)
    return [text if time.exists else f"({text})" for time, text in shown]


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        (
            "Europe/Madrid",
            ("2027-03-21", "03-21T08:00 03-28T07:00 04-04T07:00"),
            ("2027-10-24", "10-24T07:00 10-31T08:00 11-07T08:00"),
        ),
        (
            "America/New_York",
            ("2027-03-07", "03-07T14:00 03-14T13:00 03-21T13:00"),
            ("2027-10-31", "10-31T13:00 11-07T14:00 11-14T14:00"),
        ),
        (
            # South of the equator, by half an hour, and the evening before in UTC.
            "Australia/Lord_Howe",
            ("2027-09-26", "09-25T22:30 10-02T22:00 10-09T22:00"),
            ("2027-03-28", "03-27T22:00 04-03T22:30 04-10T22:30"),
        ),
        (
            "Asia/Kolkata",
            ("2027-03-21", "03-21T03:30 03-28T03:30 04-04T03:30"),
            ("2027-10-24", "10-24T03:30 10-31T03:30 11-07T03:30"),
        ),
    ],
)
def test_a_weekly_visit_at_nine_is_at_nine_on_both_sides_of_a_change(
    zone: str, spring: tuple[str, str], autumn: tuple[str, str]
) -> None:
    for day, expected in (spring, autumn):
        assert planned(zone, f"{day}T09:00", Recurrence(count=3)) == expected.split()


def test_a_year_of_weeks_passes_both_changes() -> None:
    times = planned("Europe/Madrid", "2027-03-01T09:00", Recurrence(count=52))
    summer = [text for text in times if text.endswith("T07:00")]
    assert (len(times), len(summer)) == (52, 31)
    assert (summer[0], summer[-1], times[-1]) == ("03-29T07:00", "10-25T07:00", "02-21T08:00")


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Europe/Madrid", "2027-03-21T02:30", "03-21T01:30 (03-28T01:00) 04-04T00:30"),
        ("America/New_York", "2027-03-07T02:30", "03-07T07:30 (03-14T07:00) 03-21T06:30"),
        ("Australia/Lord_Howe", "2027-09-26T02:15", "09-25T15:45 (10-02T15:30) 10-09T15:15"),
        # The last moment before the gap, and the first one after it, exist.
        ("Europe/Madrid", "2027-03-21T01:59", "03-21T00:59 03-28T00:59 04-03T23:59"),
        ("Europe/Madrid", "2027-03-21T03:00", "03-21T02:00 03-28T01:00 04-04T01:00"),
    ],
)
def test_a_time_that_the_clocks_leave_out_does_not_exist_that_day(
    zone: str, wall: str, expected: str
) -> None:
    assert planned(zone, wall, Recurrence(count=3)) == expected.split()


def test_of_a_time_that_is_shown_twice_the_first_counts() -> None:
    times = planned("Europe/Madrid", "2027-10-24T02:30", Recurrence(count=3))
    assert times == ["10-24T00:30", "10-31T00:30", "11-07T01:30"]


def test_the_slot_that_was_named_is_the_first_one_whatever_the_clock_shows() -> None:
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    times = planned_times(second, ZoneInfo("Europe/Madrid"), Recurrence(count=2))
    assert [time.at for time in times] == [second, second + timedelta(weeks=1)]


@pytest.mark.parametrize(
    ("until", "count"), [("2027-04-10", 2), ("2027-04-11", 3), ("2027-04-17", 3), ("2027-04-18", 4)]
)
def test_the_last_day_is_a_day_of_the_zone_and_counts(until: str, count: int) -> None:
    # In UTC each of them is on the day before.
    recurrence = Recurrence(until=date.fromisoformat(until))
    assert len(planned("Australia/Lord_Howe", "2027-03-28T09:00", recurrence)) == count


def test_weeks_between_are_left_out() -> None:
    recurrence = Recurrence(every_weeks=4, until=date(2027, 5, 30))
    times = planned("Europe/Madrid", "2027-03-07T09:00", recurrence)
    assert times == ["03-07T08:00", "04-04T07:00", "05-02T07:00", "05-30T07:00"]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({}, ()),
        ({"count": 2, "until": date(2027, 5, 1)}, ()),
        ({"count": 1}, ("count",)),
        ({"count": 53}, ("count",)),
        ({"count": 2, "every_weeks": 0}, ("every_weeks",)),
        ({"count": 2, "every_weeks": 13}, ("every_weeks",)),
        ({"until": date(2027, 3, 7)}, ("until",)),
        ({"until": date(2027, 2, 1)}, ("until",)),
        ({"until": date(2028, 3, 6)}, ("until",)),
        ({"until": date.max, "every_weeks": 12}, ("until",)),
    ],
)
def test_what_is_no_series_is_refused(values: dict[str, int | date], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        planned("Europe/Madrid", "2027-03-01T09:00", Recurrence(**values))  # type: ignore[arg-type]
    assert refused.value.path == ("recurrence", *path)


@pytest.mark.parametrize(
    ("values", "count"), [({"count": 52}, 52), ({"until": date(2027, 3, 8)}, 2)]
)
def test_what_is_just_a_series_is_one(values: dict[str, int | date], count: int) -> None:
    recurrence = Recurrence(**values)  # type: ignore[arg-type]
    assert len(planned("Europe/Madrid", "2027-03-01T09:00", recurrence)) == count


def test_the_rule_is_written_as_calendars_write_it() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    begin = first(zone.key, "2027-03-28T09:00")
    assert as_text(begin, zone, Recurrence(every_weeks=2, count=5)).splitlines() == [
        "DTSTART;TZID=Australia/Lord_Howe:20270328T090000",
        "RRULE:FREQ=WEEKLY;COUNT=5;INTERVAL=2",
    ]
    # To the end of that day there.
    rule = as_text(begin, zone, Recurrence(until=date(2027, 5, 9))).splitlines()[1]
    assert rule == "RRULE:FREQ=WEEKLY;UNTIL=20270509T132959Z;INTERVAL=1"


@settings(max_examples=150, deadline=None, database=None, print_blob=True)
@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    day=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    clock=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    every=st.integers(1, 12),
    count=st.integers(2, 52),
    ends_by_day=st.booleans(),
)
def test_whoever_reads_the_rule_finds_the_same_times(
    *, zone: ZoneInfo, day: date, clock: time, every: int, count: int, ends_by_day: bool
) -> None:
    begin = instant(day, clock, zone)
    recurrence = Recurrence(every, count)
    times = planned_times(begin, zone, recurrence)
    if ends_by_day:
        recurrence = Recurrence(every, until=times[-1].day)
        assert planned_times(begin, zone, recurrence) == times
    wall = begin.astimezone(zone).replace(tzinfo=None, fold=0)
    for n, planned_time in enumerate(times):
        assert planned_time.day == wall.date() + n * timedelta(weeks=every)
        shown = planned_time.at.astimezone(zone).replace(tzinfo=None, fold=0)
        there = datetime.combine(planned_time.day, wall.time())
        assert (shown == there) is planned_time.exists
        assert shown >= there
    read = rrulestr(as_text(begin, zone, recurrence), tzids=ZoneInfo)
    instants = [at.astimezone(UTC) for at in read]
    assert len(instants) == len(times)
    assert all(
        found == planned_time.at
        for found, planned_time in zip(instants, times, strict=True)
        if planned_time.exists
    )
