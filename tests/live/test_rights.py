"""A view shows each viewer what a query would, and lasts no longer than the right to it."""

from typing import Any, Self
from uuid import uuid4

import pytest
from gql import gql
from gql.transport.exceptions import TransportQueryError
from sqlalchemy import text

from models import Calendar, Role
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, Clinic
from tests.factories import Factory, id_of, tomorrow, wire
from tests.live.views import (
    APPOINTMENTS,
    CHANGES,
    FIELDS,
    WITH_APPOINTMENTS,
    View,
    asked,
    book,
    change_behind_the_api,
    doctors_calendar,
    shown,
    token_for,
    viewing,
)


@pytest.mark.parametrize(
    "fields", [WITH_APPOINTMENTS, f"{FIELDS} ... on Slot {{ ... {{ {APPOINTMENTS} }} }}"]
)
async def test_each_viewer_sees_what_a_query_would_show_them(clinic: Clinic, fields: str) -> None:
    calendar = doctors_calendar(clinic)
    own, strange, free = await clinic.factory.slots(calendar, tomorrow(), 3)
    stranger = await clinic.factory.person(Role.PATIENT, "Someone Else")
    other_doctor = await clinic.factory.person(Role.DOCTOR)
    viewers = {
        "public": clinic.public,
        "patient": clinic.patient,
        "doctor": clinic.doctor,
        "reception": clinic.reception,
        "admin": clinic.admin,
        "stranger": clinic.public.signed_in(stranger.token),
        "other doctor": clinic.public.signed_in(other_doctor.token),
    }
    async with Views(viewers, calendar, fields) as views:
        mine = await book(clinic.patient, own, reason="Knee")
        theirs = await book(viewers["stranger"], strange, reason="Secret")
        for made, notes in ((mine, "Late"), (theirs, "Loud")):
            await clinic.reception.done(
                "updateAppointment",
                "appointment { id }",
                appointmentId=made["id"],
                staffNotes=notes,
            )
        seen = await views.settled()
    one = visit(mine, clinic.person(Role.PATIENT).user.name)
    other = visit(theirs, "Someone Else")
    knee, secret = {"reason": "Knee"}, {"reason": "Secret"}
    late, loud = {"staffNotes": "Late"}, {"staffNotes": "Loud"}
    assert {who: (slots[id_of(own)], slots[id_of(strange)]) for who, slots in seen.items()} == {
        "public": ([], []),
        "patient": ([one | knee], []),
        "doctor": ([one | knee | late], [other | secret | loud]),
        "reception": ([one | late], [other | loud]),
        "admin": ([one | late], [other | loud]),
        "stranger": ([], [other | secret]),
        "other doctor": ([], []),
    }
    assert all(slots[id_of(free)] == [] for slots in seen.values())


def visit(made: dict[str, Any], name: str) -> dict[str, Any]:
    """An appointment without what only some may read of it."""
    nothing = {"reason": None, "staffNotes": None}
    return {"reference": made["reference"], "status": "BOOKED", "patient": {"name": name}} | nothing


class Views:
    """Views of one calendar by several people, all with the same document."""

    def __init__(self, viewers: dict[str, Api], calendar: Calendar, fields: str) -> None:
        self.viewers = viewers
        self.calendar = calendar
        self.fields = fields
        self.views: dict[str, View] = {}

    async def __aenter__(self) -> Self:
        self.open = [
            viewing(api, self.calendar, fields=self.fields) for api in self.viewers.values()
        ]
        for who, opening in zip(self.viewers, self.open, strict=True):
            self.views[who] = await opening.__aenter__()
            await self.views[who].next()
        return self

    async def __aexit__(self, *_: object) -> None:
        for opening in self.open:
            await opening.__aexit__(None, None, None)

    async def settled(self) -> dict[str, dict[str, Any]]:
        """Appointments by slot that each shows, once each equals what a query answers."""
        seen = {}
        for who, view in self.views.items():
            picture, _ = await asked(self.viewers[who], self.calendar, fields=self.fields)
            await view.equals(picture)
            seen[who] = {id: slot["appointments"] for id, slot in view.slots.items()}
        return seen


async def test_a_calendar_of_another_organization_cannot_be_watched(
    clinic: Clinic, database: Database
) -> None:
    organization = await create_organization(
        database,
        slug=f"{clinic.public.slug}-b",
        name="Elsewhere",
        time_zone="Europe/Madrid",
        locale="en",
    )
    foreign = (await Factory(database, CONFIG, organization).person(Role.DOCTOR)).calendar
    assert foreign is not None
    for api in (clinic.public, clinic.admin):
        assert await refusal(api, foreign) == "NOT_FOUND"


async def test_a_calendar_that_does_not_exist_cannot_be_watched(clinic: Clinic) -> None:
    nobody = Calendar(organization_id=clinic.factory.organization.id, id=uuid4(), time_zone="UTC")
    assert await refusal(clinic.public, nobody) == "NOT_FOUND"


