"""A server whose database goes away and comes back: what it does by itself goes on, and says so."""

import asyncio
import logging

import pytest
from sqlalchemy.engine import make_url

from models.database import Database
from services.live.tasks import Outage
from tests.conftest import Clinic
from tests.factories import tomorrow
from tests.live.views import (
    PATIENCE,
    another_server,
    change_behind_the_api,
    doctors_calendar,
    shown,
    viewing,
)
from tests.proxy import HOST, Proxy

# Those that ask the database every second or more often; the others may be met by chance.
PARTS = {
    "The sweep of live views",
    "Ending lost views",
    "Giving up holds",
    "Delivery of mail",
    "Housekeeping",
}
OFTEN = {"sweep_seconds": 0.05, "housekeeping_seconds": 0.05, "mail_poll_seconds": 0.05}


def of_parts(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What those parts of the server have said of the database."""
    said = [record for record in caplog.records if record.name == "database" and record.args]
    return [record for record in said if str(record.args[0]) in PARTS]


async def said(caplog: pytest.LogCaptureFixture, word: str) -> None:
    """Return when each part has said that it waits, or goes on."""
    async with asyncio.timeout(PATIENCE):
        while PARTS - {  # noqa: ASYNC110
            str(record.args[0])
            for record in of_parts(caplog)
            if f" {word}, " in record.getMessage()
        }:
            await asyncio.sleep(0.02)


async def test_each_part_says_once_that_the_database_is_away_and_once_that_it_is_back(
    clinic: Clinic, database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    url = make_url(database_url)
    async with Proxy(f"{url.query['host']}/.s.PGSQL.{url.query['port']}") as proxy:
        through = f"postgresql://{url.username}@{HOST}:{proxy.port}/{url.database}"
        async with (
            another_server(clinic.patient, through, **OFTEN) as server,
            viewing(server, calendar) as view,
        ):
            await view.next()
            proxy.refuse()
            proxy.cut()
            await said(caplog, "waits")
            # Some more tries of each.
            await asyncio.sleep(0.5)
            await change_behind_the_api(database, slot, "BLOCKED")
            await proxy.accept()
            await said(caplog, "goes on")
            assert (await view.next())["slots"] == [shown(slot, "BLOCKED", version=1)]
    found = of_parts(caplog)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    levels = sorted((str(record.args[0]), record.levelname) for record in found)
    assert levels == sorted((part, level) for part in PARTS for level in ("INFO", "WARNING"))


def test_what_is_no_outage_is_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ValueError, match="ours"), Outage("A part"):
        raise ValueError("ours")
    assert caplog.records == []
