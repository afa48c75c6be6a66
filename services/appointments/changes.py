"""What happens to an appointment once it is booked: cancelled, checked in, completed, missed.

Each change raises its version, leaves a line in its history, and is a change of its slot, so that
views which show appointments stay true.
"""

from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import Appointment, AppointmentEvent, Claim, NotificationKind
from models.database import WriteSession, violated_constraint
from services import checks, trail
from services.access import STAFF, Permission, act
from services.appointments import states
from services.appointments.agendas import note_in_agendas
from services.appointments.letters import tell_guest
from services.appointments.lists import (
    reads_reason,
    reads_staff_notes,
    visible_appointments,
)
from services.appointments.states import Step
from services.calendar.claims import Span
from services.calendar.grid import locked_for_change
from services.calendar.refreshing import give_back, refresh_span
from services.calendar.rooms import calendars_of
from services.context import Context
from services.errors import (
    CancellationClosed,
    InvalidInput,
    InvalidTransition,
    NotFound,
    PatientBusy,
    StaleVersion,
)


class AppointmentTexts(TypedDict, total=False):
    """What is written about an appointment; None clears it."""

    reason: str | None
    staff_notes: str | None


@act(Permission.BOOK, CancellationClosed, InvalidTransition)
async def cancel_appointment(
    context: Context,
    *,
    appointment_id: UUID,
    reason: str | None = None,
    expected_version: int | None = None,
) -> Appointment:
    """Cancel an appointment; its time is free at once.

    Raises:
        CancellationClosed: it is too late for the patient to cancel.
        InvalidTransition: its status does not allow it.

    """
    reason = checks.optional_text(reason, "reason")
    async with context.writing() as session:
        appointment = await locked_appointment(context, session, appointment_id, expected_version)
        return await cancel(context, session, appointment, reason)


async def cancel(
    context: Context, session: WriteSession, appointment: Appointment, reason: str | None
) -> Appointment:
    """Cancel a locked appointment; a part of the acts that do so."""
    call_off(context, session, appointment, reason)
    return await _changed(context, session, appointment, note=reason, frees_time=True)


def call_off(
    context: Context, session: WriteSession, appointment: Appointment, reason: str | None
) -> None:
    """Let a locked appointment be cancelled; its time is still to be given back.

    Raises:
        CancellationClosed: it is too late for the patient to cancel.
        InvalidTransition: its status does not allow it.

    """
    require_cancellable(context, appointment)
    appointment.status = states.after(appointment.status, Step.CANCEL)
    appointment.cancelled_at = context.now
    appointment.cancellation_reason = reason
    tell_guest(context, session, appointment, NotificationKind.GUEST_CANCELLED)


@act(Permission.CHECK_IN, InvalidTransition)
async def check_in_appointment(
    context: Context,
    *,
    appointment_id: UUID,
    staff_notes: str | None = None,
    expected_version: int | None = None,
) -> Appointment:
    """The patient has arrived; somebody marked as no-show may still come late.

    Raises:
        InvalidTransition: its status does not allow it.

    """
    return await _step(context, Step.CHECK_IN, appointment_id, staff_notes, expected_version)


@act(Permission.COMPLETE, InvalidTransition)
async def complete_appointment(
    context: Context,
    *,
    appointment_id: UUID,
    staff_notes: str | None = None,
    expected_version: int | None = None,
) -> Appointment:
    """The visit has taken place; only once the appointment has begun.

    Raises:
        InvalidTransition: its status does not allow it, or it has not begun.

    """
    return await _step(context, Step.COMPLETE, appointment_id, staff_notes, expected_version)


@act(Permission.RUN_DAY, InvalidTransition)
async def mark_no_show(
    context: Context,
    *,
    appointment_id: UUID,
    staff_notes: str | None = None,
    expected_version: int | None = None,
) -> Appointment:
    """The patient did not come; only once the appointment has begun.

    Raises:
        InvalidTransition: its status does not allow it, or it has not begun.

    """
    return await _step(context, Step.MARK_NO_SHOW, appointment_id, staff_notes, expected_version)


