"""The machine that plays: random acts through the API and in the model, and the whole calendar
compared after each of them, as it is shown, as it is stored and as a live view has it.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from models import Role, VisitType, VisitTypeDoctor
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG
from tests.connected import be_busy
from tests.factories import Factory, id_of, tomorrow, wire
from tests.live.views import View, viewing
from tests.play.model import DESK, KINDS, PATIENTS, SLOT, SLOTS, Model, Refused

NINE = tomorrow(9)
WINDOW = wire(tomorrow(0)), wire(tomorrow(23))
TYPES = [kind for kind in KINDS if kind != "plain"]
SHOWN = "id status bookedCount isBookable " + " ".join(
    f"{kind}: isBookable(visitTypeId: ${kind})" for kind in TYPES
)
OF_TYPES = ", ".join(f"${kind}: ID!" for kind in TYPES)
CALENDAR = f"""
query ($id: ID!, $from: DateTime!, $to: DateTime!, {OF_TYPES}) {{
  calendar(id: $id) {{ slots(from: $from, to: $to) {{ {SHOWN} }} }} }}
"""
STORED = text("""
    SELECT kind::text, lane, extract(epoch FROM starts_at - :nine)::int / 60,
           extract(epoch FROM ends_at - :nine)::int / 60,
           extract(epoch FROM coalesce(clear_until, ends_at) - :nine)::int / 60
    FROM claims WHERE calendar_id = :id AND kind IN ('APPOINTMENT', 'HOLD')
""")

who = st.sampled_from([*PATIENTS, DESK])
slot = st.integers(0, SLOTS - 1)
kind = st.sampled_from(list(KINDS))
patient = st.sampled_from(PATIENTS)
place = st.integers(0, 100)


class Table:
    """Where it is played: a server that runs, a database, and a loop of its own."""

    def __init__(self, server_url: str, database_url: str) -> None:
        self.server_url = server_url
        self.runner = asyncio.Runner()
        self.database = Database(database_url, pool_size=2)
        self.http = self.runner.run(self._http())

    async def _http(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    def close(self) -> None:
        self.runner.run(self.http.close())
        self.runner.run(self.database.close())
        self.runner.close()


class Clinic:
    """One calendar, and those who play with it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.stack = AsyncExitStack()
        self.apis: dict[str, Api] = {}
        self.patients: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.slots: list[str] = []
        self.visits: dict[int, str] = {}
        self.view: View

    async def begin(self, capacity: int) -> None:
        """Make the doctor, the slots, the patients and the kinds of visits; open the live view."""
        organization = await create_organization(
            self.table.database,
            slug=f"play-{id(self):x}",
            name="A Clinic",
            time_zone="Europe/Madrid",
            locale="en",
        )
        self.factory = Factory(self.table.database, CONFIG, organization)
        self.public = Api(self.table.server_url, self.table.http, organization.slug)
        doctor = await self.factory.person(Role.DOCTOR)
        assert doctor.calendar
        assert doctor.doctor
        self.calendar = doctor.calendar
        desk = await self.factory.person(Role.RECEPTIONIST)
        self.apis[DESK] = self.public.signed_in(desk.token)
        for name in PATIENTS:
            person = await self.factory.person(Role.PATIENT)
            self.apis[name] = self.public.signed_in(person.token)
            self.patients[name] = id_of(person.patient)
        for number in range(SLOTS):
            made = await self.factory.slot(
                self.calendar,
                NINE + timedelta(minutes=SLOT * number),
                capacity=capacity,
                hours_end_at=NINE + timedelta(minutes=SLOT * SLOTS),
            )
            self.slots.append(id_of(made))
        owner = {"organization_id": organization.id}
        for name in TYPES:
            minutes, clear = KINDS[name]
            made = VisitType(**owner, name=name, minutes=minutes, buffer_minutes=clear)
            await self.factory.add(made)
            offer = {"visit_type_id": made.id, "doctor_id": doctor.doctor.id}
            await self.factory.add(VisitTypeDoctor(**owner, **offer))
            self.kinds[name] = id_of(made)
        watching = viewing(self.public, self.calendar)
        self.view = await self.stack.enter_async_context(watching)

    async def act(self, who: str, name: str, fields: str, **values: Any) -> tuple[str, Any]:
        """How an act ends: the code of its refusal, or DONE; and what it yields."""
        payload = await self.apis[who].act(name, fields, **values)
        if payload["errors"]:
            return str(payload["errors"][0]["code"]), None
        return "DONE", payload[fields.partition("{")[0].strip()]

    def wish(self, slot: int, kind: str) -> dict[str, Any]:
        """What of a visit is told to the API."""
        of_kind = {} if kind == "plain" else {"visitTypeId": self.kinds[kind]}
        return {"slotId": self.slots[slot], **of_kind}

    async def look(self) -> list[dict[str, Any]]:
        """The slots as everybody is shown them."""
        window = {"from": WINDOW[0], "to": WINDOW[1]}
        found = await self.public.ask(CALENDAR, id=id_of(self.calendar), **window, **self.kinds)
        slots: list[dict[str, Any]] = found["calendar"]["slots"]
        return slots

    async def stored(self) -> list[tuple[Any, ...]]:
        """The time that is taken, in order."""
        async with self.table.database.crossing_organizations() as session:
            values = {"nine": NINE, "id": self.calendar.id}
            return sorted(tuple(row) for row in (await session.execute(STORED, values)).all())

    async def end(self) -> None:
        await self.stack.aclose()


