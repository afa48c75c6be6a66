"""Yardstick: the same subscription as Strawberry's and broadcaster's own pages show it.

Each viewer has a place in broadcaster's `memory://`, and each update is made and executed for each
viewer. It has no database and knows no rights; what it sends is posted to it.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Annotated

import orjson
import strawberry
from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

from benchmarks.serving import serve

CHANNEL = "calendar"
broadcast = Broadcast("memory://")
picture = {"text": ""}


@strawberry.type
class Slot:
    """See ours."""

    id: strawberry.ID
    starts_at: datetime
    ends_at: datetime
    status: str
    version: int


@strawberry.type
class CalendarUpdate:
    """See ours."""

    reset: bool
    slots: list[Slot]
    cursor: str
    previous_cursor: str | None


@strawberry.type
class Query:
    """A schema must have one."""

    @strawberry.field
    def is_alive(self) -> bool:
        """Whether it answers."""
        return True


def update_of(payload: str) -> CalendarUpdate:
    """An update as it was published."""
    found = orjson.loads(payload)["data"]["calendarChanges"]
    slots = [
        Slot(
            id=slot["id"],
            starts_at=datetime.fromisoformat(slot["startsAt"]),
            ends_at=datetime.fromisoformat(slot["endsAt"]),
            status=slot["status"],
            version=slot["version"],
        )
        for slot in found["slots"]
    ]
    return CalendarUpdate(
        reset=found["reset"],
        slots=slots,
        cursor=found["cursor"],
        previous_cursor=found["previousCursor"],
    )


@strawberry.type
class Subscription:
    """What can be watched."""

    @strawberry.subscription
    async def calendar_changes(
        self,
        calendar_id: strawberry.ID,  # noqa: ARG002
        begin: Annotated[datetime, strawberry.argument(name="from")],  # noqa: ARG002
        to: datetime,  # noqa: ARG002
    ) -> AsyncGenerator[CalendarUpdate]:
        """The first picture, and each update that is published."""
        async with broadcast.subscribe(CHANNEL) as subscriber:
            yield update_of(picture["text"])
            async for event in subscriber:
                yield update_of(event.message)


async def keep_picture(request: Request) -> Response:
    """What those who come are shown first."""
    picture["text"] = (await request.body()).decode()
    return Response()


async def publish(request: Request) -> Response:
    """An update for everybody."""
    await broadcast.publish(CHANNEL, (await request.body()).decode())
    return Response()


def application() -> Starlette:
    """The ASGI application."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with broadcast:
            yield

    view: GraphQL[None, None] = GraphQL(strawberry.Schema(query=Query, subscription=Subscription))
    routes = [
        WebSocketRoute("/graphql", view),
        Route("/picture", keep_picture, methods=["POST"]),
        Route("/publish", publish, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    serve(application())
