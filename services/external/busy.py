"""The busy times in an iCalendar file: a program of its own, for it is given files by strangers.

It is run by `programs`, without an environment and with little memory and time, and knows nothing
of this project. It reads the file and says the times: no word of the file leaves it.

    python -I busy.py ZONE FROM UNTIL < file

FROM and UNTIL are seconds since 1970; so are the times that it writes, as JSON. ZONE is that of
what has no zone of its own.
"""

import contextlib
import itertools
import json
import os
import resource
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event
from icalendar.prop import vRecur

# How it ends besides well.
NO_CALENDAR, TOO_MUCH = 3, 4
# Of all rules together; a meeting on each day since 1970 takes 20,000.
MOST_STEPS = 100_000
# What overlaps the time that is asked for, before it is merged.
MOST_TIMES = 20_000
SECONDS, MEGABYTES = 20, 512
DAY = timedelta(days=1)
# What is raised where something in a file is not as it should be.
UNREADABLE = (ValueError, OverflowError, AttributeError, TypeError, KeyError)
Span = tuple[datetime, datetime]


class TooMuch(Exception):
    """A rule that repeats without end, or more times than anybody has."""


def busy_times(data: bytes, zone: tzinfo, begin: datetime, end: datetime) -> list[Span]:
    """When the owner of a calendar is busy in [begin, end): in order, merged, in UTC.

    Raises:
        ValueError: it is no calendar, or not a whole one.
        TooMuch: it takes too long to find out.

    """
    calendars = Calendar.from_ical(data, multiple=True)
    if not calendars or any(part.name != "VCALENDAR" for part in calendars):
        raise ValueError("No calendar, or one that breaks off.")
    events: list[Any] = [event for part in calendars for event in part.walk("VEVENT")]
    series = _Series(zone, begin, end)
    found = []
    for span in itertools.chain.from_iterable(series.of(same) for same in _by_uid(events)):
        if span[0] < end and span[1] > begin and span[0] < span[1]:
            found.append(span)
        if len(found) > MOST_TIMES:
            raise TooMuch
    return merged((max(lower, begin), min(upper, end)) for lower, upper in found)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps and seams, in order."""
    found: list[Span] = []
    for lower, upper in sorted(spans):
        if found and lower <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], upper))
        else:
            found.append((lower, upper))
    return found


def _by_uid(events: Iterable[Event]) -> Iterator[list[Event]]:
    """What belongs together: a series, and its occurrences that differ."""
    found: dict[str, list[Event]] = {}
    for place, event in enumerate(events):
        # One without an id belongs to nobody.
        found.setdefault(str(event.get("UID") or place), []).append(event)
    yield from found.values()


def _is_busy(event: Event) -> bool:
    is_free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not is_free and str(event.get("STATUS", "")).upper() != "CANCELLED"


class _Series:
    """Finds the times of events, those that repeat too; counts how much work that is."""

    def __init__(self, zone: tzinfo, begin: datetime, end: datetime) -> None:
        self._zone = zone
        self._begin = begin
        self._end = end
        self._steps = 0

    def of(self, events: Sequence[Event]) -> Iterator[Span]:
        """The times of events with one id."""
        differing = [event for event in events if "RECURRENCE-ID" in event]
        for event in events:
            # An event that cannot be read is left out: the others count.
            with contextlib.suppress(*UNREADABLE):
                if event in differing:
                    yield from [self._span(event)] * _is_busy(event)
                elif _is_busy(event):
                    yield from self._repeated(event, differing)

    def _repeated(self, event: Event, differing: Sequence[Event]) -> Iterator[Span]:
        """The times of a series, but for those at which it differs.

        It repeats on the clock on the wall, and lasts as long in each season.
        """
        starts_at = _value(event, "DTSTART")
        zone = starts_at.tzinfo if isinstance(starts_at, datetime) else None
        zone = zone or self._zone
        lower, upper = self._span(event)
        first = self._wall(starts_at, zone)
        moved = [_value(one, "RECURRENCE-ID") for one in differing]
        left_out = [*moved, *_values(event, "EXDATE")]
        days = {value for value in left_out if not isinstance(value, datetime)}
        times = {self._wall(value, zone) for value in left_out if isinstance(value, datetime)}
        # Exchange writes midnight where it means the occurrence of that day.
        midnights = (self._wall(value, zone) for value in moved)
        days |= {wall.date() for wall in midnights if wall.time() == time()}
        last = self._wall(self._end, zone) + DAY
        starts = {first}
        for recur in _listed(event, "RRULE"):
            # Of a rule that nobody understands, the first time counts.
            with contextlib.suppress(*UNREADABLE):
                starts.update(self._steps_of(recur, first, zone, last))
        for value in _values(event, "RDATE"):
            if isinstance(value, tuple):
                yield self._instant(value[0]), self._period_end(value)
            else:
                starts.add(self._wall(value, zone))
        is_whole_day = not isinstance(starts_at, datetime)
        whole_days = self._wall(upper, zone) - first
        for wall in starts - times:
            if wall.date() in days:
                continue
            if is_whole_day:
                yield self._at(wall, zone), self._at(wall + whole_days, zone)
            else:
                begin = self._at(wall, zone)
                yield begin, begin + (upper - lower)

    def _steps_of(
        self, recur: Any, first: datetime, zone: tzinfo, last: datetime
    ) -> Iterator[datetime]:
        """When a rule says that something begins, on the wall, up to a time."""
        until = [self._wall(value, zone, end_of_day=True) for value in recur.get("UNTIL", [])]
        last = min([last, *until])
        # On the wall there is no UTC, which the end of a rule mostly is in.
        rest: Any = vRecur({name: value for name, value in recur.items() if name != "UNTIL"})
        for start in rrulestr(rest.to_ical().decode(), dtstart=first):
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise TooMuch
            if start > last:
                return
            yield start

    def _span(self, event: Event) -> Span:
        """When an event begins and ends; without an end, a day takes a day and a time no time."""
        begin = _value(event, "DTSTART")
        lower = self._instant(begin)
        if "DTEND" in event:
            return lower, self._instant(_value(event, "DTEND"))
        if "DURATION" in event:
            return lower, lower + _value(event, "DURATION")
        return lower, lower if isinstance(begin, datetime) else self._instant(begin + DAY)

    def _period_end(self, period: tuple[Any, Any]) -> datetime:
        begin, end = period
        return self._instant(begin) + end if isinstance(end, timedelta) else self._instant(end)

    def _instant(self, value: date) -> datetime:
        """A time as it is written in a file; a day is its beginning."""
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
        return self._at(value, value.tzinfo or self._zone)

    def _at(self, wall: datetime, zone: tzinfo) -> datetime:
        """A time on the wall: the first of two that are called so, and one that the clocks leave
        out is as long after the hour before as it says.
        """
        return wall.replace(tzinfo=zone).astimezone(UTC)

    def _wall(self, value: date, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
        """What the clock on the wall of a zone shows."""
        if not isinstance(value, datetime):
            return datetime.combine(value, time.max if end_of_day else time())
        if value.tzinfo is None:
            return value
        return value.astimezone(zone).replace(tzinfo=None)


def _value(event: Event, name: str) -> Any:
    """A property that is a time."""
    found: Any = event[name]
    return found.dt


def _listed(event: Event, name: str) -> list[Any]:
    """A property that may stand there several times."""
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]


def _values(event: Event, name: str) -> Iterator[Any]:
    """Of a property that lists times, all of them."""
    for part in _listed(event, name):
        yield from (value.dt for value in part.dts)


def main() -> int:
    """Read, and say what was found; the end says how it went."""
    limit()
    # What it would warn of are words of the file.
    warnings.simplefilter("ignore")
    zone, begin, end = sys.argv[1:]
    instants = [datetime.fromtimestamp(int(seconds), UTC) for seconds in (begin, end)]
    try:
        found = busy_times(sys.stdin.buffer.read(), ZoneInfo(zone), *instants)
    except (TooMuch, MemoryError):
        return TOO_MUCH
    except Exception:  # noqa: BLE001 - whatever such a file does to the library
        return NO_CALENDAR
    sys.stdout.write(json.dumps([[int(at.timestamp()) for at in span] for span in found]))
    return 0


def limit() -> None:
    """Take no more of the machine than one file may cost, and stand behind everybody else."""
    memory = MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.nice(10)


if __name__ == "__main__":
    sys.exit(main())
