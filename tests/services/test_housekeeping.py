"""Housekeeping: what is deleted and what is not, and that a server does it by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from models import (
    Calendar,
    IdempotencyKey,
    PasswordAttempts,
    RefreshToken,
    Role,
    SignIn,
    Slot,
    UserToken,
)
from models.database import Database
from services.accounts.attempts import MOST_FOR_ACCOUNT
from services.calendar.purge import BATCH
from services.housekeeping import clean_up, in_words
from tests.accounts import HASH, OLD_TOKEN, SESSION, refreshed, signed_in
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, tomorrow
from tests.live.views import another_server, book, doctors_calendar
from tests.scratch import connected
from tests.tombstones import MINUTE, WEEK, age, kept, remove

KEY = "0123456789abcdef"


async def clean(database: Database) -> None:
    await clean_up(database, datetime.now(UTC))


async def count(factory: Factory, table: Any) -> int:
    """How many rows of a table the organization has."""
    statement = select(func.count()).where(table.organization_id == factory.organization.id)
    async with factory.database.crossing_organizations() as session:
        found: int = (await session.execute(statement)).scalar_one()
    return found


async def ago(factory: Factory, column: Any, by: timedelta, *conditions: Any) -> None:
    """Let a time of the organization's rows be so long ago."""
    table = column.class_
    conditions = (table.organization_id == factory.organization.id, *conditions)
    statement = update(table).where(*conditions).values({column.key: datetime.now(UTC) - by})
    async with factory.database.crossing_organizations() as session:
        await session.execute(statement)


# ------------------------------------------------------------ what goes


async def test_idempotency_keys_are_kept_for_seven_days(clinic: Clinic, database: Database) -> None:
    slot = await clinic.factory.slot(doctors_calendar(clinic), tomorrow())
    made = await book(clinic.patient, slot, idempotencyKey=KEY)
    await ago(clinic.factory, IdempotencyKey.created_at, WEEK - MINUTE)
    await clean(database)
    assert await book(clinic.patient, slot, idempotencyKey=KEY) == made
    await ago(clinic.factory, IdempotencyKey.created_at, WEEK + MINUTE)
    await clean(database)
    assert await count(clinic.factory, IdempotencyKey) == 0


async def test_many_rows_go_batch_by_batch(clinic: Clinic, database: Database) -> None:
    key = {
        "organization_id": clinic.factory.organization.id,
        "user_id": clinic.person(Role.PATIENT).user.id,
        "request_hash": b"",
        "created_at": datetime.now(UTC) - WEEK - MINUTE,
    }
    keys = [{**key, "key": f"{KEY}{place}"} for place in range(2 * BATCH + 1)]
    async with database.crossing_organizations() as session:
        await session.execute(insert(IdempotencyKey), keys)
    await clean(database)
    assert await count(clinic.factory, IdempotencyKey) == 0


async def test_sign_ins_go_with_their_tokens_a_week_after_they_have_expired(
    clinic: Clinic, database: Database
) -> None:
    person = await clinic.factory.person(Role.PATIENT, password_hash=HASH)
    lasting, ending = [await signed_in(clinic.public, person) for _ in range(2)]
    await refreshed(clinic.public, lasting)
    ended = clinic.public.signed_in((await refreshed(clinic.public, ending))["accessToken"])
    await ended.done("signOut", "signedOut")
    before = await count(clinic.factory, SignIn)
    of_the_ended = SignIn.ended_at.is_not(None)
    for by, gone in ((WEEK - MINUTE, 0), (WEEK + MINUTE, 1)):
        await ago(clinic.factory, SignIn.expires_at, by, of_the_ended)
        await clean(database)
        assert await count(clinic.factory, SignIn) == before - gone
        assert await count(clinic.factory, RefreshToken) == 4 - 2 * gone
    refusal = await clinic.public.refusal(
        "refreshSession", SESSION, refreshToken=ending["refreshToken"]
    )
    assert refusal == OLD_TOKEN


async def test_used_tokens_of_a_sign_in_that_goes_on_are_kept_and_tell_of_theft(
    clinic: Clinic, database: Database
) -> None:
    person = await clinic.factory.person(Role.PATIENT, password_hash=HASH)
    stolen = await signed_in(clinic.public, person)
    newest = await refreshed(clinic.public, stolen)
    await ago(clinic.factory, RefreshToken.created_at, timedelta(days=29))
    used = RefreshToken.used_at.is_not(None)
    await ago(clinic.factory, RefreshToken.used_at, timedelta(days=29), used)
    await clean(database)
    for session in (stolen, newest):
        refusal = await clinic.public.refusal(
            "refreshSession", SESSION, refreshToken=session["refreshToken"]
        )
        assert refusal == OLD_TOKEN


async def test_mailed_tokens_go_a_week_after_they_have_expired(
    clinic: Clinic, database: Database
) -> None:
    await clinic.admin.done("createDoctor", "doctor { id }", name="New", email="new@clinic.example")
    assert await count(clinic.factory, UserToken) == 1
    for by, left in ((WEEK - MINUTE, 1), (WEEK + MINUTE, 0)):
        await ago(clinic.factory, UserToken.expires_at, by)
        await clean(database)
        assert await count(clinic.factory, UserToken) == left


async def test_tried_passwords_are_counted_until_they_count_for_nothing(
    clinic: Clinic, database: Database
) -> None:
    person = await clinic.factory.person(Role.PATIENT, password_hash=HASH)
    for _ in range(MOST_FOR_ACCOUNT):
        assert await tried(clinic, person, "wrong") == "INVALID_CREDENTIALS"
    await ago(clinic.factory, PasswordAttempts.started_at, timedelta(minutes=14))
    await clean(database)
    assert await tried(clinic, person, PASSWORD) == "TOO_MANY_ATTEMPTS"
    await ago(clinic.factory, PasswordAttempts.started_at, timedelta(minutes=16))
    await clean(database)
    assert await count(clinic.factory, PasswordAttempts) == 0


