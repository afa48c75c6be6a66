"""Working hours to slots: instants written out by hand, then laws that hold in every zone.

The hand-written instants come from the published clock changes, not from the code under test.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.timetable import (
    Opening,
    PlannedSlot,
    WeeklyHours,
    day_bounds,
    instant,
    openings,
    overlapping,
    slots,
)

EVERY_DAY = frozenset(range(1, 8))
MADRID = ZoneInfo("Europe/Madrid")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KOLKATA = ZoneInfo("Asia/Kolkata")
HAVANA = ZoneInfo("America/Havana")
APIA = ZoneInfo("Pacific/Apia")
ST_JOHNS = ZoneInfo("America/St_Johns")


def weekly(start: str, end: str, minutes: int = 60, buffer: int = 0) -> WeeklyHours:
    """A template for every day of the week."""
    return WeeklyHours(
        EVERY_DAY, time.fromisoformat(start), time.fromisoformat(end), minutes, buffer
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(text: str) -> date:
    return date.fromisoformat(text)


def spans(found: Sequence[PlannedSlot] | Sequence[Opening]) -> list[str]:
    """Starts and ends as `29T00:30-29T01:00`: day of the month, UTC."""
    return [f"{one.starts_at:%dT%H:%M}-{one.ends_at:%dT%H:%M}" for one in found]


def one_day(hours: Sequence[WeeklyHours], zone: ZoneInfo, day: str) -> list[str]:
    return spans(slots(hours, zone, on(day), on(day)))


def opened(hours: Sequence[WeeklyHours], zone: ZoneInfo, day: str) -> list[str]:
    return spans(openings(hours, zone, on(day), on(day)))


# --- one wall time, one instant -------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        # Madrid, spring: 02:00 becomes 03:00 at 01:00Z, so 02:00 to 02:59 are not shown.
        ("Europe/Madrid", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Madrid", "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Europe/Madrid", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Madrid", "2026-03-29T02:59:59.999999", "2026-03-29T01:00"),
        ("Europe/Madrid", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Madrid", "2026-03-29T03:01", "2026-03-29T01:01"),
        ("Europe/Madrid", "2027-03-28T02:30", "2027-03-28T01:00"),
        # Madrid, autumn: 03:00 becomes 02:00 at 01:00Z, so 02:00 to 02:59 are shown twice.
        ("Europe/Madrid", "2026-10-25T01:59", "2026-10-24T23:59"),
        ("Europe/Madrid", "2026-10-25T02:00", "2026-10-25T00:00"),
        ("Europe/Madrid", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Europe/Madrid", "2026-10-25T02:59", "2026-10-25T00:59"),
        ("Europe/Madrid", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("Europe/Madrid", "2027-10-31T02:30", "2027-10-31T00:30"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00"),
        ("America/New_York", "2027-03-14T02:00", "2027-03-14T07:00"),
        ("America/New_York", "2027-11-07T01:00", "2027-11-07T05:00"),
        # Lord Howe changes by half an hour: +10:30 in winter, +11 in summer.
        ("Australia/Lord_Howe", "2026-04-05T01:29", "2026-04-04T14:29"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-04T15:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2027-04-04T02:00", "2027-04-03T15:30"),
        ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:30"),
        ("Asia/Kolkata", "2026-03-29T02:30", "2026-03-28T21:00"),
        ("Asia/Kolkata", "2026-10-25T02:30", "2026-10-24T21:00"),
        # Midnight itself is skipped ...
        ("America/Santiago", "2024-09-08T00:00", "2024-09-08T04:00"),
        ("Africa/Cairo", "2024-04-26T00:30", "2024-04-25T22:00"),
        ("Asia/Beirut", "2024-03-31T00:00", "2024-03-30T22:00"),
        ("America/Havana", "2024-03-10T00:30", "2024-03-10T05:00"),
        # ... or the hour before it doubled, so that midnight comes an hour late ...
        ("America/Santiago", "2024-04-06T23:30", "2024-04-07T02:30"),
        ("America/Santiago", "2024-04-07T00:00", "2024-04-07T04:00"),
        ("Africa/Cairo", "2024-11-01T00:00", "2024-10-31T22:00"),
        ("Asia/Beirut", "2024-10-27T00:00", "2024-10-26T22:00"),
        # ... or the hour after it, so that midnight comes twice.
        ("America/Havana", "2024-11-03T00:00", "2024-11-03T04:00"),
        ("America/Havana", "2024-11-03T01:00", "2024-11-03T06:00"),
        # At 00:01 the clock went back to 23:01 of the day before: the first midnight counts.
        ("America/St_Johns", "2010-11-07T00:00", "2010-11-07T02:30"),
        # Friday 30 December 2011 was left out: Thursday midnight was followed by Saturday.
        ("Pacific/Apia", "2011-12-29T23:59", "2011-12-30T09:59"),
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00"),
    ],
)
def test_instant(zone: str, local: str, expected: str) -> None:
    shown = datetime.fromisoformat(local)
    found = instant(shown.date(), shown.time(), ZoneInfo(zone))
    assert found == utc(expected)
    assert found.tzinfo is UTC


def test_instant_overrules_a_fold_that_came_along() -> None:
    assert instant(on("2026-10-25"), time(2, 30, fold=1), MADRID) == utc("2026-10-25T00:30")
    assert instant(on("2026-03-29"), time(2, 30, fold=1), MADRID) == utc("2026-03-29T01:00")


def test_instant_refuses_a_time_with_a_zone_of_its_own() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant(on("2026-01-01"), time(9, tzinfo=UTC), MADRID)


@pytest.mark.parametrize(
    ("zone", "day", "starts", "length_in_hours"),
    [
        ("Europe/Madrid", "2026-01-15", "2026-01-14T23:00", 24),
        ("Europe/Madrid", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Madrid", "2026-10-25", "2026-10-24T22:00", 25),
        ("America/New_York", "2027-03-14", "2027-03-14T05:00", 23),
        ("America/New_York", "2027-11-07", "2027-11-07T04:00", 25),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5),
        ("Asia/Kolkata", "2026-03-29", "2026-03-28T18:30", 24),
        # Starts at 01:00 by the clock.
        ("America/Santiago", "2024-09-08", "2024-09-08T04:00", 23),
        ("America/Santiago", "2024-04-06", "2024-04-06T03:00", 25),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00", 23),
        ("Africa/Cairo", "2024-10-31", "2024-10-30T21:00", 25),
        ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00", 23),
        ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25),
        ("America/St_Johns", "2010-11-06", "2010-11-06T02:30", 24),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30", 25),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
    ],
)
def test_day_bounds(zone: str, day: str, starts: str, length_in_hours: float) -> None:
    start, end = day_bounds(on(day), ZoneInfo(zone))
    assert (start, end - start) == (utc(starts), timedelta(hours=length_in_hours))


# --- cutting on an ordinary day -------------------------------------------------------------


def test_slots_of_an_ordinary_day_are_utc_and_in_order() -> None:
    found = slots([weekly("09:00", "11:00")], MADRID, on("2026-01-15"), on("2026-01-15"))
    assert found == [
        PlannedSlot(utc("2026-01-15T08:00"), utc("2026-01-15T09:00"), 1),
        PlannedSlot(utc("2026-01-15T09:00"), utc("2026-01-15T10:00"), 1),
    ]
    assert all(one.starts_at.tzinfo is UTC and one.ends_at.tzinfo is UTC for one in found)


def test_a_zone_without_changes_stays_at_its_half_hour() -> None:
    hours = [weekly("09:00", "10:00", 30)]
    expected = ["29T03:30-29T04:00", "29T04:00-29T04:30"]
    assert one_day(hours, KOLKATA, "2026-03-29") == expected
    assert one_day(hours, KOLKATA, "2026-10-29") == expected


def test_a_remainder_too_short_for_a_slot_stays_empty() -> None:
    hours = [weekly("09:00", "10:15", 30)]
    assert one_day(hours, MADRID, "2026-01-15") == ["15T08:00-15T08:30", "15T08:30-15T09:00"]
    assert one_day([weekly("09:00", "09:29", 30)], MADRID, "2026-01-15") == []


def test_the_buffer_lies_between_slots_and_not_behind_the_last() -> None:
    expected = ["15T08:00-15T08:20", "15T08:30-15T08:50", "15T09:00-15T09:20"]
    assert one_day([weekly("09:00", "10:20", 20, buffer=10)], MADRID, "2026-01-15") == expected
    assert one_day([weekly("09:00", "10:19", 20, buffer=10)], MADRID, "2026-01-15") == expected[:2]


def test_the_capacity_is_that_of_the_template() -> None:
    hours = [replace(weekly("09:00", "10:00"), capacity=12), weekly("10:00", "11:00")]
    found = slots(hours, MADRID, on("2026-01-15"), on("2026-01-15"))
    assert [one.capacity for one in found] == [12, 1]


def test_midnight_as_an_end_is_the_end_of_that_day() -> None:
    hours = [weekly("22:00", "00:00")]
    assert one_day(hours, MADRID, "2026-01-15") == ["15T21:00-15T22:00", "15T22:00-15T23:00"]
    assert len(one_day([weekly("00:00", "00:00")], MADRID, "2026-01-15")) == 24


def test_equal_times_are_an_empty_range() -> None:
    hours = [weekly("09:00", "09:00")]
    assert one_day(hours, MADRID, "2026-01-15") == []
    assert opened(hours, MADRID, "2026-01-15") == []


def test_weekdays_are_iso_numbers() -> None:
    hours = [replace(weekly("09:00", "10:00"), weekdays=frozenset({1, 7}))]
    # 12 January 2026 is a Monday, the 18th a Sunday.
    found = slots(hours, MADRID, on("2026-01-10"), on("2026-01-20"))
    assert [one.starts_at.day for one in found] == [11, 12, 18, 19]
    assert slots([replace(hours[0], weekdays=frozenset())], MADRID, date.min, date.min) == []


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "days"),
    [
        (None, None, [13, 14, 15, 16, 17]),
        ("2026-01-14", None, [14, 15, 16, 17]),
        (None, "2026-01-16", [13, 14, 15, 16]),
        ("2026-01-14", "2026-01-16", [14, 15, 16]),
        ("2026-01-15", "2026-01-15", [15]),
        ("2026-01-16", "2026-01-14", []),
        ("2026-01-18", None, []),
        (None, "2026-01-12", []),
    ],
)
def test_validity_includes_both_its_days(
    valid_from: str | None, valid_until: str | None, days: list[int]
) -> None:
    hours = replace(
        weekly("00:00", "01:00"),
        valid_from=None if valid_from is None else on(valid_from),
        valid_until=None if valid_until is None else on(valid_until),
    )
    # Local days count: in New York both ends of this hour fall on the same date as in UTC.
    found = slots([hours], NEW_YORK, on("2026-01-13"), on("2026-01-17"))
    assert [one.starts_at.day for one in found] == days


def test_validity_counts_local_days_where_the_utc_day_differs() -> None:
    hours = [replace(weekly("00:00", "01:00"), valid_from=on("2026-01-15"))]
    found = slots(hours, KOLKATA, on("2026-01-14"), on("2026-01-15"))
    assert spans(found) == ["14T18:30-14T19:30"]


def test_nothing_comes_of_no_hours_or_no_days() -> None:
    hours = [weekly("09:00", "10:00")]
    assert slots([], MADRID, on("2026-01-13"), on("2026-01-17")) == []
    assert slots(hours, MADRID, on("2026-01-17"), on("2026-01-16")) == []
    assert openings(hours, MADRID, on("2026-01-17"), on("2026-01-16")) == []


def test_slots_are_sorted_whatever_the_order_of_templates() -> None:
    afternoon, morning = weekly("16:00", "17:00"), weekly("09:00", "10:00")
    expected = ["15T08:00-15T09:00", "15T15:00-15T16:00"]
    assert one_day([afternoon, morning], MADRID, "2026-01-15") == expected


def test_overlapping_templates_still_give_no_overlapping_slots() -> None:
    hours = [weekly("09:00", "11:00", 60), weekly("09:30", "11:30", 30)]
    expected = ["15T08:00-15T09:00", "15T09:00-15T09:30", "15T09:30-15T10:00", "15T10:00-15T10:30"]
    assert one_day(hours, MADRID, "2026-01-15") == expected
    assert one_day(hours[::-1], MADRID, "2026-01-15") == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": frozenset({0})},
        {"weekdays": frozenset({1, 8})},
        {"slot_minutes": 0},
        {"slot_minutes": -5},
        {"buffer_minutes": -1},
        {"capacity": 0},
        {"start_time": time(17, 1)},
        {"end_time": time(17, tzinfo=UTC), "start_time": time(9, tzinfo=UTC)},
    ],
)
def test_a_template_no_slot_can_be_cut_from_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"weekdays|slot|end|zone"):
        replace(weekly("09:00", "17:00"), **wrong)  # type: ignore[arg-type]


# --- openings -------------------------------------------------------------------------------


def test_openings_are_the_uncut_hours() -> None:
    hours = [weekly("14:00", "17:10"), weekly("09:00", "09:20", 60)]
    found = openings(hours, MADRID, on("2026-01-15"), on("2026-01-15"))
    assert found == [
        Opening(utc("2026-01-15T08:00"), utc("2026-01-15T08:20")),
        Opening(utc("2026-01-15T13:00"), utc("2026-01-15T16:10")),
    ]
    assert all(one.starts_at.tzinfo is UTC and one.ends_at.tzinfo is UTC for one in found)


def test_openings_are_merged_where_they_touch_or_overlap() -> None:
    hours = [
        weekly("12:00", "13:00"),
        weekly("09:00", "12:00"),
        weekly("10:00", "11:00"),
        weekly("13:01", "14:00"),
    ]
    expected = ["15T08:00-15T12:00", "15T12:01-15T13:00"]
    assert opened(hours, MADRID, "2026-01-15") == expected


def test_openings_are_merged_over_midnight() -> None:
    found = openings([weekly("00:00", "00:00")], MADRID, on("2026-03-28"), on("2026-03-30"))
    assert found == [Opening(utc("2026-03-27T23:00"), utc("2026-03-30T22:00"))]


def test_openings_across_the_doubled_hour_follow_the_slots() -> None:
    assert opened([weekly("01:00", "04:00")], MADRID, "2026-10-25") == ["24T23:00-25T03:00"]
    assert opened([weekly("01:00", "04:00")], MADRID, "2026-03-29") == ["29T00:00-29T02:00"]


# --- changes of the clock -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Madrid", "2026-03-29", "29T00:00-29T02:00"),
        ("Europe/Madrid", "2026-10-25", "24T23:00-25T03:00"),
        ("Europe/Madrid", "2027-03-28", "28T00:00-28T02:00"),
        ("Europe/Madrid", "2027-10-31", "30T23:00-31T03:00"),
        ("America/New_York", "2026-03-08", "08T06:00-08T08:00"),
        ("America/New_York", "2026-11-01", "01T05:00-01T09:00"),
        ("America/New_York", "2027-03-14", "14T06:00-14T08:00"),
        ("America/New_York", "2027-11-07", "07T05:00-07T09:00"),
        ("Australia/Lord_Howe", "2026-04-05", "04T14:00-04T17:30"),
        ("Australia/Lord_Howe", "2026-10-04", "03T14:30-03T17:00"),
        ("Australia/Lord_Howe", "2027-04-04", "03T14:00-03T17:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02T14:30-02T17:00"),
        ("Asia/Kolkata", "2026-03-29", "28T19:30-28T22:30"),
        ("Asia/Kolkata", "2026-10-25", "24T19:30-24T22:30"),
        ("Asia/Kolkata", "2027-03-28", "27T19:30-27T22:30"),
        ("Asia/Kolkata", "2027-10-31", "30T19:30-30T22:30"),
    ],
)
def test_a_range_across_a_change_keeps_its_wall_clock_end(
    zone: str, day: str, expected: str
) -> None:
    hours = [weekly("01:00", "04:00", 30)]
    assert opened(hours, ZoneInfo(zone), day) == [expected]
    found = slots(hours, ZoneInfo(zone), on(day), on(day))
    # The half hours fill the range exactly: there are more or fewer of them, not longer ones.
    assert all(one.ends_at == following.starts_at for one, following in pairwise(found))
    assert {one.ends_at - one.starts_at for one in found} == {timedelta(minutes=30)}
    assert f"{found[0].starts_at:%dT%H:%M}-{found[-1].ends_at:%dT%H:%M}" == expected


def test_office_hours_stay_at_the_wall_clock_over_both_changes() -> None:
    hours = [weekly("09:00", "10:00")]
    spring = slots(hours, NEW_YORK, on("2027-03-13"), on("2027-03-14"))
    assert spans(spring) == ["13T14:00-13T15:00", "14T13:00-14T14:00"]
    autumn = slots(hours, NEW_YORK, on("2027-11-06"), on("2027-11-07"))
    assert spans(autumn) == ["06T13:00-06T14:00", "07T14:00-07T15:00"]


def test_slots_step_in_utc_through_the_gap() -> None:
    expected = ["29T00:30-29T01:15", "29T01:15-29T02:00"]
    assert one_day([weekly("01:30", "04:00", 45)], MADRID, "2026-03-29") == expected


def test_slots_step_in_utc_through_the_doubled_hour() -> None:
    # 01:30, 02:15, 02:00 (again), 02:45 and 03:30 by the clock.
    expected = [
        "24T23:30-25T00:15",
        "25T00:15-25T01:00",
        "25T01:00-25T01:45",
        "25T01:45-25T02:30",
        "25T02:30-25T03:15",
    ]
    assert one_day([weekly("01:30", "04:30", 45)], MADRID, "2026-10-25") == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("02:00", "03:00", []),
        ("02:15", "02:45", []),
        ("01:30", "02:30", ["29T00:30-29T01:00"]),
        ("02:15", "03:30", ["29T01:00-29T01:30"]),
        ("02:00", "03:01", ["29T01:00-29T01:01"]),
    ],
)
def test_a_range_is_cut_by_the_gap_and_dropped_inside_it(
    start: str, end: str, expected: list[str]
) -> None:
    assert opened([weekly(start, end)], MADRID, "2026-03-29") == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # An end inside the doubled hour is the first of the two ...
        ("01:30", "02:30", ["24T23:30-25T00:30"]),
        ("02:15", "02:45", ["25T00:15-25T00:45"]),
        # ... and so is a start; 03:00 is shown once, when the second pass is over.
        ("02:30", "03:00", ["25T00:30-25T02:00"]),
        ("02:00", "03:00", ["25T00:00-25T02:00"]),
        ("03:00", "04:00", ["25T02:00-25T03:00"]),
    ],
)
def test_a_time_shown_twice_is_the_first_for_starts_and_for_ends(
    start: str, end: str, expected: list[str]
) -> None:
    assert opened([weekly(start, end)], MADRID, "2026-10-25") == expected


def test_templates_that_meet_in_the_gap_do_not_overlap() -> None:
    hours = [weekly("01:30", "02:30", 30), weekly("02:30", "03:30", 30)]
    assert one_day(hours, MADRID, "2026-03-29") == ["29T00:30-29T01:00", "29T01:00-29T01:30"]
    assert opened(hours, MADRID, "2026-03-29") == ["29T00:30-29T01:30"]


def test_templates_that_meet_in_the_doubled_hour_do_not_overlap() -> None:
    hours = [weekly("01:30", "02:30", 60), weekly("02:30", "03:30", 60)]
    expected = ["24T23:30-25T00:30", "25T00:30-25T01:30", "25T01:30-25T02:30"]
    assert one_day(hours, MADRID, "2026-10-25") == expected


def test_lord_howe_gains_and_loses_half_an_hour() -> None:
    hours = [weekly("01:00", "03:00", 30)]
    # 01:00, 01:30, 01:30 again, 02:00, 02:30.
    assert one_day(hours, LORD_HOWE, "2026-04-05") == [
        "04T14:00-04T14:30",
        "04T14:30-04T15:00",
        "04T15:00-04T15:30",
        "04T15:30-04T16:00",
        "04T16:00-04T16:30",
    ]
    # 01:00, 01:30, 02:30.
    assert one_day(hours, LORD_HOWE, "2026-10-04") == [
        "03T14:30-03T15:00",
        "03T15:00-03T15:30",
        "03T15:30-03T16:00",
    ]


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "expected"),
    [
        # Midnight skipped: the day starts at 01:00, and the evening before ends there.
        ("America/Santiago", "2024-09-08", "00:00", "02:00", "08T04:00-08T05:00"),
        ("America/Santiago", "2024-09-07", "22:00", "00:00", "08T02:00-08T04:00"),
        ("Africa/Cairo", "2024-04-26", "00:00", "02:00", "25T22:00-25T23:00"),
        ("Africa/Cairo", "2024-04-25", "22:00", "00:00", "25T20:00-25T22:00"),
        ("Asia/Beirut", "2024-03-31", "00:30", "01:30", "30T22:00-30T22:30"),
        ("Asia/Beirut", "2024-03-30", "23:00", "00:00", "30T21:00-30T22:00"),
        # The hour before midnight doubled: an evening has one hour more.
        ("America/Santiago", "2024-04-06", "22:00", "00:00", "07T01:00-07T04:00"),
        ("Africa/Cairo", "2024-10-31", "22:00", "00:00", "31T19:00-31T22:00"),
        ("Asia/Beirut", "2024-10-26", "22:00", "00:00", "26T19:00-26T22:00"),
        # Midnight shown twice: the evening ends, and the next day starts, at the first.
        ("America/Havana", "2024-11-02", "23:00", "00:00", "03T03:00-03T04:00"),
        ("America/Havana", "2024-11-03", "00:00", "01:00", "03T04:00-03T06:00"),
        # From 00:01 back to 23:01 of the day before: the second evening hour is Sunday's.
        ("America/St_Johns", "2010-11-06", "23:00", "00:00", "07T01:30-07T02:30"),
        ("America/St_Johns", "2010-11-07", "00:00", "01:00", "07T02:30-07T04:30"),
    ],
)
def test_changes_at_midnight(zone: str, day: str, start: str, end: str, expected: str) -> None:
    assert opened([weekly(start, end)], ZoneInfo(zone), day) == [expected]


def test_a_day_that_does_not_exist_has_no_slots() -> None:
    hours = [weekly("08:00", "10:00")]
    assert one_day(hours, APIA, "2011-12-30") == []
    assert one_day([weekly("00:00", "00:00")], APIA, "2011-12-30") == []
    found = slots(hours, APIA, on("2011-12-29"), on("2011-12-31"))
    assert spans(found) == [
        "29T18:00-29T19:00",
        "29T19:00-29T20:00",
        "30T18:00-30T19:00",
        "30T19:00-30T20:00",
    ]


# --- overlapping templates ------------------------------------------------------------------


def test_overlapping_names_the_first_two() -> None:
    nine, ten, late = weekly("09:00", "10:30"), weekly("10:00", "11:00"), weekly("22:00", "00:00")
    assert overlapping([]) is None
    assert overlapping([nine]) is None
    assert overlapping([nine, late]) is None
    assert overlapping([late, nine, ten]) == (1, 2)
    assert overlapping([nine, late, ten, late]) == (0, 2)
    assert overlapping([late, nine, late, ten]) == (0, 2)
    assert overlapping([weekly("00:00", "00:00"), late]) == (0, 1)
    assert overlapping([nine, nine]) == (0, 1)


def test_ranges_that_touch_or_are_empty_do_not_overlap() -> None:
    assert overlapping([weekly("09:00", "10:00"), weekly("10:00", "11:00")]) is None
    assert overlapping([weekly("09:00", "11:00"), weekly("10:00", "10:00")]) is None
    # Midnight as an end and midnight as a start are a day apart.
    assert overlapping([weekly("22:00", "00:00"), weekly("00:00", "02:00")]) is None


def test_templates_of_different_weekdays_do_not_overlap() -> None:
    monday = replace(weekly("09:00", "10:00"), weekdays=frozenset({1}))
    tuesday = replace(monday, weekdays=frozenset({2}))
    assert overlapping([monday, tuesday]) is None
    assert overlapping([monday, replace(tuesday, weekdays=frozenset({1, 2}))]) == (0, 1)


def test_templates_overlap_only_if_both_are_valid_on_some_day() -> None:
    until = replace(weekly("09:00", "10:00"), valid_until=on("2026-01-15"))
    after = replace(until, valid_from=on("2026-01-16"), valid_until=None)
    assert overlapping([until, after]) is None
    assert overlapping([until, replace(after, valid_from=on("2026-01-15"))]) == (0, 1)


def test_templates_valid_together_for_days_they_do_not_work_do_not_overlap() -> None:
    # Common from Tuesday 13 to Sunday 18 January 2026, while both work on Mondays only.
    mondays = replace(weekly("09:00", "10:00"), weekdays=frozenset({1}))
    first = replace(mondays, valid_until=on("2026-01-18"))
    second = replace(mondays, valid_from=on("2026-01-13"))
    assert overlapping([first, second]) is None
    assert overlapping([replace(first, valid_until=on("2026-01-19")), second]) == (0, 1)


def test_overlapping_looks_no_further_than_the_last_date_there_is() -> None:
    # 31 December 9999 is a Friday, so no Monday comes any more.
    mondays = replace(weekly("09:00", "10:00"), weekdays=frozenset({1}), valid_from=date.max)
    assert overlapping([mondays, mondays]) is None


# --- cost -----------------------------------------------------------------------------------


class CountingZone(ZoneInfo):
    """A zone that counts how often it is asked."""

    asked = 0

    def utcoffset(self, moment: datetime | None, /) -> timedelta | None:
        CountingZone.asked += 1
        return super().utcoffset(moment)


def questions(minutes: int) -> int:
    """How often the zone is asked about one week with slots of so many minutes."""
    CountingZone.asked = 0
    zone = CountingZone("Europe/Madrid")
    slots([weekly("00:00", "00:00", minutes)], zone, on("2026-03-26"), on("2026-04-01"))
    return CountingZone.asked


def test_the_zone_is_asked_per_range_and_not_per_slot() -> None:
    assert questions(5) == questions(240) > 0


# --- laws, in every zone --------------------------------------------------------------------

# The same examples in every run; a failure prints a blob that @reproduce_failure takes.
law = settings(derandomize=True, print_blob=True, deadline=None, max_examples=100, database=None)

# Templates, a zone, the first and the last day.
Week = tuple[list[WeeklyHours], ZoneInfo, date, date]

DAY = timedelta(days=1)
LONGEST_FOLD = timedelta(hours=3)  # since 1975: Casey in Antarctica

# Days on which something happens, so that half of the examples meet a change.
ODD_DAYS = [
    (MADRID, on("2026-03-29")),
    (MADRID, on("2026-10-25")),
    (NEW_YORK, on("2027-03-14")),
    (NEW_YORK, on("2027-11-07")),
    (LORD_HOWE, on("2026-04-05")),
    (LORD_HOWE, on("2026-10-04")),
    (ZoneInfo("America/Santiago"), on("2024-04-06")),
    (ZoneInfo("America/Santiago"), on("2024-09-08")),
    (ZoneInfo("Africa/Cairo"), on("2024-04-26")),
    (ZoneInfo("Asia/Beirut"), on("2024-10-26")),
    (ZoneInfo("Antarctica/Troll"), on("2026-03-29")),
    (HAVANA, on("2024-11-03")),
    (ST_JOHNS, on("2010-11-07")),
    (APIA, on("2011-12-30")),
]

some_zone = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
some_day = st.dates(date(1975, 1, 1), date(2037, 12, 31))
shift = st.sampled_from([0, 0, 0, -1, 1, -2]).map(timedelta)
near_a_change = st.tuples(st.sampled_from(ODD_DAYS), shift).map(lambda p: (p[0][0], p[0][1] + p[1]))
some_place = st.one_of(st.tuples(some_zone, some_day), near_a_change)


def wall_from_minutes(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


# In quarters of an hour, and often at night, when the clocks change.
quarter = st.one_of(st.integers(0, 16), st.integers(0, 95)).map(lambda q: q * 15)
some_wall = st.one_of(quarter, st.integers(0, 1439)).map(wall_from_minutes)


some_weekdays = st.one_of(st.just(EVERY_DAY), st.frozensets(st.integers(1, 7), min_size=1))


@st.composite
def templates(draw: st.DrawFn, around: date | None = None) -> WeeklyHours:
    """Any template; its validity, if it has one, lies within a fortnight of `around`."""
    start, end = sorted((draw(quarter), draw(quarter)))
    validity = st.none()
    if around is not None:
        near = st.dates(around - timedelta(days=14), around + timedelta(days=14))
        validity = st.one_of(st.none(), near)
    return WeeklyHours(
        weekdays=draw(some_weekdays),
        start_time=wall_from_minutes(start),
        end_time=wall_from_minutes(draw(st.sampled_from([end, end, 0]))),
        slot_minutes=draw(st.sampled_from([5, 15, 20, 45, 60])),
        buffer_minutes=draw(st.sampled_from([0, 0, 5, 20])),
        capacity=draw(st.integers(1, 3)),
        valid_from=draw(validity),
        valid_until=draw(validity),
    )


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Templates, a zone, and up to eight days."""
    zone, first = draw(some_place)
    hours = draw(st.lists(templates(first), min_size=1, max_size=3))
    return hours, zone, first, first + timedelta(days=draw(st.integers(0, 7)))


