"""The demo: made in an empty database only, with something of everything, and open to look at."""

import re

import aiohttp
import asyncpg
import pytest

from main import parser
from tests.e2e.conftest import World
from tests.processes import SETTINGS, ServerProcess, run, settings

SIZES = ("--doctors", "3", "--patients", "12")
ACCOUNTS = {"admin": "ADMIN", "reception": "RECEPTIONIST", "doctor": "DOCTOR", "patient": "PATIENT"}
EVERY_STATUS = {"BOOKED", "CANCELLED", "COMPLETED", "NO_SHOW"}


async def test_the_demo_is_made_once_in_the_size_asked_for_and_served(
    own_database: str, http: aiohttp.ClientSession
) -> None:
    environment = settings(own_database, SECRET_KEY="", DEVELOPMENT="")
    code, _, errors = await run(environment, "demo", *SIZES)
    assert (code, errors) == (0, "")
    before = await contents(own_database)
    assert (before["doctors"], before["patients"]) == (3, 12)
    assert before["statuses"] >= EVERY_STATUS
    assert before["slots"] > 500
    assert (before["visit_types"], before["visit_type_rooms"]) == (4, 2)
    code, _, errors = await run(environment, "demo", *SIZES)
    assert (code, errors.count("\n")) == (1, 1)
    assert errors.startswith("This database holds real data: demo data is only made on an empty")
    async with ServerProcess(environment, "--demo") as server:
        assert await contents(own_database) == before
        assert f"The API        http://127.0.0.1:{server.port}/graphql\n" in server.output
        assert re.search(r"^GraphiQL       \S", server.output, re.MULTILINE)
        addresses = ", ".join(f"{login}@demo.example" for login in ACCOUNTS)
        assert f"Demo accounts  {addresses}\n" in server.output
        assert f"Password       {SETTINGS['DEMO_PASSWORD']}\n" in server.output
        for login, role in ACCOUNTS.items():
            assert await role_of(server, http, login) == role


async def contents(database_url: str) -> dict[str, object]:
    """What the demo consists of."""
    connection = await asyncpg.connect(database_url)
    tables = (
        *("organizations", "doctors", "patients", "slots", "appointments"),
        *("visit_types", "visit_type_rooms"),
    )
    found: dict[str, object] = {
        table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables
    }
    rows = await connection.fetch("SELECT DISTINCT status FROM appointments")
    await connection.close()
    return {**found, "statuses": {row["status"] for row in rows}}


async def role_of(server: ServerProcess, http: aiohttp.ClientSession, login: str) -> str:
    """The role that somebody has who signs in with the account that is shown."""
    session = await server.api(http, "demo").done(
        "signIn", "session { user { role } }", login=login, password=SETTINGS["DEMO_PASSWORD"]
    )
    role: str = session["user"]["role"]
    return role


async def test_the_demo_refuses_a_database_with_real_data(world: World) -> None:
    code, said, errors = await run(world.environment, "demo", *SIZES)
    assert (code, said.strip()) == (1, "")
    assert errors.startswith("This database holds real data")
    assert await world.value("SELECT count(*) FROM organizations WHERE is_demo") == 0
    assert await world.value("SELECT count(*) FROM users") == 0


@pytest.mark.parametrize("size", [("--doctors", "0"), ("--patients", "-1"), ("--doctors", "x")])
def test_a_size_that_cannot_be_is_refused(
    size: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["demo", *size])
    assert f"argument {size[0]}: must be a whole number from 1" in capsys.readouterr().err
