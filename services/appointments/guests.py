"""Booking events: by patients as patients, and by guests, who need no account.

A guest is whoever says so: the address is not confirmed. A limit for each person tells whether an
address has booked; so whoever has it is told by mail of each booking with it and of each that was
refused, and nobody can try many. Whoever has the token of a booking sees, moves and cancels it.
"""

from dataclasses import dataclass
from typing import NotRequired, TypedDict
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, select

from models import (
    Appointment,
    AppointmentStatus,
    Event,
    Guest,
    NotificationKind,
)
from models.database import WriteSession
from services import checks
from services.access import STAFF, Permission, act
from services.accounts import tokens
from services.appointments import states
from services.appointments.booking import Wish, conflicting, new_reference
from services.appointments.changes import cancel, flush, note_event, require_in_time
from services.appointments.lists import give
from services.appointments.seats import (
    free_seat,
    move_seat,
    put,
    seats_of,
    take_seat,
)
from services.calendar.owners import visible_events
from services.calendar.slots import alternatives
from services.context import Context
from services.directory.patients import lock_patient
from services.errors import (
    BookingLimitReached,
    CancellationClosed,
    InvalidInput,
    InvalidToken,
    InvalidTransition,
    NotBookable,
    PatientBusy,
    SlotTaken,
)
from services.idempotency import Request, once, row_of
from services.limits import household
from services.notifications import notify


class GuestInput(TypedDict):
    """Who comes, as they say."""

    name: str
    email: str
    phone: NotRequired[str | None]


@dataclass(frozen=True)
class Booked:
    """A booking, and for the guest who made it the secret that it is managed by."""

    appointment: Appointment
    manage_token: str | None


@act(Permission.BOOK_EVENT, SlotTaken, NotBookable, PatientBusy, BookingLimitReached)
async def book_event_slot(
    context: Context,
    *,
    slot_id: UUID,
    guest: GuestInput | None = None,
    idempotency_key: str | None = None,
) -> Booked:
    """Book a place in a slot of an event: signed-in patients for themselves, everybody else for a
    guest.

    Raises:
        SlotTaken: no place is free; the three nearest slots with one come along.
        NotBookable: the rules do not let the viewer book it.
        PatientBusy: the patient has another appointment then.
        BookingLimitReached: this person has as many places of the event as one may have.
        RateLimited: too much was booked within an hour with this e-mail address, or from this
            network address.

    """
    if idempotency_key is not None and context.viewer is None:
        raise InvalidInput("Keys are for those who are signed in.", "idempotency_key")
    comes = _Comer.of(context, guest)
    if comes.guest is not None and context.role not in STAFF:
        limits = context.server.limits
        email = f"{context.organization.id} {comes.guest.email}"
        for whose in (email, household(context.client.ip_address)):
            await limits.spend(limits.rates.guest_bookings, whose)
    request = Request("book_event_slot", idempotency_key, (slot_id, comes))

    async def work(session: WriteSession) -> Appointment:
        return await _book(context, session, slot_id, comes)

    try:
        booked = await once(context, request, work, row_of(Appointment))
    except SlotTaken as refusal:
        refusal.alternatives = await alternatives(context, slot_id)
        raise
    except PatientBusy as refusal:
        refusal.conflicting = await conflicting(context, Wish(slot_id, comes.patient_id))
        raise
    except _AtLimit as reached:
        await _tell_of_limit(context, reached, comes)
        raise BookingLimitReached(reached.limit) from reached
    is_their_own = comes.guest is not None and context.viewer is None
    token = tokens.manage_token(context.server.config, booked.id) if is_their_own else None
    return Booked(booked, token)


@act(Permission.BOOK_EVENT)
async def get_guest_booking(context: Context, *, manage_token: str) -> Appointment | None:
    """The booking that a token is for, until its event is over; None for every other token."""
    async with context.reading() as session:
        found: Appointment | None = (
            await session.execute(_managed_by(context, manage_token))
        ).scalar_one_or_none()
    if found is not None:
        give(context, found.id)
    return found


@act(
    Permission.BOOK_EVENT,
    InvalidToken,
    SlotTaken,
    NotBookable,
    CancellationClosed,
    InvalidTransition,
)
async def reschedule_guest_booking(
    context: Context, *, manage_token: str, slot_id: UUID
) -> Appointment:
    """Move a guest's booking to another slot of its event.

    Raises:
        InvalidToken: it is unknown, or the event is over.
        SlotTaken, NotBookable: as when booking.
        CancellationClosed: it is too late to move it.
        InvalidTransition: its status does not allow it.

    """
    try:
        async with context.writing() as session:
            appointment = await _locked(context, session, manage_token)
            appointment.status = states.after(appointment.status, states.Step.RESCHEDULE)
            require_in_time(context, appointment)
            if slot_id == appointment.slot_id:
                raise InvalidInput("The appointment is at this time already.", "slot_id")
            return await move_seat(context, session, appointment, slot_id)
    except SlotTaken as refusal:
        refusal.alternatives = await alternatives(context, slot_id)
        raise


