"""Exceptions of working hours: adding and removing closed time and extra hours.

What they mean is in `timetable`, and how the slots that have been made follow in `following`. An
appointment is never cancelled; those that stand in closed time are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from dateutil.relativedelta import relativedelta
from sqlalchemy import select

from models import Appointment, AvailabilityException, Calendar, ExceptionKind
from models.database import WriteSession
from services import checks
from services.access import Permission, act, require
from services.calendar.following import follow, locked_for_all
from services.calendar.slots import require_managed
from services.calendar.uncovered import uncovered_by
from services.context import Context
from services.errors import InvalidInput, NotFound
from services.idempotency import Request, once, row_of

# An hour more than 366 times 24: clocks may have been set back in between.
LONGEST_EXCEPTION = timedelta(days=366, hours=1)
FURTHEST_AHEAD = relativedelta(months=24)


@dataclass(frozen=True)
class Added:
    """An exception, and the open appointments that stand in the time that it closes."""

    exception: AvailabilityException
    uncovered: Sequence[Appointment]


@act(Permission.MANAGE_CALENDAR)
async def add_availability_exception(
    context: Context,
    *,
    kind: ExceptionKind,
    starts_at: datetime,
    ends_at: datetime,
    calendar_id: UUID | None = None,
    slot_minutes: int | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Added:
    """Close a time, or open one, in a calendar; without one, in the whole organization.

    Raises:
        Forbidden: the whole organization is not for doctors.

    """
    if calendar_id is None:
        require(context, Permission.MANAGE_HOLIDAYS)
    said = (calendar_id, kind, starts_at, ends_at, slot_minutes, reason)
    _check_times(context, starts_at, ends_at)
    exception = AvailabilityException(
        organization_id=context.organization.id,
        id=uuid4(),
        calendar_id=calendar_id,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone=context.organization.time_zone if calendar_id is None else None,
        slot_minutes=_checked_minutes(kind, slot_minutes),
        reason=checks.optional_line(reason, "reason"),
    )

    async def added(session: WriteSession) -> AvailabilityException:
        calendars = await _locked(context, session, calendar_id, kind)
        session.add(exception)
        await session.flush()
        closes = kind is ExceptionKind.CLOSED
        await follow(context, session, calendars, [exception], closes=closes)
        return exception

    request = Request("add_availability_exception", idempotency_key, said)
    kept = await once(context, request, added, row_of(AvailabilityException))
    async with context.reading() as reading:
        return Added(kept, await uncovered_by(context, reading, [kept]))


@act(Permission.MANAGE_CALENDAR)
async def remove_availability_exception(context: Context, *, exception_id: UUID) -> UUID:
    """Take an exception away again: slots come and go as if there had been none."""
    there = select(AvailabilityException).where(
        AvailabilityException.id == exception_id, AvailabilityException.removed_at.is_(None)
    )
    async with context.writing() as session:
        found: AvailabilityException | None = (await session.execute(there)).scalar_one_or_none()
        if found is None:
            raise NotFound("exception_id")
        if found.calendar_id is None:
            require(context, Permission.MANAGE_HOLIDAYS)
        try:
            calendars = await _locked(context, session, found.calendar_id, found.kind)
        except NotFound:
            raise NotFound("exception_id") from None
        # Under the lock: somebody else may have removed it while we waited.
        again = there.with_for_update().execution_options(populate_existing=True)
        if (await session.execute(again)).scalar_one_or_none() is None:
            raise NotFound("exception_id")
        if found.source is None:
            await session.delete(found)
        else:
            found.removed_at = context.now
        await session.flush()
        await follow(context, session, calendars, [found], closes=False)
    return exception_id


def _checked_minutes(kind: ExceptionKind, slot_minutes: int | None) -> int | None:
    if slot_minutes is None:
        return None
    if kind is ExceptionKind.CLOSED:
        raise InvalidInput("Closed time has no slots.", "slot_minutes")
    return checks.between(slot_minutes, 1, 1440, "slot_minutes")


def _check_times(context: Context, starts_at: datetime, ends_at: datetime) -> None:
    checks.in_order(starts_at, ends_at, "starts_at", "ends_at")
    if ends_at - starts_at > LONGEST_EXCEPTION:
        raise InvalidInput("At most 366 days are allowed.", "ends_at")
    if ends_at > context.now + FURTHEST_AHEAD:
        raise InvalidInput("At most 24 months ahead are allowed.", "ends_at")


async def _locked(
    context: Context, session: WriteSession, calendar_id: UUID | None, kind: ExceptionKind
) -> Sequence[Calendar]:
    """The calendars for which an exception holds, locked.

    Raises:
        NotFound: it is one that the viewer does not run.

    """
    if calendar_id is None:
        return await locked_for_all(session, kind)
    locking = select(Calendar).where(Calendar.id == calendar_id).with_for_update(key_share=True)
    calendars = await session.rows(locking)
    # Under the lock: a doctor who is being archived meanwhile closes the calendar.
    await require_managed(context, session, calendar_id)
    return calendars
