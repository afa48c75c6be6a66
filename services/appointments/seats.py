"""Seats: a place in a slot of an event, taking one and moving to another. Parts of acts.

How many there are is guarded as all time is: each seat is a claim in a lane of the slot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from models import (
    OPEN_STATUSES,
    Appointment,
    Claim,
    Event,
    NotificationKind,
    Slot,
    SlotStatus,
)
from models.database import WriteSession
from services.appointments.agendas import note_in_agendas
from services.appointments.changes import flush, note_change
from services.appointments.letters import tell_guest
from services.calendar.claims import Care, take
from services.calendar.grid import locked_for_change
from services.calendar.places import span_from
from services.calendar.refreshing import give_back, refresh_span
from services.calendar.rules import Terms, cancellable_until, why_no_seat
from services.context import Context
from services.directory.patients import lock_patient
from services.errors import NotBookable, NotFound, SlotTaken


@dataclass(frozen=True)
class Seat:
    """A slot of an event that is free and open to the viewer."""

    slot: Slot
    event: Event


async def free_seat(
    context: Context, session: WriteSession, slot_id: UUID, *conditions: ColumnElement[bool]
) -> Seat:
    """A seat in a slot of an event that meets the conditions, and its calendar locked.

    Raises:
        NotFound: there is no such slot.
        NotBookable: the rules do not let the viewer book it.
        SlotTaken: every place is taken.

    """
    # Before the lock as well: of a crowd that comes too late nobody has to wait for it.
    seat = await _seat(context, session, slot_id, *conditions)
    await locked_for_change(context, session, seat.slot.calendar_id)
    return await _seat(context, session, slot_id, *conditions)


async def _seat(
    context: Context, session: WriteSession, slot_id: UUID, *conditions: ColumnElement[bool]
) -> Seat:
    statement = (
        select(Slot, Event)
        .join(Event, Event.calendar_id == Slot.calendar_id)
        .where(Slot.id == slot_id, *conditions)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("slot_id")
    slot, event = row
    reason = why_no_seat(slot, Terms.of(context), is_published=event.is_published)
    if reason is not None:
        raise NotBookable(reason)
    if slot.status is not SlotStatus.AVAILABLE:
        raise SlotTaken
    return Seat(slot, event)


def put(context: Context, appointment: Appointment, seat: Seat) -> None:
    """Put an appointment into a seat, on the terms in force now."""
    appointment.calendar_id = seat.slot.calendar_id
    appointment.slot_id = seat.slot.id
    appointment.event_id = seat.event.id
    appointment.starts_at, appointment.ends_at = seat.slot.starts_at, seat.slot.ends_at
    appointment.can_cancel_until = cancellable_until(context, seat.slot.starts_at)


async def take_seat(
    context: Context,
    session: WriteSession,
    appointment: Appointment,
    seat: Seat,
    kind: NotificationKind,
) -> None:
    """Take the seat of an appointment that is written, and have everybody told of it.

    Raises:
        SlotTaken: somebody has taken the last place past the lock.

    """
    span = span_from(seat.slot, None)
    capacity = seat.slot.capacity
    if not await take(session, span, appointment.id, capacity=capacity, care=Care.PLACES):
        raise SlotTaken
    await refresh_span(session, span)
    tell_guest(context, session, appointment, kind)
    await note_in_agendas(context, session, appointment)
    await session.refresh(appointment)


async def move_seat(
    context: Context, session: WriteSession, appointment: Appointment, slot_id: UUID
) -> Appointment:
    """Move a locked appointment to another slot of its event.

    Raises:
        NotFound: the event has no such slot.
        NotBookable, SlotTaken, PatientBusy: as when booking.

    """
    seat = await free_seat(context, session, slot_id, Event.id == appointment.event_id)
    await give_back(session, Claim.appointment_id == appointment.id)
    if appointment.patient_id is not None:
        await lock_patient(session, appointment.patient_id)
    appointment.rescheduled_from_id = appointment.slot_id
    put(context, appointment, seat)
    note_change(context, session, appointment)
    await flush(session)
    await take_seat(context, session, appointment, seat, NotificationKind.GUEST_MOVED)
    return appointment


async def seats_of(
    session: WriteSession, event: Event, who: ColumnElement[bool]
) -> Sequence[Appointment]:
    """The open bookings that somebody has of an event, whose calendar is locked."""
    open_ones = select(Appointment).where(
        Appointment.event_id == event.id, Appointment.status.in_(OPEN_STATUSES), who
    )
    return await session.rows(open_ones.order_by(Appointment.starts_at))
