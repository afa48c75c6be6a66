"""The demo clinic: its people, their hours, and who visits whom.

People and addresses come from Faker with a fixed seed; working hours differ by doctor; a fifth of
the near slots is booked, and the past holds visits of every status.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from faker import Faker
from sqlalchemy import exists, insert, select
from sqlalchemy.dialects.postgresql import Range

from models import (
    Appointment,
    AppointmentEvent,
    AppointmentStatus,
    Calendar,
    Claim,
    ClaimKind,
    Department,
    Doctor,
    Office,
    Organization,
    Patient,
    Role,
    Slot,
    SlotStatus,
    User,
    Weekday,
)
from models.database import WriteSession
from services.accounts.users import add_user
from services.appointments.booking import new_reference
from services.availability import TemplateInput
from services.calendar import generation
from services.calendar.grid import locked_for_change
from services.calendar.horizon import horizon_days
from services.calendar.refreshing import refresh_slots
from services.context import Context, Server, Viewer
from services.demo.kinds import make_kinds
from services.errors import Refusal
from services.organizations import create_organization

SEED = 20261121
ACCOUNTS = ("admin", "reception", "doctor", "patient")
DOMAIN = "demo.example"
PAST = timedelta(days=28)
NEAR = timedelta(days=21)
BOOKED_SHARE = 0.2

DEPARTMENTS = {
    "Cardiology": "Heart and circulation.",
    "Dermatology": "Skin, hair and nails.",
    "Family medicine": "The first door for everything, for all ages.",
    "Orthopedics": "Bones, joints and sports injuries.",
    "Pediatrics": "Children from the first day to sixteen years.",
    "Psychiatry": "Mental health, in person and in confidence.",
}
OFFICES = {
    "Riverside": "Europe/Madrid",
    "Old Town": "Europe/Madrid",
    "Las Palmas": "Atlantic/Canary",
}
# From, to, minutes of a slot: the mornings and afternoons that doctors keep.
SHIFTS: Sequence[Sequence[tuple[time, time, int]]] = (
    ((time(9), time(13), 30), (time(14), time(17), 30)),
    ((time(8), time(14), 20),),
    ((time(10), time(14), 30), (time(16), time(20), 30)),
    ((time(8, 30), time(12, 30), 15), (time(13, 30), time(15, 30), 30)),
    ((time(15), time(21), 40),),
)
REASONS = (
    "Check-up",
    "Follow-up after treatment",
    "Second opinion",
    "Test results",
    "New complaint",
    "Vaccination",
)


class NotEmpty(Refusal):
    """The database holds real data."""

    message = "This database holds real data: demo data is only made on an empty one."


@dataclass(frozen=True)
class DemoSize:
    """How much is made."""

    doctors: int = 24
    patients: int = 300


Progress = Callable[[str, int, int], None]


async def make_demo(
    server: Server, *, password: str, size: DemoSize, progress: Progress
) -> Organization:
    """Make the demo clinic.

    Args:
        password: of the four accounts.
        progress: told what is being made, how much is done, and of how much.

    Raises:
        NotEmpty: there is an organization already.

    """
    async with server.database.crossing_organizations() as session:
        if (await session.execute(select(exists().select_from(Organization)))).scalar_one():
            raise NotEmpty
    organization = await create_organization(
        server.database,
        slug="demo",
        name="Riverside Clinic",
        time_zone="Europe/Madrid",
        locale="en-GB",
        is_demo=True,
    )
    context = Context(server, organization)
    password_hash = await server.passwords.hashed(password)
    maker = _Maker(context, password_hash, size)
    async with context.writing() as session:
        admin = await maker.staff(session, "admin", Role.ADMIN)
        await maker.staff(session, "reception", Role.RECEPTIONIST)
        doctors = await maker.doctors(session)
        patients = await maker.patients(session)
    viewer = Viewer(admin, uuid4(), context.now + timedelta(days=1), None, None)
    context = replace(context, viewer=viewer)
    for done, doctor in enumerate(doctors):
        progress("Working hours and slots", done, len(doctors))
        await maker.open_calendar(context, doctor)
    progress("Working hours and slots", len(doctors), len(doctors))
    await maker.book(context, doctors, patients, admin, progress)
    await make_kinds(context, doctors)
    return organization


class _Maker:
    """Chance with a seed, so that the same clinic comes out each time."""

    def __init__(self, context: Context, password_hash: str, size: DemoSize) -> None:
        self.context = context
        self.organization_id = context.organization.id
        self.password_hash = password_hash
        self.size = size
        self.chance = random.Random(SEED)  # noqa: S311 - demo data, not a secret
        self.fake = Faker(["en_GB", "es_ES"])
        self.fake.seed_instance(SEED)

    async def staff(self, session: WriteSession, login: str, role: Role) -> User:
        """One of the accounts that are shown."""
        return await add_user(
            self.context,
            session,
            name=self.fake.name(),
            email=f"{login}@{DOMAIN}",
            username=login,
            role=role,
            password_hash=self.password_hash,
        )

    async def doctors(self, session: WriteSession) -> list[Doctor]:
        """Departments, offices, and doctors with an account and a calendar each."""
        departments = [
            Department(organization_id=self.organization_id, id=uuid4(), name=name, description=d)
            for name, d in DEPARTMENTS.items()
        ]
        offices = [
            Office(
                organization_id=self.organization_id,
                id=uuid4(),
                name=name,
                address=self.fake.address().replace("\n", ", "),
                time_zone=zone,
            )
            for name, zone in OFFICES.items()
        ]
        session.add_all([*departments, *offices])
        users, calendars, doctors = [], [], []
        for number in range(self.size.doctors):
            department = departments[number % len(departments)]
            office = offices[number % len(offices)]
            login = "doctor" if number == 0 else f"doctor-{number + 1}"
            user = self._user(login, Role.DOCTOR, has_password=number == 0)
            calendar = Calendar(
                organization_id=self.organization_id, id=uuid4(), time_zone=office.time_zone
            )
            users.append(user)
            calendars.append(calendar)
            doctors.append(self._doctor(user, department, office, calendar))
        session.add_all([*users, *calendars])
        await session.flush()
        session.add_all(doctors)
        await session.flush()
        return doctors

    def _user(self, login: str, role: Role, *, has_password: bool) -> User:
        return User(
            organization_id=self.organization_id,
            id=uuid4(),
            username=login,
            email=f"{login}@{DOMAIN}",
            name=f"{self.fake.first_name()} {self.fake.last_name()}",
            role=role,
            locale="en-GB",
            time_zone="Europe/Madrid",
            password_hash=self.password_hash if has_password else None,
        )

    def _doctor(
        self, user: User, department: Department, office: Office, calendar: Calendar
    ) -> Doctor:
        return Doctor(
            organization_id=self.organization_id,
            id=uuid4(),
            user_id=user.id,
            department_id=department.id,
            office_id=office.id,
            calendar_id=calendar.id,
            name=user.name,
            title=self.chance.choice(["Dr.", "Dr.", "Dr.", "Prof."]),
            specialty=department.name,
            bio=f"{self.chance.randint(4, 30)} years of practice at {office.name}.",
            languages=self.chance.sample(["en", "es", "fr", "de", "ca"], 2),
        )

    async def patients(self, session: WriteSession) -> list[Patient]:
        """Patients; the first has the account that is shown, most have none."""
        user = self._user("patient", Role.PATIENT, has_password=True)
        session.add(user)
        await session.flush()
        patients = [
            Patient(
                organization_id=self.organization_id,
                id=uuid4(),
                user_id=user.id if number == 0 else None,
                name=user.name if number == 0 else self.fake.name(),
                email=user.email if number == 0 else f"patient-{number + 1}@{DOMAIN}",
                birth_date=self._birthday(),
            )
            for number in range(self.size.patients)
        ]
        session.add_all(patients)
        await session.flush()
        return patients

    def _birthday(self) -> date:
        return date(1940, 1, 1) + timedelta(days=self.chance.randrange(29_000))

    async def open_calendar(self, context: Context, doctor: Doctor) -> None:
        """Working hours of the doctor's own, and slots from four weeks ago to the horizon."""
        days = self.chance.sample(list(Weekday)[:5], self.chance.choice([4, 5, 5]))
        templates: list[TemplateInput] = [
            {"weekdays": days, "start_time": begin, "end_time": end, "slot_minutes": minutes}
            for begin, end, minutes in self.chance.choice(SHIFTS)
        ]
        calendar_id = doctor.calendar_id
        made = await generation.set_availability(
            context, calendar_id=calendar_id, templates=templates
        )
        now = context.now
        first_day, last_day = horizon_days(context, made.calendar)
        # Seen from four weeks ago, the slots of the past are still to come.
        then = replace(context, server=replace(context.server, clock=lambda: now - PAST))
        await generation.generate_slots(
            then, calendar_id=calendar_id, first_day=first_day - PAST, last_day=first_day
        )
        await generation.generate_slots(
            context, calendar_id=calendar_id, first_day=first_day, last_day=last_day
        )

    async def book(
        self,
        context: Context,
        doctors: Sequence[Doctor],
        patients: Sequence[Patient],
        booked_by: User,
        progress: Progress,
    ) -> None:
        """Appointments in a fifth of the near slots."""
        visits = _Visits(context, self.chance, patients, booked_by)
        for done, doctor in enumerate(doctors):
            progress("Appointments", done, len(doctors))
            await visits.fill(doctor)
        progress("Appointments", len(doctors), len(doctors))


