"""The slots of an event: wall-clock times of its day become slots of its calendar, all of them at
once. A slot that stays keeps its id; one that is booked is never taken away.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NotRequired, TypedDict
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import Calendar, Slot, SlotStatus
from models.database import ReadSession, WriteSession
from services import timetable
from services.calendar.refreshing import refresh_slots
from services.errors import InUse, InvalidInput, OverlappingTemplates
from services.timetable import PlannedSlot

MOST_SLOTS = 200
MOST_PLACES = 1000
MIDNIGHT = time(0)


class SlotInput(TypedDict):
    """A slot as it is given, in wall-clock time of the event's zone."""

    start_time: time
    end_time: time
    capacity: NotRequired[int | None]


def planned(slots: Sequence[SlotInput], day: date, zone: ZoneInfo) -> list[PlannedSlot]:
    """The slots that these are on a day.

    Raises:
        InvalidInput: a time or a number is out of range, or clocks skip it on that day.
        OverlappingTemplates: two of them share time.

    """
    if len(slots) > MOST_SLOTS:
        raise InvalidInput(f"At most {MOST_SLOTS} slots are allowed.", "slots")
    plans = [_planned(slot, day, zone, place) for place, slot in enumerate(slots)]
    in_order = sorted(range(len(plans)), key=lambda place: plans[place].starts_at)
    for before, after in pairwise(in_order):
        if plans[after].starts_at < plans[before].ends_at:
            raise OverlappingTemplates("slots", max(before, after))
    return plans


def _planned(slot: SlotInput, day: date, zone: ZoneInfo, place: int) -> PlannedSlot:
    start, end = slot["start_time"], slot["end_time"]
    capacity = 1 if (given := slot.get("capacity")) is None else given
    if not 1 <= capacity <= MOST_PLACES:
        problem = f"A slot takes 1 to {MOST_PLACES} bookings."
        raise InvalidInput(problem, "slots", place, "capacity")
    if start >= end != MIDNIGHT:
        problem = "This must be after the start; 00:00 ends the day."
        raise InvalidInput(problem, "slots", place, "end_time")
    starts_at = timetable.instant(day, start, zone)
    last_day = day + timedelta(days=1) if end == MIDNIGHT else day
    ends_at = timetable.instant(last_day, end, zone)
    if ends_at <= starts_at:
        problem = "Clocks are set forward then, and skip this time."
        raise InvalidInput(problem, "slots", place, "start_time")
    return PlannedSlot(starts_at, ends_at, capacity, hours_end_at=ends_at)


async def as_given(session: ReadSession, calendar: Calendar) -> list[SlotInput]:
    """The slots that there are, as somebody would give them."""
    zone = ZoneInfo(calendar.time_zone)

    def on_wall(instant: datetime) -> time:
        return instant.astimezone(zone).time()

    return [
        SlotInput(
            start_time=on_wall(slot.starts_at),
            end_time=on_wall(slot.ends_at),
            capacity=slot.capacity,
        )
        for slot in await present(session, calendar)
    ]


async def present(session: ReadSession, calendar: Calendar) -> list[Slot]:
    """The slots that there are, in order of start."""
    there = (Slot.calendar_id == calendar.id) & (Slot.status != SlotStatus.REMOVED)
    return await session.rows(select(Slot).where(there).order_by(Slot.starts_at))


async def arrange(session: WriteSession, calendar: Calendar, plans: Sequence[PlannedSlot]) -> None:
    """Let a locked calendar have these slots and no others.

    Raises:
        InUse: a slot that would go is booked, or one would have fewer places than are booked.

    """
    wanted = {(plan.starts_at, plan.ends_at): plan for plan in plans}
    changed = []
    for slot in await present(session, calendar):
        plan = wanted.pop((slot.starts_at, slot.ends_at), None)
        if slot.booked_count > (plan.capacity if plan else 0):
            raise InUse("slots")
        if plan is None:
            slot.is_withdrawn = True
            changed.append(slot.id)
        elif plan.capacity != slot.capacity:
            slot.capacity = plan.capacity
            changed.append(slot.id)
    await session.flush()
    # Before new ones are made: at one time there is one slot.
    await refresh_slots(session, changed)
    session.add_all(_made(calendar, plan) for plan in wanted.values())
    await session.flush()


def _made(calendar: Calendar, plan: PlannedSlot) -> Slot:
    return Slot(
        organization_id=calendar.organization_id,
        id=uuid4(),
        calendar_id=calendar.id,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        hours_end_at=plan.hours_end_at,
        capacity=plan.capacity,
        status=SlotStatus.AVAILABLE,
        revision=calendar.revision,
    )