@act(Permission.BOOK)
async def update_appointment(
    context: Context,
    *,
    appointment_id: UUID,
    expected_version: int | None = None,
    **changes: Unpack[AppointmentTexts],
) -> Appointment:
    """Change what the patient or staff wrote; what is left out stays.

    Raises:
        NotFound: the viewer may not write this of the appointment.
        InvalidInput: it is written already, and the viewer does not read it.

    """
    async with context.writing() as session:
        appointment = await locked_appointment(context, session, appointment_id, expected_version)
        if "reason" in changes:
            if appointment.reason is not None and not reads_reason(context, appointment):
                raise InvalidInput(
                    "Patient and doctor have said why; only they change it.", "reason"
                )
            appointment.reason = checks.optional_text(changes["reason"], "reason")
        if "staff_notes" in changes:
            if not reads_staff_notes(context, appointment):
                raise NotFound("staff_notes")
            notes = checks.optional_text(changes["staff_notes"], "staff_notes")
            appointment.staff_notes = notes
        return await _changed(context, session, appointment)


async def _step(
    context: Context,
    step: Step,
    appointment_id: UUID,
    staff_notes: str | None,
    expected_version: int | None,
) -> Appointment:
    notes = checks.optional_text(staff_notes, "staff_notes")
    async with context.writing() as session:
        appointment = await locked_appointment(context, session, appointment_id, expected_version)
        before = appointment.status
        appointment.status = states.after(before, step)
        if step in states.ONCE_BEGUN and appointment.starts_at > context.now:
            raise InvalidTransition(before)
        if notes is not None:
            appointment.staff_notes = notes
        try:
            return await _changed(context, session, appointment)
        except IntegrityError as error:
            # A patient who was marked as no-show has booked something else for this time.
            if violated_constraint(error) == "patient_in_one_place":
                raise InvalidTransition(before) from error
            raise


async def locked_appointment(
    context: Context, session: WriteSession, appointment_id: UUID, expected_version: int | None
) -> Appointment:
    """The appointment, if the viewer may see it, locked. Appointments are locked before calendars.

    Raises:
        NotFound: there is none that the viewer may see.
        StaleVersion: somebody has changed it since `expected_version`.

    """
    statement = (
        select(Appointment)
        .where(Appointment.id == appointment_id, visible_appointments(context))
        .with_for_update(key_share=True)
    )
    appointment: Appointment | None = (await session.execute(statement)).scalar_one_or_none()
    if appointment is None:
        raise NotFound("appointment_id")
    if expected_version is not None and appointment.version != expected_version:
        raise StaleVersion(appointment.version)
    return appointment


def require_in_time(context: Context, appointment: Appointment) -> None:
    """Go on only if the viewer may still cancel or move the appointment; staff always may.

    Raises:
        CancellationClosed: the patient's, or the guest's, last moment has passed.

    """
    closed_at = appointment.can_cancel_until
    if context.role not in STAFF and closed_at is not None and context.now > closed_at:
        raise CancellationClosed(closed_at)


def require_cancellable(context: Context, appointment: Appointment) -> None:
    """Go on only if the viewer may cancel the appointment now.

    Raises:
        CancellationClosed, InvalidTransition: see `call_off`.

    """
    states.after(appointment.status, Step.CANCEL)
    require_in_time(context, appointment)


def note_change(
    context: Context, session: WriteSession, appointment: Appointment, note: str | None = None
) -> None:
    """Raise the version and leave a line in the history."""
    appointment.version += 1
    note_event(context, session, appointment, note)


def note_event(
    context: Context, session: WriteSession, appointment: Appointment, note: str | None = None
) -> None:
    """Leave a line in the history, and one in the audit trail."""
    trail.note_act(context, session, appointment)
    session.add(
        AppointmentEvent(
            organization_id=session.organization_id,
            appointment_id=appointment.id,
            version=appointment.version,
            at=context.now,
            by_id=context.user_id,
            status=appointment.status,
            note=note,
        )
    )


async def flush(session: WriteSession) -> None:
    """Write an appointment that has its time.

    Raises:
        PatientBusy: the patient has another one then; the constraint has seen it.

    """
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "patient_in_one_place":
            raise PatientBusy from error
        raise


async def _changed(
    context: Context,
    session: WriteSession,
    appointment: Appointment,
    note: str | None = None,
    *,
    frees_time: bool = False,
) -> Appointment:
    """Note the change, give back the time if it is needed no more, and let the viewers of the slots
    know.
    """
    # Before the first statement, which flushes: the trail names what has changed.
    note_change(context, session, appointment, note)
    calendars = await calendars_of(session, appointment)
    await locked_for_change(context, session, *calendars)
    await session.flush()
    if frees_time:
        await give_back(session, Claim.appointment_id == appointment.id)
    else:
        # What is kept clear after it does not show it.
        ends_at = appointment.ends_at
        for calendar_id in calendars:
            span = Span(calendar_id, appointment.starts_at, ends_at, ends_at)
            await refresh_span(session, span)
    await note_in_agendas(context, session, appointment)
    await session.refresh(appointment)
    return appointment
