"""Laws of the timetable that hold in every zone, on any day, for any hours."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo, available_timezones

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
from tests.services.timetable.words import (
    APIA,
    EVERY_DAY,
    HAVANA,
    LORD_HOWE,
    MADRID,
    NEW_YORK,
    ST_JOHNS,
    on,
)

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
    assert cells(slots(hours, zone, first, last)) == sorted(cells(alone))


def cells(found: list[PlannedSlot]) -> list[tuple[datetime, datetime, int]]:
    """Slots without the end of the hours around them, which templates that touch have in common."""
    return [(slot.starts_at, slot.ends_at, slot.capacity) for slot in found]


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
