"""Tombstones: which of them go, what their calendar says then, and that nobody is disturbed."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models import Calendar, Role, Slot, SlotStatus
from models.database import Database
from services.calendar.purge import BATCH, purge_calendar
from services.housekeeping import clean_up
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, Clinic
from tests.factories import Factory, id_of, tomorrow
from tests.live.views import book, doctors_calendar
from tests.tombstones import MINUTE, WEEK, age, kept, numbers, remove

OLD = WEEK + MINUTE


async def clean(database: Database) -> None:
    """What a server does every hour."""
    await clean_up(database, datetime.now(UTC))


async def cancel(api: Api, appointment_id: str) -> None:
    await api.done("cancelAppointment", "appointment { id }", appointmentId=appointment_id)


async def test_tombstones_go_after_seven_days_and_nothing_else_does(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    old, young, there = [
        await clinic.factory.slot(calendar, tomorrow(days=day)) for day in (1, 2, 3)
    ]
    past = await clinic.factory.slot(calendar, tomorrow(days=-30))
    await remove(clinic, calendar, 1, 2)
    await age(database, OLD, old)
    await age(database, WEEK - MINUTE, young)
    await clean(database)
    assert await kept(database, calendar) == {young.id, there.id, past.id}
    assert await numbers(database, calendar) == (2, 1)
    await age(database, OLD, young)
    await clean(database)
    assert await kept(database, calendar) == {there.id, past.id}
    assert await numbers(database, calendar) == (2, 2)


async def test_a_tombstone_with_an_appointment_stays(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    cancelled = await clinic.factory.slot(calendar, tomorrow())
    left = await clinic.factory.slot(calendar, tomorrow(10))
    never, entered = [await clinic.factory.slot(calendar, tomorrow(days=day)) for day in (2, 3)]
    made = await book(clinic.patient, cancelled)
    await cancel(clinic.patient, made["id"])
    moved = await book(clinic.patient, left)
    await remove(clinic, calendar, 1, 2)
    await clinic.patient.done(
        "rescheduleAppointment",
        "appointment { id }",
        appointmentId=moved["id"],
        slotId=id_of(entered),
    )
    await age(database, OLD, cancelled, left, never)
    await clean(database)
    assert await kept(database, calendar) == {cancelled.id, left.id, entered.id}
    # Two bookings and a cancellation, then the day of the first two, then that of `never`.
    assert await numbers(database, calendar) == (6, 5)
    document = (
        "query ($id: ID!) { node(id: $id) { ... on Appointment { rescheduledFrom { id } } } }"
    )
    found = await clinic.patient.ask(document, id=moved["id"])
    assert found["node"] == {"rescheduledFrom": {"id": id_of(left)}}


async def test_what_is_purged_is_never_taken_back(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await remove(clinic, calendar, 1)
    await age(database, OLD, slot)
    async with database.crossing_organizations() as session:
        await session.execute(
            text("UPDATE calendars SET revision = 9, purged_through = 5 WHERE id = :id"),
            {"id": calendar.id},
        )
    await clean(database)
    assert await kept(database, calendar) == set()
    assert await numbers(database, calendar) == (9, 5)


async def test_each_calendar_of_each_organization_is_purged_up_to_its_own_revision(
    clinic: Clinic, database: Database
) -> None:
    elsewhere = await create_organization(
        database, slug=f"{clinic.public.slug}-b", name="B", time_zone="UTC", locale="en"
    )
    factories = (clinic.factory, clinic.factory, Factory(database, CONFIG, elsewhere))
    calendars = [(await factory.person(Role.DOCTOR)).calendar for factory in factories]
    for place, (factory, calendar) in enumerate(zip(factories, calendars, strict=True), start=1):
        assert calendar is not None
        await tombstones(factory, calendar, [place, 3 * place])
    await clean(database)
    assert [await numbers(database, calendar) for calendar in calendars] == [
        (10_000, 3),
        (10_000, 6),
        (10_000, 9),
    ]
    assert [await kept(database, calendar) for calendar in calendars] == [set(), set(), set()]


async def tombstones(factory: Factory, calendar: Calendar, revisions: list[int]) -> None:
    """Tombstones of eight days ago, at these revisions, in a calendar that has gone on since."""
    await factory.add(
        *(
            Slot(
                organization_id=calendar.organization_id,
                calendar_id=calendar.id,
                starts_at=tomorrow(),
                ends_at=tomorrow(10),
                hours_end_at=tomorrow(10),
                status=SlotStatus.REMOVED,
                capacity=1,
                revision=revision,
                removed_at=datetime.now(UTC) - timedelta(days=8),
            )
            for revision in revisions
        )
    )
    async with factory.database.crossing_organizations() as session:
        statement = text("UPDATE calendars SET revision = 10000 WHERE id = :id")
        await session.execute(statement, {"id": calendar.id})


async def test_many_go_batch_by_batch_the_oldest_first(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    await tombstones(clinic.factory, calendar, list(range(2 * BATCH + 1, 0, -1)))
    assert await purged(database, calendar.organization_id, calendar) == BATCH
    assert await numbers(database, calendar) == (10_000, BATCH)
    await clean(database)
    assert await kept(database, calendar) == set()
    assert await numbers(database, calendar) == (10_000, 2 * BATCH + 1)


async def purged(database: Database, organization_id: UUID, calendar: Calendar) -> int:
    """How many tombstones one batch has taken."""
    async with database.writing(organization_id) as session:
        return await purge_calendar(session, calendar.id)


# ------------------------------------------------------------ beside others


async def test_whoever_changes_the_calendar_is_not_waited_for(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    await tombstones(clinic.factory, calendar, [1])
    async with database.crossing_organizations() as session:
        statement = text("UPDATE calendars SET revision = revision + 1 WHERE id = :id")
        await session.execute(statement, {"id": calendar.id})
        async with asyncio.timeout(5):
            await clean(database)
        assert len(await kept(database, calendar)) == 1
    await clean(database)
    assert await kept(database, calendar) == set()
    assert await numbers(database, calendar) == (10_001, 1)


async def test_of_two_who_purge_at_once_one_does(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    await tombstones(clinic.factory, calendar, [1, 2])
    async with database.writing(calendar.organization_id) as session:
        assert await purge_calendar(session, calendar.id) == 2
        async with asyncio.timeout(5):
            assert await purged(database, calendar.organization_id, calendar) == 0
    assert await kept(database, calendar) == set()
    assert await numbers(database, calendar) == (10_000, 2)


async def test_a_booking_waits_for_one_batch_and_is_made(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await tombstones(clinic.factory, calendar, [1])
    async with database.writing(calendar.organization_id) as session:
        assert await purge_calendar(session, calendar.id) == 1
        booking = asyncio.create_task(book(clinic.patient, slot))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(booking), 0.2)
    assert (await booking)["reference"]
    assert await numbers(database, calendar) == (10_001, 1)
    assert await kept(database, calendar) == {slot.id}
