"""What people type is nowhere but where it belongs: not in the log, not in the meters, not in what
processes tell each other.

A whole story, with bad input and with failures on our side, is told with a mark in every value.
"""

import asyncio
import json
import secrets
from typing import Any

import aiohttp
import asyncpg

from models import Role
from services.live.transports import CHANNEL
from tests.api import Api
from tests.e2e.conftest import SLUG, World
from tests.factories import id_of, tomorrow
from tests.live.views import viewing
from tests.occasions import BOOKED, an_event, booked, slots_of
from tests.processes import ServerProcess, free_port

MARK = f"canary{secrets.token_hex(4)}"
PASSWORD = f"{MARK} walks by the river"
SIGN_UP = "session { accessToken refreshToken user { id patient { id } } }"


async def story(api: Api, world: World, reception: Api) -> list[str]:
    """Everything that people do with values of their own; the tokens that they were given."""
    email = f"{MARK}@home.example"
    session = await api.done(
        "signUp", SIGN_UP, name=f"Ada {MARK}", email=email, password=PASSWORD, phone="+34612345678"
    )
    tokens = [session["accessToken"], session["refreshToken"]]
    ada = api.signed_in(session["accessToken"])
    again = await api.done(
        "signIn", "session { accessToken refreshToken }", login=email, password=PASSWORD
    )
    tokens += [again["accessToken"], again["refreshToken"]]
    doctor = await world.factory.person(Role.DOCTOR)
    slot = await world.factory.slot(doctor.calendar, tomorrow())
    async with viewing(ada, doctor.calendar) as view:
        await view.next()
        booked = await ada.done(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), reason=f"My {MARK} hurts"
        )
        await view.next()
    await ada.done(
        "updateAppointment", "appointment { id }", appointmentId=booked["id"], reason=MARK
    )
    await reception.done(
        "registerPatient", "patient { id }", name=MARK, email=f"2{email}", notes=f"{MARK} notes"
    )
    tokens.append(await at_an_event(api, reception))
    # What is refused, and what is no request at all.
    await api.refusal("signIn", "session { accessToken }", login=MARK, password=f"wrong {MARK}")
    await api.refusal("refreshSession", "session { accessToken }", refreshToken=MARK)
    await reception.refusal("registerPatient", "patient { id }", name=MARK, email=f"{MARK}@@")
    await reception.refusal("registerPatient", "patient { id }", name=MARK, email=f"2{email}")
    for document in (
        f"{{ {MARK} }}",
        f'{{ node(id: "{MARK}") {{ id }} }}',
        f"{{ # {MARK}",
        f'"{MARK}',
    ):
        await ada.send(document)
    await api.signed_in(f"{MARK}.{MARK}.{MARK}").send("{ viewer { id } }")
    await asked_in_odd_ways(api, ada)
    return tokens


async def at_an_event(api: Api, reception: Api) -> str:
    """What a guest does with values of their own; the secret that they were given."""
    event = await an_event(reception, title=f"{MARK} evening", description=MARK)
    first, second = slots_of(event)
    guest = {"name": MARK, "email": f"4{MARK}@home.example", "phone": "+34612345678"}
    token: str = (await booked(api, first, **guest))["manageToken"]
    await api.act("bookEventSlot", BOOKED, slotId=first, guest=guest)
    await api.ask("query ($t: String!) { guestBooking(manageToken: $t) { id } }", t=token)
    managed = {"manageToken": token}
    await api.done("rescheduleGuestBooking", "appointment { id }", slotId=second, **managed)
    await api.done("cancelGuestBooking", "appointment { id }", reason=MARK, **managed)
    await api.refusal("cancelGuestBooking", "appointment { id }", manageToken=MARK)
    # The link of the mails, whatever is there.
    async with api.http.get(f"{api.url.removesuffix('/graphql')}/e/x?booking={token}"):
        pass
    return token


