"""Booking, as tests of many things need it: whose calendar, for whom, a booked slot, and elsewhere.

What a test proves about booking stands in the test. Here is only what has to have happened before,
and the fragments that ask a refusal for its facts.
"""

from secrets import token_hex
from typing import Any

from models import Calendar, Role, Slot, VisitType, VisitTypeDoctor
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, Clinic
from tests.factories import Factory, id_of, tomorrow

APPOINTMENT = "appointment { id status version }"
ALTERNATIVES = "errors { ... on SlotTaken { alternatives { id } } }"
REASON = "errors { ... on NotBookable { reason } }"
CONFLICTING = "errors { ... on PatientBusy { conflicting { id } } }"


def calendar_of(clinic: Clinic) -> Calendar:
    """The calendar of the clinic's doctor."""
    calendar = clinic.person(Role.DOCTOR).calendar
    assert calendar is not None
    return calendar


def patient_id(clinic: Clinic) -> str:
    """The id of the clinic's patient."""
    return id_of(clinic.person(Role.PATIENT).patient)


async def book(api: Api, slot: Slot, **values: Any) -> dict[str, Any]:
    """Book a slot, which must succeed."""
    booked: dict[str, Any] = await api.done(
        "bookAppointment", APPOINTMENT, slotId=id_of(slot), **values
    )
    return booked


async def treat(clinic: Clinic, patient: str) -> None:
    """Give the doctor a reason to see the patient: a visit next week."""
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(days=7))
    await book(clinic.reception, slot, patientId=patient)


async def elsewhere(clinic: Clinic) -> Factory:
    """Another organization on the same server."""
    other = await create_organization(
        clinic.factory.database,
        slug=f"other-{token_hex(6)}",
        name="Another Clinic",
        time_zone="Europe/Madrid",
        locale="en-GB",
    )
    return Factory(clinic.factory.database, CONFIG, other)


async def kind(clinic: Clinic, minutes: int, buffer: int = 0) -> str:
    """The id of a visit type that the clinic's doctor offers."""
    owner = {"organization_id": clinic.factory.organization.id}
    made = VisitType(
        **owner, name=f"{minutes} and {buffer}", minutes=minutes, buffer_minutes=buffer
    )
    await clinic.factory.add(made)
    doctor_id = clinic.person(Role.DOCTOR).doctor.id
    await clinic.factory.add(VisitTypeDoctor(**owner, visit_type_id=made.id, doctor_id=doctor_id))
    return id_of(made)
