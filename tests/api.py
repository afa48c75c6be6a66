"""A small client of the API, for tests: one person's view of one organization."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.websockets import WebsocketsTransport

CALENDAR_CHANGES = """
subscription ($id: ID!, $from: DateTime!, $to: DateTime!, $after: Cursor) {
  calendarChanges(calendarId: $id, from: $from, to: $to, after: $after) {
    reset cursor previousCursor slots { id startsAt endsAt status version bookedCount }
  }
}
"""


class Refused(AssertionError):
    """The answer had top-level errors that the test did not expect."""


class Api:
    """Sends documents as one person, or as the public where there is no token."""

    def __init__(
        self, url: str, http: aiohttp.ClientSession, slug: str, token: str | None = None
    ) -> None:
        self.url = url
        self.http = http
        self.slug = slug
        self.token = token

    def signed_in(self, token: str) -> Self:
        """The same client with somebody's token."""
        return type(self)(self.url, self.http, self.slug, token)

    @property
    def place(self) -> dict[str, str]:
        """What says which organization is meant."""
        return {"x-organization": self.slug}

    @property
    def headers(self) -> dict[str, str]:
        return self.place | ({"authorization": f"Bearer {self.token}"} if self.token else {})

    async def send(self, document: str, /, **variables: Any) -> dict[str, Any]:
        """The whole answer to a document, errors included."""
        body = {"query": document, "variables": variables}
        async with self.http.post(self.url, json=body, headers=self.headers) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def ask(self, document: str, /, **variables: Any) -> Any:
        """The data of an answer that must have no top-level errors."""
        answer = await self.send(document, **variables)
        if "errors" in answer:
            raise Refused(answer["errors"])
        return answer["data"]

    async def error_code(self, document: str, /, **variables: Any) -> str:
        """The code of the one top-level error that the answer must have."""
        answer = await self.send(document, **variables)
        (error,) = answer["errors"]
        code: str = error["extensions"]["code"]
        return code

    async def act(self, mutation: str, fields: str, /, **values: Any) -> dict[str, Any]:
        """The payload of a mutation: `fields`, and `errors` with what every refusal has.

        `act("bookAppointment", "appointment { id }", slotId=…)`
        """
        name = mutation[0].upper() + mutation[1:]
        document = f"""
        mutation ($input: {name}Input!) {{
          {mutation}(input: $input) {{
            {fields} errors {{ __typename ... on UserError {{ message code path }} }}
          }}
        }}"""
        payload: dict[str, Any] = (await self.ask(document, input=values))[mutation]
        return payload

    async def done(self, mutation: str, fields: str, /, **values: Any) -> Any:
        """The thing that a mutation yields, which must not be refused: `fields` names it first."""
        payload = await self.act(mutation, fields, **values)
        if payload["errors"]:
            raise Refused(payload["errors"])
        return payload[fields.partition("{")[0].strip()]

    async def refusal(self, mutation: str, fields: str, /, **values: Any) -> dict[str, Any]:
        """The one refusal that a mutation must end in; nothing else may be in the payload."""
        payload = await self.act(mutation, fields, **values)
        (error,) = payload.pop("errors")
        if any(value is not None for value in payload.values()):
            raise Refused(payload)
        refused: dict[str, Any] = error
        return refused

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[AsyncClientSession]:
        """A WebSocket with gql, signed in if this client is."""
        payload = {"authorization": f"Bearer {self.token}"} if self.token else {}
        transport = WebsocketsTransport(
            url=self.url.replace("http", "ws", 1),
            headers={"x-organization": self.slug},
            init_payload=payload,
        )
        async with Client(transport=transport) as session:
            yield session

    @asynccontextmanager
    async def watching(
        self, calendar_id: str, start: str, end: str, *, after: str | None = None
    ) -> AsyncIterator["Watcher"]:
        """A live view of a calendar."""
        async with self.socket() as session:
            values = {"id": calendar_id, "from": start, "to": end, "after": after}
            request = GraphQLRequest(CALENDAR_CHANGES, variable_values=values)
            updates = session.subscribe(request)
            watcher = Watcher(updates)
            try:
                yield watcher
            finally:
                await updates.aclose()


class Watcher:
    """What a calendar view does: keeps slots by id, and checks that no update is missed."""

    def __init__(self, updates: AsyncIterator[dict[str, Any]]) -> None:
        self.updates = updates
        self.slots: dict[str, dict[str, Any]] = {}
        self.cursor: str | None = None

    async def next(self, seconds: float = 10) -> dict[str, Any]:
        """The next update, applied."""
        answer = await asyncio.wait_for(anext(self.updates), seconds)
        update: dict[str, Any] = answer["calendarChanges"]
        if update["reset"]:
            self.slots = {}
        elif self.cursor is not None and update["previousCursor"] != self.cursor:
            raise AssertionError("An update was missed.")
        self.cursor = update["cursor"]
        for slot in update["slots"]:
            if slot["status"] == "REMOVED":
                self.slots.pop(slot["id"], None)
            else:
                self.slots[slot["id"]] = slot
        return update

    async def until(self, slot_id: str, status: str, seconds: float = 10) -> dict[str, Any]:
        """The slot, once it is seen with this status."""
        async with asyncio.timeout(seconds):
            while self.slots.get(slot_id, {}).get("status", "REMOVED") != status:
                await self.next(seconds)
        return self.slots.get(slot_id, {})
