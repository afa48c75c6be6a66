"""Recurrence: when the visits of a series fall, on the clock on the wall. Pure.

A weekly visit at nine is at nine in summer and in winter, so its instants are not 168 hours apart.
What is free then is asked in `booking`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule
from icalendar import vRecur

from services import checks
from services.errors import InvalidInput
from services.timetable import day_bounds, instant

FEWEST, MOST = 2, 52
LONGEST_PAUSE = 12
FIELD = "recurrence"


@dataclass(frozen=True)
class Recurrence:
    """How often: so many times, or up to a day in the calendar's zone, that day included.

    Raises InvalidInput for what is no series.
    """

    every_weeks: int = 1
    count: int | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        checks.between(self.every_weeks, 1, LONGEST_PAUSE, FIELD, "every_weeks")
        if (self.count is None) == (self.until is None):
            raise InvalidInput("Say how many times, or until which day.", FIELD)
        if self.count is not None:
            checks.between(self.count, FEWEST, MOST, FIELD, "count")


@dataclass(frozen=True)
class PlannedTime:
    """When one of the visits should begin.

    Attributes:
        day: in the calendar's zone.
        at: the instant; where the clocks leave that time out on that day, the first after it.
        exists: the clocks show that time on that day.

    """

    number: int
    day: date
    at: datetime
    exists: bool


def planned_times(first: datetime, zone: ZoneInfo, recurrence: Recurrence) -> list[PlannedTime]:
    """When the visits of a series fall, of which the first begins at `first`.

    Raises:
        InvalidInput: there are not two of them, or more than 52.

    """
    wall = _wall(first, zone)
    last = datetime.combine(recurrence.until, time.max) if recurrence.until else None
    rule = rrule(
        WEEKLY,
        dtstart=wall,
        interval=recurrence.every_weeks,
        count=recurrence.count,
        until=last,
    )
    walls = list(islice(rule, MOST + 1))
    if not FEWEST <= len(walls) <= MOST:
        problem = f"A series has from {FEWEST} to {MOST} appointments."
        raise InvalidInput(problem, FIELD, "until")
    # The slot that was named, also where its time is shown twice that night.
    begin = PlannedTime(1, wall.date(), first, exists=True)
    return [begin, *(_planned(n, wall, zone) for n, wall in enumerate(walls[1:], start=2))]


def as_text(first: datetime, zone: ZoneInfo, recurrence: Recurrence) -> str:
    """DTSTART with its zone, and RRULE, as RFC 5545 writes them."""
    rule: Any = vRecur({"FREQ": "WEEKLY", "INTERVAL": recurrence.every_weeks})
    if recurrence.until is None:
        rule["COUNT"] = recurrence.count
    else:
        # The day as a whole; where a start has a zone, the end is written in UTC.
        rule["UNTIL"] = day_bounds(recurrence.until, zone)[1] - timedelta(seconds=1)
    start = f"DTSTART;TZID={zone.key}:{_wall(first, zone):%Y%m%dT%H%M%S}"
    return f"{start}\nRRULE:{rule.to_ical().decode()}"


def _planned(number: int, wall: datetime, zone: ZoneInfo) -> PlannedTime:
    at = instant(wall.date(), wall.time(), zone)
    return PlannedTime(number, wall.date(), at, exists=_wall(at, zone) == wall)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)
