"""How a change reaches the views of every process: by a hint at once, by the sweep at the latest.

Servers without a sweep prove the hints; servers that share no hints prove the sweep.
"""

import asyncio

import asyncpg

from models.database import Database
from tests.brokers import LISTENERS
from tests.conftest import CONFIG, Clinic
from tests.factories import tomorrow
from tests.live.views import (
    another_server,
    book,
    change_behind_the_api,
    doctors_calendar,
    shown,
    viewing,
)
from tests.processes import ServerProcess, settings

NEVER = 3600.0


async def test_a_change_in_one_process_reaches_the_views_of_another_by_a_hint(
    clinic: Clinic, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot, other = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with (
        another_server(clinic.patient, database_url, sweep_seconds=NEVER) as here,
        another_server(clinic.patient, database_url, sweep_seconds=NEVER) as there,
        viewing(here, calendar) as view,
        viewing(there, calendar) as opposite,
    ):
        await view.next()
        await opposite.next()
        await book(there, slot)
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        await opposite.next()
        await book(here, other)
        assert (await opposite.next())["slots"] == [shown(other, "BOOKED", version=2, booked=1)]


async def test_a_change_that_nobody_hinted_at_arrives_by_the_sweep(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        await change_behind_the_api(database, slot, "BLOCKED")
        assert (await view.next())["slots"] == [shown(slot, "BLOCKED", version=1)]


async def test_processes_that_share_no_hints_agree_by_the_sweep(
    clinic: Clinic, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with (
        another_server(
            clinic.patient, database_url, broadcast_url="memory://", sweep_seconds=0.1
        ) as here,
        viewing(here, calendar) as view,
    ):
        await view.next()
        await book(clinic.patient, slot)
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def test_one_process_needs_neither_a_broker_nor_the_sweep(
    clinic: Clinic, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with (
        another_server(
            clinic.patient, database_url, broadcast_url="memory://", sweep_seconds=NEVER
        ) as here,
        viewing(here, calendar) as view,
        viewing(here, calendar) as another,
    ):
        await view.next()
        await another.next()
        await book(here, slot)
        for each in (view, another):
            assert (await each.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def test_the_database_may_be_named_as_the_broker(clinic: Clinic, database_url: str) -> None:
    address = database_url.replace("postgresql+asyncpg://", "postgres://", 1)
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with (
        another_server(
            clinic.patient, database_url, broadcast_url=address, sweep_seconds=NEVER
        ) as here,
        viewing(here, calendar) as view,
    ):
        await view.next()
        await book(clinic.patient, slot)
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def listeners(connection: asyncpg.Connection) -> set[int]:
    """The processes of the database that serve hints."""
    return {row["pid"] for row in await connection.fetch(LISTENERS)}


async def test_hints_come_back_after_their_connection_was_cut(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    connection = await asyncpg.connect(database.dsn)
    async with (
        another_server(clinic.patient, database_url, sweep_seconds=NEVER) as here,
        viewing(here, calendar) as view,
    ):
        await view.next()
        before = await listeners(connection)
        for pid in before:
            await connection.execute("SELECT pg_terminate_backend($1)", pid)
        async with asyncio.timeout(20):
            while len(await listeners(connection) - before) < len(before):
                await connection.execute("SELECT pg_sleep(0.02)")
        await book(clinic.patient, slots[0])
        assert (await view.next())["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
    await connection.close()


async def test_changes_arrive_while_the_connection_of_the_hints_is_cut_again_and_again(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 4)
    connection = await asyncpg.connect(database.dsn)
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        for version, slot in enumerate(slots, start=1):
            for pid in await listeners(connection):
                await connection.execute("SELECT pg_terminate_backend($1)", pid)
            if version % 2:
                await change_behind_the_api(database, slot, "BLOCKED")
                assert (await view.next())["slots"] == [shown(slot, "BLOCKED", version=version)]
            else:
                await book(clinic.patient, slot)
                expected = [shown(slot, "BOOKED", version=version, booked=1)]
                assert (await view.next())["slots"] == expected
    await connection.close()


async def test_a_hint_that_is_none_is_harmless(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    connection = await asyncpg.connect(database.dsn)
    async with viewing(clinic.public, calendar) as view:
        first = await view.next()
        for said in ("", "x", "x:1", f"{calendar.id.hex}:x", f"{calendar.id.hex}:"):
            await connection.execute("SELECT pg_notify('calendars', $1)", said)
        await book(clinic.patient, slot)
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert update["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
    await connection.close()


async def test_a_hint_at_a_revision_that_does_not_exist_is_harmless(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    """As after a restored backup: what was announced before is not there any more."""
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    connection = await asyncpg.connect(database.dsn)
    environment = settings(database_url, SECRET_KEY=CONFIG.secret_key)
    async with ServerProcess(environment) as server:
        api = server.api(clinic.public.http, clinic.public.slug, clinic.patient.token)
        async with viewing(api, calendar) as view, viewing(api, calendar) as another:
            first = await view.next()
            await another.next()
            await connection.execute(
                "SELECT pg_notify('calendars', $1)", f"{calendar.id.hex}:999999"
            )
            await connection.execute("SELECT pg_sleep(0.2)")
            await book(api, slots[0])
            for each in (view, another):
                update = await each.next()
                assert update["previousCursor"] == first["cursor"]
                assert update["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
            await change_behind_the_api(database, slots[1], "BLOCKED")
            for each in (view, another):
                assert (await each.next())["slots"] == [shown(slots[1], "BLOCKED", version=2)]
    await connection.close()
