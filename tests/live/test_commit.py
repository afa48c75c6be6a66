"""What is not committed is shown to nobody: not while the commit is under way, nor if it fails."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import Role
from models.database import Database
from tests.brokers import PATIENCE, RedisChannel, hints_of, joined, told_until
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.live.views import another_server, asked, book, doctors_calendar, shown, viewing

NEVER = 3600.0
REFUSED, HELD = "refused at the commit", "held up at the commit"
# Deferred: it runs at the commit. A booking that is held up waits for a lock of the test.
LOCK = 7_301
TRIGGER = f"""
    CREATE FUNCTION at_the_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.reason = '{REFUSED}' THEN
            RAISE EXCEPTION 'refused';
        ELSIF NEW.reason = '{HELD}' THEN
            PERFORM pg_advisory_xact_lock({LOCK});
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER at_the_commit AFTER INSERT ON appointments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_the_commit();
"""
WAITS = f"SELECT count(*) FROM pg_locks WHERE objid = {LOCK} AND NOT granted"


@pytest.fixture
async def at_the_commit(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Appointments whose reason says what happens at their commit."""
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(TRIGGER)
    yield connection
    await connection.execute("DROP FUNCTION at_the_commit CASCADE")
    await connection.close()


BOOKING = """
mutation ($slot: ID!, $reason: String!) {
  bookAppointment(input: { slotId: $slot, reason: $reason }) { appointment { id } }
}
"""


async def test_a_booking_whose_commit_is_refused_is_an_error_and_nobody_is_told(
    clinic: Clinic, database_url: str, redis: RedisChannel, at_the_commit: asyncpg.Connection
) -> None:
    calendar = doctors_calendar(clinic)
    slot, other = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with (
        another_server(
            clinic.patient, database_url, broadcast_url=redis.url(), sweep_seconds=NEVER
        ) as here,
        viewing(here, calendar) as view,
    ):
        first = await view.next()
        await joined(redis, 1)
        assert await here.error_code(BOOKING, slot=id_of(slot), reason=REFUSED) == "INTERNAL"
        assert await asked(here, calendar) == (view.slots, first["cursor"])
        await book(here, other)
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert update["slots"] == [shown(other, "BOOKED", version=1, booked=1)]
    await redis.say("the end")
    told = await told_until(redis, "the end")
    assert hints_of(calendar.id, *told) == [f"{calendar.id.hex}:1"]


async def test_nobody_is_told_of_a_booking_before_it_is_committed(
    clinic: Clinic, database_url: str, redis: RedisChannel, at_the_commit: asyncpg.Connection
) -> None:
    calendar = doctors_calendar(clinic)
    colleague = (await clinic.factory.person(Role.DOCTOR)).calendar
    assert colleague is not None
    slot = await clinic.factory.slot(calendar, tomorrow(9))
    elsewhere = await clinic.factory.slot(colleague, tomorrow(12))
    async with (
        another_server(
            clinic.patient, database_url, broadcast_url=redis.url(), sweep_seconds=NEVER
        ) as here,
        viewing(here, calendar) as view,
        viewing(here, colleague) as beside,
    ):
        await view.next()
        await beside.next()
        await joined(redis, 1)
        await at_the_commit.execute(f"SELECT pg_advisory_lock({LOCK})")
        booking = asyncio.create_task(book(here, slot, reason=HELD))
        async with asyncio.timeout(PATIENCE):
            while not await at_the_commit.fetchval(WAITS):
                await at_the_commit.execute("SELECT pg_sleep(0.01)")
        # What this process tells now, it would tell after a hint that came too early.
        somebody = here.signed_in((await clinic.factory.person(Role.PATIENT)).token)
        await book(somebody, elsewhere)
        await beside.next()
        assert hints_of(colleague.id, await redis.next()) == [f"{colleague.id.hex}:1"]
        await at_the_commit.execute(f"SELECT pg_advisory_unlock({LOCK})")
        await booking
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        assert hints_of(calendar.id, await redis.next()) == [f"{calendar.id.hex}:1"]
