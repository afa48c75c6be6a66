"""Templates that overlap, and what a timetable costs."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.timetable import (
    overlapping,
    slots,
)
from tests.services.timetable.words import (
    on,
    weekly,
)


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
