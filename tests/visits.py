"""Visits, as tests of what happens to booked appointments need them, and the acts on them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import update

from models import Appointment, Slot
from tests.api import Api
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import Factory, id_of, tomorrow
from tests.rows import unchanged

MOVE = "rescheduleAppointment"
CANCEL = "cancelAppointment"
CHECK_IN = "checkInAppointment"
COMPLETE = "completeAppointment"
NO_SHOW = "markNoShow"
UPDATE = "updateAppointment"
STATUS = "appointment { id status version }"
HOURS = count()


async def begun(clinic: Clinic, minutes: int = 10) -> Slot:
    """A slot that has begun and is not over."""
    starts_at = datetime.now(UTC) - timedelta(minutes=minutes)
    return await clinic.factory.slot(calendar_of(clinic), starts_at, minutes=60)


async def a_visit(clinic: Clinic, slot: Slot | None = None) -> dict[str, Any]:
    """The patient's appointment, tomorrow where no slot is given."""
    slot = slot or await clinic.factory.slot(calendar_of(clinic), tomorrow())
    return await book(clinic.reception, slot, patientId=patient_id(clinic))


async def somewhere_else(clinic: Clinic) -> str:
    """The id of a slot to move to, another one each time."""
    starts_at = tomorrow(days=9) + timedelta(hours=next(HOURS))
    return id_of(await clinic.factory.slot(calendar_of(clinic), starts_at))


async def step(
    clinic: Clinic, api: Api, act: str, booked: dict[str, Any], fields: str = STATUS, **values: Any
) -> dict[str, Any]:
    """The payload of an act on an appointment."""
    if act == MOVE:
        values["slotId"] = await somewhere_else(clinic)
    return await api.act(act, fields, appointmentId=booked["id"], **values)


async def refused(
    clinic: Clinic, api: Api, act: str, booked: dict[str, Any], facts: str = "", **values: Any
) -> dict[str, Any]:
    """The one refusal of an act, which must change nothing."""
    if act == MOVE:
        values["slotId"] = await somewhere_else(clinic)
    async with unchanged(clinic.factory):
        return await api.refusal(
            act, f"appointment {{ id }} {facts}", appointmentId=booked["id"], **values
        )


async def let_begin(factory: Factory, appointment_id: str) -> None:
    """As if its hour had come: the visit began a minute ago, wherever its slot is."""
    begun = datetime.now(UTC) - timedelta(minutes=1)
    mine = Appointment.id == UUID(appointment_id.rpartition("_")[2])
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(update(Appointment).where(mine).values(starts_at=begun))