async def asked_in_odd_ways(api: Api, ada: Api) -> None:
    """Marks in addresses, heads and frames."""
    root = api.url.removesuffix("/graphql")
    headers = {"user-agent": MARK, "x-request-id": MARK, "x-forwarded-for": MARK, "origin": MARK}
    for path in (f"/{MARK}", f"/graphql?query={{{MARK}}}", f"/graphql?token={MARK}"):
        async with api.http.get(root + path, headers=headers):
            pass
    async with api.http.request("GET", api.url, data=f"{MARK}", headers={"host": MARK}):
        pass
    _, writer = await asyncio.open_connection("127.0.0.1", int(root.rpartition(":")[2]))
    writer.write(f"{MARK} / HTTP/1.1\r\n{MARK}: {MARK}\r\n\r\n".encode())
    await writer.drain()
    writer.close()
    for said in (
        {"type": "connection_init", "payload": {"authorization": f"Bearer {MARK}"}},
        {"type": MARK},
        MARK,
    ):
        async with api.http.ws_connect(
            api.url, protocols=["graphql-transport-ws"], headers=ada.headers
        ) as socket:
            await socket.send_str(said if isinstance(said, str) else json.dumps(said))
            await socket.receive(10)


async def failing(api: Api, world: World) -> list[dict[str, Any]]:
    """The same while the fault is ours: a column is gone, and then the database."""
    answers = []
    connection = await asyncpg.connect(world.database.dsn)
    try:
        for broken, mended in (
            (
                "ALTER TABLE users ADD CONSTRAINT broken CHECK (name = email) NOT VALID",
                "ALTER TABLE users DROP CONSTRAINT broken",
            ),
            (
                "ALTER TABLE users RENAME COLUMN password_hash TO gone",
                "ALTER TABLE users RENAME COLUMN gone TO password_hash",
            ),
        ):
            await connection.execute(broken)
            document = f"""mutation {{ signUp(input: {{
              name: "{MARK}", email: "3{MARK}@home.example", password: "{PASSWORD}" }}) {{
              session {{ accessToken }} errors {{ __typename }} }} }}"""
            answers.append(await api.send(document))
            await connection.execute(mended)
        cut = asyncio.create_task(api.send(f'{{ doctors(search: "{MARK}") {{ totalCount }} }}'))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
        await cut
    finally:
        await connection.close()
    return answers


async def test_what_people_type_is_nowhere_else(world: World, http: aiohttp.ClientSession) -> None:
    told: list[str] = []
    spy = await asyncpg.connect(world.database.dsn)
    receptionist = await world.factory.person(Role.RECEPTIONIST)
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **world.environment,
        "METRICS_ADDRESS": address,
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
    }
    async with ServerProcess(environment) as server:
        await spy.add_listener(CHANNEL, lambda *said: told.append(str(said[3])))
        api = server.api(http, SLUG)
        tokens = await story(api, world, server.api(http, SLUG, receptionist.token))
        async with http.get(f"http://{address}/metrics") as response:
            meters = await response.text()
        await spy.close()
        answers = await failing(api, world)
        assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["INTERNAL"] * 2
        lines = server.output.splitlines()
    records = {line: json.loads(line) for line in lines if line.startswith("{")}
    # All but mails, in which names have to be.
    output = "\n".join(line for line in lines if records.get(line, {}).get("logger") != "mail")
    assert told
    kinds = {record.get("kind") for record in records.values()}
    assert {"query", "mutation", "subscription", "connection"} <= kinds
    errors = [record["error"] for record in records.values() if record["level"] == "ERROR"]
    assert any("sqlstate=23514" in error for error in errors)
    assert any("sqlstate=42703" in error for error in errors)
    assert 'graphql_operations_total{kind="mutation",outcome="OK"}' in meters
    assert 'http_requests_total{status="200"}' in meters
    assert "event_loop_lag_seconds" in meters
    for secret in (MARK, *tokens, receptionist.token, "612345678", "$argon2"):
        for place in (output, meters, "\n".join(told)):
            assert secret not in place, secret
