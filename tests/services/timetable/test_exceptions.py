"""Exceptions of working hours: what beats what, which slots go and come, and when hours end then.

The laws compare with a clock that is watched: every five minutes it is asked what is open.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.timetable import DatedHours, PlannedSlot, WeeklyHours, day_bounds, openings, slots
from tests.services.timetable.test_laws import DAY, Week, cells, covered, weeks
from tests.services.timetable.words import EVERY_DAY, MADRID, on, spans, utc, weekly

TICK = timedelta(minutes=5)
MONDAY = on("2027-06-07")  # in Madrid it begins at 22:00 UTC of the 6th

# The same examples in every run, as in the other laws, but fewer: watching a clock takes long.
law = settings(derandomize=True, print_blob=True, deadline=None, max_examples=25, database=None)


def exception(kind: str, start: str, end: str, minutes: int | None = None) -> DatedHours:
    """One by its kind, `closed` or `extra`, with `wide` before it for the whole organization, and
    by local times of the Monday in Madrid.
    """
    begin = datetime.combine(MONDAY, time(), MADRID).astimezone(utc("2027-06-07").tzinfo)
    times = [begin + timedelta(hours=int(t[:2]), minutes=int(t[3:])) for t in (start, end)]
    return DatedHours(*times, kind.endswith("closed"), kind.startswith("wide"), minutes)


def monday(hours: Sequence[WeeklyHours], *exceptions: DatedHours) -> list[str]:
    """The slots of the Monday on Madrid's clock."""
    return local(slots(hours, MADRID, MONDAY, MONDAY, exceptions))


def local(found: Sequence[PlannedSlot]) -> list[str]:
    clock = (
        f"{one.starts_at.astimezone(MADRID):%H:%M}-{one.ends_at.astimezone(MADRID):%H:%M}"
        for one in found
    )
    return list(clock)


def ends(hours: Sequence[WeeklyHours], *exceptions: DatedHours) -> dict[str, str]:
    """When the hours around each slot end, by its start, on Madrid's clock."""
    return {
        f"{one.starts_at.astimezone(MADRID):%H:%M}": f"{one.hours_end_at.astimezone(MADRID):%H:%M}"
        for one in slots(hours, MADRID, MONDAY, MONDAY, exceptions)
    }


# ------------------------------------------------------------ examples


NINE_TO_TWELVE = [weekly("09:00", "12:00")]


@pytest.mark.parametrize(
    ("exceptions", "left"),
    [
        ([("closed", "10:00", "11:00")], ["09:00-10:00", "11:00-12:00"]),
        # One minute of a slot is enough for it to go, and none for it to stay.
        ([("closed", "09:59", "10:01")], ["11:00-12:00"]),
        ([("closed", "08:00", "09:00"), ("closed", "12:00", "13:00")], "all"),
        ([("wide closed", "00:00", "24:00")], []),
        # What is the calendar's own beats what is the organization's,
        ([("wide closed", "00:00", "24:00"), ("extra", "10:00", "11:00")], ["10:00-11:00"]),
        ([("wide extra", "12:00", "13:00"), ("closed", "00:00", "24:00")], []),
        # and of one of them closed beats open.
        ([("extra", "12:00", "14:00"), ("closed", "13:00", "14:00")], "all and noon"),
        ([("wide extra", "12:00", "14:00"), ("wide closed", "13:00", "14:00")], "all and noon"),
        ([("wide closed", "13:00", "14:00"), ("extra", "12:00", "13:00")], "all and noon"),
        # Twice the same, or overlapping: nothing twice.
        ([("extra", "12:00", "13:00")] * 2, "all and noon"),
        ([("extra", "12:00", "13:00"), ("wide extra", "12:00", "13:00")], "all and noon"),
        ([("closed", "10:00", "10:40"), ("wide closed", "10:30", "11:00")], "all but ten"),
    ],
)
def test_what_beats_what(exceptions: list[tuple[str, str, str]], left: list[str] | str) -> None:
    named = {
        "all": ["09:00-10:00", "10:00-11:00", "11:00-12:00"],
        "all but ten": ["09:00-10:00", "11:00-12:00"],
        "all and noon": ["09:00-10:00", "10:00-11:00", "11:00-12:00", "12:00-13:00"],
    }
    expected = named[left] if isinstance(left, str) else left
    assert monday(NINE_TO_TWELVE, *(exception(*one) for one in exceptions)) == expected


