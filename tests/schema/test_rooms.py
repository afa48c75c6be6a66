"""Rooms through the API: visits that need one take it besides the doctor's time, or not at all.

The same at the same time is raced in `tests/schema/test_room_races.py`.
"""

from typing import Any

from models import Claim, Slot
from tests.booking import ALTERNATIVES, REASON, book
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rooms import (
    a_kind,
    a_room,
    another_doctor,
    bookable,
    calendar_in,
    half_hours,
    room_slots,
    statuses,
)
from tests.rows import kept, unchanged

WHY = """
query ($slot: ID!, $type: ID) { whyNotBookable(slotId: $slot, visitTypeId: $type) { reason } }
"""
TAKEN = f"appointment {{ id version room {{ name }} }} {ALTERNATIVES} {REASON}"


async def refused(clinic: Clinic, slot: Slot, kind: str) -> dict[str, Any]:
    """The refusal of a visit that the front desk would book for somebody."""
    found: dict[str, Any] = await clinic.reception.refusal(
        "bookAppointment",
        TAKEN,
        slotId=id_of(slot),
        visitTypeId=kind,
        patientId=id_of(await clinic.factory.patient()),
    )
    return found


# ------------------------------------------------------------------------- what there is


async def test_administrators_add_change_and_archive_rooms(clinic: Clinic) -> None:
    office = await clinic.admin.done(
        "createOffice", "office { id }", name="North", timeZone="America/New_York"
    )
    shown = "room { id name office { name } calendar { timeZone owner { ... on Room { name } } } }"
    made = await clinic.admin.done("createRoom", shown, name=" Laser ", officeId=office["id"])
    id = made.pop("id")
    assert made == {
        "name": "Laser",
        "office": {"name": "North"},
        "calendar": {"timeZone": "America/New_York", "owner": {"name": "Laser"}},
    }
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("createRoom", "room { id }", name="Laser")
        assert (refusal["code"], refusal["path"]) == ("NAME_TAKEN", ["input", "name"])
        refusal = await clinic.admin.refusal("deleteOffice", "deletedId", officeId=office["id"])
        assert refusal["code"] == "IN_USE"
    changed = await clinic.admin.done("updateRoom", shown, roomId=id, name="X-ray", officeId=None)
    assert (changed["name"], changed["office"]) == ("X-ray", None)
    assert await names(clinic) == ["X-ray"]
    assert await clinic.admin.done("deleteRoom", "deletedId", roomId=id) == id
    assert await names(clinic) == []


async def names(clinic: Clinic) -> list[str]:
    return [room["name"] for room in (await clinic.public.ask("{ rooms { name } }"))["rooms"]]


async def test_a_room_is_no_doctor_and_its_calendar_is_for_staff(clinic: Clinic) -> None:
    room = await a_room(clinic)
    slots = await room_slots(clinic, room)
    document = "query ($id: ID!) { node(id: $id) { ... on Room { name calendar { id } } } }"
    for api, calendar in (
        (clinic.reception, room["calendar"]),
        (clinic.patient, None),
        (clinic.public, None),
    ):
        found = (await api.ask(document, id=room["id"]))["node"]
        assert found == {"name": "Laser", "calendar": calendar}
        by_id = "query ($id: ID!) { calendar(id: $id) { id } }"
        assert (await api.ask(by_id, id=room["calendar"]["id"]))["calendar"] == calendar
    async with unchanged(clinic.factory):
        for act in ("bookAppointment", "holdSlot"):
            returns = "appointment { id }" if act == "bookAppointment" else "slot { id }"
            refusal = await clinic.patient.refusal(act, returns, slotId=id_of(slots[0]))
            assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "slotId"])


# ------------------------------------------------------------------------- what a visit takes


