"""Clients that people use, unmodified: each ends equal to the database, whatever its connection
went through, and by its own means.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from models import Calendar, Slot
from models.database import Database
from tests.api import Api
from tests.clients import FOLDER, program
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.programs import PATIENCE, Shown, ended, in_the_database, port_of, running, started
from tests.live.views import book, doctors_calendar
from tests.proxy import HOST, Proxy
from tests.tombstones import remove

SOCKETS = {"apollo", "gql", "graphql-ws", "relay", "urql"}
CLIENTS = {*SOCKETS, "eventsource", "graphql-sse"}
FORBIDDEN = {"code": 4403, "reason": "Forbidden"}


@asynccontextmanager
async def clients(api: Api, port: int, calendar: Calendar) -> AsyncIterator[Shown]:
    """All clients, watching through a port. In the end each must end by itself."""
    shown = Shown()
    window = {
        "calendar": id_of(calendar),
        "from": wire(tomorrow(0)),
        "to": wire(tomorrow(0, days=3)),
    }
    url = f"http://{HOST}:{port}/graphql"
    places = json.dumps({"url": url, "token": api.token, "window": window})
    commands = [(program("node"), "watch.mjs"), (sys.executable, "watch_with_gql.py")]
    async with AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(
                running(await started(*command, places, cwd=FOLDER), shown)
            )
            for command in commands
        ]
        yield shown
        assert [await ended(program) for program in programs] == [0, 0]


async def move(api: Api, made: dict[str, object], slot: Slot) -> None:
    """Move an appointment to another slot."""
    values = {"appointmentId": made["id"], "slotId": id_of(slot)}
    await api.done("rescheduleAppointment", "appointment { id }", **values)


async def test_each_client_comes_back_and_equals_the_database(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slots = iter(await clinic.factory.slots(calendar, tomorrow(), 8))
    await clinic.factory.slots(calendar, tomorrow(days=2), 2)

    async def all_are_right() -> None:
        expected = dict.fromkeys(CLIENTS, await in_the_database(database, calendar))
        await shown.until(lambda: shown.slots == expected)
        assert shown.slots == expected
        assert shown.refused == {}

    async def come_back(names: set[str], updates: dict[str, int]) -> None:
        await shown.until(lambda: all(shown.updates[name] > updates[name] for name in names))
        assert {name for name in names if shown.updates[name] == updates[name]} == set()

    async with (
        Proxy(port_of(clinic.public)) as proxy,
        clients(clinic.patient, proxy.port, calendar) as shown,
    ):
        await all_are_right()
        await book(clinic.patient, next(slots))
        await all_are_right()

        # A crash, and nobody listens for a while.
        proxy.refuse()
        proxy.cut()
        before = dict(shown.updates)
        moved = await book(clinic.patient, next(slots))
        await remove(clinic, calendar, 2)
        await move(clinic.patient, moved, next(slots))
        await proxy.accept()
        await come_back(CLIENTS, before)
        await all_are_right()

        # An end in good order.
        before = dict(shown.updates)
        proxy.cut(politely=True)
        await come_back(CLIENTS, before)
        await all_are_right()

        # An update that got lost on its way, which the next one tells.
        proxy.lose()
        lost = next(slots)
        await book(clinic.patient, lost)
        await asyncio.wait_for(proxy.has_lost(id_of(lost), times=len(CLIENTS)), PATIENCE)
        proxy.resume()
        await book(clinic.patient, next(slots))
        await all_are_right()

        # A connection that is dead without having said so: sockets find out, and come back. What
        # was on its way comes late, and is not taken for news.
        before = dict(shown.updates)
        proxy.stall()
        await book(clinic.patient, next(slots))
        await come_back(SOCKETS, before)
        proxy.resume()
        await all_are_right()
    assert shown.resets == dict.fromkeys(CLIENTS, 1)


async def test_each_client_is_told_that_it_is_not_let_in(clinic: Clinic) -> None:
    stranger = clinic.public.signed_in("no.such.token")
    async with clients(stranger, port_of(stranger), doctors_calendar(clinic)) as shown:
        await shown.until(lambda: shown.refused.keys() == CLIENTS)
    assert shown.refused == {
        **dict.fromkeys(CLIENTS, FORBIDDEN),
        "apollo": "Socket closed with event 4403 Forbidden",
        "eventsource": {"code": 401, "reason": "Non-200 status code (401)"},
        "graphql-sse": "Answered with 401",
    }
    assert shown.slots == {}
