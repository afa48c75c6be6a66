"""Who comes to an event: for whoever organizes it, and for administrators."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from models import Appointment, AppointmentStatus, Event, Patient
from services import trail
from services.access import Permission, act
from services.appointments.lists import ORDER
from services.calendar.owners import manages_events
from services.context import Context
from services.pages import Page, PageRequest, page_of

HEADER = ("reference", "status", "starts", "ends", "name", "email", "phone", "booked")
# Programs for spreadsheets take a cell that begins so for a formula, and carry it out.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@act(Permission.SEE_EVENTS)
async def list_bookings(
    context: Context, *, event_id: UUID, page: PageRequest
) -> Page[Appointment]:
    """The bookings of an event in order of start; none for those who do not manage it."""
    managed = select(Event.id).where(Event.id == event_id, manages_events(context))
    statement = select(Appointment).where(Appointment.event_id.in_(managed))
    return await page_of(context, statement, ORDER, page)


@act(Permission.SEE_EVENTS)
async def attendance_csv(context: Context, event_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The lists of those who come to each event that the viewer manages, as CSV (RFC 4180): a
    header, and a line for each booking that is not cancelled, with times of the event's zone.
    """
    statement = (
        select(
            Event,
            Appointment,
            func.coalesce(Appointment.guest_name, Patient.name),
            func.coalesce(Appointment.guest_email, Patient.email),
            func.coalesce(Appointment.guest_phone, Patient.phone),
        )
        .outerjoin(
            Appointment,
            (Appointment.event_id == Event.id)
            & (Appointment.status != AppointmentStatus.CANCELLED),
        )
        .outerjoin(Patient, Patient.id == Appointment.patient_id)
        .where(Event.id.in_(event_ids), manages_events(context))
        .order_by(*ORDER)
    )
    async with context.reading() as session:
        rows = (await session.execute(statement)).all()
    lines: dict[UUID, list[tuple[str, ...]]] = {}
    read = []
    for event, appointment, *person in rows:
        of_event = lines.setdefault(event.id, [])
        if appointment is not None:
            of_event.append(_line(event, appointment, person))
            read.append(appointment.id)
    trail.note_reading(context, Appointment, read, "attendance_csv")
    return {id: _written(of_event) for id, of_event in lines.items()}


def _line(event: Event, appointment: Appointment, person: Iterable[str | None]) -> tuple[str, ...]:
    zone = ZoneInfo(event.time_zone)
    starts, ends, booked = (
        instant.astimezone(zone).isoformat(timespec="minutes")
        for instant in (appointment.starts_at, appointment.ends_at, appointment.created_at)
    )
    known = (text or "" for text in person)
    return appointment.reference, appointment.status.value, starts, ends, *known, booked


def _written(lines: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows([_defused(cell) for cell in line] for line in lines)
    return text.getvalue()


def _defused(cell: str) -> str:
    """A cell that no program takes for anything but text."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell
