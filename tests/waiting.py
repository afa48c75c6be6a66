"""Waiting, as tests of many things need it: who stands in line, and what they are offered.

What a test proves about the waitlist stands in the test.
"""

import asyncio
from typing import Any, Self

from sqlalchemy import text

from models import Role, Slot
from tests.api import Api
from tests.booking import book
from tests.conftest import Clinic
from tests.factories import Factory, Person, id_of, tomorrow, wire
from tests.rows import across

ENTRY = "waitlistEntry { id status position offeredSlot { id } offerExpiresAt }"
APPOINTMENT = "appointment { id status reason slot { id } }"
WINDOW = {"from": wire(tomorrow(0)), "to": wire(tomorrow(0, days=60))}
SEEN = f"query ($id: ID!) {{ node(id: $id) {{ ... on WaitlistEntry {ENTRY[14:]} }} }}"
STATUS = "query ($id: ID!) { node(id: $id) { ... on Slot { status } } }"
WAITING = ("WAITING", None)
PATIENCE = 10.0


class Waiter:
    """A patient with an account, who waits, or may."""

    def __init__(self, clinic: Clinic, person: Person) -> None:
        self.clinic = clinic
        self.person = person
        self.api: Api = clinic.public.signed_in(person.token)
        self.id = ""

    async def join(self, **values: Any) -> Self:
        """Wait, for the clinic's doctor unless something else is said."""
        doctor = {"doctorId": id_of(self.clinic.person(Role.DOCTOR).doctor)}
        given = {**WINDOW, **({} if "departmentId" in values else doctor), **values}
        self.id = (await self.api.done("joinWaitlist", ENTRY, **given))["id"]
        return self

    async def entry(self) -> dict[str, Any]:
        """Their entry."""
        found: dict[str, Any] = (await self.api.ask(SEEN, id=self.id))["node"]
        return found

    async def seen(self) -> tuple[str, str | None]:
        """Their status, and the slot that is offered."""
        entry = await self.entry()
        is_offered = entry["status"] == "OFFERED"
        assert is_offered == bool(entry["offeredSlot"]) == bool(entry["offerExpiresAt"])
        return entry["status"], entry["offeredSlot"] and entry["offeredSlot"]["id"]

    async def until(self, expected: tuple[str, str | None]) -> None:
        """Return once this is seen."""
        async with asyncio.timeout(PATIENCE):
            while await self.seen() != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def act(self, name: str, api: Api | None = None, **values: Any) -> dict[str, Any]:
        """The payload of leaving, declining or accepting."""
        fields = APPOINTMENT if name == "acceptOffer" else ENTRY
        return await (api or self.api).act(name, fields, waitlistEntryId=self.id, **values)

    async def done(self, name: str, api: Api | None = None, **values: Any) -> dict[str, Any]:
        """What came of an act that must not be refused."""
        payload = await self.act(name, api, **values)
        assert payload.pop("errors") == []
        (thing,) = payload.values()
        found: dict[str, Any] = thing
        return found

    async def refused(self, name: str, api: Api | None = None) -> dict[str, Any]:
        """Why an act was refused."""
        payload = await self.act(name, api)
        (error,) = payload["errors"]
        found: dict[str, Any] = error
        return found


async def waiter(clinic: Clinic, **values: Any) -> Waiter:
    """A new patient who waits."""
    return await Waiter(clinic, await clinic.factory.person(Role.PATIENT)).join(**values)


def offered(slot: Slot) -> tuple[str, str]:
    """What is seen by somebody to whom a slot is offered."""
    return "OFFERED", id_of(slot)


async def status(clinic: Clinic, slot: Slot) -> str:
    """What everybody sees of a slot."""
    found: str = (await clinic.public.ask(STATUS, id=id_of(slot)))["node"]["status"]
    return found


async def taken(clinic: Clinic, slot: Slot, **values: Any) -> str:
    """Book a slot for somebody who does not wait; the id of the appointment."""
    patient = id_of(await clinic.factory.patient())
    made: str = (await book(clinic.reception, slot, patientId=patient, **values))["id"]
    return made


async def cancel(clinic: Clinic, appointment_id: str) -> None:
    """Free the time of an appointment."""
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=appointment_id
    )


async def overdue(factory: Factory) -> None:
    """Every hold and offer of the clinic has ended a moment ago."""
    for table, column, condition in (
        ("waitlist_entries", "offer_expires_at", "status = 'OFFERED'"),
        ("claims", "expires_at", "kind = 'HOLD'"),
    ):
        moment = f"{column} = now() - interval '1 ms'"
        statement = text(f"UPDATE {table} SET {moment} WHERE organization_id = :id AND {condition}")
        # One by one, so that nobody who makes an offer meanwhile waits for this and this for them.
        async with across(factory) as connection:
            await connection.execute(statement, {"id": factory.organization.id})
