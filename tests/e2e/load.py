"""People who book, move and cancel all the time, and insist on an answer through every fault."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import aiohttp

from models import Calendar, Patient, Role, SignIn, User
from services.accounts import tokens
from tests.api import Api
from tests.e2e.conftest import World
from tests.live.views import View, viewing

UNANSWERED = "NO ANSWER"
QUEUED = "QUEUED FOR TOO LONG"
QUEUE_SECONDS = 10.0
PAUSE = 0.1


async def many_patients(world: World, count: int) -> list[str]:
    """Tokens of new patients."""
    factory = world.factory
    ours = {"organization_id": factory.organization.id}
    now = datetime.now(UTC)
    names = [f"p-{secrets.token_hex(6)}" for _ in range(count)]
    users = [
        User(
            **ours,
            id=uuid4(),
            username=name,
            email=f"{name}@clinic.example",
            name=name,
            role=Role.PATIENT,
            locale="en",
            time_zone="Europe/Madrid",
            is_active=True,
        )
        for name in names
    ]
    sign_ins = [
        SignIn(
            **ours,
            id=uuid4(),
            user_id=user.id,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(hours=1),
        )
        for user in users
    ]
    async with world.database.writing(factory.organization.id) as session:
        session.add_all(users)
        await session.flush()
        session.add_all(Patient(**ours, id=uuid4(), user_id=u.id, name=u.name) for u in users)
        session.add_all(sign_ins)
    return [
        tokens.access_token(
            factory.config,
            now,
            user_id=sign_in.user_id,
            organization_id=sign_in.organization_id,
            sign_in_id=sign_in.id,
        )[0]
        for sign_in in sign_ins
    ]


@dataclass(frozen=True)
class Held:
    """A time in which somebody knew a slot to be theirs: from the answer to the wish to leave."""

    slot: str
    since: float
    until: float


@dataclass
class Booker:
    """One patient's client. What was acknowledged is kept; what was not is asked again."""

    api: Api
    slots: list[str]
    chance: random.Random
    held: dict[str, tuple[str, float]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    past: list[Held] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    async def run(self, goes_on: Callable[[], bool], pause: float) -> None:
        """Act at random for as long as it goes on."""
        while goes_on():
            act = self.chance.random()
            if self.held and (act < 0.4 or len(self.held) > 2):
                await self.cancel()
            elif self.held and act < 0.6:
                await self.move()
            else:
                await self.book()
            await asyncio.sleep(self.chance.random() * pause)

    async def book(self) -> None:
        slot = self.chance.choice(self.slots)
        made = await self._done("bookAppointment", slotId=slot, idempotencyKey=new_key())
        if made is not None:
            self.held[made["id"]] = slot, time.monotonic()

    async def move(self) -> None:
        chosen = self.chance.choice(list(self.held))
        left, since = self.held[chosen]
        slot = self.chance.choice([slot for slot in self.slots if slot != left])
        called = time.monotonic()
        values = {"appointmentId": chosen, "slotId": slot, "idempotencyKey": new_key()}
        if await self._done("rescheduleAppointment", **values) is not None:
            self.past.append(Held(left, since, called))
            self.held[chosen] = slot, time.monotonic()

    async def cancel(self) -> None:
        chosen = self.chance.choice(list(self.held))
        slot, since = self.held[chosen]
        called = time.monotonic()
        await self._done("cancelAppointment", appointmentId=chosen)
        del self.held[chosen]
        self.cancelled.add(chosen)
        self.past.append(Held(slot, since, called))

    async def _done(self, mutation: str, **values: str) -> dict[str, Any] | None:
        """The appointment; None where the act was refused."""
        tries = 0
        while True:
            tries += 1
            answer = await self._answer(mutation, values)
            if answer is not None:
                break
            await asyncio.sleep(PAUSE)
        (code,) = [error["code"] for error in answer["errors"]] or ["DONE"]
        if code == "INVALID_TRANSITION" and mutation == "cancelAppointment" and tries > 1:
            code = "DONE BEFORE"
        self.answers[code] += 1
        appointment: dict[str, Any] | None = answer["appointment"]
        return appointment

    async def _answer(self, mutation: str, values: dict[str, str]) -> dict[str, Any] | None:
        """The payload; None where there was no answer, or none was possible just then."""
        name = mutation[0].upper() + mutation[1:]
        document = f"""mutation ($input: {name}Input!) {{
            {mutation}(input: $input) {{
                appointment {{ id }}
                errors {{ ... on UserError {{ code }} }}
            }}
        }}"""
        called = time.monotonic()
        try:
            answer = await self.api.send(document, input=values)
        except (aiohttp.ClientError, ConnectionError):
            self.answers[UNANSWERED] += 1
            return None
        if "errors" in answer:
            self.answers[code_of(answer, time.monotonic() - called)] += 1
            return None
        payload: dict[str, Any] = answer["data"][mutation]
        return payload


def code_of(answer: dict[str, Any], seconds: float) -> str:
    """The code of an answer with errors. Who waited in the queue until the server gave up was
    refused because this machine is too busy, and for no other reason.
    """
    code: str = answer["errors"][0]["extensions"]["code"]
    return QUEUED if code == "UNAVAILABLE" and seconds >= QUEUE_SECONDS else code


def new_key() -> str:
    """A key for one act."""
    return secrets.token_urlsafe(16)


def answers_of(bookers: list[Booker]) -> Counter[str]:
    """What all of them were answered, and how often."""
    return sum((booker.answers for booker in bookers), Counter())


def overlaps(bookers: list[Booker]) -> list[tuple[Held, Held]]:
    """Two at a time who both knew a slot to be theirs."""
    now = time.monotonic()
    times = [held for booker in bookers for held in booker.past]
    times += [Held(s, since, now) for booker in bookers for s, since in booker.held.values()]
    times.sort(key=lambda held: (held.slot, held.since))
    return [
        (one, next_one)
        for one, next_one in pairwise(times)
        if one.slot == next_one.slot and next_one.since < one.until
    ]


async def require_all_acknowledged(world: World, bookers: list[Booker]) -> None:
    """The database holds each booking that was acknowledged, where it was said, and no other."""
    acknowledged = {id: slot for booker in bookers for id, (slot, _) in booker.held.items()}
    cancelled = {id for booker in bookers for id in booker.cancelled}
    rows = await world.rows("SELECT id, slot_id, status FROM appointments")
    kept = {f"appointment_{row['id'].hex}": row for row in rows}
    booked = {
        id: f"slot_{row['slot_id'].hex}" for id, row in kept.items() if row["status"] == "BOOKED"
    }
    assert booked == acknowledged
    assert {id for id, row in kept.items() if row["status"] == "CANCELLED"} == cancelled
    assert await world.value(DOUBLE_BOOKED) == 0
    assert await world.value(WRONG_SLOTS) == 0


# By the appointments themselves, whatever the claims under them say.
DOUBLE_BOOKED = """
    SELECT count(*) FROM appointments a JOIN appointments b
      ON a.calendar_id = b.calendar_id AND a.id < b.id
     AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
    WHERE a.status <> 'CANCELLED' AND b.status <> 'CANCELLED'
"""
WRONG_SLOTS = """
    SELECT count(*) FROM slots s WHERE (s.status = 'BOOKED') <> EXISTS (
        SELECT FROM appointments a WHERE a.slot_id = s.id AND a.status = 'BOOKED')
"""


class Views:
    """Views of calendars, each until a last slot of its calendar is closed."""

    def __init__(self, *, come_back: bool) -> None:
        self.come_back = come_back
        self.ways: Counter[str] = Counter()
        self.tasks: list[asyncio.Task[View]] = []
        self._begun = asyncio.Event()

    async def open(
        self, together: asyncio.TaskGroup, places: Sequence[tuple[Api, Calendar, str]]
    ) -> None:
        """Open a view for each place, and return when all of them show something."""
        self.tasks = [together.create_task(self._watch(*place)) for place in places]
        while self.ways["reset"] < len(places):
            self._begun.clear()
            await self._begun.wait()

    async def _watch(self, api: Api, calendar: Calendar, last_slot: str) -> View:
        view: View | None = None
        while True:
            try:
                async with viewing(api, calendar, back=view) as current:
                    first = await current.next()
                    view = current
                    self.ways["reset" if first["reset"] else "resumed"] += 1
                    self._begun.set()
                    await view.until(last_slot, "BLOCKED", seconds=300)
                    return view
            except AssertionError:
                raise
            except Exception as error:
                if view is None or not self.come_back:
                    raise
                self.ways[type(error).__name__] += 1
                await asyncio.sleep(PAUSE)
