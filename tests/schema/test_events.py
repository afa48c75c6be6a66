"""Events: making, changing, publishing and archiving them, and what is shown of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models import Appointment, Role
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.occasions import (
    DAY,
    EVENT,
    SLOTS,
    WINDOW,
    an_event,
    booked,
    calendar_of_event,
    over,
    slots_of,
)
from tests.rivals import codes, held, line_up
from tests.rows import kept, unchanged

WHOLE = f"""
event {{ title description date timeZone slug url isPublished perPersonLimit organizerName
  organizer {{ id }} calendar {{ id timeZone owner {{ ... on Event {{ id }} }}
  slots(from: "{WINDOW["from"]}", to: "{WINDOW["to"]}") {{ startsAt endsAt capacity status }} }} }}
"""
BY_SLUG = "query ($slug: String!) { event(slug: $slug) { id title isPublished } }"
LIST = "query ($mine: Boolean) { events(mine: $mine) { totalCount edges { node { title } } } }"
BOOKABLE = "query ($id: ID!) { node(id: $id) { ... on Slot { isBookable } } }"


async def titles(api: Api, *, mine: bool = False) -> list[str]:
    """The events that somebody finds listed."""
    found = (await api.ask(LIST, mine=mine))["events"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["title"] for edge in found["edges"]]


async def changed(api: Api, event: dict[str, Any], **values: Any) -> dict[str, Any]:
    """An event after a change that must succeed."""
    shown: dict[str, Any] = await api.done("updateEvent", EVENT, eventId=event["id"], **values)
    return shown


async def refused(api: Api, act: str, **values: Any) -> tuple[str, list[str]]:
    """The code of a refusal, and its path."""
    error = await api.refusal(act, "event { id }", **values)
    return error["code"], error["path"]


# ------------------------------------------------------------------------------- making


async def test_an_event_is_as_it_was_made(clinic: Clinic) -> None:
    given = {"title": "Open evening", "description": "Soup", "perPersonLimit": 3}
    event = await clinic.doctor.done("createEvent", WHOLE, **given, date=DAY, slots=SLOTS)
    slug = event.pop("slug")
    doctor = clinic.person(Role.DOCTOR)
    assert len(slug) == 22
    calendar = event.pop("calendar")
    assert calendar.pop("owner")["id"].startswith("event_")
    assert event == {
        **given,
        "date": DAY,
        "timeZone": "Europe/Madrid",
        "url": f"http://127.0.0.1:8000/e/{slug}",
        "isPublished": False,
        "organizerName": doctor.user.name,
        "organizer": {"id": id_of(doctor.user)},
    }
    # Six in the evening, as clocks in Madrid show it then.
    begin = datetime.fromisoformat(calendar["slots"][0]["startsAt"])
    assert begin.astimezone(ZoneInfo(calendar["timeZone"])).isoformat()[:16] == f"{DAY}T18:00"
    times = [wire(begin + timedelta(hours=hour)) for hour in range(3)]
    assert calendar["slots"] == [
        {"startsAt": times[0], "endsAt": times[1], "capacity": 2, "status": "AVAILABLE"},
        {"startsAt": times[1], "endsAt": times[2], "capacity": 1, "status": "AVAILABLE"},
    ]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"title": " "}, "INVALID_INPUT", ["title"]),
        ({"title": "x" * 201}, "INVALID_INPUT", ["title"]),
        ({"date": wire(tomorrow(days=-2))[:10]}, "INVALID_INPUT", ["date"]),
        ({"date": "2200-01-01"}, "INVALID_INPUT", ["date"]),
        ({"timeZone": "Europe/Madrid", "perPersonLimit": 0}, "INVALID_INPUT", ["perPersonLimit"]),
        ({"perPersonLimit": 101}, "INVALID_INPUT", ["perPersonLimit"]),
        ({"slots": SLOTS * 101}, "INVALID_INPUT", ["slots"]),
        ({"slots": [{**SLOTS[0], "capacity": 0}]}, "INVALID_INPUT", ["slots", "0", "capacity"]),
        ({"slots": [{**SLOTS[0], "capacity": 1001}]}, "INVALID_INPUT", ["slots", "0", "capacity"]),
        (
            {"slots": [SLOTS[0], {"startTime": "20:00", "endTime": "20:00"}]},
            "INVALID_INPUT",
            ["slots", "1", "endTime"],
        ),
        (
            {"slots": [*SLOTS, {"startTime": "18:59", "endTime": "19:00"}]},
            "OVERLAPPING_TEMPLATES",
            ["slots", "2"],
        ),
    ],
)
async def test_what_cannot_be_an_event_is_refused(
    clinic: Clinic, values: dict[str, Any], code: str, path: list[str]
) -> None:
    event = await an_event(clinic.doctor, is_published=False)
    given = {"title": "Event", "date": DAY, "slots": SLOTS, **values}
    async with unchanged(clinic.factory):
        assert await refused(clinic.doctor, "createEvent", **given) == (code, ["input", *path])
        given["eventId"] = event["id"]
        assert await refused(clinic.doctor, "updateEvent", **given) == (code, ["input", *path])


async def test_midnight_ends_a_day_and_a_night_of_changed_clocks_skips_an_hour(
    clinic: Clinic,
) -> None:
    night = {"startTime": "23:00", "endTime": "00:00"}
    event = await an_event(clinic.doctor, slots=[night], timeZone="UTC")
    (slot,) = event["calendar"]["slots"]
    assert (slot["startsAt"], slot["endsAt"]) == (f"{DAY}T23:00:00Z", wire(tomorrow(0, days=2)))
    year = datetime.now(UTC).year + 1
    march = datetime(year, 3, 31, tzinfo=UTC)
    sunday = (march - timedelta(days=(march.weekday() + 1) % 7)).date().isoformat()
    skipped = {"date": sunday, "slots": [{"startTime": "02:00", "endTime": "02:30"}]}
    path = ["input", "slots", "0", "startTime"]
    given = {"title": "Event", **skipped}
    assert await refused(clinic.doctor, "createEvent", **given) == ("INVALID_INPUT", path)


# ------------------------------------------------------------------------------- changing


async def test_slots_that_stay_keep_their_ids(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    later = {"startTime": "21:00", "endTime": "22:00"}
    event = await changed(clinic.doctor, event, slots=[{**SLOTS[0], "capacity": 9}, later])
    assert slots_of(event)[0] == first
    assert [slot["capacity"] for slot in event["calendar"]["slots"]] == [9, 1]
    assert second not in slots_of(event)
    # Another slot at the time of one that has gone.
    event = await changed(clinic.doctor, event, slots=[{**SLOTS[0], "endTime": "18:30"}])
    assert len(slots_of(event)) == 1
    assert first not in slots_of(event)


async def test_on_another_day_and_in_another_zone_clocks_show_the_same(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    day = wire(tomorrow(days=2))[:10]
    window = f'from: "{wire(tomorrow(0))}", to: "{wire(tomorrow(0, days=4))}"'
    slots = f"slots({window}) {{ startsAt capacity }}"
    moved = await clinic.doctor.done(
        "updateEvent",
        f"event {{ timeZone date calendar {{ timeZone {slots} }} }}",
        eventId=event["id"],
        date=day,
        timeZone="UTC",
    )
    assert moved == {
        "timeZone": "UTC",
        "date": day,
        "calendar": {
            "timeZone": "UTC",
            "slots": [
                {"startsAt": f"{day}T18:00:00Z", "capacity": 2},
                {"startsAt": f"{day}T19:00:00Z", "capacity": 1},
            ],
        },
    }


async def test_what_is_booked_is_not_taken_away(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    first, _ = slots_of(event)
    for _ in range(2):
        await booked(clinic.public, first)
    in_use = ("IN_USE", ["input", "slots"])
    async with unchanged(clinic.factory):
        for slots in ([SLOTS[1]], [], [{**SLOTS[0], "capacity": 1}, SLOTS[1]]):
            given = {"eventId": event["id"], "slots": slots}
            assert await refused(clinic.doctor, "updateEvent", **given) == in_use
        given = {"eventId": event["id"], "date": wire(tomorrow(days=2))[:10]}
        assert await refused(clinic.doctor, "updateEvent", **given) == in_use
    event = await changed(clinic.doctor, event, slots=[SLOTS[0]], title="Still on")
    assert (slots_of(event), event["title"]) == ([first], "Still on")


async def test_a_slot_is_not_taken_away_while_it_is_booked(clinic: Clinic) -> None:
    """Whoever comes first: the other one finds the event as it is then."""
    event = await an_event(clinic.doctor, slots=[SLOTS[1]])
    (slot,) = slots_of(event)
    fields = "appointment { id } manageToken"
    guest = {"name": "Gil", "email": "gil@mail.example"}
    calendar = await calendar_of_event(clinic.factory, event)
    async with held(clinic.factory, calendar):
        acts = await line_up(
            clinic.factory,
            clinic.public.act("bookEventSlot", fields, slotId=slot, guest=guest),
            clinic.doctor.act("updateEvent", "event { id }", eventId=event["id"], slots=[]),
        )
    assert codes([await act for act in acts]) == ["DONE", "IN_USE"]


# ------------------------------------------------------------------------------- publishing


async def test_an_event_is_public_only_while_it_is_published(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False)
    slug = event["slug"]
    others = (clinic.public, clinic.patient, clinic.reception)

    async def seen() -> list[bool]:
        found = [
            await api.ask(BY_SLUG, slug=slug) for api in (*others, clinic.doctor, clinic.admin)
        ]
        return [one["event"] is not None for one in found]

    async def bookable(api: Api) -> bool | None:
        node = (await api.ask(BOOKABLE, id=slots_of(event)[0]))["node"]
        return node and node["isBookable"]

    for act, is_published in ((None, False), ("publishEvent", True), ("unpublishEvent", False)):
        if act:
            done = await clinic.doctor.done(act, "event { isPublished }", eventId=event["id"])
            assert done == {"isPublished": is_published}
            await clinic.doctor.done(act, "event { isPublished }", eventId=event["id"])
        assert await seen() == [is_published] * 3 + [True] * 2
        assert await titles(clinic.public) == (["An evening"] if is_published else [])
        assert await titles(clinic.doctor, mine=True) == ["An evening"]
        assert await titles(clinic.admin, mine=True) == ["An evening"]
        assert await titles(clinic.reception, mine=True) == []
        assert await bookable(clinic.doctor) is is_published
        assert await bookable(clinic.public) is (True if is_published else None)


async def test_what_has_no_slot_that_is_to_come_is_not_published(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False, slots=[])
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.doctor, "publishEvent", eventId=event["id"])
        assert refusal == ("NO_SLOTS", ["input", "eventId"])
    event = await an_event(clinic.doctor, is_published=False)
    await over(clinic.factory, event)
    refusal = await refused(clinic.doctor, "publishEvent", eventId=event["id"])
    assert refusal == ("NO_SLOTS", ["input", "eventId"])


async def test_the_list_has_what_is_to_come_the_next_first(clinic: Clinic) -> None:
    days = {"third": 3, "first": 1, "second": 2}
    made = {
        title: await an_event(clinic.doctor, title=title, date=wire(tomorrow(days=day))[:10])
        for title, day in days.items()
    }
    assert await titles(clinic.public) == ["first", "second", "third"]
    assert await titles(clinic.doctor, mine=True) == ["third", "second", "first"]
    await over(clinic.factory, made["first"])
    assert await titles(clinic.public) == ["second", "third"]
    assert (await clinic.public.ask(BY_SLUG, slug=made["first"]["slug"]))["event"] is not None
    assert await clinic.public.error_code(LIST, mine=True) == "UNAUTHENTICATED"
    assert await clinic.patient.error_code(LIST, mine=True) == "FORBIDDEN"


async def test_an_archived_event_is_gone_and_its_history_stays(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    visit = await booked(clinic.public, slots_of(event)[0])
    deleting = {"eventId": event["id"]}
    async with unchanged(clinic.factory):
        refusal = await clinic.doctor.refusal("deleteEvent", "deletedId", **deleting)
        assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "eventId"])
    await over(clinic.factory, event)
    assert await clinic.doctor.done("deleteEvent", "deletedId", **deleting) == event["id"]
    for api in (clinic.public, clinic.doctor, clinic.admin):
        assert (await api.ask(BY_SLUG, slug=event["slug"]))["event"] is None
    assert await titles(clinic.doctor, mine=True) == []
    for act in ("updateEvent", "publishEvent", "deleteEvent"):
        payload = await clinic.doctor.act(act, "__typename", **deleting)
        assert codes([payload]) == ["NOT_FOUND"]
    shown = await clinic.doctor.ask(
        "query ($id: ID!) { node(id: $id) { ... on Appointment { event { title } } } }",
        id=visit["id"],
    )
    assert shown["node"] == {"event": {"title": "An evening"}}
    assert len(await kept(clinic.factory, Appointment)) == 1


# ------------------------------------------------------------------------------- what it is not


async def test_the_calendar_of_an_event_has_no_hours_blocks_visits_or_holds(
    clinic: Clinic,
) -> None:
    event = await an_event(clinic.doctor)
    calendar, slot = event["calendar"]["id"], slots_of(event)[0]
    patient = {"patientId": id_of(clinic.person(Role.PATIENT).patient)}
    times = {"startsAt": wire(tomorrow(0)), "endsAt": wire(tomorrow(23))}
    elsewhere = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    visit = await clinic.patient.done(
        "bookAppointment", "appointment { id }", slotId=id_of(elsewhere)
    )
    tries: list[tuple[str, dict[str, Any]]] = [
        ("setAvailability", {"calendarId": calendar, "templates": []}),
        ("generateSlots", {"calendarId": calendar, "from": DAY, "until": DAY}),
        ("blockTime", {"calendarId": calendar, **times}),
        ("unblockTime", {"calendarId": calendar, **times}),
        ("bookAppointment", {"slotId": slot, **patient}),
        ("overbookAppointment", {"slotId": slot, "overbookingReason": "More", **patient}),
        ("rescheduleAppointment", {"slotId": slot, "appointmentId": visit["id"]}),
        ("holdSlot", {"slotId": slot}),
        ("releaseHold", {"slotId": slot}),
    ]
    async with unchanged(clinic.factory):
        for api in (clinic.admin, clinic.doctor):
            for act, given in tries:
                payload = await api.act(act, "__typename", **given)
                assert codes([payload]) == ["NOT_FOUND"], act
