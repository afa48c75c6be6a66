"""Migrations: up, down and up again, and nothing left for autogenerate to do."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from models import Base
from models.database import Database
from models.migration import configuration, migrate
from tests.models.one_of_each import fill

# Whatever a database consists of, as PostgreSQL itself writes it down.
CATALOG = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
       || ' ' || coalesce(column_default, '') AS line
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'enum ' || typname || ' ' || string_agg(enumlabel, ' ' ORDER BY enumsortorder)
FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname
ORDER BY line
"""

# As the first tables had them: a free slot and a tombstone.
TWO_SLOTS = """
WITH organization AS (
    INSERT INTO organizations (id, slug, name, time_zone, locale, horizon_months,
                               minimum_notice_minutes, cancellation_notice_minutes, hold_minutes)
    VALUES (gen_random_uuid(), 'a', 'A', 'UTC', 'en', 1, 0, 0, 10) RETURNING id),
calendar AS (
    INSERT INTO calendars (organization_id, id, time_zone)
    SELECT id, gen_random_uuid(), 'UTC' FROM organization RETURNING organization_id, id)
INSERT INTO slots (organization_id, id, calendar_id, starts_at, ends_at, status, capacity, revision)
SELECT organization_id, gen_random_uuid(), calendar.id, now(), now() + interval '1 hour',
       status::slot_status, 1, 0
FROM calendar, unnest(ARRAY['AVAILABLE', 'REMOVED']) AS status
"""


@pytest.fixture
async def url(database: Database) -> AsyncIterator[str]:
    """The address of an empty database of the test's own."""
    name = f"migrated_{token_hex(6)}"
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield database.url.set(database=name).render_as_string(hide_password=False)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def catalog(url: str) -> list[str]:
    """What the database consists of, Alembic's own table aside."""
    connection = await asyncpg.connect(Database(url).dsn)
    rows = await connection.fetch(CATALOG)
    await connection.close()
    return [row["line"] for row in rows if "alembic_version" not in row["line"]]


