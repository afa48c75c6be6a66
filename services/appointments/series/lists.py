"""Reading series: that of an appointment, the appointments of one, and what was planned of it.

Whoever sees an appointment sees the rule of its series, and of its other appointments those that
they see anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from models import Appointment, AppointmentSeries, SeriesOccurrence, Slot
from services.access import Permission, act
from services.appointments.lists import ORDER, visible_appointments
from services.calendar.explanations import Obstacle
from services.context import Context


@dataclass(frozen=True)
class Occurrence:
    """One of the times of a series as it was planned.

    Attributes:
        day: in the calendar's zone.
        starts_at: None where the clocks leave that time out on that day.
        obstacle: why it was not booked, or cannot be.
        alternatives: what is free instead, where somebody asked for that.

    """

    number: int
    day: date
    starts_at: datetime | None
    appointment_id: UUID | None = None
    obstacle: Obstacle | None = None
    alternatives: Sequence[Slot] = ()

    @property
    def message(self) -> str | None:
        """A sentence for people."""
        return self.obstacle.sentence if self.obstacle else None


@act(Permission.SEE_APPOINTMENTS)
async def series_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, AppointmentSeries]:
    """Series by id, those of which the viewer sees an appointment."""
    seen = (
        select(SeriesOccurrence.series_id)
        .join(Appointment, Appointment.id == SeriesOccurrence.appointment_id)
        .where(SeriesOccurrence.series_id.in_(ids), visible_appointments(context))
    )
    async with context.reading() as session:
        rows = await session.rows(select(AppointmentSeries).where(AppointmentSeries.id.in_(seen)))
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def series_by_appointment(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, AppointmentSeries]:
    """The series that each appointment is part of, of those that the viewer may see."""
    statement = (
        select(Appointment.id, AppointmentSeries)
        .join(SeriesOccurrence, SeriesOccurrence.appointment_id == Appointment.id)
        .join(AppointmentSeries, AppointmentSeries.id == SeriesOccurrence.series_id)
        .where(Appointment.id.in_(ids), visible_appointments(context))
    )
    async with context.reading() as session:
        return dict((await session.execute(statement)).all())


@act(Permission.SEE_CALENDAR)
async def appointments_by_series(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, list[Appointment]]:
    """The appointments of each series that the viewer may see, in order of start."""
    statement = (
        select(SeriesOccurrence.series_id, Appointment)
        .join(Appointment, Appointment.id == SeriesOccurrence.appointment_id)
        .where(SeriesOccurrence.series_id.in_(ids), visible_appointments(context))
        .order_by(*ORDER)
    )
    found: dict[UUID, list[Appointment]] = {}
    async with context.reading() as session:
        for series_id, appointment in (await session.execute(statement)).all():
            found.setdefault(series_id, []).append(appointment)
    return found
