"""Places in feeds: taken while somebody watches, and given up however they leave."""

import asyncio
import gc

import pytest
from gql.transport.exceptions import TransportQueryError

from services.live.audiences import Seat
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.live.views import (
    another_server,
    book,
    doctors_calendar,
    shown,
    subscribed_by_hand,
    viewing,
)


def places() -> int:
    """How many places this process keeps: the servers of the tests run in its threads."""
    gc.collect()
    return sum(type(thing) is Seat for thing in gc.get_objects())


async def fallen_to(expected: int) -> None:
    """Return when that many places are left."""
    async with asyncio.timeout(10):
        while (left := places()) != expected:
            assert left > expected
            await asyncio.sleep(0.02)


async def test_those_who_leave_are_forgotten_and_the_others_go_on(
    clinic: Clinic, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with another_server(clinic.patient, database_url) as here:
        before = places()
        async with viewing(here, calendar) as stays:
            await stays.next()
            async with viewing(here, calendar) as completes:
                await completes.next()
                assert places() == before + 2
            await fallen_to(before + 1)
            await book(here, slot)
            assert (await stays.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        await fallen_to(before)


async def test_a_client_whose_connection_is_cut_is_forgotten(
    clinic: Clinic, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    async with another_server(clinic.patient, database_url) as here:
        before = places()
        socket = await here.http.ws_connect(
            here.url, protocols=["graphql-transport-ws"], headers={"x-organization": here.slug}
        )
        await subscribed_by_hand(socket, id_of(calendar))
        assert places() == before + 1
        # No goodbye of any protocol, as when a laptop is closed.
        transport = socket.get_extra_info("socket")
        transport.shutdown(2)
        await fallen_to(before)
        await socket.close()


async def test_a_stream_that_is_refused_keeps_no_place(clinic: Clinic, database_url: str) -> None:
    calendar = doctors_calendar(clinic)
    async with another_server(clinic.patient, database_url) as here:
        before = places()
        for _ in range(3):
            async with viewing(here, calendar, after="no cursor") as view:
                with pytest.raises(TransportQueryError):
                    await view.next()
        await fallen_to(before)