async def test_a_visit_takes_its_room_and_both_calendars_show_it(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, there = await half_hours(clinic), await room_slots(clinic, room)
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.reception.watching(room["calendar"]["id"], *window) as view:
        await view.next()
        made = await clinic.patient.done(
            "bookAppointment",
            "appointment { id room { name } slots { id } }",
            slotId=id_of(slots[1]),
            visitTypeId=kind,
        )
        update = await view.next()
        assert [(s["id"], s["status"]) for s in update["slots"]] == [(id_of(there[1]), "BOOKED")]
        # The visit is in the doctor's slots; the room's show it to staff.
        assert made["room"] == {"name": "Laser"}
        assert made["slots"] == [{"id": id_of(slots[1])}]
        document = "query ($id: ID!) { node(id: $id) { ... on Slot { appointments { id } } } }"
        found = await clinic.reception.ask(document, id=id_of(there[1]))
        assert found["node"]["appointments"] == [{"id": made["id"]}]
        await clinic.patient.done(
            "cancelAppointment", "appointment { id }", appointmentId=made["id"]
        )
        await view.until(id_of(there[1]), "AVAILABLE")
    assert await statuses(clinic.reception, slots + there) == ["AVAILABLE"] * 8
    assert await kept(clinic.factory, Claim) == []


async def test_what_another_doctor_has_of_the_room_is_not_free(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    theirs = await another_doctor(clinic, kind)
    await book(clinic.patient, slots[1], visitTypeId=kind)
    other = id_of(await clinic.factory.patient())
    assert await bookable(clinic.public, theirs, kind) == [True, False, True, True]
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "bookAppointment", TAKEN, slotId=id_of(theirs[1]), visitTypeId=kind, patientId=other
        )
    assert refusal["code"] == "SLOT_TAKEN"
    near = {slot["id"] for slot in refusal["alternatives"]}
    assert near == {id_of(theirs[n]) for n in (0, 2, 3)}
    found = await clinic.public.ask(WHY, slot=id_of(theirs[1]), type=kind)
    assert found["whyNotBookable"] == {"reason": "PARTLY_TAKEN"}
    # Without the room the doctor is free.
    await book(clinic.reception, theirs[1], patientId=other)


async def test_no_visit_begins_with_the_time_of_a_room(clinic: Clinic) -> None:
    there = await room_slots(clinic, await a_room(clinic))
    booking = {"slotId": id_of(there[0]), "patientId": id_of(await clinic.factory.patient())}
    refusal = await clinic.reception.refusal("bookAppointment", TAKEN, **booking)
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "slotId"])
    # And so it is explained.
    assert await clinic.reception.error_code(WHY, slot=id_of(there[0])) == "NOT_FOUND"


async def test_of_several_rooms_the_first_that_is_free_is_taken(clinic: Clinic) -> None:
    rooms = [await a_room(clinic, name) for name in ("B", "A")]
    kind = await a_kind(clinic, *rooms)
    slots = await half_hours(clinic)
    places = []
    for doctor_slots in (slots, await another_doctor(clinic, kind)):
        made = await clinic.reception.done(
            "bookAppointment",
            "appointment { room { name } }",
            slotId=id_of(doctor_slots[0]),
            visitTypeId=kind,
            patientId=id_of(await clinic.factory.patient()),
        )
        places.append(made["room"]["name"])
    assert places == ["A", "B"]
    third = await another_doctor(clinic, kind)
    assert (await refused(clinic, third[0], kind))["code"] == "SLOT_TAKEN"


async def test_a_group_is_in_one_room(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic, capacity=2)
    for _ in range(2):
        other = id_of(await clinic.factory.patient())
        await book(clinic.reception, slots[0], patientId=other, visitTypeId=kind)
    theirs = await another_doctor(clinic, kind)
    other = id_of(await clinic.factory.patient())
    assert (await refused(clinic, theirs[0], kind))["code"] == "SLOT_TAKEN"
    beside = {"overbookingReason": "Urgent", "visitTypeId": kind, "patientId": other}
    # Overbooked with the same doctor is in the same room; the room of somebody else is not free.
    await clinic.reception.done(
        "overbookAppointment", "appointment { room { name } }", slotId=id_of(slots[0]), **beside
    )
    beside["patientId"] = id_of(await clinic.factory.patient())
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "overbookAppointment", "appointment { id }", slotId=id_of(theirs[0]), **beside
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_room_is_kept_clear_between_doctors(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room, bufferMinutes=20)
    slots = await half_hours(clinic)
    theirs = await another_doctor(clinic, kind, count=5)
    await book(clinic.patient, slots[1], visitTypeId=kind)
    # After it the room is cleaned, and before it there must be time for that; staff may go on.
    assert await bookable(clinic.public, theirs, kind) == [False, False, False, True, True]
    assert await bookable(clinic.reception, theirs, kind) == [True, False, True, True, True]


