"""Deliberate overbooking: by staff, with a reason, beside those that are booked; never by accident
and never by patients."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from models import Role, Slot
from tests.api import Api
from tests.booking import book, calendar_of, kind, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rivals import codes
from tests.rows import across, unchanged

WHY = "Cannot wait until tomorrow"
SHOWN = "appointment { id status isOverbooked overbookingReason }"


async def overbook(api: Api, slot: Slot, patient: str, **values: Any) -> dict[str, Any]:
    """Book beside others, which must succeed."""
    values = {"overbookingReason": WHY, **values}
    shown: dict[str, Any] = await api.done(
        "overbookAppointment", SHOWN, slotId=id_of(slot), patientId=patient, **values
    )
    return shown


async def refused(api: Api, slot: Slot, patient: str, **values: Any) -> str:
    """Why it cannot be booked beside others."""
    values = {"overbookingReason": WHY, **values}
    refusal = await api.refusal(
        "overbookAppointment", "appointment { id }", slotId=id_of(slot), patientId=patient, **values
    )
    code: str = refusal["code"]
    return code


async def somebody(clinic: Clinic) -> str:
    return id_of(await clinic.factory.patient())


async def seen(clinic: Clinic, slot: Slot) -> tuple[str, int, bool]:
    """Status, how many have booked, and whether the front desk may book it."""
    node = (
        await clinic.reception.ask(
            "query ($id: ID!) { node(id: $id) { ... on Slot { status bookedCount isBookable } } }",
            id=id_of(slot),
        )
    )["node"]
    return node["status"], node["bookedCount"], node["isBookable"]


async def lanes(clinic: Clinic) -> list[int]:
    """The lanes in which the visits of the clinic are."""
    query = text("SELECT lane FROM claims WHERE organization_id = :id ORDER BY lower(during), lane")
    async with across(clinic.factory) as connection:
        found = await connection.execute(query, {"id": clinic.factory.organization.id})
        return list(found.scalars())


async def test_staff_book_beside_a_visit_and_say_why(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.reception, slot, patientId=await somebody(clinic))
    made = await overbook(clinic.reception, slot, patient_id(clinic), reason="Knee")
    assert (made["isOverbooked"], made["overbookingReason"]) == (True, WHY)
    assert await seen(clinic, slot) == ("BOOKED", 2, False)
    assert await lanes(clinic) == [0, 1]
    own = await clinic.patient.ask(
        "query ($id: ID!) { node(id: $id) { ... on Appointment "
        "{ isOverbooked overbookingReason } } }",
        id=made["id"],
    )
    assert own["node"] == {"isOverbooked": True, "overbookingReason": None}


async def test_an_ordinary_booking_is_not_overbooked(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    made = await clinic.reception.done(
        "bookAppointment", SHOWN, slotId=id_of(slot), patientId=patient_id(clinic)
    )
    assert (made["isOverbooked"], made["overbookingReason"]) == (False, None)


async def test_a_place_beside_somebody_overbooked_is_not_free(clinic: Clinic) -> None:
    """The first of two visits at one time is cancelled: the other one has the time for itself."""
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    first = await book(clinic.reception, slot, patientId=await somebody(clinic))
    await overbook(clinic.doctor, slot, await treated(clinic))
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=first["id"]
    )
    assert await seen(clinic, slot) == ("BOOKED", 1, False)
    # In the lane that the constraint guards.
    assert await lanes(clinic) == [0]
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slot)
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def treated(clinic: Clinic) -> str:
    """A patient whom the clinic's doctor treats."""
    patient = await somebody(clinic)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(days=9))
    await book(clinic.reception, slot, patientId=patient)
    await clinic.factory.policy()
    async with across(clinic.factory) as connection:
        await connection.execute(
            text("DELETE FROM claims WHERE organization_id = :id AND lower(during) > :then"),
            {"id": clinic.factory.organization.id, "then": tomorrow(days=8)},
        )
    return patient


