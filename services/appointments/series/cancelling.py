"""Cancelling a series: one appointment of it, this and all later ones, or all not begun yet.

Each is cancelled as `cancelAppointment` would; what it would refuse stays, and is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from uuid import UUID

from sqlalchemy import select

from models import (
    Appointment,
    AppointmentStatus,
    Claim,
    SeriesOccurrence,
    SeriesScope,
    WhyKept,
)
from models.database import WriteSession
from services import checks
from services.access import Permission, act
from services.appointments.agendas import note_all_in_agendas
from services.appointments.changes import (
    call_off,
    locked_appointment,
    note_change,
    require_cancellable,
)
from services.appointments.lists import ORDER, visible_appointments
from services.calendar.grid import locked_for_change
from services.calendar.refreshing import give_back
from services.calendar.rooms import calendars_of
from services.context import Context
from services.errors import (
    CancellationClosed,
    InvalidInput,
    InvalidTransition,
    StaleVersion,
)


@dataclass(frozen=True)
class Kept:
    """An appointment of a series that was not cancelled with the others."""

    sentences: ClassVar[dict[WhyKept, str]] = {
        WhyKept.CANCELLATION_CLOSED: CancellationClosed.message,
        WhyKept.BEGUN: "This appointment has begun.",
        WhyKept.NOT_OPEN: InvalidTransition.message,
    }

    appointment: Appointment
    reason: WhyKept

    @property
    def message(self) -> str:
        """A sentence for people."""
        return self.sentences[self.reason]


class CancelledSeries(NamedTuple):
    """What was cancelled of a series, and what could not be; each in order of start."""

    cancelled: Sequence[Appointment]
    kept: Sequence[Kept]


@act(Permission.BOOK, CancellationClosed, InvalidTransition)
async def cancel_series(
    context: Context,
    *,
    appointment_id: UUID,
    scope: SeriesScope,
    reason: str | None = None,
    expected_version: int | None = None,
) -> CancelledSeries:
    """Cancel appointments of a series, seen from one of them; their time is free at once.

    Raises:
        InvalidInput: the appointment is part of no series.
        CancellationClosed, InvalidTransition: none of them can be cancelled; why not the one that
            was named.

    """
    reason = checks.optional_text(reason, "reason")
    async with context.writing() as session:
        members = await _locked_members(context, session, appointment_id)
        named = next(one for one in members if one.id == appointment_id)
        if expected_version is not None and named.version != expected_version:
            raise StaleVersion(named.version)
        meant = [one for one in members if _is_meant(one, named, scope)]
        kept = [Kept(one, why) for one in meant if (why := _why_kept(context, one, scope))]
        left = {one.appointment.id for one in kept}
        cancelled = [one for one in meant if one.id not in left]
        if not cancelled:
            require_cancellable(context, named)
            raise InvalidTransition(named.status)
        return CancelledSeries(await _cancel(context, session, cancelled, reason), kept)


async def _locked_members(
    context: Context, session: WriteSession, appointment_id: UUID
) -> Sequence[Appointment]:
    """The appointments of the series of one, those that the viewer sees, in order of start. They
    are locked in the order of their ids, so that no two acts wait for each other.
    """
    series_id = select(SeriesOccurrence.series_id).where(
        SeriesOccurrence.appointment_id == appointment_id
    )
    members = select(SeriesOccurrence.appointment_id).where(
        SeriesOccurrence.series_id == series_id.scalar_subquery()
    )
    statement = (
        select(Appointment)
        .where(Appointment.id.in_(members), visible_appointments(context))
        .order_by(Appointment.id)
        .with_for_update(key_share=True)
    )
    found = await session.rows(statement)
    if all(one.id != appointment_id for one in found):
        await locked_appointment(context, session, appointment_id, None)
        raise InvalidInput("This appointment is part of no series.", "appointment_id")
    return sorted(found, key=lambda one: (one.starts_at, one.id))


def _is_meant(one: Appointment, named: Appointment, scope: SeriesScope) -> bool:
    """Whether an appointment of a series is to be cancelled; not what was cancelled before."""
    if one.status is AppointmentStatus.CANCELLED:
        return False
    is_later = one.starts_at > named.starts_at and scope is SeriesScope.FOLLOWING
    return one is named or is_later or scope is SeriesScope.ALL


def _why_kept(context: Context, one: Appointment, scope: SeriesScope) -> WhyKept | None:
    try:
        require_cancellable(context, one)
    except CancellationClosed:
        return WhyKept.CANCELLATION_CLOSED
    except InvalidTransition:
        return WhyKept.NOT_OPEN
    has_begun = one.starts_at <= context.now
    return WhyKept.BEGUN if scope is SeriesScope.ALL and has_begun else None


async def _cancel(
    context: Context, session: WriteSession, appointments: Sequence[Appointment], reason: str | None
) -> Sequence[Appointment]:
    """Cancel locked appointments, with one change of each calendar and of each agenda."""
    # Some may have moved to calendars of other doctors.
    await locked_for_change(context, session, *await calendars_of(session, *appointments))
    for one in appointments:
        call_off(context, session, one, reason)
        note_change(context, session, one, reason)
    await session.flush()
    ids = [one.id for one in appointments]
    await give_back(session, Claim.appointment_id.in_(ids))
    await note_all_in_agendas(context, session, appointments)
    now = select(Appointment).where(Appointment.id.in_(ids)).order_by(*ORDER)
    return await session.rows(now.execution_options(populate_existing=True))