async def tried(clinic: Clinic, person: Person, password: str) -> str:
    """How signing in is refused."""
    login = person.user.username
    refusal = await clinic.public.refusal("signIn", SESSION, login=login, password=password)
    code: str = refusal["code"]
    return code


# ------------------------------------------------------------ beside others


async def test_a_row_that_somebody_holds_is_left_for_the_next_time(
    clinic: Clinic, database: Database
) -> None:
    held, free = f"{KEY}1", f"{KEY}2"
    slots = await clinic.factory.slots(doctors_calendar(clinic), tomorrow(), 2)
    for slot, key in zip(slots, (held, free), strict=True):
        await book(clinic.patient, slot, idempotencyKey=key)
    await ago(clinic.factory, IdempotencyKey.created_at, WEEK + MINUTE)
    mine = select(IdempotencyKey.key).where(
        IdempotencyKey.organization_id == clinic.factory.organization.id
    )
    async with database.crossing_organizations() as session:
        await session.execute(mine.where(IdempotencyKey.key == held).with_for_update())
        async with asyncio.timeout(5):
            await clean(database)
        assert await session.rows(mine) == [held]
    await clean(database)
    assert await count(clinic.factory, IdempotencyKey) == 0


async def test_a_sign_in_with_a_token_that_somebody_holds_is_left_with_it(
    clinic: Clinic, database: Database
) -> None:
    person = await clinic.factory.person(Role.PATIENT, password_hash=HASH)
    await signed_in(clinic.public, person)
    before = await count(clinic.factory, SignIn)
    by_password = SignIn.ip_address.is_not(None)
    await ago(clinic.factory, SignIn.expires_at, WEEK + MINUTE, by_password)
    held = select(RefreshToken).where(
        RefreshToken.organization_id == clinic.factory.organization.id
    )
    async with database.crossing_organizations() as session:
        assert len(await session.rows(held.with_for_update())) == 1
        async with asyncio.timeout(5):
            await clean(database)
        assert await count(clinic.factory, SignIn) == before
    await clean(database)
    assert await count(clinic.factory, SignIn) == before - 1
    assert await count(clinic.factory, RefreshToken) == 0


# ------------------------------------------------------------ by itself


async def test_a_server_cleans_up_when_it_starts_and_again_and_again(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    calendar, first = await old_tombstone(clinic, database)
    others = [await clinic.factory.slot(calendar, tomorrow(days=day)) for day in (2, 3)]
    await remove(clinic, calendar, 2, 3)
    async with another_server(clinic.public, database_url):
        await until(lambda: is_gone(database, calendar, first))
    async with another_server(clinic.public, database_url, housekeeping_seconds=0.05):
        for slot in others:
            await age(database, WEEK + MINUTE, slot)
            await until(partial(is_gone, database, calendar, slot))


async def test_a_server_cleans_up_again_after_its_connection_was_ended(
    clinic: Clinic, database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    calendar, slot = await old_tombstone(clinic, database)
    async with database.crossing_organizations() as session:
        await session.execute(text("LOCK TABLE slots IN ACCESS EXCLUSIVE MODE"))
        async with another_server(clinic.public, database_url, housekeeping_seconds=0.05):
            await until(lambda: ended_whoever_waits(database))
            waits = "Housekeeping waits, the database is away: ConnectionDoesNotExistError 08003"
            await until(lambda: said(caplog, waits, by="database"))
            await session.rollback()
            await until(lambda: is_gone(database, calendar, slot))


async def test_a_server_cleans_up_again_after_an_error_that_nobody_thought_of(
    clinic: Clinic, database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    calendar, slot = await old_tombstone(clinic, database)
    await rename(database, "password_attempts", "hidden")
    try:
        async with another_server(clinic.public, database_url, housekeeping_seconds=0.05):
            await until(lambda: said(caplog, "Failed, and is tried again the next time"))
            await rename(database, "hidden", "password_attempts")
            await until(lambda: is_gone(database, calendar, slot))
    finally:
        await rename(database, "IF EXISTS hidden", "password_attempts")


async def old_tombstone(clinic: Clinic, database: Database) -> tuple[Calendar, Slot]:
    """A calendar, and a slot of it that was removed more than seven days ago."""
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await remove(clinic, calendar, 1)
    await age(database, WEEK + MINUTE, slot)
    return calendar, slot


async def rename(database: Database, table: str, name: str) -> None:
    async with connected(database.dsn) as owner:
        await owner.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def until(fulfilled: Callable[[], Awaitable[bool]]) -> None:
    """Return when something has come true."""
    async with asyncio.timeout(30):
        while True:
            if await fulfilled():
                return
            await asyncio.sleep(0.02)


async def said(caplog: pytest.LogCaptureFixture, words: str, *, by: str = "housekeeping") -> bool:
    """Whether housekeeping has said something."""
    return any(r.name == by and r.getMessage() == words for r in caplog.records)


async def is_gone(database: Database, calendar: Calendar, slot: Slot) -> bool:
    """Whether a slot is no row any more."""
    return slot.id not in await kept(database, calendar)


async def ended_whoever_waits(database: Database) -> bool:
    """End the connections that wait for a lock; whether there was any."""
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    # The roles of the application do not see what others wait for.
    async with connected(database.dsn) as superuser:
        return bool(await superuser.fetch(statement))


def test_what_was_deleted_is_said_in_words() -> None:
    assert in_words({"sign_ins": 0, "slots": 12_345}) == "0 sign ins, 12,345 slots"
