"""Coming back with a cursor: exactly what was missed, or the whole window where that is unknown."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from gql.transport.exceptions import TransportQueryError
from sqlalchemy import text

from models import Calendar, Role
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, Clinic
from tests.factories import Factory, id_of, tomorrow
from tests.live.views import (
    View,
    asked,
    book,
    change_behind_the_api,
    doctors_calendar,
    shown,
    viewing,
)


def cursor(calendar: Calendar, place: bytes) -> str:
    """A cursor written by hand: the calendar, and eight bytes of revision."""
    return base64.urlsafe_b64encode(calendar.id.bytes + place).decode()


async def seen_once(clinic: Clinic, calendar: Calendar) -> View:
    """A view that has gone after its first update."""
    async with viewing(clinic.public, calendar) as view:
        await view.next()
    return view


async def test_what_was_missed_comes_as_one_update_with_the_last_state_of_each_slot(
    clinic: Clinic,
) -> None:
    calendar = doctors_calendar(clinic)
    often, once, never = await clinic.factory.slots(calendar, tomorrow(), 3)
    view = await seen_once(clinic, calendar)
    for _ in range(2):
        made = await book(clinic.patient, often)
        await clinic.patient.done(
            "cancelAppointment", "appointment { id }", appointmentId=made["id"]
        )
    await book(clinic.patient, often)
    await book(clinic.patient, once)
    async with viewing(clinic.public, calendar, back=view) as again:
        update = await again.next()
        picture, now = await asked(clinic.public, calendar)
        assert update == {
            "reset": False,
            "previousCursor": view.cursor,
            "cursor": now,
            "slots": [
                shown(often, "BOOKED", version=5, booked=1),
                shown(once, "BOOKED", version=6, booked=1),
            ],
        }
        assert again.slots == picture
        assert picture[id_of(never)] == shown(never, "AVAILABLE", version=0)


async def test_who_missed_nothing_is_told_so_at_once(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    view = await seen_once(clinic, calendar)
    async with viewing(clinic.public, calendar, back=view) as again:
        assert await again.next() == {
            "reset": False,
            "cursor": view.cursor,
            "previousCursor": view.cursor,
            "slots": [],
        }
        await book(clinic.patient, slot)
        assert (await again.next())["previousCursor"] == view.cursor


async def test_a_slot_that_was_removed_meanwhile_is_named(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    view = await seen_once(clinic, calendar)
    doctor = clinic.person(Role.DOCTOR).doctor
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    async with viewing(clinic.public, calendar, back=view) as again:
        assert (await again.next())["slots"] == [shown(slot, "REMOVED", version=1)]
        assert again.slots == {}


async def test_what_was_missed_outside_of_the_window_is_left_out(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    inside = await clinic.factory.slot(calendar, tomorrow())
    outside = await clinic.factory.slot(calendar, tomorrow(0) - timedelta(minutes=30))
    view = await seen_once(clinic, calendar)
    await book(clinic.patient, outside)
    await book(clinic.patient, inside)
    async with viewing(clinic.public, calendar, back=view) as again:
        assert (await again.next())["slots"] == [shown(inside, "BOOKED", version=2, booked=1)]


async def test_the_cursor_of_another_calendar_starts_again(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    other = (await clinic.factory.person(Role.DOCTOR)).calendar
    _, foreign = await asked(clinic.public, other)
    async with viewing(clinic.public, calendar, after=foreign) as view:
        update = await view.next()
    assert (update["reset"], update["previousCursor"]) == (True, None)
    assert update["slots"] == [shown(slot, "AVAILABLE", version=0)]


async def test_the_cursor_of_another_organization_starts_again_and_opens_nothing(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    elsewhere = await create_organization(
        database, slug=f"{clinic.public.slug}-b", name="B", time_zone="UTC", locale="en"
    )
    other = (await Factory(database, CONFIG, elsewhere).person(Role.DOCTOR)).calendar
    assert other is not None
    there = Api(clinic.public.url, clinic.public.http, elsewhere.slug)
    _, foreign = await asked(there, other)
    async with viewing(clinic.public, calendar, after=foreign) as view:
        update = await view.next()
        assert (update["reset"], update["previousCursor"]) == (True, None)
        assert update["slots"] == [shown(slot, "AVAILABLE", version=0)]
    async with viewing(clinic.public, other, after=foreign) as view:
        with pytest.raises(TransportQueryError) as refused:
            await view.next()
    assert refused.value.errors is not None
    (error,) = refused.value.errors
    assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "place", [(2).to_bytes(8), (2**63 - 1).to_bytes(8), (2**63).to_bytes(8), b"\xff" * 8]
)
async def test_a_cursor_from_the_future_starts_again(clinic: Clinic, place: bytes) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await book(clinic.patient, slot)
    async with viewing(clinic.public, calendar, after=cursor(calendar, place)) as view:
        update = await view.next()
    assert (update["reset"], update["previousCursor"]) == (True, None)
    assert update["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def test_a_cursor_from_before_the_purge_starts_again(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slot, other = await clinic.factory.slots(calendar, tomorrow(), 2)
    old = await seen_once(clinic, calendar)
    await book(clinic.patient, slot)
    kept = await seen_once(clinic, calendar)
    await purge(database, calendar, through=1)
    async with viewing(clinic.public, calendar, back=old) as again:
        update = await again.next()
        assert (update["reset"], update["previousCursor"]) == (True, None)
        assert again.slots == (await asked(clinic.public, calendar))[0]
    await book(clinic.patient, other)
    async with viewing(clinic.public, calendar, back=kept) as again:
        update = await again.next()
        assert (update["reset"], update["previousCursor"]) == (False, kept.cursor)
        assert update["slots"] == [shown(other, "BOOKED", version=2, booked=1)]


async def test_a_stream_that_the_purge_has_overtaken_starts_again(
    clinic: Clinic, database: Database
) -> None:
    """As when this process could not reach the database while another one purged."""
    calendar = doctors_calendar(clinic)
    gone, stays = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        async with database.crossing_organizations() as session:
            await session.execute(text("DELETE FROM slots WHERE id = :id"), {"id": gone.id})
            await session.execute(
                text("UPDATE calendars SET revision = 2, purged_through = 1 WHERE id = :id"),
                {"id": calendar.id},
            )
        update = await view.next()
        assert (update["reset"], update["previousCursor"]) == (True, None)
        assert view.slots == {id_of(stays): shown(stays, "AVAILABLE", version=0)}
        await book(clinic.patient, stays)
        after = await view.next()
        assert (after["reset"], after["previousCursor"]) == (False, update["cursor"])


async def purge(database: Database, calendar: Calendar, *, through: int) -> None:
    """Forget the tombstones up to a revision."""
    async with database.crossing_organizations() as session:
        await session.execute(
            text("UPDATE calendars SET purged_through = :through WHERE id = :id"),
            {"through": through, "id": calendar.id},
        )


@pytest.mark.parametrize(
    "garbage", ["", "x", "no cursor at all", "ñ", "AAAA", base64.b64encode(b"a" * 25).decode()]
)
async def test_garbage_is_no_cursor(clinic: Clinic, garbage: str) -> None:
    await refused_as_a_cursor(clinic, garbage)


@pytest.mark.parametrize("spoiled", ["{}!", " {}", "{}\n", "{}AAAA", "!{}", "{}\u200b"])
async def test_a_cursor_with_something_added_is_none(clinic: Clinic, spoiled: str) -> None:
    _, good = await asked(clinic.public, doctors_calendar(clinic))
    await refused_as_a_cursor(clinic, spoiled.format(good))


async def refused_as_a_cursor(clinic: Clinic, after: str) -> None:
    """A stream with this for a cursor must not begin."""
    async with viewing(clinic.public, doctors_calendar(clinic), after=after) as view:
        with pytest.raises(TransportQueryError) as refused:
            await view.next()
    assert refused.value.errors is not None
    (error,) = refused.value.errors
    assert error["message"] == "after: This is not a cursor."
    assert error["extensions"]["code"] == "BAD_INPUT"


async def test_a_cursor_of_absurd_length_is_refused_before_anything_is_done(
    clinic: Clinic,
) -> None:
    async with viewing(clinic.public, doctors_calendar(clinic), after="a" * 201) as view:
        with pytest.raises(TransportQueryError, match="not a cursor"):
            await view.next()


async def test_a_change_between_query_and_subscription_is_not_missed(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    picture, after = await asked(clinic.public, calendar)
    await change_behind_the_api(database, slots[0], "BLOCKED")
    await book(clinic.patient, slots[1])
    async with viewing(clinic.public, calendar, after=after) as view:
        view.slots = picture
        update = await view.next()
        assert (update["reset"], update["previousCursor"]) == (False, after)
        assert update["slots"] == [
            shown(slots[0], "BLOCKED", version=1),
            shown(slots[1], "BOOKED", version=2, booked=1),
        ]
        assert view.slots == (await asked(clinic.public, calendar))[0]


async def test_the_cursor_of_a_query_is_never_newer_than_its_slots(
    clinic: Clinic, database: Database
) -> None:
    """While somebody changes a slot all the time, each query's picture and cursor fit together:
    what the picture lacks, the stream behind the cursor brings."""
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    stop = datetime.now(UTC) + timedelta(seconds=1)
    newest = 0

    async def keep_changing() -> None:
        nonlocal newest
        while datetime.now(UTC) < stop:
            status = "BLOCKED" if newest % 2 == 0 else "AVAILABLE"
            newest = await change_behind_the_api(database, slot, status)

    async def keep_asking() -> int:
        pairs = 0
        while datetime.now(UTC) < stop:
            picture, after = await asked(clinic.public, calendar)
            revision = int.from_bytes(base64.urlsafe_b64decode(after)[16:])
            assert revision <= picture[id_of(slot)]["version"]
            pairs += 1
        return pairs

    async with asyncio.TaskGroup() as together:
        together.create_task(keep_changing())
        asking = together.create_task(keep_asking())
    assert asking.result() > 0