def watched(shown: datetime, zone: ZoneInfo) -> datetime:
    """The first instant that shows this time or later, found by watching the clock go."""
    # No clock is more than 14 hours ahead of UTC, so 16 hours before is before the time is shown.
    moment = datetime.combine(shown.date(), time(0), tzinfo=UTC) - timedelta(hours=16)
    while moment.astimezone(zone).replace(tzinfo=None) < shown:
        moment += timedelta(minutes=1)
    return moment


@law
@given(place=some_place, wall=some_wall)
def test_law_an_instant_is_when_the_clock_first_shows_the_time(
    place: tuple[ZoneInfo, date], wall: time
) -> None:
    zone, day = place
    assert instant(day, wall, zone) == watched(datetime.combine(day, wall), zone)


@law
@given(place=some_place, first=some_wall, second=some_wall)
def test_law_later_wall_times_are_never_earlier_instants(
    place: tuple[ZoneInfo, date], first: time, second: time
) -> None:
    zone, day = place
    early, late = sorted((first, second))
    start, end = day_bounds(day, zone)
    assert start <= instant(day, early, zone) <= instant(day, late, zone) <= end


@law
@given(place=some_place)
def test_law_days_leave_no_time_uncovered(place: tuple[ZoneInfo, date]) -> None:
    zone, day = place
    (start, end), (next_start, _) = day_bounds(day, zone), day_bounds(day + timedelta(days=1), zone)
    assert start <= end == next_start


