"""Reading external calendars: by any number of servers, beside bookings, and when it fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import ExternalProblem
from services.context import Context, Server
from services.external.addresses import WHILE_DEVELOPING
from services.external.busy_claims import locked, replace_busy
from services.external.fetching import Fetcher
from services.external.reading import LEASE, Reader, digest_of, keep_reading, pause_after
from services.live.tasks import ended
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.connected import (
    busy_claims,
    change,
    connect,
    cursor,
    half_hours,
    nine,
    read_again,
    server_of,
    shown,
    statuses,
    stored,
)
from tests.elsewhere import Elsewhere, event, file, saying, serving_elsewhere
from tests.factories import id_of
from tests.rivals import held, line_up
from tests.rows import across, unchanged

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def server(clinic: Clinic) -> AsyncIterator[Server]:
    """What a server has that reads when the test says."""
    made = server_of(clinic.factory.database)
    yield made
    made.passwords.close()


def reader_of(server: Server, **changes: Any) -> Reader:
    return Reader(server, Fetcher(WHILE_DEVELOPING, **changes))


async def id_and_owner(clinic: Clinic) -> tuple[UUID, UUID]:
    row = await stored(clinic)
    return UUID(row["organization_id"]), UUID(row["id"])


async def seconds_ahead(clinic: Clinic) -> float:
    """In how many seconds it is to be read again."""
    async with across(clinic.factory) as connection:
        found = await connection.execute(
            text(
                "SELECT extract(epoch FROM next_read_at - now())::float FROM external_calendars "
                "WHERE organization_id = :id"
            ),
            {"id": clinic.factory.organization.id},
        )
        ahead: float = found.scalar_one()
    return ahead


# ------------------------------------------------------------------------- when


def test_pauses_grow_to_an_hour_and_are_spread() -> None:
    middle = [pause_after(failures, 0.5) / MINUTE for failures in (0, 1, 2, 3, 4, 10**9)]
    assert middle == pytest.approx([5, 10, 20, 40, 60, 60])
    assert [pause_after(0, chance) / MINUTE for chance in (0, 1)] == pytest.approx([4.5, 5.5])


async def test_it_is_read_again_in_some_minutes_and_later_where_that_fails(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    elsewhere.answer = saying(500)
    await connect(clinic, elsewhere)
    assert 8.9 * 60 < await seconds_ahead(clinic) < 11.1 * 60
    assert (await stored(clinic))["failures"] == 1
    await read_again(clinic)
    assert 17.9 * 60 < await seconds_ahead(clinic) < 22.1 * 60
    elsewhere.answer = None
    await read_again(clinic)
    assert 4.4 * 60 < await seconds_ahead(clinic) < 5.6 * 60
    assert (await stored(clinic))["failures"] == 0


async def test_of_two_servers_one_reads_what_is_due(
    clinic: Clinic, elsewhere: Elsewhere, server: Server
) -> None:
    elsewhere.answer = saying(500)
    await connect(clinic, elsewhere)
    asked = len(elsewhere.asked)
    readers = [reader_of(server) for _ in range(2)]
    async with held(clinic.factory, calendar_of(clinic)):
        # Not by the servers of other tests: they look once in five seconds, and are not told.
        await change(clinic, "next_read_at = now() - interval '1 day'")
        await asyncio.gather(*(reader.take_up() for reader in readers))
        # Whoever has it, has it for so long.
        assert LEASE.total_seconds() - 30 < await seconds_ahead(clinic) <= LEASE.total_seconds()
        for reader in readers:
            await reader.take_up()
    await asyncio.gather(*(task for reader in readers for task in reader.tasks))
    assert len(elsewhere.asked) <= asked + 1


async def test_a_server_that_ends_leaves_what_it_was_reading_to_others(
    clinic: Clinic, elsewhere: Elsewhere, server: Server
) -> None:
    elsewhere.answer = saying(500)
    await connect(clinic, elsewhere)
    running = asyncio.create_task(keep_reading(server, Fetcher(WHILE_DEVELOPING)))
    async with held(clinic.factory, calendar_of(clinic)):
        await change(clinic, "next_read_at = now() - interval '1 day'")
        server.external_waits.set()
        async with asyncio.timeout(10):
            while await seconds_ahead(clinic) < 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await ended([running])
    assert running.cancelled()
    before = (await stored(clinic))["last_read_at"]
    found = await read_again(clinic)
    assert found["lastReadAt"] is not None
    assert (await stored(clinic))["last_read_at"] > before


async def test_one_that_hangs_holds_up_no_other(
    clinic: Clinic, elsewhere: Elsewhere, server: Server
) -> None:
    elsewhere.answer = saying(500)
    await connect(clinic, elsewhere)
    reader = reader_of(server, seconds=0.2)
    release = asyncio.Event()

    async def hang(_: Any) -> Any:
        await release.wait()

    elsewhere.answer = hang
    await reader.read(*await id_and_owner(clinic))
    found = await shown(clinic, clinic.doctor) or {}
    assert found["problem"] == "UNREACHABLE"
    release.set()


# ------------------------------------------------------------------------- what


def test_the_time_of_the_question_does_not_make_another_file() -> None:
    first, second = (file(f"DTSTAMP:2026110{n}T000000Z", "X-A:1") for n in (1, 2))
    assert digest_of(first) == digest_of(second)
    assert digest_of(first) != digest_of(file("DTSTAMP:20261101T000000Z", "X-A:2"))


async def test_a_file_that_stays_the_same_is_looked_through_when_the_horizon_comes_near(
    clinic: Clinic, elsewhere: Elsewhere, server: Server
) -> None:
    await half_hours(clinic)
    elsewhere.data, elsewhere.etag = file(event(nine(), nine(30))), '"same"'
    await connect(clinic, elsewhere)
    known = (await stored(clinic))["known_until"]
    reader = reader_of(server)
    await reader.read(*await id_and_owner(clinic))
    assert elsewhere.asked[-1]["if-none-match"] == '"same"'
    assert (await stored(clinic))["known_until"] == known
    # Nor where the other side has no name for it, and sends it again.
    elsewhere.etag = None
    await change(clinic, "known_until = known_until + interval '1 s', etag = NULL")
    later = (await stored(clinic))["known_until"]
    await reader.read(*await id_and_owner(clinic))
    assert "if-none-match" not in elsewhere.asked[-1]
    assert (await stored(clinic))["known_until"] == later > known
    elsewhere.etag = '"same"'
    await change(clinic, "known_until = known_until - interval '8 days', etag = '\"same\"'")
    await reader.read(*await id_and_owner(clinic))
    assert "if-none-match" not in elsewhere.asked[-1]
    assert (await stored(clinic))["known_until"] == known


async def test_with_another_secret_key_the_address_is_lost(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    elsewhere.answer = saying(500)
    await connect(clinic, elsewhere)
    asked = len(elsewhere.asked)
    other = server_of(clinic.factory.database, secret_key="another secret of thirty-two bytes!")
    await reader_of(other).read(*await id_and_owner(clinic))
    other.passwords.close()
    found = await shown(clinic, clinic.doctor) or {}
    assert (found["problem"], len(elsewhere.asked)) == (ExternalProblem.ADDRESS_LOST.name, asked)


async def test_what_is_over_is_told_to_nobody(clinic: Clinic, server: Server) -> None:
    slots = await half_hours(clinic, 2)
    calendar_id = calendar_of(clinic).id
    spans = [(slot.starts_at, slot.ends_at) for slot in slots]

    async def replaced(wanted: list[tuple[datetime, datetime]], begin: datetime) -> bool:
        context = Context(server, clinic.factory.organization)
        async with context.writing() as session:
            await locked(session, calendar_id)
            return await replace_busy(context, session, calendar_id, wanted, begin)

    apart = [(spans[0][0], spans[0][1] - MINUTE), spans[1]]
    assert await replaced(apart, datetime.now(UTC))
    place, claims = await cursor(clinic), await busy_claims(clinic)
    assert len(claims) == 2
    # As if the first were over.
    assert not await replaced([spans[1]], spans[1][0])
    left = await busy_claims(clinic)
    assert len(left) == 1
    assert left.items() < claims.items()
    assert await cursor(clinic) == place


# ------------------------------------------------------------------------- rivals


@pytest.mark.parametrize("first", ["read", "book"])
async def test_of_reading_and_booking_one_time_the_first_decides(
    clinic: Clinic, elsewhere: Elsewhere, server: Server, first: str
) -> None:
    slots = await half_hours(clinic, 1)
    await connect(clinic, elsewhere)
    elsewhere.data = file(event(nine(), nine(30)))
    reading = reader_of(server).read(*await id_and_owner(clinic))
    booking = clinic.patient.act("bookAppointment", "appointment { id }", slotId=id_of(slots[0]))
    order = (reading, booking) if first == "read" else (booking, reading)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *order)
    ends = [await task for task in tasks]
    booked = ends[1] if first == "read" else ends[0]
    found = await shown(clinic, clinic.doctor) or {}
    if first == "read":
        assert [error["code"] for error in booked["errors"]] == ["SLOT_TAKEN"]
        assert (await statuses(clinic), found["conflicts"]) == (["BLOCKED"], [])
    else:
        assert (await statuses(clinic), booked["errors"]) == (["BOOKED"], [])
        assert found["conflicts"] == [{"id": booked["appointment"]["id"]}]


@pytest.mark.parametrize("how", ["disconnected", "connected elsewhere"])
async def test_what_was_read_of_a_calendar_that_was_left_meanwhile_is_dropped(
    clinic: Clinic, elsewhere: Elsewhere, server: Server, how: str
) -> None:
    await half_hours(clinic)
    await connect(clinic, elsewhere)
    elsewhere.data = file(event(nine(), nine(30)))
    reading = reader_of(server).read(*await id_and_owner(clinic))
    ids = {"calendarId": id_of(calendar_of(clinic))}
    async with serving_elsewhere() as other:
        leaving = (
            clinic.doctor.act("disconnectExternalCalendar", "calendar { id }", **ids)
            if how == "disconnected"
            else clinic.doctor.act(
                "connectExternalCalendar", "externalCalendar { host }", **ids, url=other.url
            )
        )
        async with held(clinic.factory, calendar_of(clinic)):
            tasks = await line_up(clinic.factory, leaving, reading)
        for task in tasks:
            await task
    assert await statuses(clinic) == ["AVAILABLE"] * 4
    assert await busy_claims(clinic) == {}


async def test_imports_at_random_leave_just_what_is_wanted(clinic: Clinic, server: Server) -> None:
    """Two servers read different files at once, again and again: never a mixture, never a claim
    twice, and slots that tell the truth of the last.
    """
    seed = Random().randrange(10**6)
    print("seed", seed)
    random = Random(seed)
    slots = await half_hours(clinic, 8)
    context = Context(server, clinic.factory.organization)
    calendar_id = calendar_of(clinic).id

    async def imported(wanted: list[tuple[datetime, datetime]]) -> None:
        async with context.writing() as session:
            await locked(session, calendar_id)
            await replace_busy(context, session, calendar_id, wanted, context.now)

    for _ in range(4):
        files = [
            [(s.starts_at, s.ends_at - MINUTE) for s in slots if random.random() < 0.5]
            for _ in range(2)
        ]
        await asyncio.gather(*map(imported, files))
        shows = [status == "BLOCKED" for status in await statuses(clinic)]
        possible = [[s.starts_at in dict(wanted) for s in slots] for wanted in files]
        assert shows in possible
        assert len(await busy_claims(clinic)) == sum(shows)


async def test_a_calendar_that_is_gone_is_not_read(clinic: Clinic, server: Server) -> None:
    async with unchanged(clinic.factory):
        await reader_of(server).read(clinic.factory.organization.id, UUID(int=1))
