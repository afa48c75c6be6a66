"""Series that meet others, or each other: who wins each time, and that nobody waits for ever."""

import asyncio
import random
import secrets
from uuid import uuid4

import pytest
from sqlalchemy.dialects.postgresql import Range

from models import Appointment, AppointmentStatus, Claim, ClaimKind, Role, Slot
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of
from tests.rivals import codes, held, line_up
from tests.rows import kept, world
from tests.series import book_series, obstacles, weekly


@pytest.mark.parametrize("on_conflict", ["FAIL_ALL", "SKIP"])
async def test_who_takes_a_time_before_the_lock_is_in_the_way(
    clinic: Clinic, on_conflict: str
) -> None:
    slots = await weekly(clinic, 3)
    rival = id_of(await clinic.factory.patient())
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(
            clinic.factory,
            clinic.reception.act(
                "bookAppointment", "appointment { id }", slotId=id_of(slots[1]), patientId=rival
            ),
            book_series(clinic.patient, slots[0], 3, onConflict=on_conflict),
        )
    first, series = await asyncio.gather(*tasks)
    assert first["errors"] == []
    found = series["occurrences"] or series["errors"][0]["occurrences"]
    assert obstacles(found) == [None, "BOOKED", None]
    booked = 1 if on_conflict == "FAIL_ALL" else 3
    assert len(await kept(clinic.factory, Appointment)) == booked


async def test_of_two_series_over_the_same_times_the_first_gets_them(clinic: Clinic) -> None:
    slots = await weekly(clinic, 4)
    patients = [id_of(await clinic.factory.patient()) for _ in range(3)]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(
            clinic.factory,
            book_series(clinic.reception, slots[1], 2, patientId=patients[0]),
            book_series(clinic.doctor, slots[0], 4, patientId=patients[2], onConflict="SKIP"),
            book_series(clinic.reception, slots[0], 4, patientId=patients[1], onConflict="SKIP"),
        )
    first, hidden, second = await asyncio.gather(*tasks)
    assert len(first["series"]["appointments"]) == 2
    # Whom the doctor does not treat is nobody.
    assert codes([hidden]) == ["NOT_FOUND"]
    assert obstacles(second["occurrences"]) == [None, "BOOKED", "BOOKED", None]


async def test_a_crowd_of_series_gives_each_time_to_one(clinic: Clinic) -> None:
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    slots = await weekly(clinic, 8)
    patients = [id_of(await clinic.factory.patient()) for _ in range(8)]
    payloads = await asyncio.gather(
        *(
            book_series(
                clinic.reception,
                slots[first := chance.randrange(7)],
                chance.randint(2, 8 - first),
                patientId=patient,
                onConflict=chance.choice(["SKIP", "FAIL_ALL"]),
            )
            for patient in patients
        )
    )
    assert set(codes(payloads)) <= {"DONE", "SERIES_NOT_BOOKABLE"}
    starts = [
        one["startsAt"]
        for payload in payloads
        if payload["series"]
        for one in payload["series"]["appointments"]
    ]
    assert len(starts) == len(set(starts)) == len(await kept(clinic.factory, Claim))
    # Whoever came first found everything free.
    assert starts


async def test_series_of_one_patient_with_two_doctors_do_not_overlap(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    here = await weekly(clinic, 3)
    there = await weekly(clinic, 3, calendar=other.calendar)
    async with held(clinic.factory, clinic.person(Role.PATIENT).patient):
        tasks = await line_up(
            clinic.factory,
            book_series(clinic.patient, here[0], 3),
            book_series(clinic.patient, there[0], 3),
        )
    first, second = await asyncio.gather(*tasks)
    assert codes([first, second]) == ["DONE", "SERIES_NOT_BOOKABLE"]
    assert obstacles(second["errors"][0]["occurrences"]) == ["PATIENT_BUSY"] * 3
    assert len(await kept(clinic.factory, Appointment)) == 3


async def test_a_limit_is_not_exceeded_by_two_series_at_once(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=4)
    other = await clinic.factory.person(Role.DOCTOR)
    here = await weekly(clinic, 3)
    there = await weekly(clinic, 3, calendar=other.calendar, clock="12:00")
    async with held(clinic.factory, clinic.person(Role.PATIENT).patient):
        tasks = await line_up(
            clinic.factory,
            book_series(clinic.patient, here[0], 3),
            book_series(clinic.patient, there[0], 3, onConflict="SKIP"),
        )
    first, second = await asyncio.gather(*tasks)
    assert (first["errors"], second["errors"]) == ([], [])
    limit = "BOOKING_LIMIT_REACHED"
    assert obstacles(second["occurrences"]) == [None, limit, limit]


@pytest.mark.parametrize("code", ["SLOT_TAKEN", "PATIENT_BUSY"])
async def test_the_constraints_refuse_what_was_taken_past_the_locks(
    clinic: Clinic, code: str
) -> None:
    """Somebody writes a row without the locks, and commits it while the series waits for it."""
    slots = await weekly(clinic, 3)
    rival = past_the_locks(clinic, slots[1], code)
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        session.add(rival)
        await session.flush()
        before = await world(clinic.factory)
        (task,) = await line_up(clinic.factory, book_series(clinic.patient, slots[0], 3))
    assert codes([await task]) == [code]
    after = await world(clinic.factory)
    assert [row["id"] for row in after if row not in before] == [str(rival.id)]


def past_the_locks(clinic: Clinic, slot: Slot, code: str) -> Claim | Appointment:
    """What takes a time of the calendar, or of the patient."""
    owner = {"organization_id": clinic.factory.organization.id, "id": uuid4()}
    if code == "SLOT_TAKEN":
        where = {"calendar_id": slot.calendar_id, "during": Range(slot.starts_at, slot.ends_at)}
        return Claim(**owner, kind=ClaimKind.BLOCK, lane=0, **where)
    return Appointment(
        **owner,
        reference="AAAA-AAAA",
        patient_id=clinic.person(Role.PATIENT).patient.id,
        doctor_id=clinic.person(Role.DOCTOR).doctor.id,
        calendar_id=slot.calendar_id,
        slot_id=slot.id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=AppointmentStatus.BOOKED,
        version=1,
    )