@pytest.mark.parametrize(
    ("hours", "extra", "made"),
    [
        # In steps of its own from its own start, until no whole slot fits.
        ([], ("extra", "09:10", "10:10", 25), ["09:10-09:35", "09:35-10:00"]),
        # Left out: as the weekly hours that begin earliest, without their buffer; otherwise 30.
        ([], ("extra", "09:00", "10:00"), ["09:00-09:30", "09:30-10:00"]),
        (
            [weekly("14:00", "14:20", 20), weekly("11:00", "11:45", 45, 15)],
            ("extra", "08:00", "09:30"),
            ["08:00-08:45", "08:45-09:30", "11:00-11:45", "14:00-14:20"],
        ),
        # Only where nothing is open without it: what fits there of the steps from its start.
        (
            NINE_TO_TWELVE,
            ("extra", "08:15", "13:00", 30),
            ["08:15-08:45", "09:00-10:00", "10:00-11:00", "11:00-12:00", "12:15-12:45"],
        ),
        # Buffers between slots are open time, too.
        (
            [weekly("09:00", "10:00", 20, 20)],
            ("extra", "09:00", "10:00", 20),
            ["09:00-09:20", "09:40-10:00"],
        ),
        # The organization's open nothing where nobody works; and others where somebody does.
        ([], ("wide extra", "09:00", "10:00"), []),
        (
            [weekly("10:00", "11:00")],
            ("wide extra", "09:00", "10:00"),
            ["09:00-10:00", "10:00-11:00"],
        ),
    ],
)
def test_extra_hours_are_cut_from_their_start(
    hours: list[WeeklyHours], extra: tuple[str, str, str], made: list[str]
) -> None:
    assert monday(hours, exception(*extra)) == made


def test_extra_hours_have_the_capacity_of_the_first_weekly_hours() -> None:
    group = WeeklyHours(EVERY_DAY, time(9), time(10), 60, capacity=5)
    late = WeeklyHours(EVERY_DAY, time(10), time(11), 60, capacity=2)
    found = slots([late, group], MADRID, MONDAY, MONDAY, [exception("extra", "11:00", "12:00", 30)])
    assert [one.capacity for one in found] == [5, 2, 5, 5]


def test_hours_end_where_exceptions_let_them() -> None:
    assert ends(NINE_TO_TWELVE) == {"09:00": "12:00", "10:00": "12:00", "11:00": "12:00"}
    longer = exception("extra", "12:00", "13:00")
    assert ends(NINE_TO_TWELVE, longer) == dict.fromkeys(
        ("09:00", "10:00", "11:00", "12:00"), "13:00"
    )
    shorter = exception("wide closed", "11:15", "11:30")
    assert ends(NINE_TO_TWELVE, shorter) == {"09:00": "11:15", "10:00": "11:15"}
    assert ends(NINE_TO_TWELVE, exception("extra", "12:01", "13:01"))["11:00"] == "12:00"


def test_extra_hours_over_midnight_belong_to_the_day_on_which_their_slots_begin() -> None:
    night = [exception("extra", "23:00", "25:30", 60)]
    assert local(slots([], MADRID, MONDAY, MONDAY, night)) == ["23:00-00:00"]
    assert local(slots([], MADRID, MONDAY + DAY, MONDAY + DAY, night)) == ["00:00-01:00"]
    half_past = [exception("extra", "23:30", "25:30", 60)]
    assert local(slots([], MADRID, MONDAY, MONDAY, half_past)) == ["23:30-00:30"]
    assert local(slots([], MADRID, MONDAY + DAY, MONDAY + DAY, half_past)) == ["00:30-01:30"]
    assert spans(openings([], MADRID, MONDAY, MONDAY, night)) == ["07T21:00-07T22:00"]


def test_hours_that_never_end_end_a_day_later_though_the_clock_is_set_forward() -> None:
    saturday = on("2027-03-27")
    (*_, last) = slots([weekly("00:00", "00:00", 30)], MADRID, saturday, saturday)
    assert last.hours_end_at - last.starts_at == timedelta(hours=24)


# ------------------------------------------------------------ laws


@st.composite
def some_exceptions(draw: st.DrawFn, week: Week) -> list[DatedHours]:
    """Up to five around the days of a week, at times that quarters of hours begin."""
    _, zone, first, last = week
    begin = day_bounds(first, zone)[0] - DAY / 2
    quarters = int((day_bounds(last, zone)[1] - begin + DAY) / timedelta(minutes=15))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, quarters))
        length = draw(st.one_of(st.integers(1, 8), st.integers(1, 200)))
        is_closed = draw(st.booleans())
        minutes = draw(st.sampled_from([None, 10, 20, 60]))
        starts_at = begin + start * timedelta(minutes=15)
        ends_at = starts_at + length * timedelta(minutes=15)
        found.append(
            DatedHours(
                starts_at, ends_at, is_closed, draw(st.booleans()), None if is_closed else minutes
            )
        )
    return found