@act(Permission.BOOK_EVENT, InvalidToken, CancellationClosed, InvalidTransition)
async def cancel_guest_booking(
    context: Context, *, manage_token: str, reason: str | None = None
) -> Appointment:
    """Cancel a guest's booking; its place is free at once.

    Raises:
        InvalidToken: it is unknown, or the event is over.
        CancellationClosed: it is too late to cancel.
        InvalidTransition: its status does not allow it.

    """
    reason = checks.optional_text(reason, "reason")
    async with context.writing() as session:
        appointment = await _locked(context, session, manage_token)
        return await cancel(context, session, appointment, reason)


@dataclass(frozen=True)
class _Comer:
    """Who comes: a patient, or a guest."""

    patient_id: UUID | None = None
    guest: Guest | None = None

    @classmethod
    def of(cls, context: Context, guest: GuestInput | None) -> "_Comer":
        """Who is meant.

        Raises:
            InvalidInput: nobody is named who can come, or somebody whom the viewer cannot book for.

        """
        viewer = context.viewer
        if viewer is not None and context.role not in STAFF and viewer.patient_id is not None:
            if guest is not None:
                raise InvalidInput("Whoever is signed in books for themselves.", "guest")
            return cls(patient_id=viewer.patient_id)
        if guest is None:
            raise InvalidInput("Say who comes.", "guest")
        try:
            return cls(guest=_checked(context, guest))
        except InvalidInput as error:
            raise InvalidInput(str(error), "guest", *error.path) from error

    @property
    def is_who(self) -> ColumnElement[bool]:
        """Which appointments are theirs."""
        if self.guest is None:
            return Appointment.patient_id == self.patient_id
        return Appointment.guest_email == self.guest.email


def _checked(context: Context, guest: GuestInput) -> Guest:
    phone = checks.phone(guest.get("phone"), context.organization.locale)
    return Guest(checks.name(guest["name"]), checks.email(guest["email"]), phone)


class _AtLimit(Exception):
    """Somebody has as many places as one person may have; one of them."""

    def __init__(self, limit: int, appointment_id: UUID) -> None:
        super().__init__()
        self.limit = limit
        self.appointment_id = appointment_id


async def _book(
    context: Context, session: WriteSession, slot_id: UUID, comes: _Comer
) -> Appointment:
    """Book a place, in the transaction of an act."""
    is_there = visible_events(context) & Event.archived_at.is_(None)
    seat = await free_seat(context, session, slot_id, is_there)
    if comes.patient_id is not None:
        await lock_patient(session, comes.patient_id)
    limit = seat.event.per_person_limit
    taken = await seats_of(session, seat.event, comes.is_who)
    if len(taken) >= limit:
        raise _AtLimit(limit, taken[0].id)
    appointment = _appointment(context, session, comes)
    put(context, appointment, seat)
    session.add(appointment)
    await flush(session)
    note_event(context, session, appointment)
    await take_seat(context, session, appointment, seat, NotificationKind.GUEST_BOOKED)
    give(context, appointment.id)
    return appointment


def _appointment(context: Context, session: WriteSession, comes: _Comer) -> Appointment:
    id, guest = uuid4(), comes.guest
    secret = tokens.manage_token(context.server.config, id)
    return Appointment(
        organization_id=session.organization_id,
        id=id,
        reference=new_reference(),
        patient_id=comes.patient_id,
        guest_name=guest.name if guest else None,
        guest_email=guest.email if guest else None,
        guest_phone=guest.phone if guest else None,
        manage_token_hash=tokens.hashed(secret) if guest else None,
        booked_by_id=context.user_id,
        status=AppointmentStatus.BOOKED,
        version=1,
    )


async def _tell_of_limit(context: Context, reached: _AtLimit, comes: _Comer) -> None:
    """Tell whoever has the address that somebody wanted to book with it, and what is booked."""
    if comes.guest is None:
        return
    async with context.writing() as session:
        kind, email = NotificationKind.GUEST_LIMIT, comes.guest.email
        notify(context, session, kind, email, appointment_id=reached.appointment_id)


def _managed_by(context: Context, manage_token: str) -> Select[Appointment]:
    return (
        select(Appointment)
        .join(Event, Event.id == Appointment.event_id)
        .where(
            Appointment.manage_token_hash == tokens.hashed(manage_token),
            Event.ends_at > context.now,
        )
    )


async def _locked(context: Context, session: WriteSession, manage_token: str) -> Appointment:
    """The booking that a token is for, locked.

    Raises:
        InvalidToken: there is none, or its event is over.

    """
    statement = _managed_by(context, manage_token)
    locking = statement.with_for_update(key_share=True, of=Appointment)
    found: Appointment | None = (await session.execute(locking)).scalar_one_or_none()
    if found is None:
        raise InvalidToken("manage_token")
    give(context, found.id)
    return found
