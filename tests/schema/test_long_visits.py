"""Visits that take several slots, and what is kept clear after them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models import Role, Slot, SlotStatus, VisitType
from tests.api import Api
from tests.booking import ALTERNATIVES, REASON, book, calendar_of, kind, patient_id
from tests.conftest import Clinic
from tests.factories import Factory, id_of, tomorrow, wire
from tests.rivals import codes
from tests.rows import unchanged

DAY = """
query ($id: ID!, $from: DateTime!, $to: DateTime!, $type: ID) {
  calendar(id: $id) { slots(from: $from, to: $to) {
    id status bookedCount isBookable appointments { id }
    forThis: isBookable(visitTypeId: $type) } } }
"""
TAKES = "appointment { id startsAt endsAt slot { id } slots { id } visitType { id minutes } }"


async def day(clinic: Clinic, api: Api, visit_type: str | None = None) -> list[dict[str, Any]]:
    """The slots of tomorrow as somebody sees them."""
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    id = id_of(calendar_of(clinic))
    found: list[dict[str, Any]] = (await api.ask(DAY, id=id, type=visit_type, **window))[
        "calendar"
    ]["slots"]
    return found


async def statuses(clinic: Clinic) -> str:
    """The slots of tomorrow, a letter each: A for available, B for booked."""
    return "".join(slot["status"][0] for slot in await day(clinic, clinic.public))


async def refused(api: Api, slot: Slot, **values: Any) -> dict[str, Any]:
    """The refusal of a booking."""
    payload = f"appointment {{ id }} {ALTERNATIVES} {REASON}"
    return await api.refusal("bookAppointment", payload, slotId=id_of(slot), **values)


async def half_hours(factory: Factory, clinic: Clinic, count: int) -> list[Slot]:
    return await factory.slots(calendar_of(clinic), tomorrow(9), count)


# ------------------------------------------------------------------- what a visit takes


async def test_a_long_visit_takes_every_slot_that_it_touches(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 4)
    long = await kind(clinic, 75)
    made = await clinic.patient.done(
        "bookAppointment", TAKES, slotId=id_of(slots[0]), visitTypeId=long
    )
    id = made.pop("id")
    assert made == {
        "startsAt": wire(tomorrow(9)),
        "endsAt": wire(tomorrow(9) + timedelta(minutes=75)),
        "slot": {"id": id_of(slots[0])},
        "slots": [{"id": id_of(slot)} for slot in slots[:3]],
        "visitType": {"id": long, "minutes": 75},
    }
    seen = await day(clinic, clinic.patient)
    assert [slot["status"] for slot in seen] == ["BOOKED"] * 3 + ["AVAILABLE"]
    assert [slot["bookedCount"] for slot in seen] == [1, 1, 1, 0]
    assert [slot["appointments"] for slot in seen] == [[{"id": id}]] * 3 + [[]]
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=id)
    assert await statuses(clinic) == "AAAA"


async def test_every_view_hears_of_every_slot_that_is_taken(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 3)
    long = await kind(clinic, 60)
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        await view.next()
        await book(clinic.patient, slots[1], visitTypeId=long)
        update = await view.next()
    changed = [(slot["id"], slot["status"]) for slot in update["slots"]]
    assert changed == [(id_of(slot), "BOOKED") for slot in slots[1:]]


async def test_a_short_visit_takes_its_slot_whole(clinic: Clinic) -> None:
    (slot,) = await half_hours(clinic.factory, clinic, 1)
    made = await clinic.patient.done(
        "bookAppointment", TAKES, slotId=id_of(slot), visitTypeId=await kind(clinic, 10)
    )
    assert made["endsAt"] == wire(tomorrow(9) + timedelta(minutes=10))
    assert await statuses(clinic) == "B"
    assert (await refused(clinic.reception, slot, patientId=id_of(await clinic.factory.patient())))[
        "code"
    ] == "SLOT_TAKEN"


async def test_a_long_visit_is_refused_where_a_part_of_its_time_is_taken(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 6)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[2], patientId=other)
    long = await kind(clinic, 60)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[1], visitTypeId=long)
    assert refusal["code"] == "SLOT_TAKEN"
    # Where the whole of it would fit; the last slot is too near to the end of the hours.
    assert [slot["id"] for slot in refusal["alternatives"]] == [
        id_of(slots[place]) for place in (0, 3, 4)
    ]


async def test_a_long_visit_over_a_closed_time_is_refused(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 2)
    await clinic.reception.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(calendar_of(clinic)),
        startsAt=wire(slots[1].starts_at),
        endsAt=wire(slots[1].ends_at),
    )
    long = await kind(clinic, 60)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[0], visitTypeId=long)
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_patient_is_not_kept_longer_than_the_hours_last(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 2)
    long = await kind(clinic, 60)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[1], visitTypeId=long)
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "VISIT_TOO_LONG")
    await book(clinic.reception, slots[1], patientId=patient_id(clinic), visitTypeId=long)
    assert await statuses(clinic) == "AB"


async def test_what_a_doctor_does_not_offer_is_refused_to_everybody(clinic: Clinic) -> None:
    (slot,) = await half_hours(clinic.factory, clinic, 1)
    owner = {"organization_id": clinic.factory.organization.id}
    unoffered = VisitType(**owner, name="Elsewhere", minutes=30)
    await clinic.factory.add(unoffered)
    patient = {"patientId": patient_id(clinic), "visitTypeId": id_of(unoffered)}
    async with unchanged(clinic.factory):
        for api in (clinic.patient, clinic.reception, clinic.doctor):
            refusal = await refused(api, slot, **patient)
            assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "NOT_OFFERED")
    (seen,) = await day(clinic, clinic.reception, id_of(unoffered))
    assert (seen["isBookable"], seen["forThis"]) == (True, False)


async def test_a_visit_that_moves_by_one_slot_is_not_in_its_own_way(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 4)
    made = await book(clinic.patient, slots[0], visitTypeId=await kind(clinic, 90))
    assert await statuses(clinic) == "BBBA"
    moved = await clinic.patient.done(
        "rescheduleAppointment", TAKES, appointmentId=made["id"], slotId=id_of(slots[1])
    )
    assert [slot["id"] for slot in moved["slots"]] == [id_of(slot) for slot in slots[1:]]
    assert await statuses(clinic) == "ABBB"


async def test_a_visit_that_cannot_move_stays_whole(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 5)
    made = await book(clinic.patient, slots[0], visitTypeId=await kind(clinic, 60))
    await book(clinic.reception, slots[4], patientId=id_of(await clinic.factory.patient()))
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "rescheduleAppointment",
            "appointment { id }",
            appointmentId=made["id"],
            slotId=id_of(slots[3]),
        )
    assert refusal["code"] == "SLOT_TAKEN"
    assert await statuses(clinic) == "BBAAB"


async def test_a_patient_cannot_be_elsewhere_in_the_middle_of_a_long_visit(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 3)
    other = await clinic.factory.person(Role.DOCTOR)
    elsewhere = await clinic.factory.slot(other.calendar, slots[1].starts_at)
    made = await book(clinic.patient, slots[0], visitTypeId=await kind(clinic, 90))
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment",
            "appointment { id } errors { ... on PatientBusy { conflicting { id } } }",
            slotId=id_of(elsewhere),
        )
    assert (refusal["code"], refusal["conflicting"]) == ("PATIENT_BUSY", {"id": made["id"]})


async def test_of_a_crowd_whose_long_visits_overlap_no_two_share_a_minute(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 4)
    long = await kind(clinic, 60)
    patients = [await clinic.factory.patient() for _ in range(12)]
    ended = await asyncio.gather(
        *(
            clinic.reception.act(
                "bookAppointment",
                "appointment { id }",
                slotId=id_of(slots[place % 3]),
                patientId=id_of(patient),
                visitTypeId=long,
            )
            for place, patient in enumerate(patients)
        )
    )
    done = codes(ended).count("DONE")
    seen = await day(clinic, clinic.reception)
    assert sum(slot["bookedCount"] for slot in seen) == 2 * done
    assert all(slot["bookedCount"] <= 1 for slot in seen)
    assert done in {1, 2}


# ------------------------------------------------------------------- what is kept clear


async def test_what_is_kept_clear_after_a_visit_is_closed_to_patients_alone(
    clinic: Clinic,
) -> None:
    slots = await half_hours(clinic.factory, clinic, 3)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[0], patientId=other, visitTypeId=await kind(clinic, 30, 15))
    assert await statuses(clinic) == "BAA"
    for api, expected in ((clinic.patient, [False, False, True]), (clinic.reception, [0, 1, 1])):
        assert [slot["isBookable"] for slot in await day(clinic, api)] == expected
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[1])
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "KEPT_CLEAR")
    await book(clinic.reception, slots[1], patientId=patient_id(clinic))
    assert await statuses(clinic) == "BBA"


async def test_a_visit_that_must_be_kept_clear_does_not_end_where_another_begins(
    clinic: Clinic,
) -> None:
    slots = await half_hours(clinic.factory, clinic, 3)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[1], patientId=other)
    with_buffer = await kind(clinic, 30, 15)
    seen = await day(clinic, clinic.patient, with_buffer)
    assert [slot["isBookable"] for slot in seen] == [True, False, True]
    # After the hours nothing follows that would have to be kept clear of.
    assert [slot["forThis"] for slot in seen] == [False, False, True]
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[0], visitTypeId=with_buffer)
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "KEPT_CLEAR")
    await book(clinic.patient, slots[0])


async def test_the_gap_between_two_visits_is_the_larger_buffer_not_the_sum(
    clinic: Clinic,
) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(9), 6, minutes=15)
    other = id_of(await clinic.factory.patient())
    buffered = await kind(clinic, 15, 15)
    await book(clinic.reception, slots[0], patientId=other, visitTypeId=buffered)
    await book(clinic.patient, slots[2], visitTypeId=buffered)
    seen = await day(clinic, clinic.patient, buffered)
    assert [slot["forThis"] for slot in seen] == [False, False, False, False, True, True]


async def test_what_was_kept_clear_is_open_once_the_visit_is_cancelled(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 2)
    buffered = await kind(clinic, 30, 30)
    made = await book(clinic.patient, slots[0], visitTypeId=buffered)
    assert [slot["isBookable"] for slot in await day(clinic, clinic.patient)] == [False, False]
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=made["id"])
    assert [slot["isBookable"] for slot in await day(clinic, clinic.patient)] == [True, True]


async def test_the_first_free_slot_is_none_that_is_kept_clear(clinic: Clinic) -> None:
    slots = await half_hours(clinic.factory, clinic, 3)
    await book(clinic.patient, slots[0], visitTypeId=await kind(clinic, 30, 15))
    shown = await clinic.public.ask(
        "query ($id: ID!) { calendar(id: $id) "
        "{ owner { ... on Doctor { nextAvailableSlot { id } } } } }",
        id=id_of(calendar_of(clinic)),
    )
    assert shown["calendar"]["owner"] == {"nextAvailableSlot": {"id": id_of(slots[2])}}


@pytest.mark.parametrize("minutes", [30, 60, 100])
@pytest.mark.parametrize("buffer", [0, 20])
async def test_what_is_shown_as_bookable_can_be_booked_and_nothing_else(
    clinic: Clinic, minutes: int, buffer: int
) -> None:
    slots = await half_hours(clinic.factory, clinic, 10)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[4], patientId=other, visitTypeId=await kind(clinic, 30, 10))
    visit_type = await kind(clinic, minutes, buffer)
    shown = [slot["forThis"] for slot in await day(clinic, clinic.patient, visit_type)]
    assert True in shown
    assert False in shown
    for slot, is_bookable in zip(slots, shown, strict=True):
        payload = await clinic.patient.act(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), visitTypeId=visit_type
        )
        assert (payload["errors"] == []) == is_bookable, slot.starts_at
        if is_bookable:
            id = payload["appointment"]["id"]
            await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=id)


async def test_a_group_has_room_as_long_as_a_place_is_free_for_all_of_the_visit(
    clinic: Clinic,
) -> None:
    calendar = calendar_of(clinic)
    first, second = [
        await clinic.factory.slot(
            calendar, tomorrow(hour), minutes=60, capacity=2, hours_end_at=tomorrow(11)
        )
        for hour in (9, 10)
    ]
    patients = [id_of(await clinic.factory.patient()) for _ in range(3)]
    await book(clinic.reception, first, patientId=patients[0])
    long = await kind(clinic, 120)
    await book(clinic.reception, first, patientId=patients[1], visitTypeId=long)
    seen = await day(clinic, clinic.reception, long)
    assert [(s["status"], s["bookedCount"], s["forThis"]) for s in seen] == [
        ("BOOKED", 2, False),
        ("AVAILABLE", 1, True),
    ]
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.reception, first, patientId=patients[2], visitTypeId=long)
    assert refusal["code"] == "SLOT_TAKEN"
    await book(clinic.reception, second, patientId=patients[2])


async def test_working_hours_say_how_long_a_visit_may_be(clinic: Clinic) -> None:
    """A break ends the hours, a gap between two slots does not."""
    weekday = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    hours = {"weekdays": weekday, "slotMinutes": 20, "bufferMinutes": 10}
    id = id_of(calendar_of(clinic))
    await clinic.reception.done(
        "setAvailability",
        "calendar { id }",
        calendarId=id,
        templates=[
            hours | {"startTime": "08:00", "endTime": "09:00"},
            hours | {"startTime": "09:00", "endTime": "10:00"},
            hours | {"startTime": "11:00", "endTime": "12:00"},
        ],
    )
    on = wire(tomorrow(days=2))[:10]
    await clinic.reception.done(
        "generateSlots", "calendar { id }", calendarId=id, **{"from": on, "until": on}
    )
    shown = await clinic.patient.ask(
        DAY,
        id=id,
        type=await kind(clinic, 60),
        **{"from": wire(tomorrow(0, days=2)), "to": wire(tomorrow(23, days=2))},
    )
    found = [slot["forThis"] for slot in shown["calendar"]["slots"]]
    assert found == [True, True, True, False, True, False]
    assert {slot["status"] for slot in shown["calendar"]["slots"]} == {SlotStatus.AVAILABLE.name}
