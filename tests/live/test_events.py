"""The live view of an event's calendar: seats as they are taken, and for whom it is there."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from gql import GraphQLRequest
from gql.transport.exceptions import TransportQueryError

from tests.api import Api, Watcher
from tests.conftest import Clinic
from tests.live.views import asked
from tests.occasions import SLOTS, WINDOW, an_event, booked, calendar_of_event, slots_of

BOOKABLE = """
subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendarChanges(calendarId: $id, from: $from, to: $to) { slots { status isBookable } } }
"""


def watching(api: Api, event: dict[str, Any], after: str | None = None) -> Any:
    """A live view of an event's calendar."""
    return api.watching(event["calendar"]["id"], WINDOW["from"], WINDOW["to"], after=after)


async def ended(view: Watcher) -> str:
    """The code with which a view ends."""
    try:
        while True:
            await view.next()
    except TransportQueryError as failed:
        (error,) = failed.errors or []
        code: str = error["extensions"]["code"]
        return code


async def test_everybody_sees_seats_being_taken_moved_and_given_back(clinic: Clinic) -> None:
    event = await an_event(
        clinic.doctor, slots=[SLOTS[1], {"startTime": "21:00", "endTime": "22:00"}]
    )
    first, second = slots_of(event)
    async with AsyncExitStack() as stack:
        apis = (clinic.public, clinic.patient, clinic.doctor, clinic.admin)
        views = [await stack.enter_async_context(watching(api, event)) for api in apis]
        for view in views:
            await view.next()
        mine = await booked(clinic.public, first)
        secret = {"manageToken": mine["manageToken"]}
        for view in views:
            await view.until(first, "BOOKED")
        await clinic.public.done(
            "rescheduleGuestBooking", "appointment { id }", slotId=second, **secret
        )
        for view in views:
            await view.until(second, "BOOKED")
            assert view.slots[first]["status"] == "AVAILABLE"
        await clinic.public.done("cancelGuestBooking", "appointment { id }", **secret)
        for view in views:
            await view.until(second, "AVAILABLE")
        # What the organizer changes is told as well.
        await clinic.doctor.done(
            "updateEvent", "event { id }", eventId=event["id"], slots=[{**SLOTS[1], "capacity": 7}]
        )
        calendar = await calendar_of_event(clinic.factory, event)
        for view in views:
            await view.until(second, "REMOVED")
            truth, _ = await asked(clinic.doctor, calendar)
            assert view.slots == truth


async def test_what_is_not_published_is_watched_by_those_who_run_it_alone(clinic: Clinic) -> None:
    """Also right after one of them has begun to: what is read for one is not shown to others."""
    event = await an_event(clinic.doctor, is_published=False)
    async with watching(clinic.doctor, event) as view, watching(clinic.admin, event) as another:
        await view.next()
        await another.next()
        for api in (clinic.public, clinic.patient, clinic.reception):
            for after in (None, view.cursor):
                async with watching(api, event, after) as hidden:
                    assert await ended(hidden) == "NOT_FOUND"


async def test_views_of_others_end_when_it_is_hidden_and_those_of_who_runs_it_go_on(
    clinic: Clinic,
) -> None:
    event = await an_event(clinic.doctor)
    async with AsyncExitStack() as stack:
        apis = (clinic.public, clinic.patient, clinic.reception)
        others = [await stack.enter_async_context(watching(api, event)) for api in apis]
        own = [
            await stack.enter_async_context(watching(api, event))
            for api in (clinic.doctor, clinic.admin)
        ]
        for view in (*others, *own):
            await view.next()
        cursor = others[0].cursor
        await clinic.doctor.done("unpublishEvent", "event { id }", eventId=event["id"])
        for view in others:
            assert await ended(view) == "NOT_FOUND"
        async with watching(clinic.public, event, cursor) as again:
            assert await ended(again) == "NOT_FOUND"
        for view in own:
            assert len((await view.next())["slots"]) == 2
        await clinic.doctor.done("publishEvent", "event { id }", eventId=event["id"])
        for view in own:
            assert len((await view.next())["slots"]) == 2
        async with watching(clinic.public, event, cursor) as again:
            # Whoever comes back is shown what changed meanwhile.
            assert not (await again.next())["reset"]


async def test_those_who_run_it_see_live_whether_it_can_be_booked(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False, slots=[SLOTS[0]])
    values = {"id": event["calendar"]["id"], **WINDOW}
    async with clinic.doctor.socket() as session:
        updates = session.subscribe(GraphQLRequest(BOOKABLE, variable_values=values))
        for act, is_bookable in ((None, False), ("publishEvent", True), ("unpublishEvent", False)):
            if act:
                await clinic.doctor.done(act, "event { id }", eventId=event["id"])
            update = await asyncio.wait_for(anext(updates), 10)
            slots = update["calendarChanges"]["slots"]
            assert slots == [{"status": "AVAILABLE", "isBookable": is_bookable}]
        await updates.aclose()


async def test_a_patient_sees_the_booking_of_an_event_live_among_their_own(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    view = "subscription { appointmentChanges { appointments { status event { title } } } }"
    async with clinic.patient.socket() as session:
        updates = session.subscribe(GraphQLRequest(view))
        first = (await asyncio.wait_for(anext(updates), 10))["appointmentChanges"]
        assert first["appointments"] == []
        made = await clinic.patient.done(
            "bookEventSlot", "appointment { id }", slotId=slots_of(event)[0]
        )
        for act, status in ((None, "BOOKED"), ("cancelAppointment", "CANCELLED")):
            if act:
                await clinic.patient.done(act, "appointment { id }", appointmentId=made["id"])
            update = (await asyncio.wait_for(anext(updates), 10))["appointmentChanges"]
            shown = {"status": status, "event": {"title": "An evening"}}
            assert update["appointments"] == [shown]
        await updates.aclose()