async def test_patients_come_in_the_room_s_working_hours(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    calendar = await calendar_in(clinic, room)
    await clinic.factory.template(calendar)
    await clinic.factory.slot(calendar, tomorrow(9), hours_end_at=tomorrow(10))
    assert await bookable(clinic.public, slots, kind) == [True, True, False, False]
    assert await bookable(clinic.reception, slots, kind) == [True] * 4


async def test_a_room_that_is_closed_is_not_free(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    when = {"startsAt": wire(slots[1].starts_at), "endsAt": wire(slots[1].ends_at)}
    ids = {"calendarId": room["calendar"]["id"]}
    await clinic.reception.done("blockTime", "slots { id }", **ids, **when)
    assert await bookable(clinic.reception, slots, kind) == [True, False, True, True]
    made = await book(clinic.patient, slots[0], visitTypeId=kind)
    when = {"startsAt": wire(slots[0].starts_at), "endsAt": wire(slots[0].ends_at)}
    refusal = await clinic.reception.refusal(
        "blockTime",
        "slots { id } errors { ... on TimeTaken { appointments { id } } }",
        **ids,
        **when,
    )
    assert refusal["appointments"] == [{"id": made["id"]}]


async def test_a_visit_that_moves_leaves_its_room_and_takes_one(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, there = await half_hours(clinic), await room_slots(clinic, room)
    made = await book(clinic.patient, slots[0], visitTypeId=kind)
    await clinic.patient.done(
        "rescheduleAppointment",
        "appointment { id }",
        appointmentId=made["id"],
        slotId=id_of(slots[2]),
    )
    assert await statuses(clinic.reception, there) == ["AVAILABLE"] * 2 + ["BOOKED", "AVAILABLE"]
    assert len(await kept(clinic.factory, Claim)) == 2
    theirs = await another_doctor(clinic, kind)
    assert await bookable(clinic.public, theirs, kind) == [True, True, False, True]


async def test_whoever_watches_the_room_that_a_visit_leaves_sees_it(clinic: Clinic) -> None:
    first, second = [await a_room(clinic, name) for name in ("A", "B")]
    kind = await a_kind(clinic, first, second)
    slots, there = await half_hours(clinic), await room_slots(clinic, first)
    theirs = await another_doctor(clinic, kind)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, theirs[2], visitTypeId=kind, patientId=other)
    made = await book(clinic.patient, slots[0], visitTypeId=kind)
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.reception.watching(first["calendar"]["id"], *window) as view:
        await view.until(id_of(there[0]), "BOOKED")
        moved = await clinic.patient.done(
            "rescheduleAppointment",
            "appointment { room { name } }",
            appointmentId=made["id"],
            slotId=id_of(slots[2]),
        )
        assert moved == {"room": {"name": "B"}}
        await view.until(id_of(there[0]), "AVAILABLE")


async def test_no_room_is_archived_that_somebody_comes_to(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    made = await book(clinic.patient, slots[0], visitTypeId=kind)
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("deleteRoom", "deletedId", roomId=room["id"])
    assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "roomId"])
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=made["id"])
    await clinic.admin.done("deleteRoom", "deletedId", roomId=room["id"])
    # A kind of visit whose only room is gone waits for another.
    assert await bookable(clinic.reception, slots, kind) == [False] * 4
    await clinic.admin.done("updateVisitType", "visitType { id }", visitTypeId=kind, roomIds=[])
    assert await bookable(clinic.reception, slots, kind) == [True] * 4


# ------------------------------------------------------------------------- holds


async def test_who_holds_a_visit_holds_its_room(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, there = await half_hours(clinic), await room_slots(clinic, room)
    theirs = await another_doctor(clinic, kind)
    held = {"slotId": id_of(slots[1]), "visitTypeId": kind}
    await clinic.patient.done("holdSlot", "slot { id }", **held)
    assert await statuses(clinic.reception, there) == ["AVAILABLE", "HELD"] + ["AVAILABLE"] * 2
    assert await bookable(clinic.public, theirs, kind) == [True, False, True, True]
    # Once more prolongs both.
    before = [row["expires_at"] for row in await kept(clinic.factory, Claim)]
    await clinic.patient.done("holdSlot", "slot { id }", **held)
    after = [row["expires_at"] for row in await kept(clinic.factory, Claim)]
    assert len(set(after)) == 1
    assert min(after) > max(before)
    await book(clinic.patient, slots[1], visitTypeId=kind)
    claims = await kept(clinic.factory, Claim)
    assert [(row["kind"], row["lane"]) for row in claims] == [("APPOINTMENT", 0)] * 2
    assert await statuses(clinic.reception, there) == ["AVAILABLE", "BOOKED"] + ["AVAILABLE"] * 2


async def test_a_room_is_free_as_soon_as_the_hold_ends(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, there = await half_hours(clinic), await room_slots(clinic, room)
    theirs = await another_doctor(clinic, kind)
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.reception.watching(room["calendar"]["id"], *window) as view:
        await view.next()
        await clinic.patient.done(
            "holdSlot", "slot { id }", slotId=id_of(slots[1]), visitTypeId=kind
        )
        await view.until(id_of(there[1]), "HELD")
        await clinic.patient.done("releaseHold", "slot { id }", slotId=id_of(slots[1]))
        assert await bookable(clinic.public, theirs, kind) == [True] * 4
        await view.until(id_of(there[1]), "AVAILABLE")
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slots[1]), visitTypeId=kind)
    # Another time of the same doctor instead: the room follows.
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slots[3]), visitTypeId=kind)
    assert await bookable(clinic.public, theirs, kind) == [True, True, True, False]
    other = id_of(await clinic.factory.patient())
    made = await book(clinic.reception, theirs[1], visitTypeId=kind, patientId=other)
    assert made["status"] == "BOOKED"
