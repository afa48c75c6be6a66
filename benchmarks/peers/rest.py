"""A REST back end as most people would build it: FastAPI, pydantic and SQLAlchemy's ORM.

It has the same tables and as many connections as our server; there are no rights and no rules.
What is asked for is what a calendar asks our API for, an address for each.
"""

import base64
import contextlib
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from dateutil.relativedelta import relativedelta
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import select, true, tuple_, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased

from benchmarks.serving import DATABASE_URL, serve
from models import (
    Appointment,
    AppointmentEvent,
    AppointmentStatus,
    Calendar,
    Claim,
    ClaimKind,
    Department,
    Doctor,
    Organization,
    Role,
    Slot,
    SlotStatus,
    User,
)
from models.database import SERVER_SETTINGS

PAGE = 20
HORIZON = relativedelta(months=6)
TAKEN = HTTPException(409, {"code": "SLOT_TAKEN"})


class Read(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True, alias_generator=to_camel, populate_by_name=True)


class TimeRead(Read):
    """When something begins."""

    id: UUID
    starts_at: datetime


class SlotRead(TimeRead):
    """A slot."""

    ends_at: datetime
    status: SlotStatus


class DepartmentRead(Read):
    """A department."""

    name: str


class DoctorRead(Read):
    """A doctor, with what a list of them shows."""

    id: UUID
    name: str
    department: DepartmentRead | None
    next_available_slot: TimeRead | None


class DoctorPage(Read):
    """A page of doctors, and where the next begins."""

    doctors: list[DoctorRead]
    has_next_page: bool
    end_cursor: str


class AppointmentRead(Read):
    """An appointment."""

    status: AppointmentStatus
    starts_at: datetime


class BookingInput(Read):
    """Which slot, for whom."""

    slot_id: UUID
    patient_id: UUID


engine = create_async_engine(
    DATABASE_URL, pool_size=10, connect_args={"server_settings": SERVER_SETTINGS}
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Know whose clinic it is, and who books."""
    async with sessions() as session:
        app.state.organization_id = (await session.scalars(select(Organization.id))).one()
        receptionist = select(User.id).where(User.role == Role.RECEPTIONIST)
        app.state.receptionist_id = (await session.scalars(receptionist)).one()
    yield
    await engine.dispose()


async def opened() -> AsyncIterator[AsyncSession]:
    """A session for each request."""
    async with sessions() as session:
        yield session


app = FastAPI(lifespan=lifespan)
Opened = Annotated[AsyncSession, Depends(opened)]


@app.get("/calendars/{calendar_id}/slots")
async def slots(
    session: Opened, calendar_id: UUID, begin: datetime, end: datetime
) -> list[SlotRead]:
    """The slots of a calendar that overlap a window."""
    statement = (
        select(Slot)
        .where(
            Slot.calendar_id == calendar_id,
            Slot.status != SlotStatus.REMOVED,
            Slot.starts_at < end,
            Slot.ends_at > begin,
            Slot.starts_at > begin - timedelta(days=1),
        )
        .order_by(Slot.starts_at, Slot.id)
    )
    return [SlotRead.model_validate(slot) for slot in await session.scalars(statement)]


@app.get("/doctors")
async def doctors(session: Opened, request: Request, after: str | None = None) -> DoctorPage:
    """A page of doctors with department and next free slot."""
    now = datetime.now(UTC)
    free = aliased(
        Slot,
        select(Slot)
        .where(
            Slot.calendar_id == Doctor.calendar_id,
            Slot.status == SlotStatus.AVAILABLE,
            Slot.starts_at > now,
            Slot.starts_at < now + HORIZON,
        )
        .order_by(Slot.starts_at)
        .limit(1)
        .correlate(Doctor)
        .lateral(),
    )
    statement = (
        select(Doctor, Department, free)
        .outerjoin(Department, Department.id == Doctor.department_id)
        .outerjoin(free, true())
        .where(
            Doctor.organization_id == request.app.state.organization_id,
            Doctor.archived_at.is_(None),
        )
        .order_by(Doctor.name, Doctor.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        _, name, id = orjson.loads(base64.urlsafe_b64decode(after))
        statement = statement.where(tuple_(Doctor.name, Doctor.id) > (name, UUID(id)))
    rows = (await session.execute(statement)).all()
    shown = [
        DoctorRead(
            id=doctor.id,
            name=doctor.name,
            department=DepartmentRead.model_validate(department) if department else None,
            next_available_slot=TimeRead.model_validate(slot) if slot else None,
        )
        for doctor, department, slot in rows[:PAGE]
    ]
    end = orjson.dumps(["doctors", shown[-1].name, str(shown[-1].id)])
    return DoctorPage(
        doctors=shown,
        has_next_page=len(rows) > PAGE,
        end_cursor=base64.urlsafe_b64encode(end).decode(),
    )


@app.post("/appointments")
async def book(session: Opened, request: Request, wanted: BookingInput) -> AppointmentRead:
    """Book a slot, if it is free; the same rows as our booking makes."""
    raising = (
        update(Calendar)
        .where(Calendar.id == Slot.calendar_id, Slot.id == wanted.slot_id)
        .values(revision=Calendar.revision + 1)
        .returning(Calendar.id, Calendar.revision)
        .execution_options(synchronize_session=False)
    )
    calendar_id, revision = (await session.execute(raising)).one()
    taking = (
        update(Slot)
        .where(Slot.id == wanted.slot_id, Slot.status == SlotStatus.AVAILABLE)
        .values(status=SlotStatus.BOOKED, booked_count=1, revision=revision)
        .returning(Slot)
    )
    slot = (await session.scalars(taking)).one_or_none()
    if slot is None:
        raise TAKEN
    doctor_id = (
        await session.scalars(select(Doctor.id).where(Doctor.calendar_id == calendar_id))
    ).one()
    appointment, rest = _rows(slot, doctor_id, wanted.patient_id, request.app.state)
    try:
        session.add(appointment)
        await session.flush()
        session.add_all(rest)
        await session.commit()
    except IntegrityError as error:
        raise TAKEN from error
    return AppointmentRead.model_validate(appointment)


def _rows(
    slot: Slot, doctor_id: UUID, patient_id: UUID, known: Any
) -> tuple[Appointment, list[AppointmentEvent | Claim]]:
    """The appointment, and what is written besides."""
    organization_id, code = known.organization_id, secrets.token_hex(4).upper()
    appointment = Appointment(
        organization_id=organization_id,
        id=uuid4(),
        reference=f"{code[:4]}-{code[4:]}",
        calendar_id=slot.calendar_id,
        slot_id=slot.id,
        doctor_id=doctor_id,
        patient_id=patient_id,
        booked_by_id=known.receptionist_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=AppointmentStatus.BOOKED,
        can_cancel_until=slot.starts_at,
        version=1,
    )
    event = AppointmentEvent(
        organization_id=organization_id,
        id=uuid4(),
        appointment_id=appointment.id,
        version=1,
        at=datetime.now(UTC),
        by_id=appointment.booked_by_id,
        status=appointment.status,
    )
    claim = Claim(
        organization_id=organization_id,
        id=uuid4(),
        calendar_id=slot.calendar_id,
        appointment_id=appointment.id,
        kind=ClaimKind.APPOINTMENT,
        lane=0,
        during=Range(slot.starts_at, slot.ends_at),
    )
    return appointment, [event, claim]


if __name__ == "__main__":
    serve(app)
