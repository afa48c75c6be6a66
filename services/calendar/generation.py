"""Making slots from working hours: what would change, and changing it.

Generating is a difference, and repeating it changes nothing. A slot with an appointment is never
removed: where the hours no longer have it, it is withdrawn, and goes with its last appointment.
The past is left alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Uuid, any_, exists, literal, select, text, update

from models import (
    Appointment,
    AppointmentStatus,
    AvailabilityTemplate,
    Calendar,
    Claim,
    Slot,
    SlotStatus,
)
from models.database import ReadSession, WriteSession
from services import timetable
from services.access import Permission, act
from services.availability import (
    TemplateInput,
    checked_hours,
    hours_of,
    replace_templates,
)
from services.calendar.claims import lying_in
from services.calendar.difference import Difference, difference
from services.calendar.grid import locked_for_change, overlapping, refresh_slots
from services.calendar.rules import horizon_ends
from services.calendar.slots import require_managed
from services.context import Context
from services.errors import (
    BeyondHorizon,
    InvalidInput,
    NoAvailability,
    NotFound,
    OverlappingTemplates,
)
from services.timetable import PlannedSlot, WeeklyHours

OPEN = (AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN)

# A slot that is made inside a closed time is closed from the beginning.
INSERT = text("""
    INSERT INTO slots (organization_id, id, calendar_id, starts_at, ends_at, hours_end_at, capacity,
                       status, booked_count, is_withdrawn, revision)
    SELECT :organization_id, gen_random_uuid(), :calendar_id, planned.starts_at, planned.ends_at,
           planned.hours_end_at, planned.capacity,
           (CASE WHEN :has_claims AND EXISTS (
                SELECT FROM claims
                WHERE claims.calendar_id = :calendar_id AND claims.kind = 'BLOCK'
                  AND claims.starts_at < planned.ends_at AND claims.ends_at > planned.starts_at
                  AND claims.starts_at > planned.starts_at - interval '24 hours')
            THEN 'BLOCKED' ELSE 'AVAILABLE' END)::slot_status,
           0, false, :revision
    FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
                CAST(:hours_end AS timestamptz[]), CAST(:capacities AS smallint[]))
         AS planned (starts_at, ends_at, hours_end_at, capacity)
""")
HOURS_END = text("""
    UPDATE slots SET hours_end_at = planned.hours_end_at
    FROM unnest(CAST(:slot_ids AS uuid[]), CAST(:hours_end AS timestamptz[]))
         AS planned (id, hours_end_at)
    WHERE slots.organization_id = :organization_id AND slots.id = planned.id
""")


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
        if hours is None:
            hours = await hours_of(session, calendar_id)
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
        calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
        await require_managed(context, session, calendar_id)
        _check_days(context, calendar, first_day, last_day)
        hours = await hours_of(session, calendar_id)
        plan = await _plan(context, session, calendar, hours, first_day, last_day)
        if plan.is_empty:
            raise NoAvailability("calendar_id")
        await _carry_out(session, calendar, plan.difference)
    return Generated(calendar, plan.preview)


async def generate_all(context: Context, *, progress: Callable[[int, int, int], None]) -> int:
    """Make the slots of every calendar that has working hours, up to the horizon; say how many.

    For the command line: no caller of the API may. Each calendar is a transaction of its own, so
    stopping half way leaves whole calendars. `progress` is told how many calendars are done, of how
    many, and how many slots were made.
    """
    statement = select(AvailabilityTemplate.calendar_id).distinct()
    async with context.reading() as reading:
        calendar_ids = await reading.rows(statement.order_by(AvailabilityTemplate.calendar_id))
    waiting = iter(calendar_ids)
    done = made = 0

    async def work() -> None:
        nonlocal done, made
        for calendar_id in waiting:
            async with context.writing() as session:
                calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
                hours = await hours_of(session, calendar_id)
                days = horizon_days(context, calendar)
                plan = await _plan(context, session, calendar, hours, *days)
                await _carry_out(session, calendar, plan.difference)
            done, made = done + 1, made + plan.preview.created
            progress(done, len(calendar_ids), made)

    progress(0, len(calendar_ids), 0)
    # Two at once: while the database takes the slots of one, those of the other are thought out.
    try:
        async with asyncio.TaskGroup() as workers:
            workers.create_task(work())
            workers.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return made


def horizon_days(context: Context, calendar: Calendar) -> tuple[date, date]:
    """Today and the last day of the booking horizon, in the calendar's zone."""
    zone = ZoneInfo(calendar.time_zone)
    ends = horizon_ends(context.organization.booking_policy, context.now)
    return context.now.astimezone(zone).date(), ends.astimezone(zone).date()


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
    hours: Sequence[WeeklyHours],
    first_day: date,
    last_day: date,
) -> _Plan:
    zone = ZoneInfo(calendar.time_zone)
    begin = max(context.now, timetable.day_bounds(first_day, zone)[0])
    end = timetable.day_bounds(last_day, zone)[1]
    planned = [
        plan
        for plan in timetable.slots(hours, zone, first_day, last_day)
        if plan.starts_at >= begin
    ]
    statement = (
        select(
            Slot.id,
            Slot.starts_at,
            Slot.ends_at,
            Slot.capacity,
            Slot.booked_count,
            Slot.is_withdrawn,
            Slot.hours_end_at,
        )
        .where(
            Slot.calendar_id == calendar.id,
            Slot.status != SlotStatus.REMOVED,
            overlapping(begin, end),
        )
        .order_by(Slot.starts_at)
    )
    present = (await session.execute(statement)).all()
    changes = difference(present, planned, begin)
    opened = timetable.openings(hours, zone, first_day, last_day)
    preview = Preview(
        created=len(changes.create),
        kept=changes.keep,
        removed=len(changes.remove),
        uncovered=await _uncovered(session, calendar, opened, begin, end),
    )
    return _Plan(opened, changes, preview)


