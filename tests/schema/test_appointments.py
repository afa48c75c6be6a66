"""Booking through the API: who may book what for whom, and every refusal."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from models import Role, Slot
from tests.api import Api
from tests.booking import (
    ALTERNATIVES,
    CONFLICTING,
    REASON,
    book,
    calendar_of,
    elsewhere,
    patient_id,
    treat,
)
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow, wire
from tests.rows import unchanged

STAFF = ("admin", "reception", "doctor")


async def book_refused(
    clinic: Clinic, api: Api, slot_id: str, facts: str = "", **values: Any
) -> dict[str, Any]:
    """The refusal of a booking, which must leave nothing behind."""
    async with unchanged(clinic.factory):
        return await api.refusal(
            "bookAppointment", f"appointment {{ id }} {facts}", slotId=slot_id, **values
        )


# ------------------------------------------------------------ who may book


async def test_a_patient_books_a_slot(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    booked = await clinic.patient.done(
        "bookAppointment",
        "appointment { status startsAt endsAt reason version canCancelUntil rescheduledFrom { id } "
        "patient { id } doctor { id } bookedBy { id } slot { id status bookedCount version } "
        "history { status note by { id } } }",
        slotId=id_of(slot),
        reason="  Knee \n and hip ",
    )
    user = id_of(clinic.person(Role.PATIENT).user)
    assert booked == {
        "status": "BOOKED",
        "startsAt": wire(slot.starts_at),
        "endsAt": wire(slot.ends_at),
        "reason": "Knee \n and hip",
        "version": 1,
        "canCancelUntil": wire(slot.starts_at),
        "rescheduledFrom": None,
        "patient": {"id": patient_id(clinic)},
        "doctor": {"id": id_of(clinic.person(Role.DOCTOR).doctor)},
        "bookedBy": {"id": user},
        "slot": {"id": id_of(slot), "status": "BOOKED", "bookedCount": 1, "version": 1},
        "history": [{"status": "BOOKED", "note": None, "by": {"id": user}}],
    }


@pytest.mark.parametrize("role", ["admin", "reception"])
async def test_the_front_desk_books_for_anybody(clinic: Clinic, role: str) -> None:
    walk_in = await clinic.factory.patient("Walter In")
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    booked = await getattr(clinic, role).done(
        "bookAppointment",
        "appointment { patient { name } }",
        slotId=id_of(slot),
        patientId=id_of(walk_in),
    )
    assert booked == {"patient": {"name": "Walter In"}}


async def test_a_doctor_books_for_patients_in_treatment_alone(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    refusal = await book_refused(clinic, clinic.doctor, id_of(slot), patientId=patient_id(clinic))
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "patientId"])
    await treat(clinic, patient_id(clinic))
    booked = await book(clinic.doctor, slot, patientId=patient_id(clinic))
    assert booked["status"] == "BOOKED"


@pytest.mark.parametrize("role", STAFF)
async def test_staff_must_say_for_whom(clinic: Clinic, role: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    refusal = await book_refused(clinic, getattr(clinic, role), id_of(slot))
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "patientId"])


async def test_the_public_cannot_book(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    document = (
        "mutation ($id: ID!) { bookAppointment(input: {slotId: $id}) { appointment { id } } }"
    )
    async with unchanged(clinic.factory):
        assert await clinic.public.error_code(document, id=id_of(slot)) == "UNAUTHENTICATED"


# ------------------------------------------------------------ taken times


async def test_a_taken_time_comes_with_the_three_nearest_free_ones(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(8), 10)
    await clinic.factory.slot((await clinic.factory.person(Role.DOCTOR)).calendar, tomorrow(9))
    for taken in (3, 4):
        patient = await clinic.factory.patient()
        await book(clinic.reception, slots[taken], patientId=id_of(patient))
    # From 4: half an hour to 5, an hour to 2 and 6; 3 is taken and 1 and 7 are further away.
    refusal = await book_refused(clinic, clinic.patient, id_of(slots[4]), ALTERNATIVES)
    assert (refusal["code"], refusal["path"]) == ("SLOT_TAKEN", ["input", "slotId"])
    assert refusal["alternatives"] == [{"id": id_of(slots[n])} for n in (2, 5, 6)]


async def test_alternatives_are_times_that_can_be_booked(clinic: Clinic) -> None:
    await clinic.factory.policy(minimum_notice_minutes=3 * 24 * 60, horizon_months=1)
    calendar = calendar_of(clinic)
    taken = await clinic.factory.slot(calendar, tomorrow(days=5))
    await clinic.factory.slot(calendar, tomorrow(days=1))
    await clinic.factory.slot(calendar, tomorrow(days=40))
    free = await clinic.factory.slot(calendar, tomorrow(days=20))
    await book(clinic.patient, taken)
    refusal = await book_refused(clinic, clinic.patient, id_of(taken), ALTERNATIVES)
    assert refusal["alternatives"] == [{"id": id_of(free)}]


@pytest.mark.parametrize("status", ["BLOCKED", "REMOVED", "HELD"])
async def test_only_a_free_slot_can_be_booked(clinic: Clinic, status: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), status=status)
    for api, whom in ((clinic.patient, {}), (clinic.reception, {"patientId": patient_id(clinic)})):
        refusal = await book_refused(clinic, api, id_of(slot), ALTERNATIVES, **whom)
        assert (refusal["code"], refusal["alternatives"]) == ("SLOT_TAKEN", [])


# ------------------------------------------------------------ times that the rules close


def from_now(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("reason", "minutes", "policy", "staff_may"),
    [
        ("PAST", -24 * 60, {}, False),
        ("PAST", -10, {}, True),
        ("TOO_SOON", 23 * 60, {"minimum_notice_minutes": 24 * 60}, True),
        ("BEYOND_HORIZON", 40 * 24 * 60, {"horizon_months": 1}, True),
    ],
)
async def test_a_closed_time_says_which_rule_closes_it(
    clinic: Clinic, reason: str, minutes: int, policy: dict[str, int], *, staff_may: bool
) -> None:
    await clinic.factory.policy(**policy)
    await treat(clinic, patient_id(clinic))
    for role in ("patient", *STAFF):
        slot = await clinic.factory.slot(calendar_of(clinic), from_now(minutes))
        whom = {} if role == "patient" else {"patientId": patient_id(clinic)}
        api = getattr(clinic, role)
        if role == "patient" or not staff_may:
            refusal = await book_refused(clinic, api, id_of(slot), REASON, **whom)
            assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", reason)
            assert refusal["path"] == ["input", "slotId"]
        else:
            booked = await book(api, slot, **whom)
            await clinic.reception.done(
                "cancelAppointment", "appointment { id }", appointmentId=booked["id"]
            )
        minutes += 1  # a slot of its own for each


async def test_a_doctor_who_takes_no_patients_is_closed_to_patients(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await clinic.admin.done(
        "updateDoctor",
        "doctor { id }",
        doctorId=id_of(clinic.person(Role.DOCTOR).doctor),
        isAcceptingPatients=False,
    )
    refusal = await book_refused(clinic, clinic.patient, id_of(slot), REASON)
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "NOT_ACCEPTING")
    assert (await book(clinic.reception, slot, patientId=patient_id(clinic)))["version"] == 1


# ------------------------------------------------------------ the patient's own limits


async def overlapping_elsewhere(clinic: Clinic) -> tuple[Person, dict[str, Any], Slot]:
    """Another doctor, the patient's visit with them, and an overlapping slot of the clinic's."""
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    first = await clinic.factory.slot(other.calendar, tomorrow())
    second = await clinic.factory.slot(calendar_of(clinic), tomorrow() + timedelta(minutes=15))
    return other, await book(clinic.patient, first), second


async def test_a_patient_cannot_be_in_two_places(clinic: Clinic) -> None:
    _, first, slot = await overlapping_elsewhere(clinic)
    for api, whom in ((clinic.patient, {}), (clinic.reception, {"patientId": patient_id(clinic)})):
        refusal = await book_refused(clinic, api, id_of(slot), CONFLICTING, **whom)
        assert (refusal["code"], refusal["path"]) == ("PATIENT_BUSY", ["input", "slotId"])
        assert refusal["conflicting"] == {"id": first["id"]}


async def test_a_doctor_is_not_shown_where_else_the_patient_is(clinic: Clinic) -> None:
    _, _, slot = await overlapping_elsewhere(clinic)
    await treat(clinic, patient_id(clinic))
    refusal = await book_refused(
        clinic, clinic.doctor, id_of(slot), CONFLICTING, patientId=patient_id(clinic)
    )
    assert (refusal["code"], refusal["conflicting"]) == ("PATIENT_BUSY", None)


async def test_visits_that_touch_do_not_collide(clinic: Clinic) -> None:
    for slot in await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3):
        await book(clinic.patient, slot)


async def test_a_limit_of_open_appointments_binds_patients_alone(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=2)
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 4)
    first = await book(clinic.patient, slots[0])
    await book(clinic.patient, slots[1])
    refusal = await book_refused(
        clinic, clinic.patient, id_of(slots[2]), "errors { ... on BookingLimitReached { limit } }"
    )
    assert (refusal["code"], refusal["limit"]) == ("BOOKING_LIMIT_REACHED", 2)
    assert refusal["path"] == []
    await book(clinic.reception, slots[2], patientId=patient_id(clinic))
    for appointment_id in (first["id"], (await booked_ids(clinic))[1]):
        await clinic.patient.done(
            "cancelAppointment", "appointment { id }", appointmentId=appointment_id
        )
    await book(clinic.patient, slots[3])


async def booked_ids(clinic: Clinic) -> list[str]:
    """The ids of the patient's appointments in order of start."""
    found = await clinic.patient.ask("{ appointments { edges { node { id } } } }")
    return [edge["node"]["id"] for edge in found["appointments"]["edges"]]