async def test_up_down_and_up_again_leaves_the_same_database(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    before = await catalog(url)
    assert any("EXCLUDE USING gist" in line for line in before)
    await asyncio.to_thread(command.downgrade, configuration(url), "base")
    assert await catalog(url) == []
    await asyncio.to_thread(migrate, url)
    assert await catalog(url) == before


async def test_autogenerate_finds_nothing_to_do(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    # Raises where it finds something.
    await asyncio.to_thread(command.check, configuration(url))


async def test_migrations_make_what_the_models_say(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    migrated = await catalog(url)
    engine = create_async_engine(Database.address(url))
    async with engine.begin() as connection:
        # Autogenerate does not compare checks and exclusions: the models' own tables do.
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    assert await catalog(url) == migrated


async def test_migrating_what_is_migrated_changes_nothing(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    before = await catalog(url)
    await asyncio.to_thread(migrate, url)
    assert await catalog(url) == before


async def test_what_was_removed_before_it_was_noted_when_counts_as_removed_now(url: str) -> None:
    await asyncio.to_thread(migrate, url, "0001")
    connection = await asyncpg.connect(Database(url).dsn)
    await connection.execute(TWO_SLOTS)
    await asyncio.to_thread(migrate, url)
    found = await connection.fetch(
        "SELECT status, removed_at BETWEEN now() - interval '5 minutes' AND now() AS is_recent"
        " FROM slots ORDER BY status"
    )
    await asyncio.to_thread(command.downgrade, configuration(url), "0001")
    assert await connection.fetchval("SELECT count(*) FROM slots") == 2
    await connection.close()
    assert [tuple(row) for row in found] == [("AVAILABLE", None), ("REMOVED", True)]


# Slots in Samoa, where a day begins at 11:00 UTC of the day before, and a calendar without slots.
FAR_SLOTS = """
WITH organization AS (
    INSERT INTO organizations (id, slug, name, time_zone, locale, horizon_months,
                               minimum_notice_minutes, cancellation_notice_minutes, hold_minutes)
    VALUES (gen_random_uuid(), 'a', 'A', 'UTC', 'en', 1, 0, 0, 10) RETURNING id),
calendar AS (
    INSERT INTO calendars (organization_id, id, time_zone)
    SELECT id, gen_random_uuid(), zone
    FROM organization, unnest(ARRAY['Pacific/Apia', 'UTC']) AS zone
    RETURNING organization_id, id, time_zone)
INSERT INTO slots (organization_id, id, calendar_id, starts_at, ends_at, hours_end_at, status,
                   capacity, revision, removed_at)
SELECT organization_id, gen_random_uuid(), id, hour, hour + interval '1 hour',
       hour + interval '1 hour', status::slot_status, 1, 0, removed_at::timestamptz
FROM calendar, (VALUES
    (timestamptz '2027-06-06 11:00Z', 'AVAILABLE', NULL),
    (timestamptz '2027-06-10 10:00Z', 'BOOKED', NULL),
    (timestamptz '2027-07-01 00:00Z', 'REMOVED', '2027-01-01')) AS slots (hour, status, removed_at)
WHERE time_zone = 'Pacific/Apia'
"""


async def test_the_days_of_slots_that_there_are_count_as_made(url: str) -> None:
    await asyncio.to_thread(migrate, url, "0007")
    connection = await asyncpg.connect(Database(url).dsn)
    await connection.execute(FAR_SLOTS)
    await asyncio.to_thread(migrate, url)
    found = await connection.fetch("SELECT made_days::text FROM calendars ORDER BY time_zone")
    await connection.close()
    assert [row["made_days"] for row in found] == ["{[2027-06-07,2027-06-11)}", "{}"]


def test_the_migrations_are_one_line_without_forks() -> None:
    script = ScriptDirectory.from_config(configuration("postgresql://nowhere"))
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert [one.down_revision for one in revisions] == [
        *(one.revision for one in revisions[1:]),
        None,
    ]


A_GUEST = """
UPDATE appointments SET event_id = $1, doctor_id = NULL, patient_id = NULL, guest_name = 'N',
    guest_email = 'n@x.example', manage_token_hash = '\\x00' WHERE id = $2
"""


async def test_going_back_takes_appointments_at_events_away(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    connection = await asyncpg.connect(Database(url).dsn)
    clinic = await fill(connection)
    stays = await fill(connection, nth=2)
    await connection.execute(A_GUEST, clinic["events"], clinic["appointments"])
    await connection.execute("UPDATE notifications SET kind = 'GUEST_BOOKED'")
    await asyncio.to_thread(command.downgrade, configuration(url), "0013")
    left = [row["id"] for row in await connection.fetch("SELECT id FROM appointments")]
    assert left == [stays["appointments"]]
    assert await connection.fetchval("SELECT count(*) FROM notifications") == 0
    await connection.close()


AN_OFFER = """
WITH entry AS (
    UPDATE waitlist_entries SET status = 'OFFERED', offered_slot_id = $1, offer_expires_at = now()
    WHERE id = $2 RETURNING id),
slot AS (
    UPDATE slots SET status = 'HELD', held_until = now() WHERE id = $1)
UPDATE claims SET kind = 'HOLD', appointment_id = NULL, expires_at = now(),
    waitlist_entry_id = entry.id FROM entry WHERE claims.id = $3
"""


async def test_going_back_gives_everybody_what_was_offered(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    connection = await asyncpg.connect(Database(url).dsn)
    clinic = await fill(connection)
    things = (clinic["slots"], clinic["waitlist_entries"], clinic["claims"])
    await connection.execute(AN_OFFER, *things)
    await connection.execute("UPDATE notifications SET kind = 'WAITLIST_OFFER'")
    await asyncio.to_thread(command.downgrade, configuration(url), "0015")
    slot = await connection.fetchrow("SELECT status, held_until FROM slots")
    assert slot is not None
    assert tuple(slot) == ("AVAILABLE", None)
    for table in ("claims", "notifications"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    await connection.close()
