"""Closing time, and opening it again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from models import Appointment, Calendar, Claim, ClaimKind, Slot, SlotStatus
from models.database import ReadSession, WriteSession
from services import checks
from services.access import Permission, act
from services.calendar.claims import Span, lying_in, replace_blocks
from services.calendar.grid import locked_for_change, overlapping_ids
from services.calendar.offers import make_offers
from services.calendar.places import give_up_holds
from services.calendar.refreshing import refresh_slots
from services.calendar.slots import checked_window, require_managed
from services.context import Context
from services.errors import TimeTaken
from services.idempotency import Request, once


@act(Permission.MANAGE_CALENDAR, TimeTaken)
async def block_time(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Sequence[Slot]:
    """Close a time of a calendar; the slots that it touches become BLOCKED.

    Raises:
        TimeTaken: appointments stand in it.

    """
    reason = checks.optional_line(reason, "reason")
    checked_window(starts_at, ends_at, "starts_at", "ends_at")
    request = Request("block", idempotency_key, (calendar_id, starts_at, ends_at, reason))

    async def close(session: WriteSession) -> Sequence[Slot]:
        return await _closed(context, session, calendar_id, starts_at, ends_at, reason)

    async def again(session: ReadSession, _: UUID | None) -> Sequence[Slot]:
        touched = await overlapping_ids(session, calendar_id, starts_at, ends_at)
        return await _slots(session, touched)

    return await once(context, request, close, again)


async def _closed(
    context: Context,
    session: WriteSession,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str | None,
) -> Sequence[Slot]:
    calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
    await require_managed(context, session, calendar_id)
    taken = (
        select(Appointment)
        .join(Claim, Claim.appointment_id == Appointment.id)
        .where(
            Claim.calendar_id == calendar_id,
            lying_in(starts_at, ends_at),
        )
        .order_by(Appointment.starts_at)
    )
    if appointments := await session.rows(taken):
        raise TimeTaken(appointments)
    # Whoever holds a time has not booked it yet.
    closed = Span(calendar_id, starts_at, ends_at, ends_at)
    await give_up_holds(session, closed, Claim.kind == ClaimKind.HOLD)
    old = await _blocks(session, calendar_id, starts_at, ends_at)
    # One block instead of several that overlap: the constraint allows no other.
    begin = min([starts_at, *(claim.starts_at for claim in old)])
    end = max([ends_at, *(claim.ends_at for claim in old)])
    await replace_blocks(
        session,
        calendar_id,
        [claim.id for claim in old],
        [(begin, end, reason)],
        await _lanes(session, calendar_id),
    )
    return await _refreshed(context, session, calendar, starts_at, ends_at)


@act(Permission.MANAGE_CALENDAR)
async def unblock_time(
    context: Context, *, calendar_id: UUID, starts_at: datetime, ends_at: datetime
) -> Sequence[Slot]:
    """Open a time again; what was closed before and after it stays closed."""
    checked_window(starts_at, ends_at, "starts_at", "ends_at")
    async with context.writing() as session:
        calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
        await require_managed(context, session, calendar_id)
        old = await _blocks(session, calendar_id, starts_at, ends_at)
        rest = set()
        for claim in old:
            for part in ((claim.starts_at, starts_at), (ends_at, claim.ends_at)):
                if part[0] < part[1]:
                    rest.add((*part, claim.reason))
        await replace_blocks(
            session,
            calendar_id,
            [claim.id for claim in old],
            list(rest),
            await _lanes(session, calendar_id),
        )
        return await _refreshed(context, session, calendar, starts_at, ends_at)


async def _blocks(
    session: WriteSession, calendar_id: UUID, starts_at: datetime, ends_at: datetime
) -> list[Claim]:
    """The block claims that overlap a time."""
    return await session.rows(
        select(Claim).where(
            Claim.calendar_id == calendar_id,
            Claim.kind == ClaimKind.BLOCK,
            lying_in(starts_at, ends_at),
        )
    )


async def _lanes(session: WriteSession, calendar_id: UUID) -> int:
    """How many lanes a block must close: as many as the largest slot has."""
    largest = select(func.coalesce(func.max(Slot.capacity), 1)).where(
        Slot.calendar_id == calendar_id, Slot.status != SlotStatus.REMOVED
    )
    lanes: int = (await session.execute(largest)).scalar_one()
    return lanes


async def _refreshed(
    context: Context,
    session: WriteSession,
    calendar: Calendar,
    starts_at: datetime,
    ends_at: datetime,
) -> Sequence[Slot]:
    """The slots that overlap a time, after they have been told of the new claims, and what is free
    has been offered to those who wait.
    """
    touched = await overlapping_ids(session, calendar.id, starts_at, ends_at)
    await refresh_slots(session, touched)
    await make_offers(context, session)
    return await _slots(session, touched)


async def _slots(session: ReadSession, ids: Sequence[UUID]) -> Sequence[Slot]:
    return await session.rows(
        select(Slot)
        .where(Slot.id.in_(ids))
        .order_by(Slot.starts_at, Slot.id)
        .execution_options(populate_existing=True)
    )
