"""Making slots, changing them and taking them away: what a difference says, in one statement for
each kind of change and for any number of calendars.

Parts of acts; the calendars are locked and their revisions raised.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, exists, func, literal, select, text, update

from models import Calendar, Claim, Slot
from models.database import ReadSession, WriteSession
from services.calendar.claims import LONGEST_BUFFER, lying_in
from services.calendar.difference import Difference, Present
from services.calendar.opened import opened_by
from services.calendar.refreshing import refresh_slots
from services.timetable import PlannedSlot

ONE_DAY = timedelta(days=1)

# No slot is longer than a day: the index on the start can be used from there.
PRESENT = text("""
    SELECT slots.calendar_id, slots.id, starts_at, ends_at, capacity, booked_count, is_withdrawn,
           hours_end_at
    FROM unnest(CAST(:calendar_ids AS uuid[]), CAST(:begins AS timestamptz[]),
                CAST(:ends AS timestamptz[])) AS asked (calendar_id, begin_at, end_at)
    JOIN slots ON slots.organization_id = :organization_id AND slots.status <> 'REMOVED'
              AND slots.calendar_id = asked.calendar_id
              AND slots.starts_at < asked.end_at AND slots.ends_at > asked.begin_at
              AND slots.starts_at > asked.begin_at - interval '1 day'
    ORDER BY slots.calendar_id, starts_at
""")
INSERT = text("""
    INSERT INTO slots (organization_id, id, calendar_id, starts_at, ends_at, hours_end_at, capacity,
                       status, booked_count, is_withdrawn, revision)
    SELECT :organization_id, gen_random_uuid(), planned.calendar_id, planned.starts_at,
           planned.ends_at, planned.hours_end_at, planned.capacity, 'AVAILABLE', 0, false,
           calendars.revision
    FROM unnest(CAST(:calendar_ids AS uuid[]), CAST(:starts AS timestamptz[]),
                CAST(:ends AS timestamptz[]), CAST(:hours_end AS timestamptz[]),
                CAST(:capacities AS smallint[]))
         AS planned (calendar_id, starts_at, ends_at, hours_end_at, capacity)
    JOIN calendars ON calendars.organization_id = :organization_id
                  AND calendars.id = planned.calendar_id
    RETURNING id, calendar_id, starts_at, ends_at
""")
HOURS_END = text("""
    UPDATE slots SET hours_end_at = planned.hours_end_at
    FROM unnest(CAST(:slot_ids AS uuid[]), CAST(:hours_end AS timestamptz[]))
         AS planned (id, hours_end_at)
    WHERE slots.organization_id = :organization_id AND slots.id = planned.id
""")


async def present_slots(
    session: ReadSession, asked: Sequence[tuple[UUID, datetime, datetime]]
) -> dict[UUID, list[Present]]:
    """The slots of each calendar that overlap a time that is asked about, in order of start."""
    values = {
        "organization_id": session.organization_id,
        "calendar_ids": [calendar_id for calendar_id, _, _ in asked],
        "begins": [begin for _, begin, _ in asked],
        "ends": [end for _, _, end in asked],
    }
    found: dict[UUID, list[Present]] = {}
    for calendar_id, *slot in await session.execute(PRESENT, values):
        of_calendar = found.setdefault(calendar_id, [])
        # One that overlaps two of the times comes twice.
        if not of_calendar or of_calendar[-1][0] != slot[0]:
            of_calendar.append(tuple(slot))
    return found


async def carry_out(session: WriteSession, differences: Mapping[UUID, Difference]) -> None:
    """Make the differences of calendars true."""
    changes = differences.values()
    reopen = [id for one in changes for id in one.reopen]
    # A withdrawn slot is gone with its last appointment: the ones to remove have none.
    withdrawn = [id for one in changes for id in (*one.withdraw, *one.remove)]
    hours_end = {id: end for one in changes for id, end in one.hours_end.items()}
    resize: dict[int, list[UUID]] = {}
    for one in changes:
        for capacity, ids in one.resize.items():
            resize.setdefault(capacity, []).extend(ids)
    told = [*reopen, *withdrawn, *hours_end]
    for capacity, ids in resize.items():
        told += ids
        await _set(session, ids, capacity=capacity)
    await _set(session, reopen, is_withdrawn=False)
    await _set(session, withdrawn, is_withdrawn=True)
    if hours_end:
        values = {
            "organization_id": session.organization_id,
            "slot_ids": list(hours_end),
            "hours_end": list(hours_end.values()),
        }
        await session.execute(HOURS_END, values)
    if told:
        await refresh_slots(session, list(dict.fromkeys(told)))
    await make(session, {calendar_id: one.create for calendar_id, one in differences.items()})


async def make(session: WriteSession, plans: Mapping[UUID, Sequence[PlannedSlot]]) -> None:
    """Make the slots that are planned for calendars, where there are none."""
    planned = [(calendar_id, slot) for calendar_id, slots in plans.items() for slot in slots]
    if not planned:
        return
    values: dict[str, Any] = {
        "organization_id": session.organization_id,
        "calendar_ids": [calendar_id for calendar_id, _ in planned],
        "starts": [slot.starts_at for _, slot in planned],
        "ends": [slot.ends_at for _, slot in planned],
        "hours_end": [slot.hours_end_at for _, slot in planned],
        "capacities": [slot.capacity for _, slot in planned],
    }
    made = (await session.execute(INSERT, values)).all()
    opened_by(session).free += [(slot.calendar_id, slot.starts_at, slot.ends_at) for slot in made]
    claimed = exists().where(
        Claim.calendar_id == any_(literal(list(plans), ARRAY(Uuid()))),
        lying_in(min(values["starts"]) - LONGEST_BUFFER, max(values["ends"])),
    )
    # Mostly nothing is taken there; what is, closed or visited, shows in the new slots.
    if (await session.execute(select(claimed))).scalar_one():
        await _refresh_claimed(session, [slot.id for slot in made])


async def _refresh_claimed(session: WriteSession, made: Sequence[UUID]) -> None:
    """Have those of new slots say so that lie in a time that is taken or kept clear."""
    around = lying_in(Slot.starts_at - LONGEST_BUFFER, Slot.ends_at)
    claimed = exists().where(Claim.calendar_id == Slot.calendar_id, around)
    among = Slot.id == any_(literal(list(made), ARRAY(Uuid())))
    if found := await session.rows(select(Slot.id).where(among, claimed)):
        await refresh_slots(session, found)


async def mark_made(
    session: WriteSession, calendar: Calendar, first_day: date, last_day: date
) -> None:
    """Note that the slots of some days of a calendar, both included, have been made."""
    days = func.datemultirange(func.daterange(first_day, last_day + ONE_DAY))
    await session.execute(
        update(Calendar)
        .where(Calendar.id == calendar.id)
        .values(made_days=Calendar.made_days.op("+")(days))
        .execution_options(synchronize_session=False)
    )


async def _set(session: WriteSession, ids: Sequence[UUID], **values: object) -> None:
    if ids:
        await session.execute(
            update(Slot)
            .where(Slot.id == any_(literal(list(ids), ARRAY(Uuid()))))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
