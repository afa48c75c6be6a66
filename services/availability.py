"""Availability: the weekly working hours of calendars.

How hours become instants is in `timetable`; how instants become slots is in `calendar.generation`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import NotRequired, TypedDict
from uuid import UUID

from sqlalchemy import Select, delete, select

from models import AvailabilityTemplate, Weekday
from models.database import ReadSession, WriteSession
from services import timetable
from services.access import Permission, act
from services.context import Context
from services.errors import InvalidInput, OverlappingTemplates
from services.timetable import WeeklyHours

MOST_TEMPLATES = 50


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


async def hours_of(session: ReadSession, calendar_id: UUID) -> list[WeeklyHours]:
    """The working hours of a calendar as the timetable takes them."""
    return [
        WeeklyHours(
            weekdays=frozenset(day.value for day in row.weekdays),
            start_time=row.start_time,
            end_time=row.end_time,
            slot_minutes=row.slot_minutes,
            buffer_minutes=row.buffer_minutes,
            capacity=row.capacity,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
        )
        for row in await session.rows(_templates_of([calendar_id]))
    ]


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
