"""From an empty database to a living calendar, the way a clinic goes, with gql as the client."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport

from tests.e2e.conftest import SLUG
from tests.factories import tomorrow, wire
from tests.live.views import CHANGES, FIELDS, View
from tests.processes import ServerProcess, run, settings

DOCTOR_PASSWORD = "green lanterns over the harbour"
PATIENT_PASSWORD = "three owls read the newspaper"
ADMIN_PASSWORD = "a ladder against the apple tree"
WEEK = {"from": wire(tomorrow(0)), "to": wire(tomorrow(0, days=8))}
SESSION = "session { accessToken user { role } }"


class Person:
    """Somebody with a client of their own."""

    def __init__(self, server: ServerProcess, token: str | None = None) -> None:
        self.server = server
        self.headers = {"x-organization": SLUG}
        if token:
            self.headers["authorization"] = f"Bearer {token}"

    async def ask(self, document: str, **values: Any) -> dict[str, Any]:
        """The answer to a document, over HTTP."""
        request = gql(document)
        request.variable_values = values
        transport = AIOHTTPTransport(url=self.server.url, headers=self.headers)
        async with Client(transport=transport) as session:
            answer: dict[str, Any] = await session.execute(request)
        return answer

    async def do(self, mutation: str, fields: str, **values: Any) -> dict[str, Any]:
        """The payload of a mutation that must be done."""
        name = mutation[0].upper() + mutation[1:]
        document = f"""mutation ($input: {name}Input!) {{
            {mutation}(input: $input) {{ {fields} errors {{ ... on UserError {{ code path }} }} }}
        }}"""
        payload: dict[str, Any] = (await self.ask(document, input=values))[mutation]
        assert payload["errors"] == []
        return payload

    def socket(self, http: aiohttp.ClientSession) -> Any:
        """A WebSocket of this person's."""
        token = self.headers.get("authorization", " ").split(" ")[1]
        return self.server.api(http, SLUG, token or None).socket()


@asynccontextmanager
async def watching(
    person: Person, http: aiohttp.ClientSession, calendar_id: str, back: View | None = None
) -> AsyncIterator[View]:
    """The next eight days of a calendar, live."""
    request = gql(CHANGES % FIELDS)
    after = back.cursor if back else None
    request.variable_values = {"id": calendar_id, **WEEK, "after": after}
    async with person.socket(http) as session:
        updates = session.subscribe(request)
        try:
            yield back.back(updates) if back else View(updates)
        finally:
            await updates.aclose()


async def open_the_clinic(environment: dict[str, str]) -> None:
    """What somebody does on the server's own command line."""
    words = ["create-organization", SLUG, "--name", "Riverside", "--time-zone", "Europe/Madrid"]
    assert (await run(environment, *words))[0] == 0
    words = ["create-admin", "--name", "Ada", "--email", "ada@clinic.example", "--password-stdin"]
    assert (await run(environment, *words, typed=ADMIN_PASSWORD))[0] == 0


async def administrator(server: ServerProcess) -> Person:
    """The administrator, signed in."""
    values = {"login": "ada@clinic.example", "password": ADMIN_PASSWORD}
    signed_in = await Person(server).do("signIn", SESSION, **values)
    assert signed_in["session"]["user"] == {"role": "ADMIN"}
    return Person(server, signed_in["session"]["accessToken"])


async def invited_doctor(server: ServerProcess, admin: Person) -> tuple[Person, str]:
    """A doctor of a new department, who has followed the link in the mail; and their calendar."""
    department = await admin.do("createDepartment", "department { id }", name="Cardiology")
    made = await admin.do(
        "createDoctor",
        "doctor { calendar { id } department { name } }",
        name="Grace Example",
        email="grace@clinic.example",
        departmentId=department["department"]["id"],
    )
    assert made["doctor"]["department"] == {"name": "Cardiology"}
    await server.says("/accept-invitation#")
    (link,) = re.findall(r"/accept-invitation#(\S+)", server.output)
    accepted = await Person(server).do(
        "acceptInvitation", SESSION, token=link, password=DOCTOR_PASSWORD
    )
    assert accepted["session"]["user"] == {"role": "DOCTOR"}
    return Person(server, accepted["session"]["accessToken"]), made["doctor"]["calendar"]["id"]


