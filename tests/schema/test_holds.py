"""Holds: what they keep, for whom, how long; every refusal, and races for what is held."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models import Calendar, Role, Slot
from tests.api import Api
from tests.booking import ALTERNATIVES, REASON, book, calendar_of, kind, patient_id
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow, wire
from tests.live.views import another_server
from tests.rivals import codes, held, line_up
from tests.rows import across, unchanged
from tests.waiting import overdue

HELD = "slot { id status heldUntil isHeldByViewer isBookable }"
SEEN = """
query ($id: ID!) {
  node(id: $id) { ... on Slot { status heldUntil isHeldByViewer isBookable } } }
"""


async def hold(api: Api, slot: Slot, **values: Any) -> dict[str, Any]:
    """Hold a slot, which must succeed."""
    shown: dict[str, Any] = await api.done("holdSlot", HELD, slotId=id_of(slot), **values)
    return shown


async def refused(api: Api, act: str, slot: Slot, **values: Any) -> dict[str, Any]:
    """The refusal of holding or booking a slot."""
    thing = "slot" if act == "holdSlot" else "appointment"
    facts = f"{thing} {{ id }} {ALTERNATIVES} {REASON}"
    return await api.refusal(act, facts, slotId=id_of(slot), **values)


async def seen(api: Api, slot: Slot) -> tuple[str, bool, bool]:
    """Status, whether the viewer holds it, and whether they may book it."""
    node = (await api.ask(SEEN, id=id_of(slot)))["node"]
    assert (node["status"] == "HELD") == (node["heldUntil"] is not None)
    return node["status"], node["isHeldByViewer"], node["isBookable"]


async def another(clinic: Clinic, role: Role = Role.PATIENT) -> tuple[Api, Person]:
    """Somebody else of a role, and their client."""
    person = await clinic.factory.person(role)
    return clinic.public.signed_in(person.token), person


# ------------------------------------------------------------------------- what a hold keeps


async def test_a_held_time_is_for_its_holder_alone(clinic: Clinic) -> None:
    await clinic.factory.policy(hold_minutes=7)
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    before = datetime.now(UTC)
    shown = await hold(clinic.patient, slot)
    until = datetime.fromisoformat(shown.pop("heldUntil"))
    assert before <= until - timedelta(minutes=7) <= datetime.now(UTC)
    assert shown == {
        "id": id_of(slot),
        "status": "HELD",
        "isHeldByViewer": True,
        "isBookable": True,
    }
    assert await seen(clinic.patient, slot) == ("HELD", True, True)
    for api in (clinic.public, clinic.reception, clinic.doctor, (await another(clinic))[0]):
        assert await seen(api, slot) == ("HELD", False, False)
    patient = patient_id(clinic)
    async with unchanged(clinic.factory):
        for act in ("holdSlot", "bookAppointment"):
            values = {"patientId": patient} if act == "bookAppointment" else {}
            refusal = await refused(clinic.reception, act, slot, **values)
            assert refusal["code"] == "SLOT_TAKEN"
            assert refusal["alternatives"] == [{"id": id_of(other)}]


async def test_booking_what_one_holds_ends_the_hold(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.patient, slot)
    made = await book(clinic.patient, slot)
    assert await seen(clinic.patient, slot) == ("BOOKED", False, False)
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=made["id"])
    assert await seen(clinic.public, slot) == ("AVAILABLE", False, True)


async def test_the_front_desk_books_what_it_holds_for_a_patient(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.reception, slot)
    async with unchanged(clinic.factory):
        assert (await refused(clinic.patient, "bookAppointment", slot))["code"] == "SLOT_TAKEN"
    await book(clinic.reception, slot, patientId=patient_id(clinic))


async def test_what_is_released_is_free_at_once(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.patient, slot)
    shown = await clinic.patient.done("releaseHold", HELD, slotId=id_of(slot))
    assert shown == {
        "id": id_of(slot),
        "status": "AVAILABLE",
        "heldUntil": None,
        "isHeldByViewer": False,
        "isBookable": True,
    }
    await book((await another(clinic))[0], slot)


async def test_nobody_releases_what_another_holds(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.patient, slot)
    for api in (clinic.reception, clinic.admin, (await another(clinic))[0]):
        shown = await api.done("releaseHold", HELD, slotId=id_of(slot))
        assert (shown["status"], shown["isHeldByViewer"]) == ("HELD", False)
    assert await seen(clinic.patient, slot) == ("HELD", True, True)


async def test_a_long_visit_is_held_whole(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    long = await kind(clinic, 60)
    await hold(clinic.patient, slots[0], visitTypeId=long)
    stranger, _ = await another(clinic)
    assert [(await seen(stranger, slot))[0] for slot in slots] == ["HELD", "HELD", "AVAILABLE"]
    assert (await refused(stranger, "bookAppointment", slots[1]))["code"] == "SLOT_TAKEN"
    await book(clinic.patient, slots[0], visitTypeId=long)
    assert [(await seen(stranger, slot))[0] for slot in slots] == ["BOOKED", "BOOKED", "AVAILABLE"]


async def test_who_books_less_than_they_held_leaves_the_rest_to_others(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic.patient, slots[0], visitTypeId=await kind(clinic, 60))
    await book(clinic.patient, slots[0])
    assert [(await seen(clinic.public, slot))[0] for slot in slots] == ["BOOKED", "AVAILABLE"]


async def test_a_place_in_a_group_is_held_beside_the_others(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=2)
    await hold(clinic.patient, slot)
    assert await seen(clinic.patient, slot) == ("AVAILABLE", True, True)
    second, _ = await another(clinic)
    assert await seen(second, slot) == ("AVAILABLE", False, True)
    await hold(second, slot)
    third, _ = await another(clinic)
    assert await seen(third, slot) == ("HELD", False, False)
    assert await seen(second, slot) == ("HELD", True, True)
    await book(clinic.patient, slot)
    await book(second, slot)
    assert await seen(third, slot) == ("BOOKED", False, False)


async def test_a_hold_does_not_count_as_an_appointment(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.patient, slot)
    found = await clinic.admin.ask(
        "query ($id: ID!) { node(id: $id) { ... on Slot { bookedCount appointments { id } } } }",
        id=id_of(slot),
    )
    assert found["node"] == {"bookedCount": 0, "appointments": []}


# ------------------------------------------------------------------------- how long, how many


async def test_a_hold_is_prolonged_once(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    first = (await hold(clinic.patient, slot))["heldUntil"]
    second = (await hold(clinic.patient, slot))["heldUntil"]
    assert second > first
    assert (await hold(clinic.patient, slot))["heldUntil"] == second
    assert await seen(clinic.patient, slot) == ("HELD", True, True)


async def test_a_new_hold_of_a_calendar_replaces_the_one_before(clinic: Clinic) -> None:
    first, second = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic.patient, first)
    await hold(clinic.patient, second)
    assert await seen(clinic.public, first) == ("AVAILABLE", False, True)
    assert await seen(clinic.patient, second) == ("HELD", True, True)


async def test_a_hold_that_cannot_be_replaced_stays(clinic: Clinic) -> None:
    first, second = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic.patient, first)
    await hold(clinic.reception, second)
    async with unchanged(clinic.factory):
        assert (await refused(clinic.patient, "holdSlot", second))["code"] == "SLOT_TAKEN"
    assert await seen(clinic.patient, first) == ("HELD", True, True)


async def test_nobody_hoards_times(clinic: Clinic) -> None:
    slots = [
        await clinic.factory.slot((await clinic.factory.person(Role.DOCTOR)).calendar, tomorrow())
        for _ in range(4)
    ]
    for slot in slots[:3]:
        await hold(clinic.patient, slot)
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "holdSlot",
            "slot { id } errors { ... on TooManyHolds { limit } }",
            slotId=id_of(slots[3]),
        )
    assert (refusal["code"], refusal["limit"]) == ("TOO_MANY_HOLDS", 3)
    # What is over does not count, even before it is swept.
    await overdue(clinic.factory)
    await hold(clinic.patient, slots[3])


async def test_who_holds_at_several_doctors_at_once_keeps_to_the_limit(clinic: Clinic) -> None:
    slots = [
        await clinic.factory.slot((await clinic.factory.person(Role.DOCTOR)).calendar, tomorrow())
        for _ in range(6)
    ]
    ended = await asyncio.gather(
        *(clinic.patient.act("holdSlot", HELD, slotId=id_of(slot)) for slot in slots)
    )
    assert codes(ended) == ["DONE"] * 3 + ["TOO_MANY_HOLDS"] * 3


async def test_a_patient_who_holds_again_and_again_is_asked_to_wait(
    clinic: Clinic, database_url: str
) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    document = "mutation ($id: ID!) { holdSlot(input: {slotId: $id}) { slot { id } } }"
    async with another_server(clinic.public, database_url, holds_per_patient=2) as strict:
        patient = strict.signed_in(clinic.patient.token or "")
        for slot in slots[:2]:
            await hold(patient, slot)
        assert await patient.error_code(document, id=id_of(slots[2])) == "RATE_LIMITED"
        reception = strict.signed_in(clinic.reception.token or "")
        for _ in range(3):
            await hold(reception, slots[2])


@pytest.mark.parametrize(
    ("minutes", "reason"), [(-10, "PAST"), (60 * 24 * 40, "BEYOND_HORIZON"), (30, "TOO_SOON")]
)
async def test_what_cannot_be_booked_cannot_be_held(
    clinic: Clinic, minutes: int, reason: str
) -> None:
    await clinic.factory.policy(horizon_months=1, minimum_notice_minutes=60)
    starts_at = datetime.now(UTC) + timedelta(minutes=minutes)
    slot = await clinic.factory.slot(calendar_of(clinic), starts_at)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, "holdSlot", slot)
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", reason)


# ------------------------------------------------------------------------- how it ends


async def test_what_is_over_is_swept_and_the_views_are_told(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        await view.next()
        await hold(clinic.patient, slot)
        await view.until(id_of(slot), "HELD")
        await overdue(clinic.factory)
        await view.until(id_of(slot), "AVAILABLE")
    assert await seen(clinic.patient, slot) == ("AVAILABLE", False, True)


async def test_who_comes_back_too_late_finds_the_time_taken(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic.patient, slot)
    await overdue(clinic.factory)
    await book((await another(clinic))[0], slot)
    async with unchanged(clinic.factory):
        assert (await refused(clinic.patient, "bookAppointment", slot))["code"] == "SLOT_TAKEN"


async def test_closing_a_time_ends_its_holds(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic.patient, slots[0], visitTypeId=await kind(clinic, 60))
    when = {"startsAt": wire(slots[0].starts_at), "endsAt": wire(slots[0].ends_at)}
    calendar_id = id_of(calendar_of(clinic))
    await clinic.reception.done("blockTime", "slots { id }", calendarId=calendar_id, **when)
    statuses = [(await seen(clinic.patient, slot))[0] for slot in slots]
    assert statuses == ["BLOCKED", "AVAILABLE"]


# ------------------------------------------------------------------------- rivals


@pytest.mark.parametrize("first", ["hold", "book"])
async def test_of_holding_and_booking_one_time_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    stranger, _ = await another(clinic)
    holding = clinic.patient.act("holdSlot", "slot { id }", slotId=id_of(slot))
    booking = stranger.act("bookAppointment", "appointment { id }", slotId=id_of(slot))
    order = (holding, booking) if first == "hold" else (booking, holding)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *order)
    ended = [await task for task in tasks]
    assert ended[0]["errors"] == []
    assert ended[1]["errors"][0]["code"] == "SLOT_TAKEN"


async def test_of_holding_a_time_and_taking_it_from_the_hours_the_first_decides(
    clinic: Clinic,
) -> None:
    """Who waits to hold a slot has seen it; it is gone when they come to it."""
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    days = {"from": wire(tomorrow())[:10], "until": wire(tomorrow())[:10]}
    generating = clinic.reception.act(
        "generateSlots", "calendar { id }", calendarId=id_of(calendar_of(clinic)), **days
    )
    holding = clinic.patient.act("holdSlot", "slot { id }", slotId=id_of(slot))
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, generating, holding)
    ended = [await task for task in tasks]
    assert ended[0]["errors"] == []
    assert ended[1]["errors"][0]["code"] == "SLOT_TAKEN"


async def test_of_thirty_who_hold_one_time_one_has_it(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    people = [await another(clinic) for _ in range(30)]
    ended = await asyncio.gather(
        *(api.act("holdSlot", "slot { id }", slotId=id_of(slot)) for api, _ in people)
    )
    assert codes(ended) == ["DONE"] + ["SLOT_TAKEN"] * 29


async def test_who_taps_twice_holds_once(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    ended = await asyncio.gather(
        *(clinic.patient.act("holdSlot", "slot { id }", slotId=id_of(slot)) for _ in range(8))
    )
    assert codes(ended) == ["DONE"] * 8
    async with across(clinic.factory) as connection:
        count = text("SELECT count(*) FROM claims WHERE calendar_id = :id AND kind = 'HOLD'")
        calendar: Calendar = calendar_of(clinic)
        assert (await connection.execute(count, {"id": calendar.id})).scalar_one() == 1
