"""Acts that come twice, or at the same time: idempotency keys, and who wins a race."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models import (
    Appointment,
    AppointmentEvent,
    Base,
    Calendar,
    Claim,
    IdempotencyKey,
    Role,
    Slot,
)
from tests.api import Api
from tests.booking import ALTERNATIVES, REASON, book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.rivals import codes, held, line_up
from tests.rows import across, kept, unchanged
from tests.visits import let_begin

KEY = "0123456789abcdef"
WHOLE = "appointment { id reference status startsAt version history { at } }"
Act = Coroutine[Any, Any, dict[str, Any]]


def booking(api: Api, slot: Slot, **values: Any) -> Act:
    """The payload of a booking."""
    return api.act("bookAppointment", WHOLE, slotId=id_of(slot), **values)


async def count(clinic: Clinic, kind: type[Base]) -> int:
    """How many rows of a table the organization has."""
    return len(await kept(clinic.factory, kind))


async def one_booking(clinic: Clinic, keys: int = 0) -> None:
    """Exactly one booking has left its traces."""
    for kind in (Appointment, Claim, AppointmentEvent):
        assert await count(clinic, kind) == 1
    assert await count(clinic, IdempotencyKey) == keys


async def revision(clinic: Clinic) -> int:
    """How often the one calendar has changed."""
    (calendar,) = await kept(clinic.factory, Calendar)
    found: int = calendar["revision"]
    return found


# ------------------------------------------------------------ keys


async def test_the_same_request_with_the_same_key_has_the_same_answer(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    first = await booking(clinic.patient, slot, reason="Knee", idempotencyKey=KEY)
    assert first["errors"] == []
    async with unchanged(clinic.factory):
        assert await booking(clinic.patient, slot, reason="Knee", idempotencyKey=KEY) == first
        # What means the same is the same: the viewer's own id, space around the reason.
        again = await booking(
            clinic.patient,
            slot,
            reason=" Knee ",
            patientId=patient_id(clinic),
            idempotencyKey=KEY,
        )
        assert again == first


async def test_fifty_at_once_with_one_key_book_once_and_answer_alike(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=50)
    acts = [booking(clinic.patient, slot, idempotencyKey=KEY) for _ in range(50)]
    payloads = await asyncio.gather(*acts)
    assert payloads == [payloads[0]] * 50
    assert payloads[0]["errors"] == []
    await one_booking(clinic, keys=1)
    assert await revision(clinic) == 1


@pytest.mark.parametrize("change", ["slotId", "patientId", "reason"])
async def test_a_key_is_refused_for_another_request(clinic: Clinic, change: str) -> None:
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    values = {
        "slotId": id_of(slot),
        "patientId": patient_id(clinic),
        "reason": "Knee",
        "idempotencyKey": KEY,
    }
    first = await clinic.reception.done("bookAppointment", "appointment { id }", **values)
    others = {
        "slotId": id_of(other),
        "patientId": id_of(await clinic.factory.patient()),
        "reason": "Hip",
    }
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "bookAppointment", "appointment { id }", **{**values, change: others[change]}
        )
        assert refusal["code"] == "IDEMPOTENCY_MISMATCH"
        assert refusal["path"] == ["input", "idempotencyKey"]
        refusal = await clinic.reception.refusal(
            "rescheduleAppointment",
            "appointment { id }",
            appointmentId=first["id"],
            slotId=id_of(other),
            idempotencyKey=KEY,
        )
        assert refusal["code"] == "IDEMPOTENCY_MISMATCH"


async def test_the_keys_of_two_users_are_two_keys(clinic: Clinic) -> None:
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    stranger = clinic.public.signed_in((await clinic.factory.person(Role.PATIENT)).token)
    acts = ((clinic.patient, slot), (stranger, other))
    first = [await booking(api, wanted, idempotencyKey=KEY) for api, wanted in acts]
    assert codes(first) == ["DONE", "DONE"]
    async with unchanged(clinic.factory):
        assert [await booking(api, wanted, idempotencyKey=KEY) for api, wanted in acts] == first
    assert await count(clinic, IdempotencyKey) == 2


async def test_a_refused_act_leaves_its_key_free(clinic: Clinic) -> None:
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await book(clinic.reception, slot, patientId=id_of(await clinic.factory.patient()))
    async with unchanged(clinic.factory):
        taken = await booking(clinic.patient, slot, idempotencyKey=KEY)
    assert codes([taken]) == ["SLOT_TAKEN"]
    assert codes([await booking(clinic.patient, other, idempotencyKey=KEY)]) == ["DONE"]


async def test_a_key_begins_anew_after_seven_days(clinic: Clinic) -> None:
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await book(clinic.patient, slot, idempotencyKey=KEY)
    aging = text(
        "UPDATE idempotency_keys SET created_at = now() - CAST(:age AS interval) "
        "WHERE organization_id = :id"
    )
    for age, code in (
        (timedelta(days=6, hours=23), "IDEMPOTENCY_MISMATCH"),
        (timedelta(days=7, minutes=1), "DONE"),
    ):
        async with across(clinic.factory) as connection:
            await connection.execute(aging, {"age": age, "id": clinic.factory.organization.id})
        assert codes([await booking(clinic.patient, other, idempotencyKey=KEY)]) == [code]
    # The key now stands for the newer booking.
    assert codes([await booking(clinic.patient, slot, idempotencyKey=KEY)]) == [
        "IDEMPOTENCY_MISMATCH"
    ]
    assert await count(clinic, IdempotencyKey) == 1


async def test_a_move_with_a_key_is_made_once(clinic: Clinic) -> None:
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    booked = await book(clinic.patient, old)
    values = {"appointmentId": booked["id"], "slotId": id_of(new), "expectedVersion": 1}

    def move() -> Act:
        return clinic.patient.act("rescheduleAppointment", WHOLE, **values, idempotencyKey=KEY)

    first, *others = await asyncio.gather(*(move() for _ in range(10)))
    assert first["errors"] == []
    assert first["appointment"]["version"] == 2
    assert others == [first] * 9
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "rescheduleAppointment",
            "appointment { id }",
            **{**values, "expectedVersion": 2},
            idempotencyKey=KEY,
        )
    assert refusal["code"] == "IDEMPOTENCY_MISMATCH"


# ------------------------------------------------------------ races


async def test_of_two_who_wait_for_one_slot_the_first_gets_it(clinic: Clinic) -> None:
    slot, free = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    rival = clinic.public.signed_in((await clinic.factory.person(Role.PATIENT)).token)
    fields = f"appointment {{ id }} {ALTERNATIVES}"
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(
            clinic.factory,
            *(
                api.act("bookAppointment", fields, slotId=id_of(slot))
                for api in (clinic.patient, rival)
            ),
        )
    won, lost = await asyncio.gather(*tasks)
    assert (codes([won]), codes([lost])) == (["DONE"], ["SLOT_TAKEN"])
    assert lost["errors"][0]["alternatives"] == [{"id": id_of(free)}]
    await one_booking(clinic)
    assert await revision(clinic) == 1


async def test_of_thirty_who_want_one_slot_one_gets_it(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    patients = [await clinic.factory.patient() for _ in range(30)]
    acts = [booking(clinic.reception, slot, patientId=id_of(one)) for one in patients]
    assert codes(await asyncio.gather(*acts)) == ["DONE", *["SLOT_TAKEN"] * 29]
    await one_booking(clinic)
    assert await revision(clinic) == 1


async def test_a_patient_who_books_two_doctors_at_once_is_with_one(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    here = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    there = await clinic.factory.slot(other.calendar, tomorrow() + timedelta(minutes=20))
    patient = clinic.person(Role.PATIENT).patient
    assert patient
    async with held(clinic.factory, patient):
        tasks = await line_up(
            clinic.factory, booking(clinic.patient, here), booking(clinic.patient, there)
        )
    won, lost = await asyncio.gather(*tasks)
    assert (codes([won]), codes([lost])) == (["DONE"], ["PATIENT_BUSY"])
    await one_booking(clinic)


async def test_a_patient_who_books_twice_at_once_keeps_to_the_limit(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=1)
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    here = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    there = await clinic.factory.slot(other.calendar, tomorrow(12))
    acts = [booking(clinic.patient, slot) for slot in (here, there)]
    assert codes(await asyncio.gather(*acts)) == ["BOOKING_LIMIT_REACHED", "DONE"]
    await one_booking(clinic)


@pytest.mark.parametrize("first", ["book", "delete"])
async def test_of_booking_and_deleting_a_doctor_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    doctor = clinic.person(Role.DOCTOR).doctor
    slot, free = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    acts = {
        "book": clinic.patient.act(
            "bookAppointment", f"appointment {{ id }} {REASON}", slotId=id_of(slot)
        ),
        "delete": clinic.admin.act("deleteDoctor", "deletedId", doctorId=id_of(doctor)),
    }
    order = [first, *({"book", "delete"} - {first})]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *(acts[name] for name in order))
    won, lost = await asyncio.gather(*tasks)
    assert (codes([won]), codes([lost])) == (
        ["DONE"],
        ["IN_USE"] if first == "book" else ["NOT_BOOKABLE"],
    )
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { status } } }"
    found = (await clinic.public.ask(document, ids=[id_of(slot), id_of(free)]))["nodes"]
    expected = ["BOOKED", "AVAILABLE"] if first == "book" else ["REMOVED", "REMOVED"]
    assert [node["status"] for node in found] == expected
    if first == "delete":
        assert lost["errors"][0]["reason"] == "NOT_ACCEPTING"
        assert await count(clinic, Appointment) == 0


@pytest.mark.parametrize("first", ["book", "delete"])
async def test_of_booking_and_deleting_a_patient_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    patient = await clinic.factory.patient()
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    acts = {
        "book": booking(clinic.reception, slot, patientId=id_of(patient)),
        "delete": clinic.admin.act("deletePatient", "deletedId", patientId=id_of(patient)),
    }
    order = [first, *({"book", "delete"} - {first})]
    async with held(clinic.factory, patient):
        tasks = await line_up(clinic.factory, *(acts[name] for name in order))
    won, lost = await asyncio.gather(*tasks)
    assert (codes([won]), codes([lost])) == (
        ["DONE"],
        ["IN_USE"] if first == "book" else ["NOT_FOUND"],
    )
    assert await count(clinic, Appointment) == (1 if first == "book" else 0)
    assert await count(clinic, Claim) == (1 if first == "book" else 0)


async def test_staff_cannot_book_a_doctor_who_has_left(clinic: Clinic) -> None:
    doctor, calendar = clinic.person(Role.DOCTOR).doctor, calendar_of(clinic)
    begun = await clinic.factory.slot(calendar, datetime.now(UTC) - timedelta(minutes=10))
    shared = await clinic.factory.slot(calendar, tomorrow(days=2), capacity=2)
    visit = await book(clinic.reception, shared, patientId=patient_id(clinic))
    await let_begin(clinic.factory, visit["id"])
    await clinic.doctor.done("completeAppointment", "appointment { id }", appointmentId=visit["id"])
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    stranger = id_of(await clinic.factory.patient())
    async with unchanged(clinic.factory):
        for slot in (begun, shared):
            refused = await booking(clinic.reception, slot, patientId=stranger)
            assert codes([refused]) == ["SLOT_TAKEN"]