async def test_a_long_visit_that_cannot_move_keeps_its_time_all_the_same(clinic: Clinic) -> None:
    """Two visits follow each other, a long one lies beside both: where one of the two goes, its
    time stays taken by the long one, which no single lane has room for."""
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    first, _ = [await book(clinic.reception, s, patientId=await somebody(clinic)) for s in slots]
    long = await kind(clinic, 60)
    await overbook(clinic.reception, slots[0], await somebody(clinic), visitTypeId=long)
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=first["id"]
    )
    assert await lanes(clinic) == [1, 0]
    assert await seen(clinic, slots[0]) == ("BOOKED", 1, False)
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slots[0])
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_long_visit_does_not_come_beside_one_that_kept_a_lane_above(
    clinic: Clinic,
) -> None:
    """It begins in a free slot, and the lane of ordinary visits is free in all of its time."""
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    first, _ = [
        await book(clinic.reception, slot, patientId=await somebody(clinic)) for slot in slots[1:]
    ]
    long = await kind(clinic, 60)
    await overbook(clinic.reception, slots[1], await somebody(clinic), visitTypeId=long)
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=first["id"]
    )
    assert await lanes(clinic) == [1, 0]
    assert await seen(clinic, slots[0]) == ("AVAILABLE", 0, True)
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slots[0]), visitTypeId=long
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_visit_that_moves_away_is_overbooked_no_more(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await book(clinic.reception, slots[0], patientId=await somebody(clinic))
    made = await overbook(clinic.reception, slots[0], patient_id(clinic))
    moved = await clinic.reception.done(
        "rescheduleAppointment", SHOWN, appointmentId=made["id"], slotId=id_of(slots[1])
    )
    assert (moved["isOverbooked"], moved["overbookingReason"]) == (False, None)
    assert await seen(clinic, slots[0]) == ("BOOKED", 1, False)
    assert await lanes(clinic) == [0, 0]


async def test_what_somebody_holds_can_be_booked_beside(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slot))
    await overbook(clinic.reception, slot, await somebody(clinic))
    # The holder is not driven out by it: the hold was for a place that there is.
    await book(clinic.patient, slot)
    assert await seen(clinic, slot) == ("BOOKED", 2, False)


async def test_what_is_closed_is_closed_to_overbooking_too(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await clinic.reception.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(calendar_of(clinic)),
        startsAt=wire(slots[1].starts_at),
        endsAt=wire(slots[1].ends_at),
    )
    patient, long = patient_id(clinic), await kind(clinic, 60)
    async with unchanged(clinic.factory):
        assert await refused(clinic.reception, slots[1], patient) == "SLOT_TAKEN"
        assert await refused(clinic.reception, slots[0], patient, visitTypeId=long) == "SLOT_TAKEN"


async def test_what_hours_no_longer_have_takes_no_more_visits(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.reception, slot, patientId=await somebody(clinic))
    async with across(clinic.factory) as connection:
        await connection.execute(
            text("UPDATE slots SET is_withdrawn = true WHERE id = :id"), {"id": slot.id}
        )
    async with unchanged(clinic.factory):
        assert await refused(clinic.reception, slot, patient_id(clinic)) == "SLOT_TAKEN"


async def test_nobody_is_put_in_two_places_by_it(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.patient, slot)
    async with unchanged(clinic.factory):
        assert await refused(clinic.reception, slot, patient_id(clinic)) == "PATIENT_BUSY"


async def test_a_doctor_overbooks_the_own_calendar_alone(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    slot = await clinic.factory.slot(other.calendar, tomorrow())
    patient = await treated(clinic)
    async with unchanged(clinic.factory):
        assert await refused(clinic.doctor, slot, patient) == "NOT_FOUND"


@pytest.mark.parametrize("why", ["", " ", "x" * 501, "two\nlines"])
async def test_the_reason_is_one_line(clinic: Clinic, why: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    patient = patient_id(clinic)
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "overbookAppointment",
            "appointment { id }",
            slotId=id_of(slot),
            patientId=patient,
            overbookingReason=why,
        )
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "overbookingReason"])


async def test_a_crowd_that_is_overbooked_is_there_once_each(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    patients = [await somebody(clinic) for _ in range(8)]
    ended = await asyncio.gather(
        *(
            clinic.reception.act(
                "overbookAppointment",
                "appointment { id }",
                slotId=id_of(slot),
                patientId=patient,
                overbookingReason=WHY,
            )
            for patient in patients
        )
    )
    assert codes(ended) == ["DONE"] * 8
    assert await lanes(clinic) == list(range(8))
    assert await seen(clinic, slot) == ("BOOKED", 8, False)