# ------------------------------------------------------------ ids and values that are none


async def test_an_id_that_names_nothing_to_the_viewer_is_not_found(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    other = await elsewhere(clinic)
    foreign = await other.person(Role.DOCTOR)
    assert foreign.calendar
    foreign_slot = id_of(await other.slot(foreign.calendar, tomorrow()))
    for slot_id in (foreign_slot, f"slot_{uuid4().hex}", id_of(calendar_of(clinic))):
        refusal = await book_refused(clinic, clinic.patient, slot_id)
        assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "slotId"])
    stranger = id_of(await clinic.factory.patient())
    archived = id_of(await clinic.factory.patient(archived_at=tomorrow(days=-1)))
    for api, patient in (
        (clinic.patient, stranger),
        (clinic.reception, archived),
        (clinic.reception, id_of(await other.patient())),
        (clinic.reception, f"patient_{uuid4().hex}"),
        (clinic.reception, id_of(clinic.person(Role.PATIENT).user)),
    ):
        refusal = await book_refused(clinic, api, id_of(slot), patientId=patient)
        assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "patientId"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slotId", "slot_1"),
        ("slotId", ""),
        ("slotId", "slot_" + "G" * 32),
        ("patientId", "nobody"),
        ("reason", "x" * 20_001),
        ("reason", "bell \a"),
        ("idempotencyKey", "k" * 15),
        ("idempotencyKey", "k" * 256),
        ("idempotencyKey", "0123456789abcde\0"),
    ],
)
async def test_a_value_that_cannot_be_is_named(clinic: Clinic, field: str, value: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    values = {"slot_id": id_of(slot), field.replace("slotId", "slot_id"): value}
    refusal = await book_refused(clinic, clinic.patient, **values)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", field])
