"""Taking time: booking an appointment and moving one.

The rules are asked in the order in which a person would say them. Whatever they forget, the
constraints of the tables hold: no lane of a calendar is taken twice, and no patient is in two
places.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import func, select

from models import (
    OPEN_STATUSES,
    Appointment,
    AppointmentStatus,
    Claim,
    Role,
    Slot,
    VisitType,
)
from models.database import WriteSession
from services import checks
from services.access import Permission, act
from services.appointments import states
from services.appointments.agendas import note_in_agendas
from services.appointments.changes import (
    flush,
    locked_appointment,
    note_change,
    note_event,
    require_in_time,
)
from services.appointments.lists import visible_appointments
from services.appointments.seats import move_seat
from services.calendar.places import Place, claim, free_place, lock_place, offered
from services.calendar.refreshing import give_back, refresh_spans
from services.calendar.rooms import calendars_of
from services.calendar.rules import cancellable_until
from services.calendar.slots import alternatives, require_managed
from services.context import Context
from services.directory.patients import lock_patient, visible_patients
from services.errors import (
    BookingLimitReached,
    CancellationClosed,
    InvalidInput,
    InvalidTransition,
    NotBookable,
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
    visit_type_id: UUID | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Appointment:
    """Book a visit that begins with a slot, for a patient; without `patient_id`, for the viewer.

    Without `visit_type_id` it takes the slot, otherwise as long as the type says, over as many
    neighbouring slots as that is.

    Raises:
        SlotTaken: the time is not free; the three nearest that are come along.
        NotBookable: the rules do not let the viewer book it.
        PatientBusy: the patient has another appointment then.
        BookingLimitReached: the patient has as many open appointments as are allowed.

    """
    reason = checks.optional_text(reason, "reason")
    wish = Wish(slot_id, patient_id or own_patient_id(context), visit_type_id, reason)
    request = Request("book", idempotency_key, astuple(wish))
    return await _explained(context, request, wish, partial(_book, context, wish))


@act(Permission.OVERBOOK, SlotTaken, NotBookable, PatientBusy)
async def overbook_appointment(
    context: Context,
    *,
    slot_id: UUID,
    patient_id: UUID,
    overbooking_reason: str,
    visit_type_id: UUID | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Appointment:
    """Book a visit beside those that are booked or held, deliberately.

    Raises:
        SlotTaken: the time is closed; the three nearest that are free come along.
        NotBookable: it is over, or the doctor does not offer this kind of visit.
        PatientBusy: the patient has another appointment then.

    """
    why = checks.text(overbooking_reason, "overbooking_reason", longest=checks.LINE_LENGTH)
    reason = checks.optional_text(reason, "reason")
    wish = Wish(slot_id, patient_id, visit_type_id, reason, why)
    request = Request("overbook", idempotency_key, astuple(wish))
    return await _explained(context, request, wish, partial(_book, context, wish))


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
    wish = Wish(slot_id)

    async def move(session: WriteSession) -> Appointment:
        appointment = await locked_appointment(context, session, appointment_id, expected_version)
        wish.patient_id, wish.visit_type_id = appointment.patient_id, appointment.visit_type_id
        appointment.status = states.after(appointment.status, states.Step.RESCHEDULE)
        require_in_time(context, appointment)
        if slot_id == appointment.slot_id:
            raise InvalidInput("The appointment is at this time already.", "slot_id")
        if appointment.event_id is not None:
            return await move_seat(context, session, appointment, slot_id)
        left_doctor_id = appointment.doctor_id
        visit_type = await _visit_type_of(session, appointment)
        left = await calendars_of(session, appointment)
        await lock_place(context, session, slot_id, appointment.visit_type_id, *left)
        # Released before it is asked what is free: a visit is not in its own way.
        await give_back(session, Claim.appointment_id == appointment.id)
        place = await free_place(context, session, slot_id, visit_type)
        await lock_patient(session, appointment.patient_id, visible_patients(context))
        appointment.rescheduled_from_id = appointment.slot_id
        _place(context, appointment, place)
        note_change(context, session, appointment)
        await flush(session)
        await refresh_spans(session, await claim(context, session, place, appointment.id))
        await note_in_agendas(context, session, appointment, left_doctor_id)
        await session.refresh(appointment)
        return appointment

    return await _explained(context, request, wish, move)


@dataclass
class Wish:
    """What somebody wants, as far as it is known: a refusal brings along what is near to it."""

    slot_id: UUID
    patient_id: UUID | None = None
    visit_type_id: UUID | None = None
    reason: str | None = None
    overbooking_reason: str | None = None


class Left(NamedTuple):
    """How many more open appointments there may be, of how many altogether."""

    more: int
    limit: int


async def _book(context: Context, wish: Wish, session: WriteSession) -> Appointment:
    """Book what is wanted, in the transaction of an act."""
    overbooks = wish.overbooking_reason is not None
    visit_type = await offered(session, wish.visit_type_id)
    calendar_id = await lock_place(context, session, wish.slot_id, wish.visit_type_id)
    if overbooks:
        await require_managed(context, session, calendar_id, "slot_id")
    place = await free_place(context, session, wish.slot_id, visit_type, overbooks=overbooks)
    await lock_patient(session, wish.patient_id, visible_patients(context))
    await require_below_limit(context, session, wish.patient_id)
    return await book_in(context, session, wish, place)


async def book_in(context: Context, session: WriteSession, wish: Wish, place: Place) -> Appointment:
    """Book what is wanted in a place that is found; a part of the acts that book."""
    appointment = new_appointment(context, wish, place)
    session.add(appointment)
    await flush(session)
    note_event(context, session, appointment)
    overbooks = wish.overbooking_reason is not None
    taken = await claim(context, session, place, appointment.id, overbooks=overbooks)
    await refresh_spans(session, taken)
    await note_in_agendas(context, session, appointment)
    return appointment


def new_appointment(context: Context, wish: Wish, place: Place) -> Appointment:
    """What is wanted, in its place; a part of the acts that book."""
    appointment = Appointment(
        organization_id=context.organization.id,
        id=uuid4(),
        reference=new_reference(),
        patient_id=wish.patient_id,
        visit_type_id=wish.visit_type_id,
        booked_by_id=context.user_id,
        status=AppointmentStatus.BOOKED,
        reason=wish.reason,
        version=1,
    )
    _place(context, appointment, place, wish.overbooking_reason)
    return appointment


async def _explained(
    context: Context,
    request: Request,
    wish: Wish,
    work: Callable[[WriteSession], Awaitable[Appointment]],
) -> Appointment:
    """Do `work` once, and have a refusal bring along what the caller needs next. That is looked up
    after the rollback, when no lock is held.
    """
    try:
        return await once(context, request, work, row_of(Appointment))
    except SlotTaken as refusal:
        refusal.alternatives = await alternatives(context, wish.slot_id, wish.visit_type_id)
        raise
    except PatientBusy as refusal:
        refusal.conflicting = await conflicting(context, wish)
        raise


def own_patient_id(context: Context) -> UUID:
    """The patient that the viewer is, for acts that name none."""
    if context.viewer is None:
        raise NotSignedIn
    if context.viewer.patient_id is None:
        raise InvalidInput("Name the patient; this account is not one.", "patient_id")
    return context.viewer.patient_id


async def _visit_type_of(session: WriteSession, appointment: Appointment) -> VisitType | None:
    """What kind of visit it is, also one that nobody offers any more; it stays so until the end."""
    statement = (
        select(VisitType)
        .where(VisitType.id == appointment.visit_type_id)
        .with_for_update(read=True, key_share=True)
    )
    visit_type: VisitType | None = (await session.execute(statement)).scalar_one_or_none()
    return visit_type


async def require_below_limit(
    context: Context, session: WriteSession, patient_id: UUID | None
) -> None:
    """Go on only if the patient, who is locked, may have one more open appointment.

    Raises:
        BookingLimitReached: they may not; staff book all the same.

    """
    left = await appointments_left(context, session, patient_id)
    if left is not None and left.more < 1:
        raise BookingLimitReached(left.limit)


async def appointments_left(
    context: Context, session: WriteSession, patient_id: UUID | None
) -> Left | None:
    """How many more open appointments a locked patient may have; None for as many as they like."""
    limit = context.organization.booking_policy.max_open_appointments_per_patient
    if limit is None or context.role is not Role.PATIENT:
        return None
    open_ones = select(func.count()).where(
        Appointment.patient_id == patient_id,
        Appointment.status.in_(OPEN_STATUSES),
        Appointment.ends_at > context.now,
    )
    return Left(limit - (await session.execute(open_ones)).scalar_one(), limit)


def _place(
    context: Context,
    appointment: Appointment,
    place: Place,
    overbooking_reason: str | None = None,
) -> None:
    """Put the appointment into its place, on the terms in force now."""
    appointment.calendar_id = place.slot.calendar_id
    appointment.slot_id = place.slot.id
    appointment.doctor_id = place.doctor.id
    appointment.room_id = place.room.id if place.room else None
    appointment.starts_at = place.span.starts_at
    appointment.ends_at = place.span.ends_at
    appointment.can_cancel_until = cancellable_until(context, place.span.starts_at)
    appointment.overbooking_reason = overbooking_reason


def new_reference() -> str:
    """A short code to read out, such as K7QF-2M9D."""
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{code[:4]}-{code[4:]}"


async def conflicting(context: Context, wish: Wish) -> Appointment | None:
    """The open appointment of the patient at the time that is wanted, if the viewer may see it."""
    kind = VisitType.id == wish.visit_type_id
    ends_at = func.coalesce(
        Slot.starts_at + func.make_interval(0, 0, 0, 0, 0, VisitType.minutes), Slot.ends_at
    )
    statement = (
        select(Appointment)
        .select_from(Slot)
        .outerjoin(VisitType, kind)
        .join(
            Appointment,
            (Appointment.starts_at < ends_at) & (Appointment.ends_at > Slot.starts_at),
        )
        .where(
            Slot.id == wish.slot_id,
            Appointment.patient_id == wish.patient_id,
            Appointment.status.in_(OPEN_STATUSES),
            visible_appointments(context),
        )
        .limit(1)
    )
    async with context.reading() as session:
        found: Appointment | None = (await session.execute(statement)).scalar_one_or_none()
    return found
