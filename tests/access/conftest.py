"""Two clinics that nothing may change, shared by all tests that see things denied; two others in
which what is allowed is done; and the voices of everybody."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from models import Role
from models.database import Database
from services.live.transports import CHANNEL
from tests.access.making import make
from tests.access.realm import Realm
from tests.access.voices import Voice, voices_of
from tests.api import Api
from tests.factories import tomorrow, wire

PATIENCE = 30.0
WATCHED = {"calendar", "occasion", "doctor", "patient"}


def a_clinic(what: str) -> Any:
    """A fixture: a clinic with people and things of each kind."""

    async def made(database: Database) -> Realm:
        return await make(database)

    made.__doc__ = what
    return pytest.fixture(scope="session")(made)


home = a_clinic("The clinic that everybody tries.")
abroad = a_clinic("Another organization on the same server.")
workshop = a_clinic("A clinic that changes.")
elsewhere = a_clinic("Another organization that changes.")


@asynccontextmanager
async def speaking(
    here: Realm, there: Realm, url: str, http: aiohttp.ClientSession
) -> AsyncIterator[list[Voice]]:
    """The public and each role, of one clinic and of the other."""
    found = voices_of(here, there, Api(url, http, here.slug))
    yield found
    for voice in found:
        await voice.close()


@pytest.fixture(scope="session")
async def voices(
    home: Realm, abroad: Realm, server_url: str, http: aiohttp.ClientSession
) -> AsyncIterator[list[Voice]]:
    """Everybody who tries."""
    async with speaking(home, abroad, server_url, http) as found:
        yield found


@pytest.fixture(scope="session")
async def workers(
    workshop: Realm, elsewhere: Realm, server_url: str, http: aiohttp.ClientSession
) -> AsyncIterator[list[Voice]]:
    """Everybody who does something there, strangers as well."""
    async with speaking(workshop, elsewhere, server_url, http) as found:
        yield found


@pytest.fixture(scope="session")
async def hints(database: Database) -> AsyncIterator[asyncio.Queue[str]]:
    """What the servers tell each other."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(database.dsn)
    await connection.add_listener(CHANNEL, lambda *said: heard.put_nowait(str(said[-1])))
    yield heard
    await connection.close()


@pytest.fixture
async def quiet(
    home: Realm,
    abroad: Realm,
    workshop: Realm,
    server_url: str,
    http: aiohttp.ClientSession,
    hints: asyncio.Queue[str],
) -> AsyncIterator[None]:
    """Nobody is told anything of the two clinics: no hint is published. Mails are rows at first."""
    yield
    # Hints are published in order: once this one is heard, all before it have been.
    reception = Api(server_url, http, workshop.slug, workshop.tokens[Role.RECEPTIONIST])
    empty = {"startsAt": wire(tomorrow(1, days=60)), "endsAt": wire(tomorrow(2, days=60))}
    calendar = workshop.rows["calendar.mine"].id
    await reception.done(
        "unblockTime", "slots { id }", calendarId=workshop.id("calendar.mine"), **empty
    )
    told: set[UUID] = set()
    while calendar not in told:
        message = await asyncio.wait_for(hints.get(), PATIENCE)
        told |= {UUID(found) for found in re.findall(r"\b[0-9a-f]{32}\b", message)}
    watched = {
        row.id
        for realm in (home, abroad)
        for name, row in realm.rows.items()
        if name.partition(".")[0] in WATCHED
    }
    assert told & watched == set()
