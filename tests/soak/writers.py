"""Those who change slots: patients with the people who serve them, and managers of calendars.

Each insists on an answer, whatever breaks in between, and so knows what must be in the database.
"""

import asyncio
import itertools
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from models import Calendar, Weekday
from tests.api import Api
from tests.e2e.load import UNANSWERED, new_key
from tests.factories import Person, id_of, wire
from tests.soak.gate import Gate
from tests.soak.tally import Tally

PAUSE = 0.2
FRESH_SECONDS = 3.0
MOST_HELD = 4
# What is completed takes its slot for ever: a long run must not end with nothing to book.
MOST_COMPLETED = 300
APPOINTMENT = "appointment { id status slot { id calendar { id } } }"
FREE = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to, status: [AVAILABLE]) { id } }
}
"""


@dataclass
class Practice:
    """Who works there, when, and what is known to be free.

    Attributes:
        walk_ins: by calendar, the slot that has begun, for those who come unannounced.
        completed: how many visits have taken place.

    """

    doctors: Sequence[Person]
    reception: Person
    first_day: datetime
    days: int
    walk_ins: Mapping[str, str]
    completed: int = 0
    free: dict[tuple[str, datetime], tuple[float, list[str]]] = field(default_factory=dict)

    def doctor_of(self, calendar_id: str) -> Person:
        """Whose calendar it is."""
        return next(d for d in self.doctors if d.calendar and id_of(d.calendar) == calendar_id)

    @property
    def calendars(self) -> list[Calendar]:
        """All calendars."""
        return [doctor.calendar for doctor in self.doctors if doctor.calendar]

    @property
    def last_moment(self) -> datetime:
        """When the last day is over."""
        return self.first_day + timedelta(days=self.days)


class Writer(ABC):
    """Somebody who acts again and again, on any server that answers."""

    def __init__(
        self,
        practice: Practice,
        servers: Sequence[Api],
        chance: random.Random,
        gate: Gate,
        tally: Tally,
    ) -> None:
        self.practice = practice
        self.chance = chance
        self._gate = gate
        self._tally = tally
        self._servers = itertools.cycle(servers)

    async def run(self, rest: float) -> None:
        """Act for ever, and rest between two acts for so many seconds on average."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / rest))
            async with self._gate.passed():
                await self.act()

    @abstractmethod
    async def act(self) -> None:
        """Do something that is possible now."""

    async def done(
        self, person: Person, mutation: str, fields: str, /, **values: Any
    ) -> dict[str, Any] | None:
        """What an act yields; None where it was refused, nothing where an unheard try did it."""
        name = mutation[0].upper() + mutation[1:]
        document = f"""mutation ($input: {name}Input!) {{
            {mutation}(input: $input) {{ {fields} errors {{ ... on UserError {{ code }} }} }}
        }}"""
        answer, tries = await self._answer(person, document, input=values)
        payload: dict[str, Any] = answer[mutation]
        codes = [error["code"] for error in payload.pop("errors")]
        if codes == ["INVALID_TRANSITION"] and tries > 1:
            codes, payload = [], {}
        (self._tally.refusals if codes else self._tally.changes)[(codes or [mutation])[0]] += 1
        return None if codes else payload

    async def free_slot(self) -> str | None:
        """A slot that was free a moment ago."""
        practice = self.practice
        calendar = id_of(self.chance.choice(practice.calendars))
        day = practice.first_day + timedelta(days=self.chance.randrange(practice.days))
        asked, slots = practice.free.get((calendar, day), (0.0, []))
        if time.monotonic() - asked > FRESH_SECONDS:
            window = {"from": wire(day), "to": wire(day + timedelta(days=1))}
            answer, _ = await self._answer(practice.reception, FREE, id=calendar, **window)
            slots = [slot["id"] for slot in answer["calendar"]["slots"]]
            practice.free[calendar, day] = time.monotonic(), slots
        return self.chance.choice(slots) if slots else None

    async def _answer(
        self, person: Person, document: str, **variables: Any
    ) -> tuple[dict[str, Any], int]:
        """The data of the first answer, and how many tries it took."""
        for tries in itertools.count(1):
            api = next(self._servers).signed_in(person.token)
            try:
                answer = await api.send(document, **variables)
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._tally.unanswered[UNANSWERED] += 1
            else:
                if "errors" not in answer:
                    data: dict[str, Any] = answer["data"]
                    return data, tries
                code = answer["errors"][0]["extensions"]["code"]
                self._tally.unanswered[code] += 1
                if code != "UNAVAILABLE":
                    self._tally.blame("failed requests", f"{document} {variables} {answer}")
            await asyncio.sleep(PAUSE)
        raise AssertionError