class Play(RuleBasedStateMachine):
    """Each rule does one act twice: through the API, and in the model."""

    table: Table

    @initialize(capacity=st.integers(1, 2))
    def begin(self, capacity: int) -> None:
        self.model = Model(capacity)
        self.clinic = Clinic(self.table)
        self.run(self.clinic.begin(capacity))

    def run(self, work: Any) -> Any:
        return self.table.runner.run(work)

    def expect(self, act: Any, *arguments: Any) -> tuple[str, Any]:
        """How the model ends an act."""
        try:
            return "DONE", act(*arguments)
        except Refused as refused:
            return str(refused), None

    def visit(self, place: int) -> int:
        """One of the visits there are."""
        visits = sorted(one.number for one in self.model.taken if one.what == "visit")
        return visits[place % len(visits)]

    @rule(who=who, patient=patient, slot=slot, kind=kind)
    def book(self, who: str, patient: str, slot: int, kind: str) -> None:
        patient = patient if who == DESK else who
        expected, number = self.expect(self.model.book, who, patient, slot, kind)
        values = {"patientId": self.clinic.patients[patient], **self.clinic.wish(slot, kind)}
        work = self.clinic.act(who, "bookAppointment", "appointment { id }", **values)
        ended, made = self.run(work)
        assert ended == expected
        if made:
            self.clinic.visits[number] = made["id"]

    @precondition(lambda self: all(one.lane < self.model.capacity for one in self.model.taken))
    @rule(patient=patient, slot=slot, kind=kind)
    def overbook(self, patient: str, slot: int, kind: str) -> None:
        expected, number = self.expect(self.model.overbook, patient, slot, kind)
        values = {"patientId": self.clinic.patients[patient], **self.clinic.wish(slot, kind)}
        values["overbookingReason"] = "Urgent"
        work = self.clinic.act(DESK, "overbookAppointment", "appointment { id }", **values)
        ended, made = self.run(work)
        assert ended == expected
        if made:
            self.clinic.visits[number] = made["id"]

    @precondition(lambda self: self.model.count and self.clinic.visits)
    @rule(place=place, slot=slot, by_desk=st.booleans())
    def move(self, place: int, slot: int, by_desk: bool) -> None:
        if not any(one.what == "visit" for one in self.model.taken):
            return
        number = self.visit(place)
        patient = next(one.who for one in self.model.taken if one.number == number)
        who = DESK if by_desk else patient
        expected, _ = self.expect(self.model.move, who, number, slot)
        ids = {"appointmentId": self.clinic.visits[number], "slotId": self.clinic.slots[slot]}
        work = self.clinic.act(who, "rescheduleAppointment", "appointment { id }", **ids)
        ended, _ = self.run(work)
        assert ended == expected

    @rule(place=place)
    def cancel(self, place: int) -> None:
        if not any(one.what == "visit" for one in self.model.taken):
            return
        number = self.visit(place)
        self.model.cancel(number)
        id = self.clinic.visits.pop(number)
        ended, _ = self.run(
            self.clinic.act(DESK, "cancelAppointment", "appointment { id }", appointmentId=id)
        )
        assert ended == "DONE"

    @rule(who=who, slot=slot, kind=kind)
    def hold(self, who: str, slot: int, kind: str) -> None:
        expected, _ = self.expect(self.model.hold, who, slot, kind)
        ended, _ = self.run(
            self.clinic.act(who, "holdSlot", "slot { id }", **self.clinic.wish(slot, kind))
        )
        assert ended == expected

    @rule(who=who, slot=slot)
    def release(self, who: str, slot: int) -> None:
        self.model.release(who, slot)
        ids = {"slotId": self.clinic.slots[slot]}
        ended, _ = self.run(self.clinic.act(who, "releaseHold", "slot { id }", **ids))
        assert ended == "DONE"

    @rule(first=slot, last=slot, opens=st.booleans())
    def close_or_open(self, first: int, last: int, opens: bool) -> None:
        first, last = sorted((first, last))
        act = self.model.open if opens else self.model.close
        expected, _ = self.expect(act, first, last)
        name = "unblockTime" if opens else "blockTime"
        times = {
            "startsAt": wire(NINE + timedelta(minutes=SLOT * first)),
            "endsAt": wire(NINE + timedelta(minutes=SLOT * (last + 1))),
        }
        ids = {"calendarId": id_of(self.clinic.calendar)}
        ended, _ = self.run(self.clinic.act(DESK, name, "slots { id }", **ids, **times))
        assert ended == expected

    @rule(slots=st.sets(slot, max_size=3))
    def be_elsewhere(self, slots: set[int]) -> None:
        self.model.be_elsewhere(slots)
        spans = [
            (
                NINE + timedelta(minutes=SLOT * place),
                NINE + timedelta(minutes=SLOT * (place + 1)),
            )
            for place in slots
        ]
        self.run(be_busy(self.clinic.factory, self.clinic.calendar.id, *spans))

    @invariant()
    def both_are_alike(self) -> None:
        """As it is shown to everybody, as it is stored, and as a live view has it."""
        slots = self.run(self.clinic.look())
        model = self.model
        kinds = {"isBookable": "plain", **dict(zip(TYPES, TYPES, strict=True))}
        assert slots == [
            {
                "id": self.clinic.slots[number],
                "status": model.status(number),
                "bookedCount": model.booked(number),
                **{
                    name: model.why_not("somebody", number, kind) is None
                    for name, kind in kinds.items()
                },
            }
            for number in range(SLOTS)
        ]
        names = {"visit": "APPOINTMENT", "hold": "HOLD"}
        taken = [(names[one.what], one.lane, one.begin, one.end, one.clear) for one in model.taken]
        assert self.run(self.clinic.stored()) == sorted(taken)
        self.run(self.seen())

    async def seen(self) -> None:
        """Read on until the live view has all slots as they are: soon it does."""
        model, view = self.model, self.clinic.view
        expected = {
            id: (model.status(number), model.booked(number))
            for number, id in enumerate(self.clinic.slots)
        }
        while expected != {
            id: (slot["status"], slot["bookedCount"]) for id, slot in view.slots.items()
        }:
            await view.next()

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.run(self.clinic.end())
