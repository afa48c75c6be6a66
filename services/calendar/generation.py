"""Making slots from working hours: what would change, and changing it.

Generating is a difference, and repeating it changes nothing. A slot with an appointment is never
removed: where the hours no longer have it, it is withdrawn, and goes with its last appointment.
The past is left alone. What comes by itself, day by day, is in `horizon`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import Appointment, Calendar
from models.database import ReadSession
from services import timetable
from services.access import Permission, act
from services.availability import (
    TemplateInput,
    checked_hours,
    replace_templates,
    schedules_of,
)
from services.calendar.claims import LONGEST_SLOT
from services.calendar.difference import Difference, difference
from services.calendar.following import rules_settled
from services.calendar.grid import locked_for_change
from services.calendar.horizon import horizon_days
from services.calendar.making import carry_out, mark_made, present_slots
from services.calendar.slots import require_managed
from services.calendar.uncovered import uncovered
from services.context import Context
from services.errors import (
    BeyondHorizon,
    InvalidInput,
    NoAvailability,
    NotFound,
    OverlappingTemplates,
)
from services.timetable import WeeklyHours

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Preview:
    """What generating does: how many slots it makes, keeps and removes, and which appointments
    stand outside of the working hours. Those are never cancelled silently.
    """

    created: int
    kept: int
    removed: int
    uncovered: Sequence[Appointment]


@dataclass(frozen=True)
class Generated:
    """A calendar, and what was, or would be, done to its slots."""

    calendar: Calendar
    preview: Preview


@act(Permission.MANAGE_CALENDAR)
async def preview_availability(
    context: Context,
    *,
    calendar_id: UUID,
    first_day: date,
    last_day: date,
    templates: Sequence[TemplateInput] | None = None,
) -> Preview:
    """What generating would do with the calendar's working hours, or with `templates`."""
    hours = None if templates is None else checked_hours(templates)
    async with context.reading() as session:
        await require_managed(context, session, calendar_id)
        calendar = await _calendar(session, calendar_id)
        _check_days(context, calendar, first_day, last_day)
        plan = await _plan(context, session, calendar, hours, first_day, last_day)
    return plan.preview


@act(Permission.MANAGE_CALENDAR, OverlappingTemplates)
async def set_availability(
    context: Context, *, calendar_id: UUID, templates: Sequence[TemplateInput]
) -> Generated:
    """Replace a calendar's working hours, and say what generating up to the horizon would do.

    Raises:
        OverlappingTemplates: two of them open the same time.

    """
    hours = checked_hours(templates)
    async with context.writing() as session:
        await rules_settled(session)
        calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
        await require_managed(context, session, calendar_id)
        await replace_templates(session, calendar_id, hours)
        first_day, last_day = horizon_days(context, calendar)
        plan = await _plan(context, session, calendar, hours, first_day, last_day)
    return Generated(calendar, plan.preview)


@act(Permission.MANAGE_CALENDAR, BeyondHorizon, NoAvailability)
async def generate_slots(
    context: Context, *, calendar_id: UUID, first_day: date, last_day: date
) -> Generated:
    """Make the slots of some days, both included, from the calendar's working hours.

    Raises:
        BeyondHorizon: the last day is further ahead than the booking horizon.
        NoAvailability: the calendar has no working hours on these days, nor slots to take away.

    """
    async with context.writing() as session:
        await rules_settled(session)
        calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
        await require_managed(context, session, calendar_id)
        _check_days(context, calendar, first_day, last_day)
        plan = await _plan(context, session, calendar, None, first_day, last_day)
        if plan.is_empty:
            raise NoAvailability("calendar_id")
        await carry_out(session, {calendar_id: plan.difference})
        await mark_made(session, calendar, first_day, last_day)
    return Generated(calendar, plan.preview)


def _check_days(context: Context, calendar: Calendar, first_day: date, last_day: date) -> None:
    today, horizon = horizon_days(context, calendar)
    if last_day < first_day:
        raise InvalidInput("This must not be before the first day.", "until")
    if last_day > horizon:
        raise BeyondHorizon("until")
    if first_day < today - timedelta(days=366):
        raise InvalidInput("This is too long ago.", "from")


async def _calendar(session: ReadSession, calendar_id: UUID) -> Calendar:
    statement = select(Calendar).where(Calendar.id == calendar_id)
    calendar: Calendar | None = (await session.execute(statement)).scalar_one_or_none()
    if calendar is None:
        raise NotFound("calendar_id")
    return calendar


@dataclass(frozen=True)
class _Plan:
    opened: Sequence[timetable.Opening]
    difference: Difference
    preview: Preview

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to make slots from, and none to take away either."""
        return not (self.opened or self.difference.remove or self.difference.withdraw)


async def _plan(
    context: Context,
    session: ReadSession,
    calendar: Calendar,
    weekly: Sequence[WeeklyHours] | None,
    first_day: date,
    last_day: date,
) -> _Plan:
    """What generating some days would do; with other weekly hours than the calendar's, if given."""
    zone = ZoneInfo(calendar.time_zone)
    begin = max(context.now, timetable.day_bounds(first_day, zone)[0])
    end = timetable.day_bounds(last_day, zone)[1]
    schedule = (await schedules_of(session, [calendar], begin, end))[calendar.id]
    if weekly is not None:
        schedule = replace(schedule, weekly=weekly)
    planned = [plan for plan in schedule.slots(first_day, last_day) if plan.starts_at >= begin]

    def is_asked(starts_at: datetime, _: datetime) -> bool:
        return begin <= starts_at < end

    # The last slot may reach into the day after, where something may stand.
    asked = (calendar.id, begin, end + LONGEST_SLOT)
    present = (await present_slots(session, [asked])).get(calendar.id, [])
    changes = difference(present, planned, is_asked)
    preview = Preview(
        created=len(changes.create),
        kept=changes.keep,
        removed=len(changes.remove),
        # A visit that begins on the last day may end on the day after.
        uncovered=await uncovered(
            session, calendar, schedule.openings(first_day, last_day + ONE_DAY), begin, end
        ),
    )
    return _Plan(schedule.openings(first_day, last_day), changes, preview)