@law
@given(week=weeks())
def test_law_slots_are_sorted_and_never_overlap(week: Week) -> None:
    for one, following in pairwise(slots(*week)):
        assert one.starts_at < one.ends_at <= following.starts_at


@law
@given(week=weeks())
def test_law_openings_are_sorted_and_apart(week: Week) -> None:
    found = openings(*week)
    assert all(one.starts_at < one.ends_at for one in found)
    assert all(one.ends_at < following.starts_at for one, following in pairwise(found))


@law
@given(week=weeks())
def test_law_every_slot_lies_inside_an_opening(week: Week) -> None:
    opened_hours = openings(*week)
    for slot in slots(*week):
        assert any(
            one.starts_at <= slot.starts_at and slot.ends_at <= one.ends_at for one in opened_hours
        )


def wall_range(template: WeeklyHours, day: date) -> tuple[datetime, datetime]:
    end = datetime.combine(day, template.end_time)
    return (
        datetime.combine(day, template.start_time),
        end + timedelta(days=1) if template.end_time == time(0) else end,
    )


def works(template: WeeklyHours, day: date) -> bool:
    first, last = template.valid_from or date.min, template.valid_until or date.max
    return first <= day <= last and day.isoweekday() in template.weekdays


@law
@given(week=weeks())
def test_law_slots_start_inside_the_wall_clock_range(week: Week) -> None:
    hours, zone, first, last = week
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    ranges = [wall_range(one, day) for day in days for one in hours if works(one, day)]
    for slot in slots(*week):
        local = slot.starts_at.astimezone(zone)
        shown = local.replace(tzinfo=None)
        # The end is kept always. Before the start the clock may show only what it shows for the
        # second time: the range had begun in the first pass.
        assert any(
            shown < end and (shown >= start or (local.fold == 1 and shown >= start - LONGEST_FOLD))
            for start, end in ranges
        )


