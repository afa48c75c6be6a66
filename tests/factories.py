"""Plain functions that put rows into the database for tests, without going through the API.

What a test is about goes through the API; what merely has to be there comes from here.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

from models import (
    Appointment,
    AppointmentSeries,
    AvailabilityTemplate,
    BookingPolicy,
    Calendar,
    Doctor,
    Organization,
    Patient,
    Role,
    SeriesOccurrence,
    SignIn,
    Slot,
    SlotStatus,
    User,
    Weekday,
)
from models.database import Database
from services.accounts import tokens
from services.config import Config

PASSWORD = "four plain words together"


@dataclass(frozen=True)
class Person:
    """A user, and a token that is good for them."""

    user: User
    token: str
    doctor: Doctor | None = None
    calendar: Calendar | None = None
    patient: Patient | None = None


class Factory:
    """Makes rows of one organization."""

    def __init__(self, database: Database, config: Config, organization: Organization) -> None:
        self.database = database
        self.config = config
        self.organization = organization

    async def add(self, *rows: object) -> None:
        """Commit rows, each after the ones before it."""
        async with self.database.writing(self.organization.id) as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def person(self, role: Role, name: str = "", **values: object) -> Person:
        """A signed-in user; a doctor with a calendar, a patient with a record."""
        login = f"{role.value.lower()}-{secrets.token_hex(4)}"
        user = User(
            **{
                "organization_id": self.organization.id,
                "id": uuid4(),
                "username": login,
                "email": f"{login}@clinic.example",
                "name": name or login,
                "role": role,
                "locale": "en",
                "time_zone": "Europe/Madrid",
                "is_active": True,
                **values,
            }
        )
        await self.add(user)
        calendar = doctor = patient = None
        if role is Role.DOCTOR:
            calendar = Calendar(
                organization_id=self.organization.id, id=uuid4(), time_zone="Europe/Madrid"
            )
            doctor = Doctor(
                organization_id=self.organization.id,
                id=uuid4(),
                user_id=user.id,
                calendar_id=calendar.id,
                name=user.name,
            )
            await self.add(calendar, doctor)
        if role is Role.PATIENT:
            patient = Patient(
                organization_id=self.organization.id,
                id=uuid4(),
                user_id=user.id,
                name=user.name,
                email=user.email,
            )
            await self.add(patient)
        return Person(user, await self.token(user), doctor, calendar, patient)

    async def token(self, user: User) -> str:
        """An access token from a sign-in of its own."""
        now = datetime.now(UTC)
        sign_in = SignIn(
            organization_id=self.organization.id,
            id=uuid4(),
            user_id=user.id,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(hours=12),
        )
        await self.add(sign_in)
        token, _ = tokens.access_token(
            self.config,
            now,
            user_id=user.id,
            organization_id=self.organization.id,
            sign_in_id=sign_in.id,
        )
        return token

    async def patient(self, name: str = "Pat Example", **values: object) -> Patient:
        """A patient without an account."""
        patient = Patient(organization_id=self.organization.id, id=uuid4(), name=name, **values)
        await self.add(patient)
        return patient

    async def slot(
        self,
        calendar: Calendar,
        starts_at: datetime,
        *,
        minutes: int = 30,
        capacity: int = 1,
        status: SlotStatus = SlotStatus.AVAILABLE,
        hours_end_at: datetime | None = None,
    ) -> Slot:
        """One slot, as if it had been generated from hours that end with it."""
        slot = Slot(
            organization_id=self.organization.id,
            id=uuid4(),
            calendar_id=calendar.id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            hours_end_at=hours_end_at or starts_at + timedelta(minutes=minutes),
            status=status,
            capacity=capacity,
            booked_count=0,
            is_withdrawn=False,
            revision=0,
            held_until=tomorrow() if SlotStatus(status) is SlotStatus.HELD else None,
            removed_at=datetime.now(UTC) if SlotStatus(status) is SlotStatus.REMOVED else None,
        )
        await self.add(slot)
        return slot

    async def slots(
        self, calendar: Calendar, starts_at: datetime, count: int, *, minutes: int = 30
    ) -> list[Slot]:
        """Neighbouring slots of the same working hours."""
        hours_end_at = starts_at + timedelta(minutes=minutes * count)
        return [
            await self.slot(
                calendar,
                starts_at + timedelta(minutes=minutes * n),
                minutes=minutes,
                hours_end_at=hours_end_at,
            )
            for n in range(count)
        ]

    async def template(
        self, calendar: Calendar, *, weekdays: list[Weekday] | None = None, **values: object
    ) -> AvailabilityTemplate:
        """Working hours, nine to five on weekdays unless said otherwise."""
        template = AvailabilityTemplate(
            **{
                "organization_id": self.organization.id,
                "id": uuid4(),
                "calendar_id": calendar.id,
                "weekdays": weekdays or list(Weekday)[:5],
                "start_time": time(9),
                "end_time": time(17),
                "slot_minutes": 30,
                "buffer_minutes": 0,
                "capacity": 1,
                **values,
            }
        )
        await self.add(template)
        return template

    async def series(self, *appointments: Appointment) -> AppointmentSeries:
        """A series that appointments are all of, as if they had been booked together."""
        owner = {"organization_id": self.organization.id}
        rule = "DTSTART;TZID=Europe/Madrid:20270301T090000\nRRULE:FREQ=WEEKLY;COUNT=2"
        made = AppointmentSeries(
            **owner, id=uuid4(), recurrence=rule, every_weeks=1, time_zone="Europe/Madrid"
        )
        await self.add(made)
        for number, appointment in enumerate(appointments, start=1):
            day, id = appointment.starts_at.date(), appointment.id
            await self.add(
                SeriesOccurrence(
                    **owner,
                    series_id=made.id,
                    number=number,
                    day=day,
                    starts_at=appointment.starts_at,
                    appointment_id=id,
                )
            )
        return made

    async def policy(self, **values: int | None) -> None:
        """Change the organization's booking policy."""
        async with self.database.crossing_organizations() as session:
            organization = await session.get_one(Organization, self.organization.id)
            organization.booking_policy = BookingPolicy(
                **{**organization.booking_policy.__dict__, **values}
            )


def id_of(row: object, type_name: str | None = None) -> str:
    """The global id of a row, written down here apart from the application's own code."""
    name = type_name or type(row).__name__
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    key: UUID = row.id  # type: ignore[attr-defined]
    return f"{snake}_{key.hex}"


# The day on which the tests began. From two hours before midnight it is the next one, so that
# nothing that is to come passes while they run, and a day is the same in all of a test.
_TODAY = (datetime.now(UTC) + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)


def tomorrow(hour: int = 9, *, days: int = 1) -> datetime:
    """An hour of a day to come, in UTC."""
    return _TODAY.replace(hour=hour) + timedelta(days=days)


def wire(instant: datetime) -> str:
    """An instant as the API writes it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