class _Visits:
    """Puts patients into slots, none of them into two places at once."""

    def __init__(
        self,
        context: Context,
        chance: random.Random,
        patients: Sequence[Patient],
        booked_by: User,
    ) -> None:
        self.context = context
        self.chance = chance
        self.patients = patients
        self.booked_by = booked_by
        self.busy: dict[UUID, list[tuple[datetime, datetime]]] = {}

    async def fill(self, doctor: Doctor) -> None:
        """Book some of a doctor's slots from four weeks ago to three weeks from now."""
        now = self.context.now
        near = select(Slot).where(
            Slot.calendar_id == doctor.calendar_id,
            Slot.status == SlotStatus.AVAILABLE,
            Slot.starts_at < now + NEAR,
        )
        async with self.context.writing() as session:
            await locked_for_change(self.context, session, doctor.calendar_id)
            slots = await session.rows(near.order_by(Slot.starts_at))
            chosen = [slot for slot in slots if self.chance.random() < BOOKED_SHARE]
            visits = [visit for slot in chosen if (visit := self._visit(doctor, slot))]
            if not visits:
                return
            await session.execute(insert(Appointment), visits)
            await session.execute(insert(AppointmentEvent), [self._event(v) for v in visits])
            taken = [v for v in visits if v["status"] is not AppointmentStatus.CANCELLED]
            await session.execute(insert(Claim), [self._claim(visit) for visit in taken])
            await refresh_slots(session, [slot.id for slot in chosen])

    def _visit(self, doctor: Doctor, slot: Slot) -> dict[str, object] | None:
        patient = self._somebody_free(slot)
        if patient is None:
            return None
        status = self._status(slot)
        cancelled = status is AppointmentStatus.CANCELLED
        return {
            "organization_id": slot.organization_id,
            "id": uuid4(),
            "reference": new_reference(),
            "calendar_id": slot.calendar_id,
            "slot_id": slot.id,
            "doctor_id": doctor.id,
            "patient_id": patient.id,
            "booked_by_id": self.booked_by.id,
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
            "status": status,
            "reason": self.chance.choice(REASONS),
            "can_cancel_until": slot.starts_at,
            "cancelled_at": min(self.context.now, slot.starts_at) if cancelled else None,
            "cancellation_reason": "Could not make it" if cancelled else None,
            "version": 1,
        }

    def _somebody_free(self, slot: Slot) -> Patient | None:
        # The account that is shown has something to show.
        often = [self.patients[0]] if self.chance.random() < 0.02 else []
        for patient in [*often, *self.chance.sample(self.patients, min(5, len(self.patients)))]:
            taken = self.busy.setdefault(patient.id, [])
            if all(end <= slot.starts_at or begin >= slot.ends_at for begin, end in taken):
                taken.append((slot.starts_at, slot.ends_at))
                return patient
        return None

    def _status(self, slot: Slot) -> AppointmentStatus:
        chance = self.chance.random()
        if slot.ends_at < self.context.now - timedelta(hours=4):
            if chance < 0.1:
                return AppointmentStatus.CANCELLED
            return AppointmentStatus.NO_SHOW if chance < 0.17 else AppointmentStatus.COMPLETED
        if slot.starts_at < self.context.now:
            return AppointmentStatus.CHECKED_IN
        return AppointmentStatus.CANCELLED if chance < 0.08 else AppointmentStatus.BOOKED

    def _event(self, visit: dict[str, object]) -> dict[str, object]:
        return {
            "organization_id": visit["organization_id"],
            "id": uuid4(),
            "appointment_id": visit["id"],
            "version": 1,
            "at": self.context.now,
            "by_id": visit["booked_by_id"],
            "status": visit["status"],
        }

    def _claim(self, visit: dict[str, object]) -> dict[str, object]:
        return {
            "organization_id": visit["organization_id"],
            "id": uuid4(),
            "calendar_id": visit["calendar_id"],
            "appointment_id": visit["id"],
            "kind": ClaimKind.APPOINTMENT,
            "lane": 0,
            "during": Range(visit["starts_at"], visit["ends_at"]),
        }