Case = tuple[Week, list[DatedHours]]
cases = weeks().flatmap(lambda week: st.tuples(st.just(week), some_exceptions(week)))


def clock(week: Week, exceptions: list[DatedHours]) -> Callable[[datetime], bool]:
    """Says whether something is open at a moment, as one would say it."""
    hours, zone, first, last = week
    weekly_hours = openings(hours, zone, first - DAY, last + 3 * DAY)

    def is_open(moment: datetime) -> bool:
        there = [one for one in exceptions if one.starts_at <= moment < one.ends_at]
        for is_wide in (False, True):
            of_level = [one for one in there if one.is_wide is is_wide]
            if any(one.is_closed for one in of_level):
                return False
            if of_level and (hours or not is_wide):
                return True
        return any(one.starts_at <= moment < one.ends_at for one in weekly_hours)

    return is_open


@law
@given(case=cases)
def test_law_openings_are_what_is_open_whenever_one_looks(case: Case) -> None:
    week, exceptions = case
    hours, zone, first, _ = week
    found = openings(hours, zone, first, first, exceptions)
    is_open = clock(week, exceptions)
    assert all(one.ends_at < after.starts_at for one, after in pairwise(found))
    moment, end = day_bounds(first, zone)
    while moment < end:
        opened = any(one.starts_at <= moment < one.ends_at for one in found)
        assert opened == is_open(moment), moment
        moment += TICK


@law
@given(case=cases)
def test_law_slots_are_apart_open_and_know_when_their_hours_end(case: Case) -> None:
    week, exceptions = case
    found = slots(*week, exceptions)
    is_open = clock(week, exceptions)
    assert all(one.ends_at <= after.starts_at for one, after in pairwise(found))
    # Of many, each so many-th: one looks every five minutes.
    for slot in found[:: len(found) // 10 + 1]:
        moment = slot.starts_at
        while moment < slot.hours_end_at:
            assert is_open(moment), (slot, moment)
            moment += TICK
        assert slot.ends_at <= slot.hours_end_at <= slot.starts_at + DAY
        is_whole_day = slot.hours_end_at == slot.starts_at + DAY
        assert is_whole_day or not is_open(slot.hours_end_at)


@law
@given(case=cases)
def test_law_a_slot_of_the_weekly_hours_stays_unless_a_closure_overlaps_it(case: Case) -> None:
    week, exceptions = case
    closed = [one for one in exceptions if one.is_closed]
    stays = [
        cell
        for cell in cells(slots(*week))
        if not any(one.starts_at < cell[1] and cell[0] < one.ends_at for one in closed)
    ]
    assert set(stays) <= set(cells(slots(*week, exceptions)))


@law
@given(case=cases)
def test_law_an_exception_changes_only_slots_that_overlap_it(case: Case) -> None:
    week, exceptions = case
    *others, new = exceptions
    before, after = (set(cells(slots(*week, given))) for given in (others, exceptions))
    for starts_at, ends_at, _ in before ^ after:
        assert starts_at < new.ends_at
        assert new.starts_at < ends_at


@law
@given(case=cases, number=st.integers(0, 4))
def test_law_neither_order_nor_repetition_matters(case: Case, number: int) -> None:
    week, exceptions = case
    again = [*exceptions[::-1], exceptions[number % len(exceptions)]]
    assert slots(*week, again) == slots(*week, exceptions)
    assert openings(*week, again) == openings(*week, exceptions)


@law
@given(case=cases, cut=st.integers(1, 7))
def test_law_two_parts_give_what_the_whole_gives(case: Case, cut: int) -> None:
    (hours, zone, first, last), exceptions = case
    assume(first + cut * DAY <= last)
    middle = first + cut * DAY
    parts = (first, middle - DAY), (middle, last)
    made = [slots(hours, zone, *days, exceptions) for days in parts]
    assert made[0] + made[1] == slots(hours, zone, first, last, exceptions)
    halves = [openings(hours, zone, *days, exceptions) for days in parts]
    whole = openings(hours, zone, first, last, exceptions)
    assert covered(halves[0] + halves[1]) == covered(whole)
