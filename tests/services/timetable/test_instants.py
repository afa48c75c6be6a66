"""One wall time, one instant; ordinary days, validity, openings."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.timetable import (
    Opening,
    PlannedSlot,
    day_bounds,
    instant,
    openings,
    slots,
)
from tests.services.timetable.words import (
    KOLKATA,
    MADRID,
    NEW_YORK,
    on,
    one_day,
    opened,
    spans,
    utc,
    weekly,
)


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


def test_slots_of_an_ordinary_day_are_utc_and_in_order() -> None:
    found = slots([weekly("09:00", "11:00")], MADRID, on("2026-01-15"), on("2026-01-15"))
    assert found == [
        PlannedSlot(utc("2026-01-15T08:00"), utc("2026-01-15T09:00"), 1, utc("2026-01-15T10:00")),
        PlannedSlot(utc("2026-01-15T09:00"), utc("2026-01-15T10:00"), 1, utc("2026-01-15T10:00")),
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