@dataclass
class Held:
    """An appointment that is open, as its patient was last told."""

    calendar: str
    slot: str
    status: str


class PatientWriter(Writer):
    """A patient, and whoever does something for them: nobody else touches their appointments.

    Attributes:
        known: each appointment that they ever had: its slot and its status.

    """

    def __init__(self, patient: Person, *rest: Any) -> None:
        super().__init__(*rest)
        self.patient = patient
        self.held: dict[str, Held] = {}
        self.known: dict[str, tuple[str, str]] = {}

    async def act(self) -> None:
        roll = self.chance.random()
        if not self.held or (roll < 0.45 and len(self.held) < MOST_HELD):
            # One who is marked as no-show may still come late, unless they are elsewhere by then.
            is_here = any(self._has_begun(held) for held in self.held.values())
            comes_now = self.chance.random() < 0.1 and not is_here
            await (self.walk_in() if comes_now else self.book())
            return
        chosen = self.chance.choice(list(self.held))
        acts, weights = zip(*self._possible(self.held[chosen]).items(), strict=True)
        (act,) = self.chance.choices(acts, weights)
        if act == "rescheduleAppointment":
            await self.move(chosen)
        else:
            await self.step(act, chosen)

    def _possible(self, held: Held) -> dict[str, float]:
        """What may follow, and how likely it shall."""
        is_enough = self.practice.completed >= MOST_COMPLETED
        may_complete = 1.0 * (self._has_begun(held) and not is_enough)
        if held.status == "NO_SHOW":
            return {"checkInAppointment": 1}
        if held.status == "CHECKED_IN":
            return {"cancelAppointment": 6, "completeAppointment": may_complete}
        return {
            "cancelAppointment": 8,
            "rescheduleAppointment": 8,
            "checkInAppointment": 2,
            "updateAppointment": 3,
            "completeAppointment": may_complete,
            "markNoShow": 8.0 * self._has_begun(held),
        }

    async def book(self) -> None:
        if slot := await self.free_slot():
            values = {"slotId": slot, "idempotencyKey": new_key()}
            self._learn(await self.done(self.patient, "bookAppointment", APPOINTMENT, **values))

    async def walk_in(self) -> None:
        assert self.patient.patient is not None
        values = {
            "slotId": self.chance.choice(list(self.practice.walk_ins.values())),
            "patientId": id_of(self.patient.patient),
            "idempotencyKey": new_key(),
        }
        reception = self.practice.reception
        self._learn(await self.done(reception, "bookAppointment", APPOINTMENT, **values))

    async def move(self, chosen: str) -> None:
        slot = await self.free_slot()
        if slot is None or slot == self.held[chosen].slot:
            return
        values = {"appointmentId": chosen, "slotId": slot, "idempotencyKey": new_key()}
        who = self._who("rescheduleAppointment", self.held[chosen])
        payload = await self.done(who, "rescheduleAppointment", APPOINTMENT, **values)
        assert payload is None or payload["appointment"]["slot"]["id"] == slot, payload
        self._learn(payload)

    async def step(self, act: str, chosen: str) -> None:
        held = self.held[chosen]
        reason = {"reason": new_key()} if act == "updateAppointment" else {}
        who = self._who(act, held)
        payload = await self.done(who, act, APPOINTMENT, appointmentId=chosen, **reason)
        if payload is None:
            return
        # Where an unheard try did it, no answer says more than that it cannot be done again.
        status = LEADS_TO.get(act, held.status)
        slot = {"id": held.slot, "calendar": {"id": held.calendar}}
        said = payload.get("appointment", {"id": chosen, "status": status, "slot": slot})
        assert said["status"] == status, (act, said)
        self._learn({"appointment": said})
        self.practice.completed += status == "COMPLETED"

    def _who(self, act: str, held: Held) -> Person:
        """Who does it: a patient may not touch what has begun, and the front desk not what it does
        not read.
        """
        has_begun = self._has_begun(held)
        if act == "completeAppointment" or (act == "updateAppointment" and has_begun):
            return self.practice.doctor_of(held.calendar)
        if act in {"checkInAppointment", "markNoShow"}:
            return self.practice.reception
        return self.practice.reception if has_begun else self.patient

    def _has_begun(self, held: Held) -> bool:
        return held.slot == self.practice.walk_ins[held.calendar]

    def _learn(self, payload: dict[str, Any] | None) -> None:
        """Remember where an appointment stands, by what was answered."""
        if payload is None:
            return
        said = payload["appointment"]
        slot, status = said["slot"], said["status"]
        self.known[said["id"]] = slot["id"], status
        self.held.pop(said["id"], None)
        if status not in {"CANCELLED", "COMPLETED"}:
            self.held[said["id"]] = Held(slot["calendar"]["id"], slot["id"], status)


