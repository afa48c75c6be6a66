"""Words in which the tests of the timetable are written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from services.timetable import (
    Opening,
    PlannedSlot,
    WeeklyHours,
    openings,
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
