"""Appointments that stand outside of what is open. They are named, and never cancelled silently."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, or_, select

from models import OPEN_STATUSES, Appointment, AvailabilityException, Calendar, ExceptionKind
from models.database import ReadSession
from services.availability import ZONES_APART, Schedule, schedules_of, stretch_of
from services.context import Context
from services.intervals import around, merged, overlap
from services.timetable import Opening, Stretch

ONE_DAY = timedelta(days=1)
MOST = 1_000

# Their id, calendar, start and end.
Visit = Row[UUID, UUID, datetime, datetime]


async def uncovered(
    session: ReadSession,
    calendar: Calendar,
    opened: Sequence[Opening],
    begin: datetime,
    end: datetime,
) -> list[Appointment]:
    """The open appointments of a calendar that begin in a time and lie in no opening whole."""
    statement = (
        select(Appointment)
        .where(
            Appointment.calendar_id == calendar.id,
            Appointment.status.in_(OPEN_STATUSES),
            Appointment.starts_at >= begin,
            Appointment.starts_at < end,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    )
    hours = [(opening.starts_at, opening.ends_at) for opening in opened]
    return [
        appointment
        for appointment in await session.rows(statement)
        if around(hours, appointment.starts_at, appointment.ends_at) is None
    ]


async def uncovered_by(
    context: Context, session: ReadSession, exceptions: Sequence[AvailabilityException]
) -> Sequence[Appointment]:
    """The open appointments to come, in order of start and at most a thousand, that overlap time
    which these exceptions close, and that what is left open does not contain whole.
    """
    closed = [one for one in exceptions if one.kind is ExceptionKind.CLOSED]
    visits = await _near(context, session, closed) if closed else []
    if not visits:
        return []
    calendars = await session.rows(
        select(Calendar).where(Calendar.id.in_({visit.calendar_id for visit in visits}))
    )
    begin = min(visit.starts_at for visit in visits) - 2 * ONE_DAY
    end = max(visit.ends_at for visit in visits) + 2 * ONE_DAY
    schedules = await schedules_of(session, calendars, begin, end)
    closings = {
        calendar_id: merged(stretch_of(one, schedule.zone) for one in closed)
        for calendar_id, schedule in schedules.items()
    }
    hours = _Hours(schedules)
    ids = [
        visit.id
        for visit in visits
        if overlap(closings[visit.calendar_id], visit.starts_at, visit.ends_at)
        and not hours.contain(visit)
    ]
    found = select(Appointment).where(Appointment.id.in_(ids[:MOST]))
    return await session.rows(found.order_by(Appointment.starts_at, Appointment.id))


async def _near(
    context: Context, session: ReadSession, closed: Sequence[AvailabilityException]
) -> Sequence[Visit]:
    """The open appointments that exceptions may overlap, in whichever zone."""
    whole = {exception.calendar_id for exception in closed}
    statement = select(
        Appointment.id, Appointment.calendar_id, Appointment.starts_at, Appointment.ends_at
    ).where(
        Appointment.status.in_(OPEN_STATUSES),
        # An event is on its day, whatever is closed then.
        Appointment.event_id.is_(None),
        Appointment.ends_at > context.now,
        or_(
            *(
                (Appointment.starts_at < exception.ends_at + ZONES_APART)
                & (Appointment.starts_at > exception.starts_at - ZONES_APART - ONE_DAY)
                for exception in closed
            )
        ),
    )
    if None not in whole:
        statement = statement.where(Appointment.calendar_id.in_(whole))
    ordered = statement.order_by(Appointment.starts_at, Appointment.id)
    return (await session.execute(ordered)).all()


class _Hours:
    """What is open around appointments, looked up once for each calendar and day."""

    def __init__(self, schedules: dict[UUID, Schedule]) -> None:
        self._schedules = schedules
        self._opened: dict[tuple[UUID, date], list[Stretch]] = {}

    def contain(self, visit: Visit) -> bool:
        """Whether an appointment lies in open time whole."""
        schedule = self._schedules[visit.calendar_id]
        day = visit.starts_at.astimezone(schedule.zone).date()
        key = visit.calendar_id, day
        if key not in self._opened:
            opened = schedule.openings(day, day + ONE_DAY)
            self._opened[key] = [(one.starts_at, one.ends_at) for one in opened]
        return around(self._opened[key], visit.starts_at, visit.ends_at) is not None
