"""Things that ids and tokens may name, each of which takes several rows."""

import secrets
from datetime import UTC, datetime
from uuid import uuid4

from models import (
    Appointment,
    AppointmentStatus,
    Calendar,
    Doctor,
    Event,
    Patient,
    Room,
    Slot,
    User,
    WaitlistEntry,
)
from services.accounts import tokens
from tests.factories import Factory, tomorrow


async def an_entry(factory: Factory, patient: Patient, doctor: Doctor) -> WaitlistEntry:
    """Somebody who waits until the day after tomorrow."""
    entry = WaitlistEntry(
        organization_id=factory.organization.id,
        id=uuid4(),
        patient_id=patient.id,
        doctor_id=doctor.id,
        starts_at=tomorrow(0, days=2),
        ends_at=tomorrow(0, days=3),
    )
    await factory.add(entry)
    return entry


async def an_event(factory: Factory, organizer: User) -> tuple[Event, Slot, str]:
    """A published event of tomorrow with a free slot, and a guest's booking with its token."""
    owner = {"organization_id": factory.organization.id}
    calendar = Calendar(**owner, id=uuid4(), time_zone="Europe/Madrid")
    day = tomorrow()
    event = Event(
        **owner,
        id=uuid4(),
        organizer_id=organizer.id,
        calendar_id=calendar.id,
        title="Event",
        date=day.date(),
        time_zone="Europe/Madrid",
        ends_at=tomorrow(days=2),
        slug=secrets.token_urlsafe(16),
        published_at=datetime.now(UTC),
    )
    await factory.add(calendar, event)
    slots = await factory.slots(calendar, tomorrow(12), 2)
    id = uuid4()
    token = tokens.manage_token(factory.config, id)
    booking = Appointment(
        **owner,
        id=id,
        reference=secrets.token_hex(4),
        event_id=event.id,
        calendar_id=calendar.id,
        slot_id=slots[1].id,
        guest_name="Guest",
        guest_email="guest@mail.example",
        manage_token_hash=tokens.hashed(token),
        starts_at=slots[1].starts_at,
        ends_at=slots[1].ends_at,
        status=AppointmentStatus.BOOKED,
        version=1,
    )
    await factory.add(booking)
    return event, slots[0], token


async def a_room(factory: Factory) -> Room:
    """A room that no kind of visit needs."""
    owner = {"organization_id": factory.organization.id}
    calendar = Calendar(**owner, id=uuid4(), time_zone="Europe/Madrid")
    room = Room(**owner, id=uuid4(), name="Room", calendar_id=calendar.id)
    await factory.add(calendar, room)
    return room
