"""Clock changes: instants written out by hand from the published changes."""

from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.timetable import (
    slots,
)
from tests.services.timetable.words import (
    APIA,
    LORD_HOWE,
    MADRID,
    NEW_YORK,
    on,
    one_day,
    opened,
    spans,
    weekly,
)


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
