"""Availability: the weekly working hours of calendars, and exceptions of them, as they are kept.

How hours become instants and slots is in `timetable`; how slots are made, and what an exception
does to them, in `calendar`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NotRequired, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, or_, select

from models import AvailabilityException, AvailabilityTemplate, Calendar, ExceptionKind, Weekday
from models.database import ReadSession, WriteSession
from services import timetable
from services.access import STAFF, Permission, act
from services.context import Context
from services.errors import InvalidInput, OverlappingTemplates
from services.timetable import DatedHours, Opening, PlannedSlot, Stretch, WeeklyHours

MOST_TEMPLATES = 50
# The clocks of two zones are never further apart than this.
ZONES_APART = timedelta(hours=26)
# Hours at the end of a plan depend on the two days after it; days have up to 25 hours.
LOOKING_AHEAD = timedelta(hours=50)


class TemplateInput(TypedDict):
    """One weekly range of working hours, as it is given."""

    weekdays: list[Weekday]
    start_time: time
    end_time: time
    slot_minutes: int
    buffer_minutes: NotRequired[int | None]
    capacity: NotRequired[int | None]
    valid_from: NotRequired[date | None]
    valid_until: NotRequired[date | None]


@act(Permission.SEE_CALENDAR)
async def templates_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, list[AvailabilityTemplate]]:
    """The working hours of each calendar, in order of their start."""
    async with context.reading() as session:
        rows = await session.rows(_templates_of(calendar_ids))
    found: dict[UUID, list[AvailabilityTemplate]] = {}
    for row in rows:
        found.setdefault(row.calendar_id, []).append(row)
    return found


@act(Permission.SEE_CALENDAR)
async def templates_by_id(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, AvailabilityTemplate]:
    """Working hours by id, those that exist."""
    statement = select(AvailabilityTemplate).where(AvailabilityTemplate.id.in_(ids))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def exceptions_by_calendar(
    context: Context, calendar_ids: Sequence[UUID], *, starts_at: datetime, ends_at: datetime
) -> Mapping[UUID, list[AvailabilityException]]:
    """The exceptions that overlap a time of each calendar, its own and the organization's, in order
    of start.
    """
    calendars = select(Calendar).where(Calendar.id.in_(calendar_ids))
    async with context.reading() as session:
        zones = {one.id: ZoneInfo(one.time_zone) for one in await session.rows(calendars)}
        rows = await session.rows(_exceptions_of(calendar_ids, starts_at, ends_at))
    found: dict[UUID, list[AvailabilityException]] = {}
    for calendar_id, zone in zones.items():
        for row in rows:
            begin, end = stretch_of(row, zone)
            is_its = row.calendar_id in {None, calendar_id}
            if is_its and begin < ends_at and end > starts_at:
                found.setdefault(calendar_id, []).append(row)
    return found


@act(Permission.SEE_CALENDAR)
async def exceptions_by_id(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, AvailabilityException]:
    """Exceptions by id, those that exist and were not removed."""
    statement = select(AvailabilityException).where(
        AvailabilityException.id.in_(ids), AvailabilityException.removed_at.is_(None)
    )
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


def reason_shown(context: Context, exception: AvailabilityException) -> str | None:
    """Why there is an exception: of the organization's, for everybody; why somebody is not there
    may be private, and is for staff.
    """
    is_public = exception.calendar_id is None
    return exception.reason if is_public or context.role in STAFF else None


def checked_hours(templates: Sequence[TemplateInput]) -> list[WeeklyHours]:
    """Working hours that can be kept.

    Raises:
        InvalidInput: a number or a time is out of range.
        OverlappingTemplates: two of them open the same time.

    """
    if len(templates) > MOST_TEMPLATES:
        raise InvalidInput(f"At most {MOST_TEMPLATES} ranges are allowed.", "templates")
    hours = [_checked(template, place) for place, template in enumerate(templates)]
    if clash := timetable.overlapping(hours):
        raise OverlappingTemplates("templates", clash[1])
    return hours


def _checked(template: TemplateInput, place: int) -> WeeklyHours:
    start, end = template["start_time"], template["end_time"]
    slot_minutes = template["slot_minutes"]
    buffer_minutes = template.get("buffer_minutes") or 0
    capacity = 1 if (given := template.get("capacity")) is None else given
    first, last = template.get("valid_from"), template.get("valid_until")
    demands = {
        "weekdays": (bool(template["weekdays"]), "Name at least one weekday."),
        "end_time": (
            start < end or end == time(),
            "This must be after the start; 00:00 ends the day.",
        ),
        "slot_minutes": (1 <= slot_minutes <= 1440, "A slot has 1 to 1440 minutes."),
        "buffer_minutes": (0 <= buffer_minutes <= 1440, "A buffer has 0 to 1440 minutes."),
        "capacity": (1 <= capacity <= 1000, "A slot takes 1 to 1000 bookings."),
        "valid_until": (
            first is None or last is None or first <= last,
            "This must not be before validFrom.",
        ),
    }
    for field, (is_met, problem) in demands.items():
        if not is_met:
            raise InvalidInput(problem, "templates", place, field)
    return WeeklyHours(
        weekdays=frozenset(day.value for day in template["weekdays"]),
        start_time=start,
        end_time=end,
        slot_minutes=slot_minutes,
        buffer_minutes=buffer_minutes,
        capacity=capacity,
        valid_from=first,
        valid_until=last,
    )


@dataclass(frozen=True)
class Schedule:
    """When a calendar is open: its weekly hours, and exceptions, those of a certain time."""

    zone: ZoneInfo
    weekly: Sequence[WeeklyHours]
    exceptions: Sequence[DatedHours]

    def slots(self, first_day: date, last_day: date) -> list[PlannedSlot]:
        """The slots of some days, both included."""
        return timetable.slots(self.weekly, self.zone, first_day, last_day, self.exceptions)

    def openings(self, first_day: date, last_day: date) -> list[Opening]:
        """What is open on some days, both included."""
        return timetable.openings(self.weekly, self.zone, first_day, last_day, self.exceptions)


async def schedules_of(
    session: ReadSession, calendars: Sequence[Calendar], begin: datetime, end: datetime
) -> dict[UUID, Schedule]:
    """When calendars are open, with all exceptions that matter from `begin` to `end`."""
    ids = [calendar.id for calendar in calendars]
    weekly: dict[UUID, list[WeeklyHours]] = {}
    for row in await session.rows(_templates_of(ids)):
        weekly.setdefault(row.calendar_id, []).append(_as_hours(row))
    there = _exceptions_of(ids, begin, end + LOOKING_AHEAD)
    exceptions: dict[UUID | None, list[AvailabilityException]] = {}
    for exception in await session.rows(there):
        exceptions.setdefault(exception.calendar_id, []).append(exception)
    wide: dict[str, list[DatedHours]] = {}
    found = {}
    for calendar in calendars:
        zone = ZoneInfo(calendar.time_zone)
        if zone.key not in wide:
            wide[zone.key] = _dated(exceptions.get(None, ()), zone)
        own = _dated(exceptions.get(calendar.id, ()), zone)
        found[calendar.id] = Schedule(zone, weekly.get(calendar.id, []), [*wide[zone.key], *own])
    return found


def stretch_of(exception: AvailabilityException, zone: ZoneInfo) -> Stretch:
    """From when to when an exception holds for a calendar of a zone. The organization's hold by the
    wall clock; in a zone whose clock leaves all of one out, it is empty.
    """
    times = exception.starts_at, exception.ends_at
    # In the zone where they were said they are exact, also in an hour that the clock shows twice.
    if exception.time_zone is None or exception.time_zone == zone.key:
        return times
    said = (time.astimezone(ZoneInfo(exception.time_zone)) for time in times)
    start, end = (timetable.instant(shown.date(), shown.time(), zone) for shown in said)
    return start, end


def _dated(rows: Sequence[AvailabilityException], zone: ZoneInfo) -> list[DatedHours]:
    found = []
    for row in rows:
        is_closed, is_wide = row.kind is ExceptionKind.CLOSED, row.calendar_id is None
        found.append(DatedHours(*stretch_of(row, zone), is_closed, is_wide, row.slot_minutes))
    return found


def _as_hours(row: AvailabilityTemplate) -> WeeklyHours:
    """Working hours as the timetable takes them."""
    return WeeklyHours(
        weekdays=frozenset(day.value for day in row.weekdays),
        start_time=row.start_time,
        end_time=row.end_time,
        slot_minutes=row.slot_minutes,
        buffer_minutes=row.buffer_minutes,
        capacity=row.capacity,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


async def replace_templates(
    session: WriteSession, calendar_id: UUID, hours: Sequence[WeeklyHours]
) -> None:
    """Keep these working hours instead of the old ones; a part of `set_availability`."""
    await session.execute(
        delete(AvailabilityTemplate).where(AvailabilityTemplate.calendar_id == calendar_id)
    )
    session.add_all(
        AvailabilityTemplate(
            organization_id=session.organization_id,
            calendar_id=calendar_id,
            weekdays=[Weekday(day) for day in sorted(weekly.weekdays)],
            start_time=weekly.start_time,
            end_time=weekly.end_time,
            slot_minutes=weekly.slot_minutes,
            buffer_minutes=weekly.buffer_minutes,
            capacity=weekly.capacity,
            valid_from=weekly.valid_from,
            valid_until=weekly.valid_until,
        )
        for weekly in hours
    )
    await session.flush()


def _templates_of(calendar_ids: Sequence[UUID]) -> Select[AvailabilityTemplate]:
    return (
        select(AvailabilityTemplate)
        .where(AvailabilityTemplate.calendar_id.in_(calendar_ids))
        .order_by(AvailabilityTemplate.start_time, AvailabilityTemplate.id)
    )


def _exceptions_of(
    calendar_ids: Sequence[UUID], begin: datetime, end: datetime
) -> Select[AvailabilityException]:
    """The exceptions of calendars and of their organization that may overlap a time: those of the
    organization do so in one zone and not in another.
    """
    wide = AvailabilityException.calendar_id.is_(None)
    return (
        select(AvailabilityException)
        .where(
            or_(AvailabilityException.calendar_id.in_(calendar_ids), wide),
            AvailabilityException.removed_at.is_(None),
            AvailabilityException.starts_at < end + ZONES_APART,
            AvailabilityException.ends_at > begin - ZONES_APART,
        )
        .order_by(AvailabilityException.starts_at, AvailabilityException.id)
    )