@law
@given(week=weeks())
def test_law_each_template_is_cut_as_if_it_were_alone(week: Week) -> None:
    hours, zone, first, last = week
    # Until no two overlap; what is left must lose no slot to its neighbors.
    while (pair := overlapping(hours)) is not None:
        hours = hours[: pair[1]] + hours[pair[1] + 1 :]
    alone = [slot for one in hours for slot in slots([one], zone, first, last)]
    assert slots(hours, zone, first, last) == sorted(alone, key=lambda slot: slot.starts_at)


@law
@given(week=weeks())
def test_law_a_template_fills_its_hours(week: Week) -> None:
    hours, zone, day, _ = week
    start, end = (watched(shown, zone) for shown in wall_range(hours[0], day))
    length = timedelta(minutes=hours[0].slot_minutes)
    step = length + timedelta(minutes=hours[0].buffer_minutes)
    count = max(0, (end - start - length) // step + 1) if works(hours[0], day) else 0
    expected = [start + number * step for number in range(count)]
    found = slots(hours[:1], zone, day, day)
    assert [one.starts_at for one in found] == expected
    assert all(one.ends_at - one.starts_at == length for one in found)
    assert all(one.capacity == hours[0].capacity for one in found)


@law
@given(week=weeks(), cut=st.integers(0, 8))
def test_law_two_parts_give_what_the_whole_gives(week: Week, cut: int) -> None:
    hours, zone, first, last = week
    middle = first + timedelta(days=cut)
    parts = (hours, zone, first, middle - DAY), (hours, zone, middle, max(last, middle - DAY))
    whole = (hours, zone, first, max(last, middle - DAY))
    assert slots(*parts[0]) + slots(*parts[1]) == slots(*whole)
    halves = openings(*parts[0]) + openings(*parts[1])
    assert covered(halves) == covered(openings(*whole))


def covered(found: list[Opening]) -> list[tuple[datetime, datetime]]:
    """The edges of the hours, without those two that only touch."""
    edges = sorted([one.starts_at for one in found] + [one.ends_at for one in found])
    lonely = [edge for edge in edges if edges.count(edge) == 1]
    return list(zip(lonely[::2], lonely[1::2], strict=True))


@law
@given(week=weeks())
def test_law_the_order_of_templates_does_not_matter(week: Week) -> None:
    hours, zone, first, last = week
    for order in permutations(hours):
        assert slots(order, zone, first, last) == slots(hours, zone, first, last)
        assert openings(order, zone, first, last) == openings(hours, zone, first, last)


def both_at_work(one: WeeklyHours, other: WeeklyHours, days: list[date]) -> bool:
    """Looks at every quarter of an hour of every day. Quarters suffice for these templates."""
    for day in days:
        if works(one, day) and works(other, day):
            (start, end), (other_start, other_end) = wall_range(one, day), wall_range(other, day)
            for number in range(96):
                shown = datetime.combine(day, time(0)) + timedelta(minutes=15 * number)
                if start <= shown < end and other_start <= shown < other_end:
                    return True
    return False


@law
@given(hours=st.lists(templates(on("2026-03-01")), max_size=4))
def test_law_overlapping_agrees_with_looking_at_every_quarter_of_an_hour(
    hours: list[WeeklyHours],
) -> None:
    # Two weeks of validity to either side, and a week beyond, where open validities meet.
    days = [on("2026-02-08") + timedelta(days=number) for number in range(42)]
    pairs = [(i, j) for i in range(len(hours)) for j in range(i + 1, len(hours))]
    expected = [pair for pair in pairs if both_at_work(hours[pair[0]], hours[pair[1]], days)]
    assert overlapping(hours) == (expected[0] if expected else None)


@law
@given(hours=st.lists(templates(on("2026-03-01")), min_size=2, max_size=2))
def test_law_overlapping_is_symmetric(hours: list[WeeklyHours]) -> None:
    assert overlapping(hours) == overlapping(hours[::-1])


@law
@given(week=weeks())
def test_law_templates_apart_on_the_wall_are_apart_as_instants(week: Week) -> None:
    hours, zone, first, last = week
    if overlapping(hours) is None:
        lengths = sum(
            (
                one.ends_at - one.starts_at
                for each in hours
                for one in openings([each], zone, first, last)
            ),
            timedelta(),
        )
        together = openings(hours, zone, first, last)
        assert sum((one.ends_at - one.starts_at for one in together), timedelta()) == lengths
