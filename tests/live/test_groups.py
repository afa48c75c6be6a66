"""Viewers who are to be sent the same are sent the same bytes, made once; nobody else is."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import aiohttp
from sqlalchemy import event
from sqlalchemy.engine import Engine

from models import Role
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import CHANGES, FIELDS, WITH_APPOINTMENTS


class Raw:
    """A live view as bytes: the payloads of its frames, as they came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> str:
        """The payload of the next update."""
        frame = await self.socket.receive_str(timeout=10)
        head = '{"id":"view","type":"next","payload":'
        assert frame.startswith(head), frame
        return frame[len(head) : -1]


@asynccontextmanager
async def raw(
    api: Api, calendar: object, fields: str, after: str | None = None
) -> AsyncIterator[Raw]:
    """A live view of tomorrow."""
    url = api.url.replace("http", "ws", 1)
    headers = {"x-organization": api.slug}
    payload = {"authorization": f"Bearer {api.token}"} if api.token else {}
    start = tomorrow(0)
    variables = {
        "id": id_of(calendar),
        "from": wire(start),
        "to": wire(start.replace(hour=23)),
        "after": after,
    }
    subscribe = {"query": CHANGES % fields, "variables": variables}
    protocol = ["graphql-transport-ws"]
    async with api.http.ws_connect(url, headers=headers, protocols=protocol) as socket:
        await socket.send_json({"type": "connection_init", "payload": payload})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "view", "type": "subscribe", "payload": subscribe})
        yield Raw(socket)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that the server, in a thread of this process, sends meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_viewers_of_public_fields_get_the_same_bytes(clinic: Clinic) -> None:
    doctor = clinic.person(Role.DOCTOR)
    slot = await clinic.factory.slot(doctor.calendar, tomorrow())
    viewers = [clinic.public, clinic.patient, clinic.doctor, clinic.reception]
    async with AsyncExitStack() as stack:
        views = [
            await stack.enter_async_context(raw(api, doctor.calendar, FIELDS)) for api in viewers
        ]
        assert len({await view.next() for view in views}) == 1
        await clinic.patient.done("bookAppointment", "appointment { id }", slotId=id_of(slot))
        (payload,) = {await view.next() for view in views}
    changed = json.loads(payload)["data"]["calendarChanges"]["slots"]
    assert [(one["id"], one["status"]) for one in changed] == [(id_of(slot), "BOOKED")]


async def _statements_of_one_change(clinic: Clinic, views_of: dict[str, int]) -> list[str]:
    """What is asked of the database while so many views with these fields learn of a booking."""
    calendar = clinic.person(Role.DOCTOR).calendar
    slot = await clinic.factory.slot(calendar, tomorrow())
    wanted = [fields for fields, count in views_of.items() for _ in range(count)]
    async with AsyncExitStack() as stack:
        views = [
            await stack.enter_async_context(raw(clinic.public, calendar, fields))
            for fields in wanted
        ]
        await asyncio.gather(*(view.next() for view in views))
        with statements() as seen:
            await clinic.patient.act("bookAppointment", "__typename", slotId=id_of(slot))
            await asyncio.gather(*(view.next() for view in views))
    return seen


async def test_one_change_is_executed_once_for_all_of_a_group(clinic: Clinic) -> None:
    seen = await _statements_of_one_change(clinic, {"id status calendar { timeZone }": 20})
    # The sweep, which looks at revisions alone, may come in between.
    assert len([s for s in seen if "calendars.id IN" in s and "time_zone" in s]) == 1


async def test_one_change_is_read_once_for_all_groups(clinic: Clinic) -> None:
    seen = await _statements_of_one_change(clinic, {"id status": 3, "id version": 3, "id": 3})
    assert len([sql for sql in seen if "slots.revision >" in sql]) == 1


