"""Moving appointments: what stays and what changes, every refusal, and moves that meet."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

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
from tests.factories import Factory, id_of, tomorrow, wire
from tests.rivals import codes, held, line_up
from tests.rows import across, unchanged

MOVED = "appointment { id startsAt version slot { id } rescheduledFrom { id } }"


async def move(api: Api, booked: dict[str, Any], slot: Slot, **values: Any) -> dict[str, Any]:
    """Move an appointment, whatever comes of it: the whole payload."""
    return await api.act(
        "rescheduleAppointment",
        MOVED,
        appointmentId=booked["id"],
        slotId=id_of(slot),
        **values,
    )


async def move_refused(
    clinic: Clinic, api: Api, appointment_id: str, slot_id: str, facts: str = "", **values: Any
) -> dict[str, Any]:
    """The refusal of a move, which must leave the old time and everything else untouched."""
    async with unchanged(clinic.factory):
        return await api.refusal(
            "rescheduleAppointment",
            f"appointment {{ id }} {facts}",
            appointmentId=appointment_id,
            slotId=slot_id,
            **values,
        )


async def shown(factory: Factory, *slots: Slot) -> list[tuple[str, int, int]]:
    """Status, count of bookings and revision of each slot."""
    query = text("SELECT status::text, booked_count, revision FROM slots WHERE id = :id")
    async with across(factory) as connection:
        return [tuple((await connection.execute(query, {"id": s.id})).one()) for s in slots]


# ------------------------------------------------------------ what moves, and what stays


async def test_a_move_keeps_the_appointment_and_frees_the_old_time(clinic: Clinic) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=60)
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    fields = (
        "appointment { id reference version status reason startsAt endsAt canCancelUntil "
        "slot { id } rescheduledFrom { id } bookedBy { id } history { status note by { id } } }"
    )
    before = await clinic.patient.done("bookAppointment", fields, slotId=id_of(old), reason="Knee")
    after = await clinic.reception.done(
        "rescheduleAppointment", fields, appointmentId=before["id"], slotId=id_of(new)
    )
    patient, receptionist = (
        {"id": id_of(clinic.person(role).user)} for role in (Role.PATIENT, Role.RECEPTIONIST)
    )
    assert after == {
        **before,
        "reason": None,  # the front desk does not read it
        "version": 2,
        "startsAt": wire(new.starts_at),
        "endsAt": wire(new.ends_at),
        "canCancelUntil": wire(new.starts_at - timedelta(hours=1)),
        "slot": {"id": id_of(new)},
        "rescheduledFrom": {"id": id_of(old)},
        "history": [
            {"status": "BOOKED", "note": None, "by": patient},
            {"status": "BOOKED", "note": None, "by": receptionist},
        ],
    }
    assert await shown(clinic.factory, old, new) == [("AVAILABLE", 0, 2), ("BOOKED", 1, 2)]
    other = await clinic.factory.patient()
    await book(clinic.reception, old, patientId=id_of(other))


async def test_a_move_into_another_doctors_calendar(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    old = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    new = await clinic.factory.slot(other.calendar, tomorrow(12))
    booked = await book(clinic.patient, old)
    moved = await clinic.patient.done(
        "rescheduleAppointment",
        "appointment { id doctor { id } slot { id calendar { id } } }",
        appointmentId=booked["id"],
        slotId=id_of(new),
    )
    assert moved == {
        "id": booked["id"],
        "doctor": {"id": id_of(other.doctor)},
        "slot": {"id": id_of(new), "calendar": {"id": id_of(other.calendar)}},
    }
    # Booking and leaving raised the one revision, entering the other.
    assert await shown(clinic.factory, old, new) == [("AVAILABLE", 0, 2), ("BOOKED", 1, 1)]


async def test_a_move_may_overlap_the_time_it_leaves(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    old = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    new = await clinic.factory.slot(other.calendar, tomorrow() + timedelta(minutes=15))
    booked = await book(clinic.patient, old)
    moved = await move(clinic.patient, booked, new)
    assert moved["appointment"]["slot"] == {"id": id_of(new)}


async def test_a_limit_of_appointments_does_not_forbid_to_move_one(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=1)
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    moved = await move(clinic.patient, await book(clinic.patient, old), new)
    assert moved["appointment"]["version"] == 2


# ------------------------------------------------------------ refusals


async def test_the_same_slot_is_no_move(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=2)
    booked = await book(clinic.patient, slot)
    refusal = await move_refused(clinic, clinic.patient, booked["id"], id_of(slot))
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "slotId"])


async def test_a_taken_time_leaves_the_old_one_as_it_is(clinic: Clinic) -> None:
    old, taken, free = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    booked = await book(clinic.patient, old)
    await book(clinic.reception, taken, patientId=id_of(await clinic.factory.patient()))
    refusal = await move_refused(clinic, clinic.patient, booked["id"], id_of(taken), ALTERNATIVES)
    assert (refusal["code"], refusal["path"]) == ("SLOT_TAKEN", ["input", "slotId"])
    assert refusal["alternatives"] == [{"id": id_of(free)}]


async def test_too_late_to_move_is_said_to_patients_alone(clinic: Clinic) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=3 * 24 * 60)
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(days=2), 2)
    booked = await book(clinic.patient, old)
    refusal = await move_refused(
        clinic,
        clinic.patient,
        booked["id"],
        id_of(new),
        "errors { ... on CancellationClosed { closedAt } }",
    )
    assert (refusal["code"], refusal["path"]) == (
        "CANCELLATION_CLOSED",
        ["input", "appointmentId"],
    )
    assert refusal["closedAt"] == wire(old.starts_at - timedelta(days=3))
    assert (await move(clinic.doctor, booked, new))["appointment"]["version"] == 2


async def test_a_move_from_an_old_copy_is_stale(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    booked = await book(clinic.patient, slots[0])
    await move(clinic.patient, booked, slots[1], expectedVersion=1)
    refusal = await move_refused(
        clinic,
        clinic.patient,
        booked["id"],
        id_of(slots[2]),
        "errors { ... on StaleVersion { currentVersion } }",
        expectedVersion=1,
    )
    assert (refusal["code"], refusal["path"]) == ("STALE_VERSION", ["input", "expectedVersion"])
    assert refusal["currentVersion"] == 2


@pytest.mark.parametrize(
    ("reason", "days", "policy"),
    [
        ("PAST", -1, {}),
        ("TOO_SOON", 2, {"minimum_notice_minutes": 3 * 24 * 60}),
        ("BEYOND_HORIZON", 40, {"horizon_months": 1}),
    ],
)
async def test_a_closed_time_cannot_be_moved_to(
    clinic: Clinic, reason: str, days: int, policy: dict[str, int]
) -> None:
    calendar = calendar_of(clinic)
    booked = await book(clinic.patient, await clinic.factory.slot(calendar, tomorrow(days=5)))
    closed = await clinic.factory.slot(calendar, tomorrow(days=days))
    await clinic.factory.policy(**policy)
    refusal = await move_refused(clinic, clinic.patient, booked["id"], id_of(closed), REASON)
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", reason)
    if reason != "PAST":
        assert (await move(clinic.reception, booked, closed))["errors"] == []


async def test_a_move_cannot_put_a_patient_in_two_places(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    first, second = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    clash = await clinic.factory.slot(other.calendar, tomorrow() + timedelta(minutes=45))
    staying = await book(clinic.patient, second)
    moving = await book(clinic.patient, first)
    refusal = await move_refused(clinic, clinic.patient, moving["id"], id_of(clash), CONFLICTING)
    assert (refusal["code"], refusal["conflicting"]) == ("PATIENT_BUSY", {"id": staying["id"]})


async def test_what_the_viewer_may_not_see_cannot_be_moved(clinic: Clinic) -> None:
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    booked = await book(clinic.reception, old, patientId=id_of(await clinic.factory.patient()))
    other = await elsewhere(clinic)
    admin = clinic.public.signed_in((await other.person(Role.ADMIN)).token)
    doctor = clinic.public.signed_in((await clinic.factory.person(Role.DOCTOR)).token)
    for api in (clinic.patient, doctor, admin):
        refusal = await move_refused(clinic, api, booked["id"], id_of(new))
        assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "appointmentId"])
    foreign = await other.person(Role.DOCTOR)
    assert foreign.calendar
    foreign_slot = await other.slot(foreign.calendar, tomorrow())
    for slot_id in (id_of(foreign_slot), f"slot_{uuid4().hex}", booked["id"]):
        refusal = await move_refused(clinic, clinic.reception, booked["id"], slot_id)
        assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "slotId"])


async def test_the_appointment_of_an_archived_patient_stays_where_it_is(clinic: Clinic) -> None:
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    booked = await book(clinic.patient, old)
    async with across(clinic.factory) as connection:
        archive = text("UPDATE patients SET archived_at = now() WHERE organization_id = :id")
        await connection.execute(archive, {"id": clinic.factory.organization.id})
    refusal = await move_refused(clinic, clinic.reception, booked["id"], id_of(new))
    assert refusal["code"] == "NOT_FOUND"


# ------------------------------------------------------------ moves that meet


async def test_moves_that_cross_both_fail_and_wait_for_nobody(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    here = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    there = await clinic.factory.slot(other.calendar, tomorrow())
    mine = await book(clinic.patient, here)
    theirs = await book(clinic.reception, there, patientId=id_of(await clinic.factory.patient()))
    async with unchanged(clinic.factory):
        async with held(clinic.factory, calendar_of(clinic)):
            tasks = await line_up(
                clinic.factory,
                move(clinic.patient, mine, there),
                move(clinic.reception, theirs, here),
            )
        assert codes(await asyncio.gather(*tasks)) == ["SLOT_TAKEN", "SLOT_TAKEN"]


async def test_moves_that_cross_into_free_times_do_not_deadlock(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    here = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 10)
    there = await clinic.factory.slots(other.calendar, tomorrow(), 10)
    moves = []
    for left, entered in (
        *zip(here[:5], there[5:], strict=True),
        *zip(there[:5], here[5:], strict=True),
    ):
        patient = await clinic.factory.patient()
        booked = await book(clinic.reception, left, patientId=id_of(patient))
        moves.append(move(clinic.reception, booked, entered))
    assert codes(await asyncio.gather(*moves)) == ["DONE"] * 10


@pytest.mark.parametrize("rival", ["book", "move"])
async def test_of_two_who_want_one_free_time_the_first_gets_it(clinic: Clinic, rival: str) -> None:
    first, second, wanted = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    mine = await book(clinic.patient, first)
    walk_in = id_of(await clinic.factory.patient())
    if rival == "book":
        act = clinic.reception.act(
            "bookAppointment", MOVED, slotId=id_of(wanted), patientId=walk_in
        )
    else:
        theirs = await book(clinic.reception, second, patientId=walk_in)
        act = move(clinic.reception, theirs, wanted)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, move(clinic.patient, mine, wanted), act)
    won, lost = await asyncio.gather(*tasks)
    assert won["appointment"]["slot"] == {"id": id_of(wanted)}
    assert [error["code"] for error in lost["errors"]] == ["SLOT_TAKEN"]
    free, taken = ("AVAILABLE", 0), ("BOOKED", 1)
    found = await shown(clinic.factory, first, second, wanted)
    assert [slot[:2] for slot in found] == [free, free if rival == "book" else taken, taken]


async def test_of_a_move_and_a_cancellation_the_first_decides(clinic: Clinic) -> None:
    old, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    booked = await book(clinic.patient, old)
    cancel = clinic.doctor.act(
        "cancelAppointment", "appointment { id status }", appointmentId=booked["id"]
    )
    async with held(clinic.factory, calendar_of(clinic)):
        # The cancellation holds the appointment while it waits; the move must see what it did.
        tasks = await line_up(clinic.factory, cancel, move(clinic.patient, booked, new))
    cancelled, moved = await asyncio.gather(*tasks)
    assert cancelled["appointment"]["status"] == "CANCELLED"
    assert [error["code"] for error in moved["errors"]] == ["INVALID_TRANSITION"]
    found = await shown(clinic.factory, old, new)
    assert [slot[:2] for slot in found] == [("AVAILABLE", 0), ("AVAILABLE", 0)]


async def test_a_doctor_may_move_an_own_patient_to_a_colleague(clinic: Clinic) -> None:
    await treat(clinic, patient_id(clinic))
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    booked = await book(
        clinic.doctor,
        await clinic.factory.slot(calendar_of(clinic), tomorrow()),
        patientId=patient_id(clinic),
    )
    new = await clinic.factory.slot(other.calendar, tomorrow())
    moved = await move(clinic.doctor, booked, new)
    assert moved["appointment"]["startsAt"] == wire(new.starts_at)
    # From then on it is the colleague's.
    refusal = await move_refused(clinic, clinic.doctor, booked["id"], id_of(new))
    assert refusal["code"] == "NOT_FOUND"