async def _uncovered(
    session: ReadSession,
    calendar: Calendar,
    opened: Sequence[timetable.Opening],
    begin: datetime,
    end: datetime,
) -> list[Appointment]:
    """The open appointments of a time that no working hours contain whole."""
    statement = (
        select(Appointment)
        .where(
            Appointment.calendar_id == calendar.id,
            Appointment.status.in_(OPEN),
            Appointment.starts_at >= begin,
            Appointment.starts_at < end,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return [
        appointment
        for appointment in await session.rows(statement)
        if not any(
            opening.starts_at <= appointment.starts_at and appointment.ends_at <= opening.ends_at
            for opening in opened
        )
    ]


async def _carry_out(session: WriteSession, calendar: Calendar, changes: Difference) -> None:
    """Make the difference true, in one statement per kind of change."""
    # A withdrawn slot is gone with its last appointment: the ones to remove have none.
    withdrawn = [*changes.withdraw, *changes.remove]
    told: list[UUID] = [*changes.reopen, *withdrawn, *changes.hours_end]
    for capacity, ids in changes.resize.items():
        told += ids
        await _set(session, ids, capacity=capacity)
    await _set(session, changes.reopen, is_withdrawn=False)
    await _set(session, withdrawn, is_withdrawn=True)
    if changes.hours_end:
        values = {
            "organization_id": session.organization_id,
            "slot_ids": list(changes.hours_end),
            "hours_end": list(changes.hours_end.values()),
        }
        await session.execute(HOURS_END, values)
    if told:
        await refresh_slots(session, list(dict.fromkeys(told)))
    if changes.create:
        await session.execute(
            INSERT,
            {
                "organization_id": session.organization_id,
                "calendar_id": calendar.id,
                "revision": calendar.revision,
                "has_claims": await _has_claims(session, calendar, changes.create),
                "starts": [plan.starts_at for plan in changes.create],
                "ends": [plan.ends_at for plan in changes.create],
                "hours_end": [plan.hours_end_at for plan in changes.create],
                "capacities": [plan.capacity for plan in changes.create],
            },
        )


async def _set(session: WriteSession, ids: Sequence[UUID], **values: object) -> None:
    if ids:
        await session.execute(
            update(Slot)
            .where(Slot.id == any_(literal(list(ids), ARRAY(Uuid()))))
            .values(**values)
            .execution_options(synchronize_session=False)
        )


async def _has_claims(
    session: WriteSession, calendar: Calendar, plans: Sequence[PlannedSlot]
) -> bool:
    """Whether anything at all is taken in the time of the new slots; mostly nothing is."""
    whole = lying_in(plans[0].starts_at, plans[-1].ends_at)
    claimed = exists().where(Claim.calendar_id == calendar.id, whole)
    return bool((await session.execute(select(claimed))).scalar_one())
