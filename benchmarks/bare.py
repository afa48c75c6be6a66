"""Yardstick 1: the least that Python can do for the same answers from the same tables.

Starlette, asyncpg and orjson with SQL written by hand: no GraphQL, no rights, no rules. It reads
the variables of the same requests and gives the same answers, so it is the ceiling for any layer
on top. Booking leaves the same rows behind as ours, in one statement.
"""

import base64
import contextlib
import gc
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.serving import DATABASE_URL, serve, statement
from models.database import SERVER_SETTINGS, Database

MONTH = statement("month")
DOCTORS = statement("doctors")
DEPARTMENTS = statement("departments")
NEXT_FREE = statement("next_free")
BOOK = statement("book")


class Yardstick:
    """One pool of connections, and the answers."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.pool: Any = None
        self.organization_id: UUID | None = None
        self.receptionist_id: UUID | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Keep as many connections as our server does, and the collector as quiet."""
        self.pool = await asyncpg.create_pool(
            self.dsn, min_size=10, max_size=10, server_settings=SERVER_SETTINGS
        )
        self.organization_id = await self.pool.fetchval("SELECT id FROM organizations")
        self.receptionist_id = await self.pool.fetchval(
            "SELECT id FROM users WHERE role = 'RECEPTIONIST'"
        )
        gc.collect()
        gc.freeze()
        yield
        await self.pool.close()

    async def month(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The slots of a calendar."""
        window = (datetime.fromisoformat(variables[end]) for end in ("from", "to"))
        rows = await self.pool.fetch(MONTH, key(variables["id"]), *window)
        slots = [
            {"id": f"slot_{id.hex}", "startsAt": starts_at, "endsAt": ends_at, "status": status}
            for id, starts_at, ends_at, status in rows
        ]
        return {"calendar": {"slots": slots}}

    async def doctors(self, variables: dict[str, Any]) -> dict[str, Any]:
        """A page of doctors with department and next free slot."""
        name, id = "", UUID(int=0)
        if variables["after"]:
            _, name, text = orjson.loads(base64.urlsafe_b64decode(variables["after"]))
            id = UUID(text)
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(DOCTORS, self.organization_id, name, id)
            page = rows[:20]
            departments = dict(
                await connection.fetch(DEPARTMENTS, self.organization_id, [r[2] for r in page])
            )
            calendars = [row[3] for row in page]
            found = await connection.fetch(NEXT_FREE, calendars, datetime.now(UTC))
        free = {row[0]: {"id": f"slot_{row[1].hex}", "startsAt": row[2]} for row in found}
        edges = [
            {
                "node": {
                    "id": f"doctor_{id.hex}",
                    "name": name,
                    "department": {"name": departments[department_id]},
                    "nextAvailableSlot": free.get(calendar_id),
                }
            }
            for id, name, department_id, calendar_id in page
        ]
        end = orjson.dumps(["doctors", page[-1][1], str(page[-1][0])])
        cursor = base64.urlsafe_b64encode(end).decode()
        page_info = {"hasNextPage": len(rows) > len(page), "endCursor": cursor}
        return {"doctors": {"edges": edges, "pageInfo": page_info}}

    async def booking(self, variables: dict[str, Any]) -> dict[str, Any]:
        """One slot booked, or the word that it is taken."""
        code = secrets.token_hex(4).upper()
        reference = f"{code[:4]}-{code[4:]}"
        values = (key(variables["slot"]), key(variables["patient"]), reference)
        values += (self.receptionist_id, self.organization_id)
        try:
            made = await self.pool.fetchrow(BOOK, *values)
        except asyncpg.ExclusionViolationError:
            made = None
        if made is None:
            payload: dict[str, Any] = {"appointment": None, "errors": [{"code": "SLOT_TAKEN"}]}
        else:
            appointment = {"status": "BOOKED", "startsAt": made[1]}
            payload = {"appointment": appointment, "errors": []}
        return {"bookAppointment": payload}


def key(global_id: str) -> UUID:
    """The key in a global id."""
    return UUID(global_id.rpartition("_")[2])


def application(database_url: str) -> Starlette:
    """The ASGI application: the operation's name says which answer is wanted."""
    yardstick = Yardstick(Database(database_url).dsn)
    answers = {
        "Month": yardstick.month,
        "Doctors": yardstick.doctors,
        "Book": yardstick.booking,
    }

    async def answer(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        data = await answers[asked["operationName"]](asked["variables"])
        body = orjson.dumps({"data": data}, option=orjson.OPT_UTC_Z)
        return Response(body, media_type="application/json")

    routes = [Route("/graphql", answer, methods=["POST"])]
    return Starlette(routes=routes, lifespan=yardstick.lifespan)


if __name__ == "__main__":
    serve(application(DATABASE_URL))
