"""The live view as Server-Sent Events: the same updates, and a cursor that a browser keeps."""

import asyncio
from typing import Any

import pytest

from models import Calendar
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.event_streams import Event, EventStream, events
from tests.live.test_places import fallen_to, places
from tests.live.views import (
    CHANGES,
    FIELDS,
    View,
    another_server,
    asked,
    book,
    shown,
    token_for,
    viewing,
)
from tests.rows import unchanged

WATCH = CHANGES % FIELDS
UNSELECTED = """
subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendarChanges(calendarId: $id, from: $from, to: $to) { slots { id status } }
}
"""


def window(calendar: Calendar, **more: Any) -> dict[str, Any]:
    """Tomorrow in a calendar."""
    return {
        "id": id_of(calendar),
        "from": wire(tomorrow(0)),
        "to": wire(tomorrow(0, days=2)),
        **more,
    }


async def update(stream: EventStream) -> dict[str, Any]:
    """The next update of a live view, whose cursor must be the id of its event."""
    event = await stream.next()
    assert event is not None
    assert event.kind == "next"
    found: dict[str, Any] = event.data["data"]["calendarChanges"]
    assert event.id == found["cursor"]
    return found


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_change_is_an_event(clinic: Clinic, method: str) -> None:
    calendar = calendar_of(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with events(clinic.patient, WATCH, window(calendar), method=method) as stream:
        assert stream.response.status == 200
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-cache, no-transform"
        first = await update(stream)
        assert (first["reset"], first["slots"]) == (True, [shown(slot, "AVAILABLE", version=0)])
        assert stream.comments == 1
        await book(clinic.patient, slot)
        second = await update(stream)
        assert second["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        assert second["previousCursor"] == first["cursor"]


@pytest.mark.parametrize("after", [None, "the first cursor", "no cursor"])
async def test_who_comes_back_with_the_last_id_gets_what_was_missed(
    clinic: Clinic, after: str | None
) -> None:
    calendar = calendar_of(clinic)
    slots = [await clinic.factory.slot(calendar, tomorrow(hour)) for hour in (9, 10, 11)]
    async with events(clinic.patient, WATCH, window(calendar)) as stream:
        first = await update(stream)
        await book(clinic.reception, slots[0], patientId=id_of(await clinic.factory.patient()))
        last = await update(stream)
    await book(clinic.patient, slots[1])
    # The id is newer than what the document says, whatever that is: a browser sends it unasked.
    given = first["cursor"] if after == "the first cursor" else after
    back = {"Last-Event-ID": last["cursor"]}
    async with events(clinic.patient, WATCH, window(calendar, after=given), **back) as stream:
        missed = await update(stream)
    assert (missed["reset"], missed["previousCursor"]) == (False, last["cursor"])
    assert missed["slots"] == [shown(slots[1], "BOOKED", version=2, booked=1)]


async def test_the_cursor_is_there_even_if_the_document_does_not_ask(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with events(clinic.patient, UNSELECTED, window(calendar)) as stream:
        first = await stream.next()
        assert first is not None
    _, cursor = await asked(clinic.patient, calendar)
    assert first.id == cursor
    assert first.data["data"]["calendarChanges"]["slots"] == [
        {"id": id_of(slot), "status": "AVAILABLE"}
    ]


async def test_a_socket_and_events_are_one_audience(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with (
        viewing(clinic.patient, calendar) as view,
        events(clinic.patient, WATCH, window(calendar, after=None)) as stream,
    ):
        assert await view.next() == await update(stream)
        await book(clinic.patient, slot)
        assert await view.next() == await update(stream)


async def test_who_reads_slowly_gets_one_update_for_many_changes(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    slots = [await clinic.factory.slot(calendar, tomorrow(hour)) for hour in range(8, 20)]
    async with events(clinic.reception, WATCH, window(calendar)) as stream:

        async def told() -> Any:
            while True:
                yield {"calendarChanges": await update(stream)}

        view = View(told())
        await view.next()
        for slot in slots:
            await book(clinic.reception, slot, patientId=id_of(await clinic.factory.patient()))
        picture, _ = await asked(clinic.reception, calendar)
        await view.equals(picture)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_query_is_one_event_and_then_complete(clinic: Clinic, method: str) -> None:
    async with events(clinic.public, "{ organization { name } }", method=method) as stream:
        answer = {"data": {"organization": {"name": "A Clinic"}}}
        assert await stream.rest() == [Event("next", answer, None), Event("complete", None, None)]


async def test_a_mutation_needs_post(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    document = """
    mutation ($id: ID!) { bookAppointment(input: {slotId: $id}) { appointment { status } } }"""
    async with unchanged(clinic.factory):
        # A query beside it does not hide it.
        for text in (document, f"{document} query Other {{ __typename }}"):
            async with events(clinic.patient, text, {"id": id_of(slot)}, method="GET") as stream:
                assert stream.response.status == 405
                assert stream.response.headers["allow"] == "POST"
    async with events(clinic.patient, document, {"id": id_of(slot)}) as stream:
        booked, end = await stream.rest()
    assert booked.data == {"data": {"bookAppointment": {"appointment": {"status": "BOOKED"}}}}
    assert end.kind == "complete"


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("subscription { calendarChanges", {}, "QUERY_REJECTED"),
        ("subscription { nothing }", {}, "QUERY_REJECTED"),
        (WATCH, {}, "BAD_INPUT"),
        (WATCH, {"id": "no id", "from": wire(tomorrow(0)), "to": wire(tomorrow(1))}, "BAD_INPUT"),
    ],
)
async def test_what_is_wrong_is_said_in_an_event(
    clinic: Clinic, document: str, variables: dict[str, Any], code: str
) -> None:
    async with events(clinic.patient, document, variables) as stream:
        assert stream.response.status == 200
        error, end = await stream.rest()
    assert "data" not in error.data or (code, error.data["data"]) == ("BAD_INPUT", None)
    assert [e["extensions"]["code"] for e in error.data["errors"]] == [code] * len(
        error.data["errors"]
    )
    assert end == Event("complete", None, None)


async def test_without_a_query_or_with_a_bad_token_there_is_no_stream(clinic: Clinic) -> None:
    async with events(clinic.patient, "") as stream:
        assert stream.response.status == 400
    async with events(clinic.public.signed_in("nonsense"), "{ __typename }") as stream:
        assert stream.response.status == 401
        answer = await stream.response.json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_stream_ends_with_its_token_and_says_so(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    token = clinic.patient.token
    assert token is not None
    short = clinic.public.signed_in(token_for(2, token))
    async with events(short, WATCH, window(calendar)) as stream:
        await update(stream)
        error, end = await stream.rest()
    assert [e["extensions"]["code"] for e in error.data["errors"]] == ["UNAUTHENTICATED"]
    assert end.kind == "complete"


async def test_who_leaves_is_forgotten(clinic: Clinic, database_url: str) -> None:
    calendar = calendar_of(clinic)
    async with another_server(clinic.patient, database_url) as here:
        before = places()
        async with events(here, WATCH, window(calendar)) as stream:
            await update(stream)
            assert places() == before + 1
            stream.response.close()
        await fallen_to(before)


async def test_streams_end_when_the_server_does(clinic: Clinic, database_url: str) -> None:
    calendar = calendar_of(clinic)
    async with asyncio.timeout(20):
        async with another_server(clinic.patient, database_url) as here:
            asked_here = here.http.post(
                here.url,
                json={"query": WATCH, "variables": window(calendar)},
                headers={**here.headers, "accept": "text/event-stream"},
            )
            response = await asked_here
            stream = EventStream(response)
            await update(stream)
        # Without `complete`, so that clients come back to the next server.
        assert await stream.rest() == []
