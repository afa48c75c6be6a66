"""When a slot becomes a tombstone: from then on, and only once."""

from datetime import timedelta

from sqlalchemy import text

from models import Role, Slot
from models.database import Database
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.live.views import book, doctors_calendar
from tests.tombstones import WEEK, age, remove


async def removed_since(database: Database, slot: Slot) -> timedelta | None:
    """How long a slot has been a tombstone; None where it is none."""
    async with database.crossing_organizations() as session:
        statement = text("SELECT status::text, now() - removed_at FROM slots WHERE id = :id")
        status, since = (await session.execute(statement, {"id": slot.id})).one()
    assert (status == "REMOVED") == (since is not None)
    found: timedelta | None = since
    return found


def is_recent(since: timedelta | None) -> bool:
    return since is not None and timedelta() <= since < timedelta(minutes=5)


async def test_a_slot_that_the_hours_no_longer_have_is_a_tombstone_from_then_on(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    gone = await clinic.factory.slot(calendar, tomorrow())
    stays = await clinic.factory.slot(calendar, tomorrow(days=2))
    await remove(clinic, calendar, 1)
    assert is_recent(await removed_since(database, gone))
    assert await removed_since(database, stays) is None


async def test_the_slots_of_a_doctor_who_leaves_are_tombstones_from_then_on(
    clinic: Clinic, database: Database
) -> None:
    slot = await clinic.factory.slot(doctors_calendar(clinic), tomorrow())
    doctor = clinic.person(Role.DOCTOR).doctor
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    assert is_recent(await removed_since(database, slot))


async def test_a_withdrawn_slot_is_a_tombstone_from_its_last_appointment_on_and_only_once(
    clinic: Clinic, database: Database
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    made = await book(clinic.patient, slot)
    await remove(clinic, calendar, 1)
    assert await removed_since(database, slot) is None
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=made["id"])
    assert is_recent(await removed_since(database, slot))
    await age(database, WEEK, slot)
    # A change of the appointment is one of its slot, which has been gone all the while.
    await clinic.patient.done(
        "updateAppointment", "appointment { id }", appointmentId=made["id"], reason="Moved away"
    )
    since = await removed_since(database, slot)
    assert since is not None
    assert since >= WEEK
