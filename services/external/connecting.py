"""Connecting a calendar with one elsewhere, ending that, and what staff see of it.

No act waits for the other side: `reading` is told that something is due.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import aliased
from yarl import URL

from models import (
    OPEN_STATUSES,
    Appointment,
    Calendar,
    Claim,
    ClaimKind,
    Doctor,
    ExternalCalendar,
    Role,
)
from models.database import WriteSession
from services import trail
from services.access import STAFF, Permission, act
from services.appointments.lists import visible_appointments
from services.calendar.slots import require_managed
from services.context import Context
from services.errors import InvalidInput
from services.external.addresses import parsed, rules_for, seal
from services.external.busy_claims import locked, replace_busy
from services.idempotency import Request, once, row_of


@act(Permission.MANAGE_CALENDAR)
async def connect_external_calendar(
    context: Context, *, calendar_id: UUID, url: str, idempotency_key: str | None = None
) -> ExternalCalendar:
    """Have the busy times of a calendar elsewhere be busy in this one, instead of those of another.
    What that one said stays in force until the new one has been read.
    """
    address = _address(context, url)
    await _spend(context)
    request = Request("connect_external_calendar", idempotency_key, (calendar_id, str(address)))

    async def connect(session: WriteSession) -> ExternalCalendar:
        calendar = await _managed(context, session, calendar_id)
        await session.execute(delete(ExternalCalendar).where(_is_of(calendar_id)))
        external = ExternalCalendar(
            organization_id=session.organization_id,
            calendar_id=calendar_id,
            host=address.host,
            sealed_url=seal(context.server.config, address),
        )
        session.add(external)
        await session.flush()
        await session.refresh(external)
        trail.note_act(context, session, calendar)
        session.after_commit(context.server.external_waits.set)
        return external

    return await once(context, request, connect, row_of(ExternalCalendar))


@act(Permission.MANAGE_CALENDAR)
async def disconnect_external_calendar(context: Context, *, calendar_id: UUID) -> Calendar:
    """Forget the calendar elsewhere; its times are free again. Without one, nothing changes."""
    async with context.writing() as session:
        calendar = await _managed(context, session, calendar_id)
        forgetting = delete(ExternalCalendar).where(_is_of(calendar_id))
        if await session.rows(forgetting.returning(ExternalCalendar.id)):
            await replace_busy(context, session, calendar_id, [], context.now)
            trail.note_act(context, session, calendar)
    return calendar


@act(Permission.MANAGE_CALENDAR)
async def refresh_external_calendar(context: Context, *, calendar_id: UUID) -> ExternalCalendar:
    """Have the calendar elsewhere read now, as soon as a server has room."""
    await _spend(context)
    async with context.writing() as session:
        await _managed(context, session, calendar_id)
        due = (
            update(ExternalCalendar)
            .where(_is_of(calendar_id))
            .values(next_read_at=func.now())
            .returning(ExternalCalendar)
        )
        external: ExternalCalendar | None = (await session.execute(due)).scalar_one_or_none()
        if external is None:
            raise InvalidInput("No external calendar is connected.", "calendar_id")
        session.after_commit(context.server.external_waits.set)
    return external


@act(Permission.SEE_CALENDAR)
async def external_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, ExternalCalendar]:
    """What calendars are connected to, of those that the viewer runs."""
    if context.role not in STAFF:
        return {}
    statement = select(ExternalCalendar).where(ExternalCalendar.calendar_id.in_(calendar_ids))
    if context.role is Role.DOCTOR:
        own = context.viewer.doctor_id if context.viewer else None
        statement = statement.join(
            Doctor,
            (Doctor.calendar_id == ExternalCalendar.calendar_id) & (Doctor.id == own),
        )
    async with context.reading() as session:
        return {row.calendar_id: row for row in await session.rows(statement)}


@act(Permission.SEE_APPOINTMENTS)
async def conflicts_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, list[Appointment]]:
    """The open appointments of calendars at whose time somebody is busy elsewhere."""
    taken, busy = aliased(Claim), aliased(Claim)
    is_in_conflict = exists().where(
        taken.appointment_id == Appointment.id,
        busy.calendar_id == taken.calendar_id,
        busy.kind == ClaimKind.EXTERNAL,
        busy.starts_at < taken.ends_at,
        busy.ends_at > taken.starts_at,
    )
    statement = (
        select(Appointment)
        .where(
            Appointment.calendar_id.in_(calendar_ids),
            Appointment.status.in_(OPEN_STATUSES),
            Appointment.ends_at > context.now,
            is_in_conflict,
            visible_appointments(context),
        )
        .order_by(Appointment.starts_at, Appointment.id)
    )
    async with context.reading() as session:
        rows = await session.rows(statement)
    found: dict[UUID, list[Appointment]] = {}
    for row in rows:
        found.setdefault(row.calendar_id, []).append(row)
    return found


def _address(context: Context, url: str) -> URL:
    """An address that may be read, as far as that shows.

    Raises:
        InvalidInput: it is none.

    """
    try:
        address = parsed(url)
    except ValueError as error:
        raise InvalidInput("This is no address of a calendar.", "url") from error
    why = rules_for(context.server.config).why_refused(address)
    if why is not None:
        raise InvalidInput(why, "url")
    return address


async def _spend(context: Context) -> None:
    """Count that the viewer has the server ask another one."""
    limits = context.server.limits
    await limits.spend(limits.rates.external_readings, str(context.user_id))


async def _managed(context: Context, session: WriteSession, calendar_id: UUID) -> Calendar:
    """A calendar that the viewer runs, locked."""
    calendar = await locked(session, calendar_id)
    await require_managed(context, session, calendar_id)
    return calendar


def _is_of(calendar_id: UUID) -> ColumnElement[bool]:
    return ExternalCalendar.calendar_id == calendar_id
