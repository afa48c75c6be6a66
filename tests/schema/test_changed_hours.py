"""Hours that change under slots: which go, which appointments keep alive, and which come back."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest

from models import Weekday
from tests.booking import calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of
from tests.hours import clocks, generate, generate_refused, numbers, on, set_hours, slots_of, work
from tests.rows import unchanged

NOTHING_TO_DO = ("NO_AVAILABILITY", ["input", "calendarId"])


async def book_at(clinic: Clinic, day: date, place: int) -> dict[str, Any]:
    """Book one of the slots of a day for the patient."""
    slot = (await slots_of(clinic, day))[place]
    found: dict[str, Any] = await clinic.reception.done(
        "bookAppointment",
        "appointment { id status slot { id } }",
        slotId=slot["id"],
        patientId=patient_id(clinic),
    )
    return found


async def check_closed(clinic: Clinic, slot_id: str) -> None:
    """Nobody can book a slot, not even the front desk for somebody new."""
    patient = id_of(await clinic.factory.patient())
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "bookAppointment", "appointment { id }", slotId=slot_id, patientId=patient
        )
    assert refusal["code"] == "SLOT_TAKEN"


# ------------------------------------------------------------ slots go with their hours


async def test_slots_that_nobody_works_any_more_are_removed(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(1), on(2))
    gone = (await slots_of(clinic, on(1)))[0]
    await work(clinic, start_time=time(10))
    assert numbers(await generate(clinic, on(1))) == (0, 2, 2)
    assert await clocks(clinic, on(1)) == ["10:00-10:30 AVAILABLE", "10:30-11:00 AVAILABLE"]
    assert len(await slots_of(clinic, on(2))) == 4
    document = "query ($id: ID!) { node(id: $id) { ... on Slot { status version } } }"
    found = await clinic.public.ask(document, id=gone["id"])
    assert found["node"] == {"status": "REMOVED", "version": 2}


async def test_with_the_last_hours_all_slots_go_that_nobody_has_booked(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1), on(2))
    free = (await slots_of(clinic, on(1)))[0]
    booked = await book_at(clinic, on(1), 1)
    foretold = await set_hours(clinic)
    assert numbers(foretold) == (0, 1, 7)
    assert foretold["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    assert await generate(clinic, on(1), on(2)) == foretold
    (left,) = await slots_of(clinic, on(1), on(2))
    assert left["id"] == booked["slot"]["id"]
    assert (left["status"], left["bookedCount"], left["isBookable"]) == ("BOOKED", 1, False)
    for slot in (free, left):
        await check_closed(clinic, slot["id"])
    assert await generate_refused(clinic, on(1), on(2)) == NOTHING_TO_DO


@pytest.mark.parametrize(("is_booked", "done"), [(False, (0, 0, 1)), (True, (0, 1, 0))])
async def test_a_day_without_hours_is_cleared_once(
    clinic: Clinic, is_booked: bool, done: tuple[int, int, int]
) -> None:
    await work(clinic, end_time=time(9, 30))
    await generate(clinic, on(1), on(2))
    if is_booked:
        await book_at(clinic, on(1), 0)
    await work(clinic, weekdays=[Weekday(on(3).isoweekday())])
    assert numbers(await generate(clinic, on(1))) == done
    assert await generate_refused(clinic, on(1), on(1)) == NOTHING_TO_DO
    # The day after was not asked for, and has waited.
    assert await clocks(clinic, on(2)) == ["09:00-09:30 AVAILABLE"]
    assert numbers(await generate(clinic, on(1), on(2))) == (0, int(is_booked), 1)


async def test_what_has_begun_is_not_there_to_be_cleared(clinic: Clinic) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=10)
    await clinic.factory.slot(calendar_of(clinic), begun, minutes=20)
    assert await generate_refused(clinic, on(-1), on(1)) == NOTHING_TO_DO


# ------------------------------------------------------------ appointments outlive hours


async def test_an_appointment_outside_of_the_hours_is_kept_and_named(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 1)
    await work(clinic, start_time=time(10), capacity=2)
    preview = await generate(clinic, on(1))
    assert numbers(preview) == (0, 3, 1)
    assert preview["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    # Half empty, and yet not to be booked: the doctor is not there.
    first = (await slots_of(clinic, on(1)))[0]
    assert first["id"] == booked["slot"]["id"]
    assert (first["status"], first["bookedCount"], first["isBookable"]) == ("BOOKED", 1, False)
    await check_closed(clinic, first["id"])


async def test_a_slot_outside_of_the_hours_goes_with_its_last_appointment(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    first = await book_at(clinic, on(1), 0)
    second = await clinic.reception.done(
        "bookAppointment",
        "appointment { id }",
        slotId=first["slot"]["id"],
        patientId=id_of(await clinic.factory.patient()),
    )
    await work(clinic, start_time=time(10))
    await generate(clinic, on(1))
    for booked, left in ((first, "09:00-09:30 BOOKED"), (second, "10:00-10:30 AVAILABLE")):
        await clinic.reception.done(
            "cancelAppointment", "appointment { id }", appointmentId=booked["id"]
        )
        assert (await clocks(clinic, on(1)))[0] == left
    # Cancelled ones need no working hours.
    assert (await generate(clinic, on(1)))["uncovered"] == []


async def test_a_slot_is_open_again_when_the_hours_come_back(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 0)
    await work(clinic, start_time=time(10), capacity=2)
    await generate(clinic, on(1))
    await work(clinic, capacity=2)
    preview = await generate(clinic, on(1))
    assert (numbers(preview), preview["uncovered"]) == ((1, 3, 0), [])
    first = (await slots_of(clinic, on(1)))[0]
    assert first["id"] == booked["slot"]["id"]
    assert (first["status"], first["bookedCount"], first["isBookable"]) == ("AVAILABLE", 1, True)


async def test_a_new_cut_goes_around_appointments(clinic: Clinic) -> None:
    await work(clinic, end_time=time(13))
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 1)
    await work(clinic, end_time=time(13), slot_minutes=45)
    preview = await generate(clinic, on(1))
    assert numbers(preview) == (3, 1, 7)
    # Covered by the hours, though by no slot of the new cut.
    assert preview["uncovered"] == []
    assert await clocks(clinic, on(1)) == [
        "09:30-10:00 BOOKED",
        "10:30-11:15 AVAILABLE",
        "11:15-12:00 AVAILABLE",
        "12:00-12:45 AVAILABLE",
    ]
    found = await slots_of(clinic, on(1))
    assert all(one["endsAt"] <= other["startsAt"] for one, other in pairwise(found))
    assert found[0]["id"] == booked["slot"]["id"]


async def test_an_appointment_half_inside_the_hours_is_named(clinic: Clinic) -> None:
    await work(clinic, slot_minutes=60)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 0)
    await work(clinic, start_time=time(9, 30), slot_minutes=30)
    preview = await generate(clinic, on(1))
    assert preview["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    assert await clocks(clinic, on(1)) == [
        "09:00-10:00 BOOKED",
        "10:00-10:30 AVAILABLE",
        "10:30-11:00 AVAILABLE",
    ]


@pytest.mark.parametrize(
    ("before", "after", "status"), [(1, 3, "AVAILABLE"), (3, 2, "AVAILABLE"), (3, 1, "BOOKED")]
)
async def test_a_new_capacity_is_that_of_the_same_slots(
    clinic: Clinic, before: int, after: int, status: str
) -> None:
    await work(clinic, capacity=before)
    await generate(clinic, on(1))
    await book_at(clinic, on(1), 0)
    ids = [slot["id"] for slot in await slots_of(clinic, on(1))]
    await work(clinic, capacity=after)
    assert numbers(await generate(clinic, on(1))) == (0, 4, 0)
    found = await slots_of(clinic, on(1))
    assert [slot["id"] for slot in found] == ids
    assert [slot["capacity"] for slot in found] == [after] * 4
    assert [slot["status"] for slot in found] == [status, *["AVAILABLE"] * 3]
    assert [slot["version"] for slot in found] == [3] * 4
