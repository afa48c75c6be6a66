"""The clinic that is measured: real volumes, slots made by the service itself (W5), and a fifth of
the near ones booked.
"""

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import insert

from benchmarks.contestants import database_cpu_seconds
from models import (
    AvailabilityTemplate,
    Calendar,
    Department,
    Doctor,
    Organization,
    Patient,
    Role,
    SignIn,
    User,
    Weekday,
)
from models.database import Database
from services.accounts import tokens
from services.calendar.horizon import generate_all
from services.config import Config
from services.context import Context, Server
from services.live.feeds import Live
from services.mailer import ConsoleMailer
from services.organizations import create_organization
from services.passwords import Passwords

CONFIG = Config(secret_key=secrets.token_urlsafe(48), access_token_minutes=600)
ZONE = "Europe/Madrid"
DOCTORS_OF_DEPARTMENT = 10
PATIENTS_OF_DOCTOR = 40
HOURS = ((wall_time(9), wall_time(13)), (wall_time(14), wall_time(18)))
SLOT_MINUTES = 30
NEAR_DAYS = 21
COPIED_CALENDARS = 50

# Who would come at a time: never one patient to two doctors, so that what is refused later is
# refused for the slot alone.
PEOPLE = """
    WITH doctor AS (
        SELECT *, row_number() OVER (ORDER BY id) AS number FROM doctors),
    everybody AS (
        SELECT array_agg(id ORDER BY id) AS ids FROM patients),
    free AS (
        SELECT slots.*, doctor.id AS doctor_id, doctor.number AS doctor_number,
               extract(epoch FROM starts_at)::bigint / 60 AS minute
        FROM slots JOIN doctor USING (organization_id, calendar_id)
        WHERE status = 'AVAILABLE' AND starts_at > now() + interval '2 hours'),
    visit AS (
        SELECT free.*,
               ids[1 + (doctor_number + minute * 7919) % cardinality(ids)] AS patient_id
        FROM free, everybody)
"""
BOOK_NEAR = f"""
    {PEOPLE},
    chosen AS (
        SELECT *, gen_random_uuid() AS appointment_id, row_number() OVER () AS number
        FROM visit
        WHERE starts_at < now() + interval '{NEAR_DAYS} days' AND random() < 0.2),
    slot AS (
        UPDATE slots SET status = 'BOOKED', booked_count = 1 FROM chosen
        WHERE slots.organization_id = chosen.organization_id AND slots.id = chosen.id),
    appointment AS (
        INSERT INTO appointments (organization_id, id, reference, calendar_id, slot_id, doctor_id,
            patient_id, starts_at, ends_at, status, can_cancel_until)
        SELECT organization_id, appointment_id, lpad(to_hex(number), 8, '0'), calendar_id, id,
            doctor_id, patient_id, starts_at, ends_at, 'BOOKED', starts_at
        FROM chosen),
    event AS (
        INSERT INTO appointment_events (organization_id, id, appointment_id, version, at, status)
        SELECT organization_id, gen_random_uuid(), appointment_id, 1, now(), 'BOOKED' FROM chosen)
    INSERT INTO claims (organization_id, id, calendar_id, appointment_id, kind, lane, during)
    SELECT organization_id, gen_random_uuid(), calendar_id, appointment_id, 'APPOINTMENT', 0,
        tstzrange(starts_at, ends_at, '[)')
    FROM chosen
"""
FREE = f"{PEOPLE} SELECT id, patient_id FROM visit ORDER BY random() LIMIT $1"
DOUBLE = """
    SELECT
        (SELECT count(*) FROM (
            SELECT lead(starts_at) OVER (PARTITION BY calendar_id ORDER BY starts_at) < ends_at
                AS collides FROM appointments WHERE status = 'BOOKED') AS visit
         WHERE collides) AS double_bookings,
        (SELECT count(*) FROM slots LEFT JOIN (
            SELECT slot_id, count(*) AS count FROM appointments WHERE status = 'BOOKED'
            GROUP BY slot_id) AS visits ON slots.id = slot_id
         WHERE booked_count <> coalesce(count, 0)
            OR (status = 'BOOKED') <> (count IS NOT NULL)) AS wrong_slots,
        (SELECT count(*) FROM appointments) AS appointments
"""


@dataclass(frozen=True)
class Clinic:
    """Where the clinic is, and how to come in."""

    database_url: str
    organization: Organization
    calendar_ids: Sequence[UUID]
    token: str


@dataclass(frozen=True)
class Making:
    """How it went to make slots. Seconds are of each calendar, processor times of all."""

    slots: int
    seconds: Sequence[float]
    cpu_seconds: float = 0.0
    database_cpu_seconds: float | None = None


async def make_clinic(database_url: str, doctor_count: int) -> Clinic:
    """People and working hours; no slots yet."""
    database = Database(database_url, pool_size=2)
    organization = await create_organization(
        database, slug="benchmark", name="Benchmark Clinic", time_zone=ZONE, locale="en"
    )
    receptionist = _user(organization.id, "reception", Role.RECEPTIONIST)
    now = datetime.now(UTC)
    sign_in = SignIn(
        organization_id=organization.id,
        id=uuid4(),
        user_id=receptionist.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(hours=12),
    )
    async with database.writing(organization.id) as session:
        for row in (receptionist, sign_in):
            session.add(row)
            await session.flush()
        doctors = _doctors(organization.id, doctor_count)
        for kind in (User, Department, Calendar, Doctor, AvailabilityTemplate):
            session.add_all(row for row in doctors if isinstance(row, kind))
            await session.flush()
        await session.execute(insert(Patient), _patients(organization.id, doctor_count))
    token, _ = tokens.access_token(
        CONFIG,
        now,
        user_id=receptionist.id,
        organization_id=organization.id,
        sign_in_id=sign_in.id,
    )
    await database.close()
    calendar_ids = [row.id for row in doctors if isinstance(row, Calendar)]
    return Clinic(database_url, organization, calendar_ids, token)


