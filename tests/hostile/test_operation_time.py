"""What takes too long is given up, with nothing of it done, and the server goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from sqlalchemy import select

from models import Appointment, Calendar, Claim, Organization, Role
from models.database import Database
from tests.api import CALENDAR_CHANGES, Api
from tests.conftest import CONFIG, Clinic, serving
from tests.factories import id_of, tomorrow, wire
from tests.live.event_streams import events
from tests.protocols.sockets import acknowledged
from tests.scratch import connected

SECONDS = 0.5
SLOTS = """query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to) { id } }
}"""
BOOK = """mutation ($slot: ID!, $patient: ID!) {
  bookAppointment(input: {slotId: $slot, patientId: $patient}) { appointment { id } }
}"""


@pytest.fixture(scope="module")
def hasty_url(database_url: str) -> Iterator[str]:
    """A server that has little time."""
    with serving(replace(CONFIG, operation_seconds=SECONDS), database_url) as url:
        yield url


@pytest.fixture
def hasty(hasty_url: str, http: aiohttp.ClientSession, organization: Organization) -> Api:
    return Api(hasty_url, http, organization.slug)


@asynccontextmanager
async def held(database: Database, statement: str) -> AsyncIterator[None]:
    """A rival that has locked something, and does not let go."""
    async with connected(database.dsn) as rival, rival.transaction():
        await rival.execute(statement)
        yield


async def until_nobody_waits(database: Database) -> None:
    """Wait until what was given up has been given up by the database as well."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with connected(database.dsn) as onlooker:
        while await onlooker.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def rows(database: Database, organization: Organization) -> list[int]:
    async with database.reading(organization.id) as session:
        return [len(await session.rows(select(kind))) for kind in (Appointment, Claim)]


async def test_an_act_that_waits_for_a_rival_is_given_up_and_nothing_is_done(
    hasty: Api, clinic: Clinic, database: Database, organization: Organization
) -> None:
    calendar = clinic.person(Role.DOCTOR).calendar
    assert isinstance(calendar, Calendar)
    slot = await clinic.factory.slot(calendar, tomorrow())
    values = {"slot": id_of(slot), "patient": id_of(await clinic.factory.patient())}
    desk = hasty.signed_in(clinic.reception.token or "")
    body = {"query": BOOK, "variables": values}
    lock = f"SELECT 1 FROM calendars WHERE id = '{calendar.id}' FOR UPDATE"
    async with held(database, lock):
        async with desk.http.post(desk.url, json=body, headers=desk.headers) as response:
            assert response.status == 503
            answer = await response.json()
        (error,) = answer.pop("errors")
        assert (answer, error["extensions"]["code"]) == ({}, "UNAVAILABLE")
        assert len(error["extensions"]["requestId"]) == 32
        async with acknowledged(desk) as socket:
            error = await socket.error("1", BOOK, **values)
            assert error["extensions"]["code"] == "UNAVAILABLE"
            await socket.is_well()
        async with events(desk, BOOK, values) as stream:
            event = await stream.next()
        assert event is not None
        assert [error["extensions"]["code"] for error in event.data["errors"]] == ["UNAVAILABLE"]
        async with asyncio.timeout(10):
            await until_nobody_waits(database)
    assert await rows(database, organization) == [0, 0]
    # With the way free it is done, once.
    made = await desk.ask(BOOK, **values)
    assert made["bookAppointment"]["appointment"]
    assert await rows(database, organization) == [1, 1]


async def test_a_question_and_a_first_picture_are_given_up_and_a_live_view_is_not(
    hasty: Api, clinic: Clinic, database: Database
) -> None:
    calendar = clinic.person(Role.DOCTOR).calendar
    assert calendar is not None
    values = {"id": id_of(calendar), "from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    async with acknowledged(hasty) as socket:
        await socket.subscribe("live", CALENDAR_CHANGES, **values)
        assert (await socket.next())["type"] == "next"
        lock = "LOCK TABLE slots IN ACCESS EXCLUSIVE MODE"
        async with held(database, lock):
            answer = await hasty.send(SLOTS, **values)
            assert [e["extensions"]["code"] for e in answer["errors"]] == ["UNAVAILABLE"]
            await socket.subscribe("late", CALENDAR_CHANGES, **values | {"to": wire(tomorrow(22))})
            said = await socket.next()
            errors = said["payload"] if said["type"] == "error" else said["payload"]["errors"]
            assert (said["id"], errors[0]["extensions"]["code"]) == ("late", "UNAVAILABLE")
            if said["type"] == "next":
                assert await socket.next() == {"id": "late", "type": "complete"}
        # It is far older than an operation may become, and lives.
        slot = await clinic.factory.slot(calendar, tomorrow(3))
        patient = id_of(await clinic.factory.patient())
        await clinic.admin.done(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=patient
        )
        said = await socket.next()
        assert said["id"] == "live"
        assert [s["id"] for s in said["payload"]["data"]["calendarChanges"]["slots"]] == [
            id_of(slot)
        ]
