"""The rolling horizon: slots of days that come into the booking horizon make themselves.

Slots are only added, and only on days that have not been made; what there is stays as it is. Any
number of processes may do so at once: each calendar is a transaction of its own, and one that
somebody else holds is left for the next round.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from models import AvailabilityTemplate, Calendar, Organization
from models.database import ReadSession, WriteSession
from services import timetable
from services.availability import schedules_of
from services.calendar.claims import LONGEST_SLOT
from services.calendar.difference import clear_of
from services.calendar.following import made_days, rules_settled
from services.calendar.locks import raise_revisions
from services.calendar.making import make, present_slots
from services.calendar.offers import attend
from services.calendar.rules import horizon_ends
from services.context import Context, Server
from services.errors import Unavailable
from services.intervals import without
from services.live.tasks import Outage
from services.timetable import PlannedSlot

log = logging.getLogger("horizon")

GENERATING = (
    "Make the slots that are missing up to the booking horizon in all calendars; those that there "
    "are stay as they are. Servers do so each midnight."
)
ONE_DAY = timedelta(days=1)
Days = tuple[date, date]


@dataclass
class Round:
    """What was done for an organization: how many slots were made, and of how many calendars they
    could not be made this time.
    """

    made: int = 0
    left: int = 0


async def keep_horizons(server: Server) -> None:
    """Look again and again in which organizations a day has begun, for as long as the server
    runs.
    """
    outage = Outage("Making slots of new days")
    while True:
        try:
            with outage:
                await extend_horizons(server)
        except Exception:
            log.exception("Failed, and is tried again the next time")
        await asyncio.sleep(server.config.horizon_seconds)


async def extend_horizons(server: Server) -> int:
    """Make the slots of days that have come into the horizon, in each organization where that has
    not been done since its midnight; how many were made.
    """
    made = 0
    async with server.database.outside_organizations() as session:
        organizations = await session.rows(select(Organization).order_by(Organization.id))
    for organization in organizations:
        context = Context(server, organization)
        today = context.now.astimezone(ZoneInfo(organization.time_zone)).date()
        if organization.extended_on is None or organization.extended_on < today:
            done = await extend_organization(context, today)
            made += done.made
    return made


async def extend_organization(context: Context, today: date) -> Round:
    """Make the slots of days that have come into the horizon of each calendar. Where nothing was
    left to do, that is noted, and no process looks again before tomorrow.
    """
    done = Round()
    for calendar in await _calendars(context):
        try:
            made = await _extended(context, calendar, waits=False)
        except Unavailable:
            raise
        except Exception:
            log.exception("The slots of calendar %s could not be made", calendar.id)
            made = None
        if made is None:
            done.left += 1
        else:
            done.made += made
    if not done.left:
        async with context.writing() as session:
            mine = Organization.id == context.organization.id
            await session.execute(update(Organization).where(mine).values(extended_on=today))
    if done.made:
        log.info("Made %d slots in %s", done.made, context.organization.slug)
    return done


async def generate_all(context: Context, *, progress: Callable[[int, int, int], None]) -> int:
    """Make the slots that are missing up to the horizon in every calendar that has working hours;
    say how many. For the command line: no caller of the API may.

    Each calendar is a transaction of its own, so stopping half way leaves whole calendars.
    `progress` is told how many calendars are done, of how many, and how many slots were made.
    """
    calendars = await _calendars(context)
    waiting = iter(calendars)
    done = made = 0

    async def work() -> None:
        nonlocal done, made
        for calendar in waiting:
            # Not added to what it was before: the other worker has made some meanwhile.
            new = await _extended(context, calendar, waits=True) or 0
            done, made = done + 1, made + new
            progress(done, len(calendars), made)

    progress(0, len(calendars), 0)
    # Two at once: while the database takes the slots of one, those of the other are thought out.
    try:
        async with asyncio.TaskGroup() as workers:
            workers.create_task(work())
            workers.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return made


def horizon_days(context: Context, calendar: Calendar) -> Days:
    """Today and the last day of the booking horizon, in the calendar's zone."""
    zone = ZoneInfo(calendar.time_zone)
    ends = horizon_ends(context.organization.booking_policy, context.now)
    return context.now.astimezone(zone).date(), ends.astimezone(zone).date()


def _missing(context: Context, calendar: Calendar) -> list[Days]:
    """The days up to the horizon whose slots have not been made; of each two the second is not one
    of them.
    """
    today, last_day = horizon_days(context, calendar)
    return without([(today, last_day + ONE_DAY)], made_days(calendar))


async def _calendars(context: Context) -> Sequence[Calendar]:
    has_hours = select(AvailabilityTemplate.calendar_id)
    statement = select(Calendar).where(Calendar.id.in_(has_hours)).order_by(Calendar.id)
    async with context.reading() as session:
        return await session.rows(statement)


async def _extended(context: Context, known: Calendar, *, waits: bool) -> int | None:
    """Make the slots of a calendar's missing days; how many. None where somebody holds it."""
    if not _missing(context, known):
        return 0
    locking = (
        select(Calendar)
        .where(Calendar.id == known.id)
        .with_for_update(key_share=True, skip_locked=not waits)
    )
    async with context.writing() as session:
        await rules_settled(session)
        calendar: Calendar | None = (await session.execute(locking)).scalar_one_or_none()
        if calendar is None:
            return None
        # Under the lock: another process may have made them meanwhile.
        missing = _missing(context, calendar)
        new = await _planned(context, session, calendar, missing) if missing else []
        if new:
            attend(context, session)
            await raise_revisions(context, session, [calendar.id])
            await make(session, {calendar.id: new})
        await _note(context, session, calendar)
    return len(new)


async def _planned(
    context: Context, session: ReadSession, calendar: Calendar, missing: Sequence[Days]
) -> list[PlannedSlot]:
    """The slots to come of missing days that nothing is in the way of."""
    zone = ZoneInfo(calendar.time_zone)
    begin = timetable.day_bounds(missing[0][0], zone)[0]
    end = timetable.day_bounds(missing[-1][1], zone)[0]
    schedule = (await schedules_of(session, [calendar], begin, end))[calendar.id]
    planned = [
        slot
        for first_day, beyond in missing
        for slot in schedule.slots(first_day, beyond - ONE_DAY)
        if slot.starts_at >= context.now
    ]
    asked = (calendar.id, begin, end + LONGEST_SLOT)
    present = (await present_slots(session, [asked])).get(calendar.id, [])
    return clear_of(planned, [(starts_at, ends_at) for _, starts_at, ends_at, *_ in present])


async def _note(context: Context, session: WriteSession, calendar: Calendar) -> None:
    """Note that all days up to the horizon have been made, and forget those that are over."""
    today, last_day = horizon_days(context, calendar)
    all_of_them = func.datemultirange(func.daterange(today, last_day + ONE_DAY))
    # A day more, for a calendar that moves to another zone.
    not_over = func.datemultirange(func.daterange(today - ONE_DAY, None))
    made = Calendar.made_days.op("+")(all_of_them).op("*")(not_over)
    noting = update(Calendar).where(Calendar.id == calendar.id).values(made_days=made)
    await session.execute(noting.execution_options(synchronize_session=False))
