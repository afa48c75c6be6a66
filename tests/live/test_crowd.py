"""Many views that come, go and return while many people write: each shows what is, without gaps."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from models import Role, Slot
from models.database import Database
from tests.api import Api
from tests.conftest import CONFIG, Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import (
    View,
    asked,
    change_behind_the_api,
    doctors_calendar,
    viewing,
)
from tests.processes import ServerProcess, settings

SECONDS = float(os.environ.get("CROWD_SECONDS", "8"))
VIEWS = 50
WRITERS = 6


class Crowd:
    """Writers and views of one calendar, on several servers, by the dice of one seed."""

    def __init__(self, clinic: Clinic, servers: list[Api], slots: list[Slot], seed: int) -> None:
        self.clinic = clinic
        self.servers = servers
        self.slots = slots
        self.chance = random.Random(seed)
        self.calendar = doctors_calendar(clinic)
        self.ends = time.monotonic() + SECONDS
        self.resumed = self.updates = self.written = 0

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.ends

    async def write(self) -> None:
        """Book, move, cancel, close, open and change from outside, at random; refusals are fine."""
        person = await self.clinic.factory.person(Role.PATIENT)
        api = self.chance.choice(self.servers).signed_in(person.token)
        acts: list[Callable[[Api, dict[str, Any]], Awaitable[None]]] = [
            self.book,
            self.book,
            self.move,
            self.cancel,
            self.close,
            self.open,
        ]
        held: dict[str, Any] = {}
        while self.goes_on:
            await self.chance.choice(acts)(api, held)
            self.written += 1
            await asyncio.sleep(self.chance.random() * 0.05)

    async def book(self, api: Api, held: dict[str, Any]) -> None:
        slot = self.chance.choice(self.slots)
        payload = await api.act("bookAppointment", "appointment { id }", slotId=id_of(slot))
        if payload["appointment"]:
            held[payload["appointment"]["id"]] = slot

    async def move(self, api: Api, held: dict[str, Any]) -> None:
        if held:
            await api.act(
                "rescheduleAppointment",
                "appointment { id }",
                appointmentId=self.chance.choice(list(held)),
                slotId=id_of(self.chance.choice(self.slots)),
            )

    async def cancel(self, api: Api, held: dict[str, Any]) -> None:
        if held:
            chosen = self.chance.choice(list(held))
            del held[chosen]
            await api.act("cancelAppointment", "appointment { id }", appointmentId=chosen)

    async def close(self, _: Api, __: dict[str, Any]) -> None:
        await self.set_time("blockTime")

    async def open(self, _: Api, __: dict[str, Any]) -> None:
        await self.set_time("unblockTime")

    async def set_time(self, act: str) -> None:
        slot = self.chance.choice(self.slots)
        time = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
        await self.clinic.reception.act(
            act, "slots { id }", calendarId=id_of(self.calendar), **time
        )

    async def look(self) -> View:
        """Watch for a moment, leave, come back with the cursor or without, again and again."""
        view: View | None = None
        while True:
            back = view if view and self.chance.random() < 0.8 else None
            self.resumed += back is not None
            server = self.chance.choice(self.servers)
            async with viewing(server, self.calendar, back=back) as view:
                first = await view.next()
                assert first["reset"] is (back is None)
                await self.follow(view, self.chance.uniform(0.2, 3))
            if not self.goes_on:
                return view

    async def follow(self, view: View, seconds: float) -> None:
        """Take what comes for a while."""
        leaves = min(time.monotonic() + seconds, self.ends)
        taking = asyncio.ensure_future(view.next())
        while (left := leaves - time.monotonic()) > 0:
            done, _ = await asyncio.wait([taking], timeout=left)
            if done:
                taking.result()
                self.updates += 1
                taking = asyncio.ensure_future(view.next())
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


async def test_fifty_views_that_come_and_go_all_show_what_is(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
    print(f"SEED={seed}")
    slots = await clinic.factory.slots(doctors_calendar(clinic), tomorrow(8), 20)
    environment = settings(database_url, SECRET_KEY=CONFIG.secret_key)
    async with ServerProcess(environment) as here, ServerProcess(environment) as there:
        public = clinic.public
        servers = [one.api(public.http, public.slug) for one in (here, there)]
        crowd = Crowd(clinic, servers, slots, seed)
        async with asyncio.TaskGroup() as together:
            looking = [together.create_task(crowd.look()) for _ in range(VIEWS)]
            for _ in range(WRITERS):
                together.create_task(crowd.write())
        print(f"{crowd.written} acts, {crowd.updates} updates, {crowd.resumed} returns")
        await change_behind_the_api(database, slots[0], "BLOCKED")
        picture, _ = await asked(clinic.public, crowd.calendar)
        assert len(picture) == len(slots)
        for task in looking:
            view = task.result()
            async with viewing(servers[1], crowd.calendar, back=view) as last:
                await last.equals(picture)
    assert min(crowd.written, crowd.updates, crowd.resumed) > 0
