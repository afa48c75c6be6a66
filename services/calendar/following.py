"""Slots that follow exceptions: of days that have been made already, those that overlap an
exception come and go with it, and no others, in any number of calendars at once.

Which days are made when is the business of `generation` and `horizon`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, select

from models import (
    AvailabilityException,
    AvailabilityTemplate,
    Calendar,
    Doctor,
    ExceptionKind,
    Organization,
)
from models.database import WriteSession
from services.availability import ZONES_APART, Schedule, schedules_of, stretch_of
from services.calendar.claims import LONGEST_SLOT
from services.calendar.difference import Difference, difference
from services.calendar.locks import raise_revisions
from services.calendar.making import carry_out, present_slots
from services.calendar.offers import attend
from services.context import Context
from services.intervals import merged, overlap, without
from services.timetable import PlannedSlot, Stretch

ONE_DAY = timedelta(days=1)


async def rules_settled(session: WriteSession) -> None:
    """Until the end, let nobody change what is open in the whole organization. Whoever makes slots
    of new days begins so: otherwise they could be made as if there were no closure, while it is
    being added to the calendars that it finds.
    """
    mine = Organization.id == session.organization_id
    await session.execute(select(Organization.id).where(mine).with_for_update(read=True))


async def locked_for_all(session: WriteSession, kind: ExceptionKind) -> Sequence[Calendar]:
    """The calendars for which exceptions of the whole organization hold, locked in the order of
    their ids; meanwhile nobody makes slots of new days.
    """
    mine = Organization.id == session.organization_id
    await session.execute(select(Organization.id).where(mine).with_for_update(key_share=True))
    holds: ColumnElement[bool] = exists().where(AvailabilityTemplate.calendar_id == Calendar.id)
    if kind is ExceptionKind.CLOSED:
        holds |= exists().where(Doctor.calendar_id == Calendar.id, Doctor.archived_at.is_(None))
    locking = select(Calendar).where(holds).order_by(Calendar.id).with_for_update(key_share=True)
    return await session.rows(locking.execution_options(populate_existing=True))


def made_days(calendar: Calendar) -> list[tuple[date, date]]:
    """The days of a calendar whose slots have been made; of each two the second is not one."""
    return [(days.lower, days.upper) for days in calendar.made_days if days.lower and days.upper]


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day on the calendar of a zone."""
    return moment.astimezone(zone).date()


@dataclass(frozen=True)
class _Part:
    """The part of a calendar that exceptions change.

    Attributes:
        windows: from when to when, the past left out.
        planned: the slots of made days around the windows as they should be, in order of start.
        made: the days whose slots have been made.
        closes: slots also go on days that have not been made, wherever they come from.

    """

    calendar: Calendar
    windows: Sequence[Stretch]
    planned: Sequence[PlannedSlot]
    made: Sequence[tuple[date, date]]
    now: datetime
    closes: bool

    def is_asked(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether a slot may come or go."""
        if starts_at < self.now or not overlap(self.windows, starts_at, ends_at):
            return False
        day = day_of(starts_at, ZoneInfo(self.calendar.time_zone))
        return self.closes or overlap(self.made, day, day + ONE_DAY)

    @property
    def asked(self) -> list[tuple[UUID, datetime, datetime]]:
        """The times of slots that matter: those that may come or go, those that could be in their
        way, and those before them whose hours end now where an exception begins, or further on.
        """
        found = []
        for begin, end in self.windows:
            first, last = (
                bisect_left(self.planned, moment, key=attrgetter("starts_at"))
                for moment in (begin - LONGEST_SLOT, end)
            )
            near = self.planned[first:last]
            starts = (slot.starts_at for slot in near if slot.hours_end_at >= begin)
            ends = (slot.ends_at for slot in near)
            found.append((min([begin, *starts]), max([end, *ends])))
        return [(self.calendar.id, begin, end) for begin, end in merged(found)]


def _part(
    context: Context,
    calendar: Calendar,
    schedule: Schedule,
    changed: Sequence[AvailabilityException],
    *,
    closes: bool,
) -> _Part:
    stretches = [stretch_of(exception, schedule.zone) for exception in changed]
    windows = merged((max(start, context.now), end) for start, end in stretches)
    made = made_days(calendar)
    # A slot that overlaps an exception may begin on the day before it.
    wanted = [
        (day_of(start, schedule.zone) - ONE_DAY, day_of(end, schedule.zone) + ONE_DAY)
        for start, end in windows
    ]
    planned = [
        slot
        for first_day, beyond in without(wanted, without(wanted, made))
        for slot in schedule.slots(first_day, beyond - ONE_DAY)
        if slot.starts_at >= context.now
    ]
    return _Part(calendar, windows, planned, made, context.now, closes)


async def follow(
    context: Context,
    session: WriteSession,
    calendars: Sequence[Calendar],
    changed: Sequence[AvailabilityException],
    *,
    closes: bool,
) -> None:
    """Have the slots of locked calendars follow exceptions that have come, or gone."""
    # Slots of the day before may reach into an exception, in whichever zone.
    margin = 2 * ONE_DAY + ZONES_APART
    begin = min(exception.starts_at for exception in changed) - margin
    end = max(exception.ends_at for exception in changed) + margin
    schedules = await schedules_of(session, calendars, begin, end)
    parts = [
        _part(context, calendar, schedules[calendar.id], changed, closes=closes)
        for calendar in calendars
    ]
    present = await present_slots(session, [asked for part in parts for asked in part.asked])
    differences: dict[UUID, Difference] = {}
    for part in parts:
        found = difference(present.get(part.calendar.id, []), part.planned, part.is_asked)
        if found:
            differences[part.calendar.id] = found
    if differences:
        attend(context, session)
        await raise_revisions(context, session, list(differences))
        await carry_out(session, differences)
