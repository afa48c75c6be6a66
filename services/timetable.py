"""Working hours become openings and slots; only here does local time become an instant.

Here lives the reading of a wall clock (a date, a time of day and an IANA zone become one UTC
instant), the cutting of weekly working hours into slots, and what exceptions make of both.
Everything is pure: no database, no clock, no await. What does not live here: blocks, holds,
bookings, notice periods and horizons (they work on instants), and the wording of refusals for
people.

One rule reads every wall time, starts and ends alike: **the first instant at which the local clock
shows that time or a later one.** From it follows

* a time skipped by a change (a gap) is the first valid instant after the gap, so a range that lies
  wholly inside the gap is empty and is dropped;
* a time shown twice (an overlap) is the first of the two, for a start and also for an end: a range
  that ends inside the doubled hour ends in its first pass, and does not keep anybody for an hour
  that nobody announced;
* a range that merely spans a change keeps its wall-clock end, and so has more or less real time;
* later wall times never become earlier instants. Ranges that do not overlap on the wall therefore
  never overlap as instants, whatever a zone does, and neither do two days.

After that everything steps in UTC.

Exceptions are added and taken away in this order, so that what is a calendar's own beats what is
the organization's, and of either of them closed time beats extra hours:

    (((weekly hours + the organization's extra hours) - the organization's closures)
        + the calendar's own extra hours) - the calendar's own closures

A slot that a closure overlaps is dropped whole. Extra hours are cut from their own start, and give
those of their slots that lie in what was not open without them. So no slot ever moves because of
an exception: one that does not overlap the exception stays as it is.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from services.intervals import around, merged, overlap, without

_MIDNIGHT = time(0)
_ONE_DAY = timedelta(days=1)
_LONGEST_VISIT = timedelta(days=1)
_EVERY_WEEKDAY = frozenset(range(1, 8))
_USUAL_MINUTES = 30

# From the first instant up to, not including, the second.
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """One template of working hours, repeated on its weekdays, in wall-clock time.

    `weekdays` are ISO numbers, 1 Monday to 7 Sunday. `start_time` and `end_time` carry no zone;
    00:00 as an end is the midnight at the end of that day. `slot_minutes` is the length of a slot
    and `buffer_minutes` the free time between two slots. `capacity` is how many may book one slot.
    `valid_from` and `valid_until` are local dates, both inclusive; None leaves that side open.

    Raises ValueError for values no slot can be cut from. Equal times are an empty range, not an
    error; a range past midnight has to be written as two templates.
    """

    weekdays: frozenset[int]
    start_time: time
    end_time: time
    slot_minutes: int
    buffer_minutes: int = 0
    capacity: int = 1
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.weekdays <= _EVERY_WEEKDAY:
            raise ValueError("weekdays are ISO numbers from 1 (Monday) to 7 (Sunday)")
        if self.start_time.tzinfo is not None or self.end_time.tzinfo is not None:
            raise ValueError("working hours are wall-clock times without a zone")
        if self.end_time < self.start_time and self.end_time != _MIDNIGHT:
            raise ValueError("working hours end before they start")
        # Zero minutes would cut for ever, and a negative buffer would let slots overlap.
        if self.slot_minutes < 1 or self.buffer_minutes < 0 or self.capacity < 1:
            raise ValueError("a slot needs at least one minute, a buffer of 0 or more, and a place")


@dataclass(frozen=True, slots=True)
class DatedHours:
    """An exception: closed time or extra hours, from `starts_at` up to `ends_at` (both UTC).

    `is_wide` ones are the whole organization's. Extra hours are cut into slots of `slot_minutes`;
    None stands for those of the weekly hours that begin earliest in the day, whose capacity they
    have in any case, and for 30 where there are none. Extra hours of the organization open only
    what has weekly hours.
    """

    starts_at: datetime
    ends_at: datetime
    is_closed: bool
    is_wide: bool = False
    slot_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """A slot to offer: from `starts_at` up to, not including, `ends_at` (UTC), for `capacity`.

    `hours_end_at` is when the working hours around it end, as far as a visit could matter: at most
    24 hours after the slot begins, so that it does not depend on how many days were asked for.
    """

    starts_at: datetime
    ends_at: datetime
    capacity: int
    hours_end_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """Uncut working hours: from `starts_at` up to, not including, `ends_at` (both UTC)."""

    starts_at: datetime
    ends_at: datetime


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant at which clocks in `zone` first show `wall`, or later, on `day`.

    A time in a gap gives the first instant after the gap; a time shown twice, the first of the two.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall-clock time carries no zone of its own")
    if wall.fold:
        wall = wall.replace(fold=0)  # it came along by chance, and would choose the second pass
    shown = datetime.combine(day, wall, tzinfo=zone)
    found = shown.astimezone(UTC)
    # Datetimes that carry the same zone are compared, and subtracted, by what the clock shows.
    # Only a time in a gap does not survive the way there and back: it was counted with the offset
    # before the change, lands after it, and comes back later by the length of the gap.
    skipped = found.astimezone(zone) - shown
    return found if not skipped else _end_of_gap(found, skipped, shown, zone)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The UTC instants at which `day` and the day after it start in `zone`.

    They are seldom but sometimes not 24 hours apart: 23, 23.5, 24.5 and 25 occur, and 0 for a day
    that a zone left out when it crossed the date line. The days of a zone leave no time uncovered.
    """
    return instant(day, _MIDNIGHT, zone), instant(day + _ONE_DAY, _MIDNIGHT, zone)


