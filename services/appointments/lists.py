"""Reading appointments: who sees which, by page, by id, by reference, by slot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from models import (
    Appointment,
    AppointmentEvent,
    AppointmentStatus,
    Claim,
    Doctor,
    Event,
    Guest,
    Patient,
    Role,
    Slot,
    SlotStatus,
)
from services import checks, trail
from services.access import FRONT_DESK, STAFF, Permission, act
from services.calendar.claims import LONGEST_SLOT, lying_in
from services.context import Context
from services.pages import Page, PageRequest, page_of

ORDER = (Appointment.starts_at, Appointment.id)


class AppointmentFilter(TypedDict, total=False):
    """Which appointments to list; what is left out, or None, does not matter."""

    status: Sequence[AppointmentStatus] | None
    doctor_id: UUID | None
    patient_id: UUID | None
    department_id: UUID | None
    event_id: UUID | None
    starts_from: datetime | None
    starts_before: datetime | None
    search: str | None


class Attendee(NamedTuple):
    """Who comes to an event, and how they are reached."""

    name: str
    email: str | None
    phone: str | None


class _Given(set[UUID]):
    """The appointments of which this operation has named the secret."""


def give(context: Context, appointment_id: UUID) -> None:
    """Let the rest of the operation see an appointment: who asks has shown that it is theirs."""
    context.memory.setdefault(_Given, _Given()).add(appointment_id)


def own_appointments(context: Context) -> ColumnElement[bool]:
    """Which appointments are in the viewer's lists: administrators have all, receptionists all but
    those of events, doctors and patients their own.
    """
    if context.role is Role.ADMIN:
        return true()
    if context.role is Role.RECEPTIONIST:
        return Appointment.event_id.is_(None)
    viewer = context.viewer
    # Nobody's own are not those without a doctor, at events, or without a patient, of guests.
    if viewer is None:
        return false()
    if context.role is Role.DOCTOR:
        return and_(Appointment.doctor_id == viewer.doctor_id, Appointment.doctor_id.is_not(None))
    return and_(Appointment.patient_id == viewer.patient_id, Appointment.patient_id.is_not(None))


def visible_appointments(context: Context) -> ColumnElement[bool]:
    """Which appointments the viewer sees: those in their lists, those at events that they organize,
    and one whose secret they know.
    """
    seen = own_appointments(context)
    if context.role in STAFF and context.user_id is not None:
        organized = select(Event.id).where(Event.organizer_id == context.user_id)
        seen = or_(seen, Appointment.event_id.in_(organized))
    if given := context.memory.get(_Given):
        seen = or_(seen, Appointment.id.in_(given))
    return seen


@act(Permission.SEE_APPOINTMENTS)
async def list_appointments(
    context: Context,
    *,
    page: PageRequest,
    filter: AppointmentFilter | None = None,
    newest_first: bool = False,
) -> Page[Appointment]:
    """The viewer's appointments, in order of start; of an event, those that the viewer may see."""
    wanted = filter or {}
    of_event = wanted.get("event_id") is not None
    whose = visible_appointments(context) if of_event else own_appointments(context)
    statement = select(Appointment).where(whose, *_conditions(wanted))
    return await page_of(context, statement, ORDER, page, descending=newest_first)


def _conditions(wanted: AppointmentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if (statuses := wanted.get("status")) is not None:
        conditions.append(Appointment.status.in_(statuses))
    if doctor_id := wanted.get("doctor_id"):
        conditions.append(Appointment.doctor_id == doctor_id)
    if patient_id := wanted.get("patient_id"):
        conditions.append(Appointment.patient_id == patient_id)
    if department_id := wanted.get("department_id"):
        doctors = select(Doctor.id).where(Doctor.department_id == department_id)
        conditions.append(Appointment.doctor_id.in_(doctors))
    if event_id := wanted.get("event_id"):
        conditions.append(Appointment.event_id == event_id)
    if starts_from := wanted.get("starts_from"):
        conditions.append(Appointment.starts_at >= starts_from)
    if starts_before := wanted.get("starts_before"):
        conditions.append(Appointment.starts_at < starts_before)
    if search := wanted.get("search"):
        pattern = checks.escaped_like(search)
        patients = select(Patient.id).where(Patient.name.ilike(pattern))
        conditions.append(
            or_(
                Appointment.reference.ilike(pattern),
                Appointment.patient_id.in_(patients),
                Appointment.guest_name.ilike(pattern),
            )
        )
    return conditions


@act(Permission.SEE_APPOINTMENTS)
async def appointments_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Appointment]:
    """Appointments by id, those that the viewer may see."""
    statement = select(Appointment).where(Appointment.id.in_(ids), visible_appointments(context))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


@act(Permission.SEE_APPOINTMENTS)
async def get_appointment_by_reference(context: Context, *, reference: str) -> Appointment | None:
    """The appointment with this reference code, if the viewer may see it."""
    statement = select(Appointment).where(
        Appointment.reference == reference.strip().upper(), visible_appointments(context)
    )
    async with context.reading() as session:
        found: Appointment | None = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        there = select(Appointment.id).where(Appointment.reference == reference.strip().upper())
        await trail.note_hidden(context, "get_appointment_by_reference", Appointment, there)
    return found


@act(Permission.SEE_CALENDAR)
async def appointments_by_slot(
    context: Context, slot_ids: Sequence[UUID]
) -> Mapping[UUID, list[Appointment]]:
    """The appointments that take each slot, those that the viewer may see; none for the public."""
    if context.viewer is None:
        return {}
    # By the claims: a visit may take several slots, and one that is cancelled takes none.
    statement = (
        select(Slot.id, Appointment)
        .join(
            Claim,
            (Claim.calendar_id == Slot.calendar_id) & lying_in(Slot.starts_at, Slot.ends_at),
        )
        .join(Appointment, Appointment.id == Claim.appointment_id)
        .where(Slot.id.in_(slot_ids), visible_appointments(context))
        .order_by(Appointment.created_at, Appointment.id)
    )
    found: dict[UUID, list[Appointment]] = {}
    async with context.reading() as session:
        for slot_id, appointment in (await session.execute(statement)).all():
            found.setdefault(slot_id, []).append(appointment)
    return found


