"""Scalars: instants, days, wall-clock times, zones and resume tokens, strict on the way in."""

import re
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, NewType
from zoneinfo import available_timezones

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from resolvers.cursors import Cursor

__all__ = ["SCALARS", "Cursor", "TimeZone", "read_instant"]

TimeZone = NewType("TimeZone", str)

# Python reads more than ISO 8601 and RFC 3339 have in common, and any digit that Unicode has.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:[0-5]\d)", re.ASCII)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Names that mean nothing, or something else on each machine.
NO_ZONES = frozenset({"Factory", "localtime"})


class Unreadable(GraphQLError):
    """A value that is none of its scalar's; the message names nothing of the schema."""


def _text(value: Any, example: str) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"Expected a string such as {example}.")
    return value


def read_instant(value: Any) -> datetime:
    """The instant that a value on the wire is."""
    text = _text(value, "2027-03-28T09:00:00+02:00")
    if not INSTANT.fullmatch(text):
        raise Unreadable(
            "This is not an instant with its offset, such as 2027-03-28T09:00:00+02:00 or …Z."
        )
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("This instant does not exist.") from error


def write_instant(value: datetime) -> str:
    """An instant as it is always shown: in UTC, ending in Z."""
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat().removesuffix("+00:00") + "Z"


def _read_day(value: Any) -> date:
    text = _text(value, "2027-03-28")
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable("This day does not exist.") from error
    raise Unreadable("This is not a day such as 2027-03-28.")


def _read_time(value: Any) -> time:
    text = _text(value, "09:30")
    if not TIME.fullmatch(text):
        raise Unreadable("This is not a wall-clock time such as 09:30.")
    return time.fromisoformat(text)


def _read_zone(value: Any) -> str:
    text = _text(value, "Europe/Madrid")
    if text not in _zones():
        raise Unreadable("This is not a time zone such as Europe/Madrid.")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - NO_ZONES)


def _read_cursor(value: Any) -> str:
    text = _text(value, "the cursor of an update")
    if len(text) > 200:
        raise Unreadable("This is not a cursor.")
    return text


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant, ISO 8601. Input needs an offset; output is always UTC, "
        "ending in Z.",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day, YYYY-MM-DD.",
        serialize=date.isoformat,
        parse_value=_read_day,
    ),
    time: strawberry.scalar(
        name="Time",
        description="A wall-clock time in the calendar's own time zone, HH:MM or HH:MM:SS.",
        serialize=time.isoformat,
        parse_value=_read_time,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description="A time zone of the IANA database, such as Europe/Madrid.",
        serialize=str,
        parse_value=_read_zone,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque resume token of a live feed.",
        serialize=str,
        parse_value=_read_cursor,
    ),
}