def _user(organization_id: UUID, login: str, role: Role) -> User:
    return User(
        organization_id=organization_id,
        id=uuid4(),
        username=login,
        email=f"{login}@clinic.example",
        name=login.title(),
        role=role,
        locale="en",
        time_zone=ZONE,
    )


def _doctors(organization_id: UUID, count: int) -> list[object]:
    """Doctors with all that belongs to them: accounts, departments, calendars, working hours."""
    rows: list[object] = []
    department = Department()
    for number in range(count):
        owned = {"organization_id": organization_id}
        if number % DOCTORS_OF_DEPARTMENT == 0:
            department = Department(**owned, id=uuid4(), name=f"Department {number:05}")
            rows.append(department)
        user = _user(organization_id, f"doctor-{number}", Role.DOCTOR)
        calendar = Calendar(**owned, id=uuid4(), time_zone=ZONE)
        doctor = Doctor(
            **owned,
            id=uuid4(),
            user_id=user.id,
            department_id=department.id,
            calendar_id=calendar.id,
            name=f"Doctor {secrets.token_hex(4)}",
        )
        rows += [user, calendar, doctor]
        for begin, end in HOURS:
            template = AvailabilityTemplate(
                **owned,
                calendar_id=calendar.id,
                weekdays=list(Weekday)[:5],
                start_time=begin,
                end_time=end,
                slot_minutes=SLOT_MINUTES,
                buffer_minutes=0,
                capacity=1,
            )
            rows.append(template)
    return rows


def _patients(organization_id: UUID, doctor_count: int) -> list[dict[str, object]]:
    return [
        {"organization_id": organization_id, "id": uuid4(), "name": f"Patient {number:06}"}
        for number in range(doctor_count * PATIENTS_OF_DOCTOR)
    ]


async def make_slots(clinic: Clinic, data: Path) -> Making:
    """Six months of slots of every calendar, as `main.py generate` makes them.

    Args:
        data: PostgreSQL's folder, for asking how much processor time it took.

    """
    database = Database(clinic.database_url, pool_size=2)
    live = Live(database)
    server = Server(CONFIG, database, live, ConsoleMailer(), Passwords())
    ticks: list[float] = []

    def progress(_done: int, _total: int, _made: int) -> None:
        ticks.append(time.perf_counter())

    own_cpu, database_cpu = time.process_time(), database_cpu_seconds(data)
    made = await generate_all(Context(server, clinic.organization), progress=progress)
    own_cpu = time.process_time() - own_cpu
    ended = database_cpu_seconds(data)
    await database.close()
    server.passwords.close()
    taken = ended - database_cpu if ended is not None and database_cpu is not None else None
    seconds = [end - begin for begin, end in pairwise(ticks)]
    return Making(made, seconds, own_cpu, taken)


async def copy_slots(clinic: Clinic) -> Making:
    """The yardstick of W5: slots that are known already, by COPY, a transaction for each calendar,
    into a table with the same indexes and constraints.
    """
    async with connected(clinic) as connection:
        await connection.execute("CREATE TABLE copied (LIKE slots INCLUDING ALL)")
        keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass"
        for row in await connection.fetch(f"{keys} AND contype = 'f'", "slots"):
            await connection.execute(f"ALTER TABLE copied ADD {row[0]}")
        copied, seconds = 0, []
        for calendar_id in clinic.calendar_ids[:COPIED_CALENDARS]:
            rows = await connection.fetch("SELECT * FROM slots WHERE calendar_id = $1", calendar_id)
            begin = time.perf_counter()
            await connection.copy_records_to_table("copied", records=rows)
            seconds.append(time.perf_counter() - begin)
            copied += len(rows)
        await connection.execute("DROP TABLE copied")
    return Making(copied, seconds)


async def book_near_slots(clinic: Clinic) -> None:
    """Book a fifth of the near slots, and leave the tables as autovacuum would in a while."""
    async with connected(clinic) as connection:
        await connection.execute("ANALYZE")
        await connection.execute(BOOK_NEAR)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")


async def execute(database_url: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    connection = await asyncpg.connect(Database(database_url).dsn)
    await connection.execute(statement)
    await connection.close()


async def free_slots(clinic: Clinic, most: int) -> list[tuple[UUID, UUID]]:
    """Free slots in a random order, each with the patient who comes."""
    async with connected(clinic) as connection:
        return [(row[0], row[1]) for row in await connection.fetch(FREE, most)]


async def double_bookings(clinic: Clinic) -> tuple[int, int, int]:
    """How many appointments overlap another of the same calendar, how many slots say something
    else than their appointments do, and how many appointments there are. The first two must be 0.
    """
    async with connected(clinic) as connection:
        row = await connection.fetchrow(DOUBLE)
        return row[0], row[1], row[2]


@asynccontextmanager
async def connected(clinic: Clinic) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the clinic's database."""
    connection = await asyncpg.connect(Database(clinic.database_url).dsn)
    try:
        yield connection
    finally:
        await connection.close()