@act(Permission.SEE_CALENDAR)
async def slots_by_appointment(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, list[Slot]]:
    """The slots that each appointment takes, or took, in order of start: those at its time now, and
    the one that it began with.
    """
    is_there = (Slot.status != SlotStatus.REMOVED) | (Slot.id == Appointment.slot_id)
    statement = (
        select(Appointment.id, Slot)
        .join(
            Slot,
            (Slot.calendar_id == Appointment.calendar_id)
            & (Slot.starts_at < Appointment.ends_at)
            & (Slot.ends_at > Appointment.starts_at)
            & (Slot.starts_at > Appointment.starts_at - LONGEST_SLOT)
            & is_there,
        )
        .where(Appointment.id.in_(ids), visible_appointments(context))
        .order_by(Slot.starts_at, Slot.id)
    )
    found: dict[UUID, list[Slot]] = {}
    async with context.reading() as session:
        for appointment_id, slot in (await session.execute(statement)).all():
            found.setdefault(appointment_id, []).append(slot)
    return found


@act(Permission.SEE_CALENDAR)
async def history_by_appointment(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, list[AppointmentEvent]]:
    """The history of each appointment, oldest first, of those that the viewer may see."""
    statement = (
        select(AppointmentEvent)
        .join(Appointment, Appointment.id == AppointmentEvent.appointment_id)
        .where(AppointmentEvent.appointment_id.in_(ids), visible_appointments(context))
        .order_by(AppointmentEvent.version)
    )
    async with context.reading() as session:
        rows = await session.rows(statement)
    found: dict[UUID, list[AppointmentEvent]] = {}
    for row in rows:
        found.setdefault(row.appointment_id, []).append(row)
    return found


@act(Permission.SEE_CALENDAR)
async def attendees_by_appointment(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, Attendee]:
    """Who comes, of those appointments at events that the viewer may see. Whoever organizes an
    event is told this much of a patient, and nothing else for that.
    """
    statement = (
        select(
            Appointment.id,
            func.coalesce(Appointment.guest_name, Patient.name),
            func.coalesce(Appointment.guest_email, Patient.email),
            func.coalesce(Appointment.guest_phone, Patient.phone),
        )
        .outerjoin(Patient, Patient.id == Appointment.patient_id)
        .where(
            Appointment.id.in_(ids),
            Appointment.event_id.is_not(None),
            visible_appointments(context),
        )
    )
    async with context.reading() as session:
        rows = (await session.execute(statement)).all()
    trail.note_reading(context, Appointment, [id for id, *_ in rows], "attendee")
    return {id: Attendee(name, email, phone) for id, name, email, phone in rows}


def guest_of(context: Context, appointment: Appointment) -> Guest | None:
    """Who comes without an account, for whoever sees the appointment."""
    if appointment.guest is not None:
        trail.note_reading(context, Appointment, [appointment.id], "guest")
    return appointment.guest


def reason_of(context: Context, appointment: Appointment) -> str | None:
    """What the patient wrote about the visit, for the patient and the doctor of the visit.

    Asked of each appointment: who books or gives away a visit is answered with it as well.
    """
    if not reads_reason(context, appointment):
        return None
    return _read(context, appointment.id, "reason", appointment.reason)


def staff_notes_of(context: Context, appointment: Appointment) -> str | None:
    """The notes of staff, for the front desk and the doctor of the visit."""
    if not reads_staff_notes(context, appointment):
        return None
    return _read(context, appointment.id, "staff_notes", appointment.staff_notes)


def overbooking_reason_of(context: Context, appointment: Appointment) -> str | None:
    """Why it was booked although no place was free, for whom the notes of staff are."""
    if not reads_staff_notes(context, appointment):
        return None
    return _read(context, appointment.id, "overbooking_reason", appointment.overbooking_reason)


def cancellation_reason_of(context: Context, appointment: Appointment) -> str | None:
    """Why it was cancelled, for whoever sees the appointment."""
    return _read(context, appointment.id, "cancellation_reason", appointment.cancellation_reason)


def note_of(context: Context, event: AppointmentEvent) -> str | None:
    """What was said in a line of the history, for whoever sees the appointment."""
    return _read(context, event.appointment_id, "note", event.note)


def reads_reason(context: Context, appointment: Appointment) -> bool:
    """Whether why the patient comes is for the viewer."""
    return _is_the_patient(context, appointment) or _is_the_doctor(context, appointment)


def reads_staff_notes(context: Context, appointment: Appointment) -> bool:
    """Whether the notes of staff are for the viewer."""
    return context.role in FRONT_DESK or _is_the_doctor(context, appointment)


def _is_the_patient(context: Context, appointment: Appointment) -> bool:
    viewer = context.viewer
    if viewer is None or context.role is not Role.PATIENT or viewer.patient_id is None:
        return False
    return appointment.patient_id == viewer.patient_id


def _is_the_doctor(context: Context, appointment: Appointment) -> bool:
    viewer = context.viewer
    if viewer is None or context.role is not Role.DOCTOR or viewer.doctor_id is None:
        return False
    return appointment.doctor_id == viewer.doctor_id


def _read(context: Context, id: UUID, field: str, content: str | None) -> str | None:
    """What somebody wrote, and a note that it was read."""
    if content is not None:
        trail.note_reading(context, Appointment, [id], field)
    return content