def openings(
    hours: Sequence[WeeklyHours],
    zone: ZoneInfo,
    first_day: date,
    last_day: date,
    exceptions: Sequence[DatedHours] = (),
) -> list[Opening]:
    """Working hours from `first_day` to `last_day` (local dates, both inclusive).

    Sorted, and merged where they touch or overlap, also over midnight.
    """
    weekly = ((start, end) for start, end, _ in _ranges(hours, zone, first_day, last_day))
    opened = _Layers(hours, merged(weekly), exceptions).opened
    begin, end = day_bounds(first_day, zone)[0], day_bounds(last_day, zone)[1]
    # Extra hours may reach beyond these days.
    inside = ((max(starts_at, begin), min(ends_at, end)) for starts_at, ends_at in opened)
    return [Opening(starts_at, ends_at) for starts_at, ends_at in inside if starts_at < ends_at]


def slots(
    hours: Sequence[WeeklyHours],
    zone: ZoneInfo,
    first_day: date,
    last_day: date,
    exceptions: Sequence[DatedHours] = (),
) -> list[PlannedSlot]:
    """Slots that begin from `first_day` to `last_day` (local dates, both inclusive).

    Sorted, and never overlapping. Each template is cut on its own. Should templates overlap all the
    same (see `overlapping`), the slot that starts first stays, what collides with it is left out,
    and the order of the templates does not matter. Nor does that of exceptions, of which those
    count that overlap these days or the two days after.
    """
    # Hours that touch over midnight are one: the last evening knows of what comes 24 hours later,
    # which is the second day after it where the day between has 23.
    ranges = list(_ranges(hours, zone, first_day, last_day + 2 * _ONE_DAY))
    weekly = merged((starts_at, ends_at) for starts_at, ends_at, _ in ranges)
    begin, end = day_bounds(first_day, zone)[0], day_bounds(last_day, zone)[1]
    layers = _Layers(hours, weekly, exceptions)
    cuts = sorted(_cuts(one for one in ranges if one[0] < end))
    cells = [*layers.kept(_apart(cuts)), *layers.added(begin, end)]
    planned: list[PlannedSlot] = []
    place = 0
    for starts_at, ends_at, capacity in sorted(cells):
        while layers.opened[place][1] < ends_at:
            place += 1
        hours_end_at = min(layers.opened[place][1], starts_at + _LONGEST_VISIT)
        planned.append(PlannedSlot(starts_at, ends_at, capacity, hours_end_at))
    return planned


def overlapping(hours: Sequence[WeeklyHours]) -> tuple[int, int] | None:
    """Indexes (lower first) of the first two templates that overlap on some day, else None.

    They do if one date is a working day of both, by weekday and validity, and their wall-clock
    ranges share time on it. Ranges that only touch do not overlap.
    """
    for (i, one), (j, other) in combinations(enumerate(hours), 2):
        day = _common_day(one, other)
        if day is None:
            continue
        (one_start, one_end), (other_start, other_end) = _on_wall(one, day), _on_wall(other, day)
        if max(one_start, other_start) < min(one_end, other_end):
            return i, j
    return None


def _end_of_gap(after: datetime, length: timedelta, shown: datetime, zone: ZoneInfo) -> datetime:
    """The instant, at most `length` before `after`, at which the clock of `zone` jumps `shown`."""
    # Changes happen on whole seconds, so we search those. At most a day's worth: 17 looks.
    before = (after - length).replace(microsecond=0)

    def jumped(second: int) -> bool:
        return (before + timedelta(seconds=second)).astimezone(zone) > shown

    seconds = range(int(length.total_seconds()) + 1)
    return before + timedelta(seconds=bisect_left(seconds, True, key=jumped))


def _end_day(template: WeeklyHours, day: date) -> date:
    """The date to which the end of the range that starts on `day` belongs."""
    return day + _ONE_DAY if template.end_time == _MIDNIGHT else day


def _on_wall(template: WeeklyHours, day: date) -> tuple[datetime, datetime]:
    """Start and end of the template on `day` as naive local times."""
    return (
        datetime.combine(day, template.start_time),
        datetime.combine(_end_day(template, day), template.end_time),
    )


def _works_on(template: WeeklyHours, day: date) -> bool:
    return (
        day.isoweekday() in template.weekdays
        and (template.valid_from is None or template.valid_from <= day)
        and (template.valid_until is None or day <= template.valid_until)
    )


def _common_day(one: WeeklyHours, other: WeeklyHours) -> date | None:
    """Some date on which both templates apply, else None."""
    first = max(one.valid_from or date.min, other.valid_from or date.min).toordinal()
    last = min(one.valid_until or date.max, other.valid_until or date.max).toordinal()
    # Shared validity and a shared weekday are not enough: two templates valid together from a
    # Friday to a Sunday never meet on a Monday. After seven days every weekday has been seen.
    for ordinal in range(first, min(last, first + 6) + 1):
        day = date.fromordinal(ordinal)
        if _works_on(one, day) and _works_on(other, day):
            return day
    return None


def _ranges(
    hours: Sequence[WeeklyHours], zone: ZoneInfo, first_day: date, last_day: date
) -> Iterator[tuple[datetime, datetime, WeeklyHours]]:
    """Start and end (UTC) of each template on each day; ranges a gap has swallowed are left out."""
    for ordinal in range(first_day.toordinal(), last_day.toordinal() + 1):
        day = date.fromordinal(ordinal)
        for template in hours:
            if not _works_on(template, day):
                continue
            starts_at = instant(day, template.start_time, zone)
            ends_at = instant(_end_day(template, day), template.end_time, zone)
            if starts_at < ends_at:
                yield starts_at, ends_at, template


# Start, end and capacity of a slot.
Cell = tuple[datetime, datetime, int]


def _cuts(ranges: Iterable[tuple[datetime, datetime, WeeklyHours]]) -> Iterator[Cell]:
    """Every slot that fits, template by template, unsorted."""
    for starts_at, ends_at, template in ranges:
        length = timedelta(minutes=template.slot_minutes)
        step = length + timedelta(minutes=template.buffer_minutes)
        slot_starts_at = starts_at
        # The slot has to end in time; the buffer behind the last one need not.
        while (slot_ends_at := slot_starts_at + length) <= ends_at:
            yield slot_starts_at, slot_ends_at, template.capacity
            slot_starts_at += step


def _apart(cells: Iterable[Cell]) -> Iterator[Cell]:
    """Those of sorted slots that do not overlap one before."""
    free_from: datetime | None = None
    for cell in cells:
        if free_from is None or cell[0] >= free_from:
            yield cell
            free_from = cell[1]


class _Layers:
    """What exceptions make of weekly hours, and of the slots that are cut from them.

    Attributes:
        opened: what is open in the end.

    """

    def __init__(
        self,
        hours: Sequence[WeeklyHours],
        weekly: Sequence[Stretch],
        exceptions: Sequence[DatedHours],
    ) -> None:
        first = min(
            hours, key=lambda one: (one.start_time, one.slot_minutes, one.capacity), default=None
        )
        self._minutes = first.slot_minutes if first else _USUAL_MINUTES
        self._capacity = first.capacity if first else 1
        self._wide, self._own = (
            sorted(
                (one for one in exceptions if not one.is_closed and one.is_wide is is_wide),
                key=lambda one: (one.starts_at, one.ends_at, self._length(one)),
            )
            for is_wide in (True, False)
        )
        if not hours:
            self._wide = []
        closed = [one for one in exceptions if one.is_closed]
        self._closed = merged(map(_stretch, closed))
        self._own_closed = merged(_stretch(one) for one in closed if not one.is_wide)
        wide_closed = (_stretch(one) for one in closed if one.is_wide)
        self._weekly = weekly
        self._without_own = without([*weekly, *map(_stretch, self._wide)], wide_closed)
        own = map(_stretch, self._own)
        self.opened = without([*self._without_own, *own], self._own_closed)

    def kept(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """Those slots of the weekly hours that no closure overlaps."""
        return (cell for cell in cells if not overlap(self._closed, *cell[:2]))

    def added(self, begin: datetime, end: datetime) -> Iterator[Cell]:
        """The slots of extra hours that begin from `begin` up to `end`."""
        yield from self._extra(self._wide, self._weekly, self._closed, begin, end)
        yield from self._extra(self._own, self._without_own, self._own_closed, begin, end)

    def _extra(
        self,
        extras: Sequence[DatedHours],
        opened: Sequence[Stretch],
        closed: Sequence[Stretch],
        begin: datetime,
        end: datetime,
    ) -> Iterator[Cell]:
        for extra in extras:
            new = without([_stretch(extra)], opened)
            length = self._length(extra)
            skipped = max(0, -((extra.starts_at - begin) // length))
            starts_at = extra.starts_at + skipped * length
            while starts_at < end and (ends_at := starts_at + length) <= extra.ends_at:
                if around(new, starts_at, ends_at) and not overlap(closed, starts_at, ends_at):
                    yield starts_at, ends_at, self._capacity
                starts_at = ends_at
            opened = merged([*opened, _stretch(extra)])

    def _length(self, extra: DatedHours) -> timedelta:
        return timedelta(minutes=extra.slot_minutes or self._minutes)


def _stretch(one: DatedHours) -> Stretch:
    return one.starts_at, one.ends_at