async def opened_hours(doctor: Person, calendar_id: str) -> list[str]:
    """The slots of the coming days, from working hours that the doctor sets."""
    days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    hours = {"weekdays": days, "startTime": "09:00", "endTime": "11:00", "slotMinutes": 30}
    await doctor.do("setAvailability", "calendar { id }", calendarId=calendar_id, templates=[hours])
    week = {"from": str(tomorrow().date()), "until": str(tomorrow(days=7).date())}
    made = await doctor.do("generateSlots", "preview { created }", calendarId=calendar_id, **week)
    assert made["preview"] == {"created": 28}
    answer = await Person(doctor.server).ask(
        "query ($id: ID!, $from: DateTime!, $to: DateTime!) {"
        " calendar(id: $id) { slots(from: $from, to: $to) { id } } }",
        id=calendar_id,
        **WEEK,
    )
    return [slot["id"] for slot in answer["calendar"]["slots"]]


async def new_patient(server: ServerProcess) -> Person:
    """Somebody who signs up."""
    made = await Person(server).do(
        "signUp",
        f"accepted {SESSION}",
        name="Pat Example",
        email="pat@mail.example",
        password=PATIENT_PASSWORD,
    )
    assert made["accepted"] is True
    assert made["session"]["user"] == {"role": "PATIENT"}
    return Person(server, made["session"]["accessToken"])


async def test_a_clinic_opens_and_a_patient_books_moves_and_cancels(
    own_database: str, http: aiohttp.ClientSession
) -> None:
    environment = settings(own_database)
    await open_the_clinic(environment)
    async with ServerProcess(environment) as server:
        admin = await administrator(server)
        doctor, calendar_id = await invited_doctor(server, admin)
        slots = await opened_hours(doctor, calendar_id)
        patient = await new_patient(server)
        away = await seen_once(patient, http, calendar_id)
        async with (
            watching(patient, http, calendar_id) as one,
            watching(doctor, http, calendar_id) as two,
        ):
            views = [one, two]
            for view in views:
                assert len((await view.next())["slots"]) == 28
            await visit(patient, views, slots)
        async with watching(patient, http, calendar_id, away) as back:
            update = await back.next()
            assert (update["reset"], update["previousCursor"]) == (False, away.cursor)
            # Booked, moved and cancelled meanwhile: two slots, each in its last state, once.
            assert [(s["id"], s["status"]) for s in update["slots"]] == [
                (slots[0], "AVAILABLE"),
                (slots[5], "AVAILABLE"),
            ]
            assert back.slots == one.slots == two.slots
        assert "Traceback" not in server.output


async def seen_once(patient: Person, http: aiohttp.ClientSession, calendar_id: str) -> View:
    """A view that was looked at, and left."""
    async with watching(patient, http, calendar_id) as view:
        await view.next()
    return view


async def visit(patient: Person, views: list[View], slots: list[str]) -> None:
    """Book, move and cancel; after each act every view shows what has changed, and no more."""

    async def all_show(*expected: tuple[str, str, int]) -> None:
        for view in views:
            update = await view.next()
            seen = [(s["id"], s["status"], s["bookedCount"]) for s in update["slots"]]
            assert seen == list(expected)

    made = await patient.do(
        "bookAppointment", "appointment { id reference }", slotId=slots[0], reason="Knee"
    )
    await all_show((slots[0], "BOOKED", 1))
    appointment = {"appointmentId": made["appointment"]["id"]}
    moved = await patient.do(
        "rescheduleAppointment", "appointment { id reference }", **appointment, slotId=slots[5]
    )
    assert moved["appointment"] == made["appointment"]
    await all_show((slots[0], "AVAILABLE", 0), (slots[5], "BOOKED", 1))
    await patient.do("cancelAppointment", "appointment { status }", **appointment)
    await all_show((slots[5], "AVAILABLE", 0))