async def test_viewers_with_different_rights_never_share_what_differs(clinic: Clinic) -> None:
    doctor = clinic.person(Role.DOCTOR)
    stranger = await clinic.factory.person(Role.PATIENT, "Stranger")
    slot = await clinic.factory.slot(doctor.calendar, tomorrow())
    apis = {
        "public": clinic.public,
        "own": clinic.patient,
        "stranger": clinic.public.signed_in(stranger.token),
        "doctor": clinic.doctor,
        "reception": clinic.reception,
    }
    async with AsyncExitStack() as stack:
        views = {
            who: await stack.enter_async_context(raw(api, doctor.calendar, WITH_APPOINTMENTS))
            for who, api in apis.items()
        }
        for view in views.values():
            await view.next()
        await clinic.patient.done(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), reason="Canary"
        )
        payloads = {who: await view.next() for who, view in views.items()}
    name = clinic.person(Role.PATIENT).user.name
    assert {who for who, payload in payloads.items() if name in payload} == {
        "own",
        "doctor",
        "reception",
    }
    assert {who for who, payload in payloads.items() if "Canary" in payload} == {"own", "doctor"}


async def test_what_depends_on_the_role_is_shared_within_the_role(clinic: Clinic) -> None:
    doctor = clinic.person(Role.DOCTOR)
    await clinic.factory.policy(minimum_notice_minutes=60 * 24 * 10)
    slot = await clinic.factory.slot(doctor.calendar, tomorrow())
    others = [await clinic.factory.person(role) for role in (Role.PATIENT, Role.RECEPTIONIST)]
    apis = [
        clinic.patient,
        clinic.public.signed_in(others[0].token),
        clinic.reception,
        clinic.public.signed_in(others[1].token),
    ]
    async with AsyncExitStack() as stack:
        views = [
            await stack.enter_async_context(raw(api, doctor.calendar, "id status isBookable"))
            for api in apis
        ]
        first = [json.loads(await view.next()) for view in views]
    shown = [one["data"]["calendarChanges"]["slots"][0] for one in first]
    assert [one["isBookable"] for one in shown] == [False, False, True, True]
    assert {one["id"] for one in shown} == {id_of(slot)}


async def test_another_organization_gets_nothing_from_a_group(
    clinic: Clinic, database: Database
) -> None:
    doctor = clinic.person(Role.DOCTOR)
    await clinic.factory.slot(doctor.calendar, tomorrow())
    slug = await _another_organization(database)
    from_elsewhere = Api(clinic.public.url, clinic.public.http, slug)
    async with raw(clinic.public, doctor.calendar, FIELDS) as view:
        assert id_of(doctor.calendar)[9:] not in await view.next()
        async with raw(from_elsewhere, doctor.calendar, FIELDS) as stranger:
            answer = json.loads(await stranger.next())
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def _another_organization(database: Database) -> str:
    made = await create_organization(
        database,
        slug=f"other-{secrets.token_hex(6)}",
        name="Another",
        time_zone="Europe/Madrid",
        locale="en",
    )
    return made.slug


async def test_viewers_who_hold_different_revisions_are_brought_to_the_same(
    clinic: Clinic,
) -> None:
    doctor = clinic.person(Role.DOCTOR)
    one, other = await clinic.factory.slots(doctor.calendar, tomorrow(), 2)
    async with raw(clinic.public, doctor.calendar, FIELDS) as early:
        cursor = json.loads(await early.next())["data"]["calendarChanges"]["cursor"]
        await clinic.patient.done("bookAppointment", "appointment { id }", slotId=id_of(one))
        await early.next()
        async with raw(clinic.public, doctor.calendar, FIELDS, after=cursor) as late:
            missed = json.loads(await late.next())["data"]["calendarChanges"]
            assert [slot["id"] for slot in missed["slots"]] == [id_of(one)]
            await clinic.doctor.done(
                "blockTime",
                "slots { id }",
                calendarId=id_of(doctor.calendar),
                startsAt=wire(other.starts_at),
                endsAt=wire(other.ends_at),
            )
            assert await early.next() == await late.next()