LEADS_TO = {
    "cancelAppointment": "CANCELLED",
    "checkInAppointment": "CHECKED_IN",
    "completeAppointment": "COMPLETED",
    "markNoShow": "NO_SHOW",
}


class Manager(Writer):
    """Somebody who closes and opens time, and changes working hours."""

    async def act(self) -> None:
        (act,) = self.chance.choices((self.block, self.unblock, self.change_hours), (9, 7, 4))
        calendar = self.chance.choice(self.practice.calendars)
        doctor = self.practice.doctor_of(id_of(calendar))
        await act(self.chance.choice((self.practice.reception, doctor)), id_of(calendar))

    async def block(self, person: Person, calendar: str) -> None:
        await self._between(person, "blockTime", calendar, self.chance.randrange(15, 121, 15))

    async def unblock(self, person: Person, calendar: str) -> None:
        await self._between(person, "unblockTime", calendar, self.chance.randrange(60, 481, 15))

    async def _between(self, person: Person, act: str, calendar: str, minutes: int) -> None:
        day = self.practice.first_day + timedelta(days=self.chance.randrange(self.practice.days))
        starts_at = day + timedelta(minutes=self.chance.randrange(6 * 60, 16 * 60, 15))
        ends_at = starts_at + timedelta(minutes=minutes)
        times = {"startsAt": wire(starts_at), "endsAt": wire(ends_at)}
        await self.done(person, act, "slots { id status }", calendarId=calendar, **times)

    async def change_hours(self, person: Person, calendar: str) -> None:
        """Other hours, or none, and their slots for some of the days."""
        hours = [] if self.chance.random() < 0.1 else [self.some_hours()]
        days = self.chance.randrange(1, self.practice.days + 1)
        await self.open_hours(person, calendar, hours, days)

    async def open_hours(
        self, person: Person, calendar: str, hours: list[dict[str, Any]], days: int
    ) -> None:
        """Keep these hours, and make their slots for the first days."""
        fields = "calendar { id } preview { created kept removed }"
        first_day = self.practice.first_day
        last_day = first_day + timedelta(days=days - 1)
        values = {"from": f"{first_day:%F}", "until": f"{last_day:%F}"}
        await self.done(person, "setAvailability", fields, calendarId=calendar, templates=hours)
        await self.done(person, "generateSlots", fields, calendarId=calendar, **values)

    def some_hours(self) -> dict[str, Any]:
        begin = self.chance.randrange(8, 11)
        return {
            "weekdays": [day.name for day in Weekday],
            "startTime": f"{begin:02}:00:00",
            "endTime": f"{begin + self.chance.randrange(3, 6):02}:00:00",
            "slotMinutes": self.chance.choice((20, 30, 45, 60)),
            "bufferMinutes": self.chance.choice((0, 0, 15)),
            "capacity": self.chance.choice((1, 1, 2)),
        }


def midnight(days: int) -> datetime:
    """The beginning of a day to come."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)
