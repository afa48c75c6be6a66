"""Taking time: booking an appointment and moving one.

The rules are asked in the order in which a person would say them. Whatever they forget, the
constraints of the tables hold: no lane of a calendar is taken twice, and no patient is in two
places.
"""

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    Patient,
    Role,
    Slot,
    SlotStatus,
)
from models.database import WriteSession, violated_constraint
from services import checks
from services.access import Permission, act
from services.appointments import states
from services.appointments.agendas import note_in_agendas
from services.appointments.changes import (
    locked_appointment,
    note_change,
    note_event,
    require_in_time,
)
from services.appointments.lists import visible_appointments
from services.calendar.grid import locked_for_change, refresh_slots, release, take
from services.calendar.rules import why_not_bookable
from services.calendar.slots import nearest_free, slots_by_id
from services.context import Context
from services.directory.patients import visible_patients
from services.errors import (
    BookingLimitReached,
    CancellationClosed,
    InvalidInput,
    InvalidTransition,
    NotBookable,
    NotFound,
    NotSignedIn,
    PatientBusy,
    SlotTaken,
)
from services.idempotency import Request, once, row_of

# No vowels, so that no words come out, and nothing that is misheard or misread.
LETTERS = "2346789BCDFGHJKMPQRTVWXZ"


@act(Permission.BOOK, SlotTaken, NotBookable, PatientBusy, BookingLimitReached)
async def book_appointment(
    context: Context,
    *,
    slot_id: UUID,
    patient_id: UUID | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Appointment:
    """Book a slot for a patient; without `patient_id`, for the viewer.

    Raises:
        SlotTaken: it is not free; the three nearest that are come along.
        NotBookable: the rules do not let the viewer book it.
        PatientBusy: the patient has another appointment then.
        BookingLimitReached: the patient has as many open appointments as are allowed.

    """
    reason = checks.optional_text(reason, "reason")
    patient_id = patient_id or _own_patient_id(context)
    request = Request("book", idempotency_key, (slot_id, patient_id, reason))

    async def book(session: WriteSession) -> Appointment:
        calendar_id = await _calendar_of(session, slot_id)
        calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
        slot, doctor = await _free_slot(context, session, slot_id)
        await _lock_patient(context, session, patient_id)
        await _require_below_limit(context, session, patient_id)
        appointment = Appointment(
            organization_id=session.organization_id,
            id=uuid4(),
            reference=new_reference(),
            patient_id=patient_id,
            booked_by_id=context.user_id,
            status=AppointmentStatus.BOOKED,
            reason=reason,
            version=1,
        )
        _place(context, appointment, slot, doctor)
        session.add(appointment)
        await _flush(session)
        note_event(context, session, appointment)
        await take(session, slot, appointment.id)
        await refresh_slots(session, calendar, [slot.id])
        await note_in_agendas(context, session, appointment)
        return appointment

    return await _explained(context, request, slot_id, lambda: patient_id, book)


@act(
    Permission.BOOK,
    SlotTaken,
    NotBookable,
    PatientBusy,
    BookingLimitReached,
    CancellationClosed,
    InvalidTransition,
)
async def reschedule_appointment(
    context: Context,
    *,
    appointment_id: UUID,
    slot_id: UUID,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
) -> Appointment:
    """Move an appointment to another slot, in place: it keeps its id, and the old time is free.

    Raises:
        CancellationClosed: it is too late for the patient to change it.
        InvalidTransition: its status does not allow it.
        SlotTaken, NotBookable, PatientBusy, BookingLimitReached: as when booking.

    """
    request = Request("reschedule", idempotency_key, (appointment_id, slot_id, expected_version))
    patient_id: UUID | None = None

    async def move(session: WriteSession) -> Appointment:
        nonlocal patient_id
        appointment = await locked_appointment(context, session, appointment_id, expected_version)
        patient_id = appointment.patient_id
        appointment.status = states.after(appointment.status, states.Step.RESCHEDULE)
        require_in_time(context, appointment)
        if slot_id == appointment.slot_id:
            raise InvalidInput("The appointment is at this time already.", "slot_id")
        left = appointment.calendar_id, appointment.slot_id
        left_doctor_id = appointment.doctor_id
        entered = await _calendar_of(session, slot_id), slot_id
        calendars = await locked_for_change(context, session, left[0], entered[0])
        slot, doctor = await _free_slot(context, session, slot_id)
        await _lock_patient(context, session, patient_id)
        await release(session, appointment.id)
        appointment.rescheduled_from_id = appointment.slot_id
        _place(context, appointment, slot, doctor)
        note_change(context, session, appointment)
        await _flush(session)
        await take(session, slot, appointment.id)
        for calendar_id, touched in (left, entered):
            await refresh_slots(session, calendars[calendar_id], [touched])
        await note_in_agendas(context, session, appointment, left_doctor_id)
        await session.refresh(appointment)
        return appointment

    return await _explained(context, request, slot_id, lambda: patient_id, move)


async def _explained(
    context: Context,
    request: Request,
    slot_id: UUID,
    patient_id: Callable[[], UUID | None],
    work: Callable[[WriteSession], Awaitable[Appointment]],
) -> Appointment:
    """Do `work` once, and have a refusal bring along what the caller needs next. That is looked up
    after the rollback, when no lock is held.
    """
    try:
        return await once(context, request, work, row_of(Appointment))
    except SlotTaken as refusal:
        slot = (await slots_by_id(context, [slot_id])).get(slot_id)
        refusal.alternatives = await nearest_free(context, slot) if slot else ()
        raise
    except PatientBusy as refusal:
        refusal.conflicting = await _conflicting(context, patient_id(), slot_id)
        raise


def _own_patient_id(context: Context) -> UUID:
    if context.viewer is None:
        raise NotSignedIn
    if context.viewer.patient_id is None:
        raise InvalidInput("Name the patient; this account is not one.", "patient_id")
    return context.viewer.patient_id


async def _calendar_of(session: WriteSession, slot_id: UUID) -> UUID:
    statement = select(Slot.calendar_id).where(Slot.id == slot_id)
    calendar_id: UUID | None = (await session.execute(statement)).scalar_one_or_none()
    if calendar_id is None:
        raise NotFound("slot_id")
    return calendar_id


async def _free_slot(context: Context, session: WriteSession, slot_id: UUID) -> tuple[Slot, Doctor]:
    """The slot, free and open to the viewer, and its doctor; the calendar is locked."""
    statement = (
        select(Slot, Doctor)
        .join(Doctor, Doctor.calendar_id == Slot.calendar_id)
        .where(Slot.id == slot_id)
    )
    slot, doctor = (await session.execute(statement)).one()
    reason = why_not_bookable(
        slot,
        policy=context.organization.booking_policy,
        is_accepting_patients=doctor.is_accepting_patients and doctor.archived_at is None,
        role=context.role,
        now=context.now,
    )
    if reason is not None:
        raise NotBookable(reason)
    if slot.status is not SlotStatus.AVAILABLE:
        raise SlotTaken
    return slot, doctor


async def _lock_patient(context: Context, session: WriteSession, patient_id: UUID) -> None:
    """Let one act at a time count and change the patient's appointments."""
    statement = (
        select(Patient.id)
        .where(Patient.id == patient_id, Patient.archived_at.is_(None), visible_patients(context))
        .with_for_update(key_share=True)
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        raise NotFound("patient_id")


async def _require_below_limit(context: Context, session: WriteSession, patient_id: UUID) -> None:
    limit = context.organization.booking_policy.max_open_appointments_per_patient
    if limit is None or context.role is not Role.PATIENT:
        return
    open_ones = select(func.count()).where(
        Appointment.patient_id == patient_id,
        Appointment.status.in_(states.OPEN),
        Appointment.ends_at > context.now,
    )
    if (await session.execute(open_ones)).scalar_one() >= limit:
        raise BookingLimitReached(limit)


def _place(context: Context, appointment: Appointment, slot: Slot, doctor: Doctor) -> None:
    """Put the appointment into the slot, on the terms in force now."""
    notice = timedelta(minutes=context.organization.booking_policy.cancellation_notice_minutes)
    appointment.calendar_id = slot.calendar_id
    appointment.slot_id = slot.id
    appointment.doctor_id = doctor.id
    appointment.starts_at = slot.starts_at
    appointment.ends_at = slot.ends_at
    appointment.can_cancel_until = slot.starts_at - notice


def new_reference() -> str:
    """A short code to read out, such as K7QF-2M9D."""
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{code[:4]}-{code[4:]}"


async def _flush(session: WriteSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "patient_in_one_place":
            raise PatientBusy from error
        raise


async def _conflicting(
    context: Context, patient_id: UUID | None, slot_id: UUID
) -> Appointment | None:
    """The open appointment of the patient at the time of the slot, if the viewer may see it."""
    statement = (
        select(Appointment)
        .join(Slot, (Slot.starts_at < Appointment.ends_at) & (Slot.ends_at > Appointment.starts_at))
        .where(
            Slot.id == slot_id,
            Appointment.patient_id == patient_id,
            Appointment.status.in_(states.OPEN),
            visible_appointments(context),
        )
        .limit(1)
    )
    async with context.reading() as session:
        found: Appointment | None = (await session.execute(statement)).scalar_one_or_none()
    return found
