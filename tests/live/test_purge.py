"""Coming back around a purge: what was removed is heard of, or everything is shown again."""

import asyncio
from datetime import datetime

from sqlalchemy import text

from models import Calendar, Slot
from models.database import Database
from services.calendar.purge import purge_calendar
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.live.test_truth import waits_for_a_lock
from tests.live.views import View, asked, book, doctors_calendar, shown, viewing
from tests.services.test_purge import OLD, clean
from tests.tombstones import MINUTE, WEEK, age, kept, numbers, remove


def days(first: int = 1, last: int = 3) -> dict[str, datetime]:
    """A window of days to come."""
    return {"start": tomorrow(0, days=first), "end": tomorrow(0, days=last + 1)}


async def three_days(clinic: Clinic) -> tuple[Calendar, list[Slot]]:
    """A calendar with a slot on each of three days."""
    calendar = doctors_calendar(clinic)
    return calendar, [await clinic.factory.slot(calendar, tomorrow(days=day)) for day in (1, 2, 3)]


async def seen_once(clinic: Clinic, calendar: Calendar) -> View:
    """A view that has gone after its first update."""
    async with viewing(clinic.public, calendar, **days()) as view:
        await view.next()
    return view


async def test_who_was_away_for_less_than_seven_days_hears_of_each_removed_slot(
    clinic: Clinic, database: Database
) -> None:
    calendar, (first, second, stays) = await three_days(clinic)
    old = await seen_once(clinic, calendar)
    await remove(clinic, calendar, 1, 2)
    await age(database, WEEK - MINUTE, first)
    await clean(database)
    async with viewing(clinic.public, calendar, back=old, **days()) as again:
        update = await again.next()
        picture, now = await asked(clinic.public, calendar, **days())
        assert update == {
            "reset": False,
            "previousCursor": old.cursor,
            "cursor": now,
            "slots": [shown(first, "REMOVED", version=1), shown(second, "REMOVED", version=2)],
        }
        assert again.slots == picture == {id_of(stays): shown(stays, "AVAILABLE", version=0)}


async def test_who_was_away_for_longer_is_shown_everything(
    clinic: Clinic, database: Database
) -> None:
    calendar, (first, second, stays) = await three_days(clinic)
    older = await seen_once(clinic, calendar)
    await remove(clinic, calendar, 1)
    younger = await seen_once(clinic, calendar)
    await remove(clinic, calendar, 2)
    await age(database, OLD, first)
    await clean(database)
    assert await kept(database, calendar) == {second.id, stays.id}
    picture, now = await asked(clinic.public, calendar, **days())
    async with viewing(clinic.public, calendar, back=older, **days()) as again:
        update = await again.next()
        slots = [shown(stays, "AVAILABLE", version=0)]
        assert update == {"reset": True, "previousCursor": None, "cursor": now, "slots": slots}
        assert again.slots == picture
    # The purge reaches to where this one stands, and no further.
    async with viewing(clinic.public, calendar, back=younger, **days()) as again:
        update = await again.next()
        slots = [shown(second, "REMOVED", version=2)]
        expected = {"reset": False, "previousCursor": younger.cursor, "cursor": now}
        assert update == {**expected, "slots": slots}
        assert again.slots == picture


async def test_a_stream_that_is_open_goes_on_as_if_nothing_had_been_purged(
    clinic: Clinic, database: Database
) -> None:
    calendar, (first, _, last) = await three_days(clinic)
    async with (
        viewing(clinic.public, calendar, **days()) as view,
        viewing(clinic.public, calendar, **days(first=3)) as unaware,
    ):
        await view.next()
        begun = await unaware.next()
        await remove(clinic, calendar, 1)
        told = await view.next()
        assert told["slots"] == [shown(first, "REMOVED", version=1)]
        await age(database, OLD, first)
        await clean(database)
        assert await numbers(database, calendar) == (1, 1)
        await book(clinic.patient, last)
        slots = [shown(last, "BOOKED", version=2, booked=1)]
        update = await view.next()
        assert (update["reset"], update["previousCursor"]) == (False, told["cursor"])
        assert update["slots"] == slots
        # Nothing that it shows was removed: its own cursor is older than the purge.
        update = await unaware.next()
        assert (update["reset"], update["previousCursor"]) == (False, begun["cursor"])
        assert update["slots"] == slots
        assert view.slots == (await asked(clinic.public, calendar, **days()))[0]


async def test_who_comes_back_in_the_middle_of_a_purge_hears_of_all_that_it_deletes(
    clinic: Clinic, database: Database
) -> None:
    calendar, (first, second, stays) = await three_days(clinic)
    old = await seen_once(clinic, calendar)
    await remove(clinic, calendar, 1, 2)
    await age(database, OLD, first, second)
    async with database.writing(calendar.organization_id) as session:
        assert await purge_calendar(session, calendar.id) == 2
        async with viewing(clinic.public, calendar, back=old, **days()) as again:
            update = await again.next()
            assert (update["reset"], update["previousCursor"]) == (False, old.cursor)
            assert update["slots"] == [
                shown(first, "REMOVED", version=1),
                shown(second, "REMOVED", version=2),
            ]
    # A window of its own: those who ask for the same within a second are sent the same.
    async with viewing(clinic.public, calendar, back=old, **days(last=4)) as late:
        update = await late.next()
        assert (update["reset"], update["previousCursor"]) == (True, None)
        assert update["slots"] == [shown(stays, "AVAILABLE", version=0)]
    assert late.slots == again.slots == (await asked(clinic.public, calendar, **days()))[0]


async def test_who_is_about_to_read_while_a_purge_commits_is_shown_everything(
    clinic: Clinic, database: Database
) -> None:
    """The view stands before the slots and may not read them; then all of the purge has happened,
    and it must not believe anything that it knew of the calendar before."""
    calendar, (first, second, stays) = await three_days(clinic)
    old = await seen_once(clinic, calendar)
    await remove(clinic, calendar, 1, 2)
    await age(database, OLD, first, second)
    async with viewing(clinic.public, calendar, back=old, **days()) as again:
        async with database.writing(calendar.organization_id) as session:
            await session.execute(text("LOCK TABLE slots IN ACCESS EXCLUSIVE MODE"))
            assert await purge_calendar(session, calendar.id) == 2
            coming = asyncio.create_task(again.next())
            await waits_for_a_lock(database)
            assert not coming.done()
        update = await coming
        assert (update["reset"], update["previousCursor"]) == (True, None)
        assert again.slots == {id_of(stays): shown(stays, "AVAILABLE", version=0)}
