"""The soak itself: life with faults, then a quiet point at which everybody must hold the truth."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import asyncpg

from tests.api import Api
from tests.e2e.conftest import SLUG
from tests.factories import id_of
from tests.soak import people, truth
from tests.soak.gate import Gate
from tests.soak.tally import Tally
from tests.soak.viewers import Viewer
from tests.soak.world import Place
from tests.soak.writers import Manager, PatientWriter, Writer

MANAGERS = 2
LOOK_AGAIN = 0.05


@dataclass
class Soak:
    """People, what they do, and what they see.

    Attributes:
        rest: how long each of those who act rests, on average.
        patience: how long all may take to hold the truth at a quiet point.

    """

    place: Place
    chance: random.Random
    http: aiohttp.ClientSession
    viewer_count: int
    rest: float
    patience: float
    tally: Tally = field(default_factory=Tally)
    gate: Gate = field(default_factory=Gate)
    seen: truth.Seen = field(default_factory=dict)
    patients: list[PatientWriter] = field(default_factory=list)
    viewers: list[Viewer] = field(default_factory=list)

    async def live(self, happenings: Callable[[], Awaitable[None]]) -> None:
        """Live for as long as things happen."""
        async with self._connected() as connection:
            await connection.execute(truth.KEEP_STATES)
        writers = await self._invite()
        happening = asyncio.ensure_future(happenings())
        tasks = [happening, *(asyncio.create_task(viewer.run()) for viewer in self.viewers)]
        tasks += [asyncio.create_task(writer.run(self.rest)) for writer in writers]
        try:
            # Whoever fails among them fails the soak.
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._blame_servers()

    async def _invite(self) -> list[Writer]:
        """Those who act; those who watch are kept."""
        factory = self.place.world.factory
        practice = await people.practice(factory)
        patients = await people.patients(factory)
        servers = [Api(node.url, self.http, SLUG) for node in self.place.nodes]
        acting = (practice, servers, self.chance, self.gate, self.tally)
        self.patients = [PatientWriter(patient, *acting) for patient in patients]
        managers = [Manager(*acting) for _ in range(MANAGERS)]
        for calendar in practice.calendars:
            hours = [managers[0].some_hours()]
            await managers[0].open_hours(practice.reception, id_of(calendar), hours, practice.days)
        for window in people.windows(practice, patients, self.viewer_count):
            eyes = [api.signed_in(window.person.token) if window.person else api for api in servers]
            viewer = Viewer(window, eyes, self.chance, self.gate, self.tally, self.seen)
            self.viewers.append(viewer)
        return [*self.patients, *managers]

    async def quiet_point(self, faults: tuple[str, ...] = ()) -> None:
        """Wait until everybody holds the truth; what nobody can wait for is blamed."""
        began = time.monotonic()
        await self.gate.close()
        shown = await self._converged(began + self.patience)
        if faults:
            self.tally.convergence.append((time.monotonic() - began, faults))
        for viewer in self.viewers:
            if not viewer.holds(shown):
                self._blame_difference(viewer, shown)
        known = {id: kept for patient in self.patients for id, kept in patient.known.items()}
        truth.blame_lost(known, shown, self.tally)
        async with self._connected() as connection:
            await truth.blame_forbidden(connection, self.tally)
            seen = dict(self.seen)
            self.seen.clear()
            await truth.blame_invented(connection, seen, self.tally)
            await connection.execute(truth.LET_TOMBSTONES_AGE)
        self.tally.memory += [node.sample() for node in self.place.nodes]

    async def _converged(self, deadline: float) -> truth.Truth:
        """The truth, once all who watch hold it, or when it is too late."""
        async with self._connected() as connection:
            while True:
                shown = await truth.read(connection)
                if time.monotonic() > deadline or all(
                    viewer.holds(shown) for viewer in self.viewers
                ):
                    return shown
                await asyncio.sleep(LOOK_AGAIN)

    def _blame_difference(self, viewer: Viewer, shown: truth.Truth) -> None:
        picture = viewer.window.picture(shown)
        ids = picture.keys() | viewer.slots.keys()
        slots = {
            id: (viewer.slots.get(id), picture.get(id))
            for id in ids
            if viewer.slots.get(id) != picture.get(id)
        }
        self.tally.blame("differences", f"watching: {viewer.is_watching}, shown and true: {slots}")

    def _blame_servers(self) -> None:
        for node in self.place.nodes:
            for line in node.output.splitlines():
                if "Internal error" in line:
                    self.tally.blame("internal errors", line)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        """A look behind the API's back."""
        connection = await asyncpg.connect(self.place.world.database.dsn)
        try:
            yield connection
        finally:
            await connection.close()
