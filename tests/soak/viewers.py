"""Those who watch: they come and go with their cursors, and believe nothing."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gql.transport.exceptions import TransportError, TransportQueryError
from websockets.exceptions import WebSocketException

from models import Calendar, Role
from tests.api import Api
from tests.factories import Person
from tests.live.views import FIELDS, viewing
from tests.soak.gate import Gate
from tests.soak.tally import Tally
from tests.soak.truth import Seen, Truth

WITH_APPOINTMENTS = f"{FIELDS} appointments {{ reference status version patient {{ name }} }}"
# A viewer leaves after so many updates at most, and is away for so long at most.
MOST_UPDATES = 30
LONGEST_ABSENCE = 1.5
# How many of those who leave forget everything, or sleep through quiet points.
FORGETFUL, SLEEPY = 0.1, 0.1
PAUSE = 0.1


@dataclass(frozen=True)
class Window:
    """What is looked at, and by whom; None is the public."""

    calendar: Calendar
    starts_at: datetime
    ends_at: datetime
    person: Person | None

    @property
    def fields(self) -> str:
        """What is asked for: whoever is signed in sees appointments too."""
        return WITH_APPOINTMENTS if self.person else FIELDS

    def sees(self, doctor_calendar: UUID, patient_id: UUID) -> bool:
        """Whether an appointment is shown to this person."""
        assert self.person is not None
        if self.person.user.role is Role.DOCTOR:
            return self.person.calendar is not None and self.person.calendar.id == doctor_calendar
        if self.person.user.role is Role.PATIENT:
            return self.person.patient is not None and self.person.patient.id == patient_id
        return True

    def picture(self, truth: Truth) -> dict[str, dict[str, Any]]:
        """What has to be shown."""
        shown = truth.picture(self.calendar.id, self.starts_at, self.ends_at)
        if self.person is None:
            return shown
        for slot_id, slot in shown.items():
            slot["appointments"] = [
                {
                    "reference": row["reference"],
                    "status": row["status"],
                    "version": row["version"],
                    "patient": {"name": row["name"]},
                }
                for row in truth.appointments.get(UUID(slot_id.removeprefix("slot_")), ())
                if row["status"] != "CANCELLED" and self.sees(row["calendar_id"], row["patient_id"])
            ]
        return shown


class Viewer:
    """One view, through all its streams.

    Attributes:
        slots: what it shows.
        is_watching: whether it is on a stream and has been sent something there.
        is_asleep: whether it does not mean to watch for a while.

    """

    def __init__(
        self,
        window: Window,
        servers: Sequence[Api],
        chance: random.Random,
        gate: Gate,
        tally: Tally,
        seen: Seen,
    ) -> None:
        self.window = window
        self.slots: dict[str, dict[str, Any]] = {}
        self.is_watching = False
        self.is_asleep = False
        self._servers = servers
        self._chance = chance
        self._gate = gate
        self._tally = tally
        self._seen = seen
        self._cursor: str | None = None
        self._versions: dict[str, int] = {}

    async def run(self) -> None:
        """Watch, leave, come back, for ever."""
        while True:
            try:
                await self._watch()
                self._tally.returns["having left"] += 1
                await self._stay_away()
            except TransportQueryError as error:
                code = (error.errors or [{}])[0].get("extensions", {}).get("code", str(error))
                self._tally.returns[str(code)] += 1
                if code != "UNAVAILABLE":
                    self._tally.blame("refused views", str(error))
                await asyncio.sleep(PAUSE)
            except (TransportError, WebSocketException, OSError, TimeoutError) as error:
                self._tally.returns[type(error).__name__] += 1
                await asyncio.sleep(PAUSE)

    async def _stay_away(self) -> None:
        """Most come back soon, some anew, and some sleep until their cursor is too old."""
        roll = self._chance.random()
        if roll < FORGETFUL:
            self.slots, self._cursor, self._versions = {}, None, {}
        elif roll < FORGETFUL + SLEEPY:
            self.is_asleep = True
            await self._gate.sleep(2)
            self.is_asleep = False
        await asyncio.sleep(self._chance.random() * LONGEST_ABSENCE)

    async def _watch(self) -> None:
        leaves_after = self._chance.randrange(1, MOST_UPDATES)
        window = self.window
        try:
            async with viewing(
                self._chance.choice(self._servers),
                window.calendar,
                start=window.starts_at,
                end=window.ends_at,
                after=self._cursor,
                fields=window.fields,
            ) as view:
                async for answer in view.updates:
                    self._apply(answer["calendarChanges"])
                    self.is_watching = True
                    leaves_after -= 1
                    if leaves_after <= 0 and self._gate.is_open:
                        return
            self._tally.blame("views that ended without a word", str(window))
        finally:
            self.is_watching = False

    def holds(self, truth: Truth) -> bool:
        """Whether it shows the truth, or cannot be asked to."""
        return self.is_asleep or (self.is_watching and self.slots == self.window.picture(truth))

    def _apply(self, update: dict[str, Any]) -> None:
        self._tally.updates += 1
        is_reset = update["reset"]
        if is_reset:
            self._tally.resets += self._cursor is not None
            self.slots = {}
        elif update["previousCursor"] != self._cursor:
            self._tally.blame("order faults", f"{update} after {self._cursor}")
        self._cursor = update["cursor"]
        for slot in update["slots"]:
            self._take(slot, may_be_known=is_reset)

    def _take(self, slot: dict[str, Any], *, may_be_known: bool) -> None:
        known, version = self._versions.get(slot["id"], -1), slot["version"]
        if version < known:
            self._tally.blame("order faults", f"{slot} after version {known}")
        elif version == known and not may_be_known:
            self._tally.blame("repeats", f"{slot} once more")
        self._versions[slot["id"]] = version
        state = slot["status"], slot["bookedCount"]
        if self._seen.setdefault((slot["id"], version), state) != state:
            self._tally.blame("contradictions", f"{slot}")
        if slot["status"] == "REMOVED":
            self.slots.pop(slot["id"], None)
        else:
            self.slots[slot["id"]] = slot