async def test_a_window_must_be_one(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    backwards = {"start": tomorrow(12), "end": tomorrow(11)}
    assert await refusal(clinic.public, calendar, **backwards) == "BAD_INPUT"
    too_long = {"start": tomorrow(0), "end": tomorrow(0, days=95)}
    assert await refusal(clinic.public, calendar, **too_long) == "BAD_INPUT"


async def refusal(api: Api, calendar: Calendar, **window: Any) -> str:
    """The code of the error that a stream must end in instead of beginning."""
    async with viewing(api, calendar, **window) as view:
        with pytest.raises(TransportQueryError) as refused:
            await view.next()
    assert refused.value.errors is not None
    (error,) = refused.value.errors
    code: str = error["extensions"]["code"]
    return code


async def test_a_stream_ends_with_the_token_that_it_was_opened_with(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot, later = await clinic.factory.slots(calendar, tomorrow(), 2)
    short = clinic.public.signed_in(token_for(3, clinic.person(Role.PATIENT).token))
    async with viewing(short, calendar) as view:
        await view.next()
        await book(clinic.patient, slot)
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        with pytest.raises(TransportQueryError) as ended:
            await view.next()
    assert ended.value.errors is not None
    (error,) = ended.value.errors
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    # A new token goes on where the old one ended.
    await book(clinic.patient, later)
    async with viewing(clinic.patient, calendar, back=view) as again:
        assert (await again.next())["slots"] == [shown(later, "BOOKED", version=2, booked=1)]


@pytest.mark.parametrize("what", ["signed out", "deactivated", "another role", "archived"])
async def test_a_stream_ends_with_the_right_that_it_was_opened_with(
    clinic: Clinic, what: str
) -> None:
    calendar = (await clinic.factory.person(Role.DOCTOR)).calendar
    assert calendar is not None
    slot = await clinic.factory.slot(calendar, tomorrow())
    fields = "id status appointments { id }"
    async with (
        viewing(clinic.doctor, calendar) as ending,
        viewing(clinic.doctor, calendar, fields=fields) as ending_too,
        viewing(clinic.reception, calendar) as stays,
    ):
        for view in (ending, ending_too, stays):
            await view.next()
        await lose_the_right(clinic, what)
        for view in (ending, ending_too):
            with pytest.raises(TransportQueryError) as ended:
                await view.next()
            assert ended.value.errors is not None
            (error,) = ended.value.errors
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
        await book(clinic.patient, slot)
        assert (await stays.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def lose_the_right(clinic: Clinic, what: str) -> None:
    """Take from the doctor what their views are held by."""
    doctor = clinic.person(Role.DOCTOR)
    if what == "signed out":
        assert (await clinic.doctor.act("signOut", "signedOut"))["errors"] == []
        return
    statement = {
        "deactivated": "UPDATE users SET is_active = false WHERE id = :user",
        "another role": "UPDATE users SET role = 'RECEPTIONIST' WHERE id = :user",
        "archived": "UPDATE doctors SET archived_at = now() WHERE user_id = :user",
    }[what]
    async with clinic.factory.database.crossing_organizations() as session:
        await session.execute(text(statement), {"user": doctor.user.id})


async def test_an_update_is_rendered_by_the_policy_of_now(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    first, second = await clinic.factory.slots(calendar, tomorrow(), 2)
    fields = "id status version isBookable"
    async with (
        viewing(clinic.public, calendar, fields=fields) as shared,
        viewing(clinic.patient, calendar, fields=f"{fields} appointments {{ id }}") as alone,
    ):
        for view in (shared, alone):
            assert [s["isBookable"] for s in (await view.next())["slots"]] == [True, True]
        await clinic.factory.policy(minimum_notice_minutes=60 * 24 * 30)
        for slot in (first, second):
            await change_behind_the_api(clinic.factory.database, slot, "AVAILABLE")
        for view in (shared, alone):
            assert [s["isBookable"] for s in (await view.next())["slots"]] == [False, False]


async def test_a_public_stream_has_no_token_to_end_with(clinic: Clinic) -> None:
    """Beside one that ends, it goes on."""
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    short = clinic.public.signed_in(token_for(2, clinic.person(Role.PATIENT).token))
    async with viewing(clinic.public, calendar) as open_end, viewing(short, calendar) as ending:
        await open_end.next()
        await ending.next()
        with pytest.raises(TransportQueryError):
            await ending.next()
        await book(clinic.patient, slot)
        assert (await open_end.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]


async def test_an_ended_token_opens_no_socket(clinic: Clinic) -> None:
    token = token_for(-1, clinic.person(Role.PATIENT).token)
    api = clinic.public
    async with api.http.ws_connect(
        api.url, protocols=["graphql-transport-ws"], headers=api.headers
    ) as socket:
        payload = {"authorization": f"Bearer {token}"}
        await socket.send_json({"type": "connection_init", "payload": payload})
        await socket.receive(timeout=10)
    assert socket.close_code == 4403


async def test_who_has_signed_out_begins_nothing_more_on_an_open_socket(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    person = await clinic.factory.person(Role.PATIENT)
    api = clinic.public.signed_in(person.token)
    query = gql("{ viewer { id } }")
    stream = gql(CHANGES % FIELDS)
    stream.variable_values = {
        "id": id_of(calendar),
        "from": wire(tomorrow(0)),
        "to": wire(tomorrow(23)),
    }
    async with api.socket() as socket:
        assert await socket.execute(query) == {"viewer": {"id": id_of(person.user)}}
        await api.done("signOut", "signedOut")
        for begun in (socket.execute(query), anext(socket.subscribe(stream))):
            with pytest.raises(TransportQueryError) as refused:
                await begun
            assert refused.value.errors is not None
            (error,) = refused.value.errors
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
