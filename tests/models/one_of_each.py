"""One row in each table, made by SQL over a bare connection, past the application."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

NINE = datetime(2027, 6, 1, 9, tzinfo=UTC)
HALF = timedelta(minutes=30)


async def put(connection: "Connection", table: str, **values: Any) -> UUID:
    """Insert a row, with an id unless it has one."""
    values = {"id": uuid4(), **values}
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    names = ", ".join(values)
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())
    return UUID(str(values["id"]))


async def fill(connection: "Connection", nth: int = 1) -> dict[str, UUID]:
    """A new organization with one row in each table, on the nth day."""
    begin = NINE + timedelta(days=nth - 1)
    organization = await put(
        connection,
        "organizations",
        slug=token_hex(8),
        name="A Clinic",
        time_zone="UTC",
        locale="en",
        horizon_months=6,
        minimum_notice_minutes=0,
        cancellation_notice_minutes=0,
        hold_minutes=10,
    )
    made = {"organizations": organization}

    async def add(table: str, **values: Any) -> UUID:
        made[table] = await put(connection, table, organization_id=organization, **values)
        return made[table]

    user = await add("users", **ACCOUNT, **NAME, **ZONE)
    calendar = await add("calendars", **ZONE)
    places = {
        "department_id": await add("departments", **NAME),
        "office_id": await add("offices", **NAME, **ZONE),
    }

    async def link(table: str, key: UUID, *values: Any) -> None:
        places = ", ".join(f"${place}" for place in range(1, len(values) + 2))
        await connection.execute(f"INSERT INTO {table} VALUES ({places})", organization, *values)
        made[table] = key

    owner = {"user_id": user, "calendar_id": calendar}
    doctor = await add("doctors", **owner, **places, **NAME)
    patient = await add("patients", user_id=user, **NAME)
    times = {"starts_at": begin, "ends_at": begin + HALF}
    open_until = {"hours_end_at": begin + HALF}
    slot = await add(
        "slots",
        calendar_id=calendar,
        status="AVAILABLE",
        capacity=1,
        revision=1,
        **times,
        **open_until,
    )
    await add("availability_templates", calendar_id=calendar, **HOURS)
    await add("availability_exceptions", calendar_id=calendar, kind="CLOSED", **times)
    await add("external_calendars", calendar_id=calendar, host="x.example", sealed_url="")
    visit = {"calendar_id": calendar, "doctor_id": doctor, "patient_id": patient, **times}
    visit_type = await add("visit_types", minutes=30, **NAME)
    await link("visit_type_doctors", doctor, visit_type, doctor)
    room = await add("rooms", calendar_id=calendar, **NAME)
    await link("visit_type_rooms", room, visit_type, room)
    visit["visit_type_id"] = visit_type
    moved = {"slot_id": slot, "rescheduled_from_id": slot, "booked_by_id": user}
    appointment = await add(
        "appointments", reference="AAAA-AAAA", status="BOOKED", **visit, **moved
    )
    window = {"starts_at": begin, "ends_at": begin + HALF}
    await add("waitlist_entries", patient_id=patient, doctor_id=doctor, **window)
    made |= await _series(connection, organization, begin, appointment)
    day = {"date": begin.date(), "ends_at": begin + HALF, "title": "Title", "slug": "s"}
    await add("events", organizer_id=user, calendar_id=calendar, **day, **ZONE)
    line = {"version": nth, "at": begin, "by_id": user, "status": "BOOKED"}
    await add("appointment_events", appointment_id=appointment, **line)
    await add(
        "claims",
        calendar_id=calendar,
        appointment_id=appointment,
        kind="APPOINTMENT",
        lane=0,
        during=asyncpg.Range(begin, begin + HALF),
    )
    agenda = await add("agendas", id=doctor, revision=nth)
    await link("agenda_entries", appointment, agenda, appointment, nth)
    await put_accounts(add, user)
    mail = {"kind": "INVITATION", "recipient": "u@x.example", "created_at": NINE}
    await add("notifications", appointment_id=appointment, **mail)
    await link("idempotency_keys", user, user, "key", b"\0")
    await connection.execute(
        "INSERT INTO password_attempts (organization_id, counted_for, attempts) "
        "VALUES ($1, 'nobody', 1)",
        organization,
    )
    noted = {"at": begin, "action": "act", "subject_ids": [], "outcome": "DONE"}
    await add("audit_events", actor_id=user, **noted)
    await connection.execute(
        "INSERT INTO audit_heads VALUES ($1, $2, $3)", organization, nth, bytes(32)
    )
    return made


async def put_accounts(add: Callable[..., Awaitable[UUID]], user: UUID) -> None:
    """What an account leaves: a sign-in, and secrets that were mailed."""
    sign_in = await add("sign_ins", user_id=user, **STAY)
    secret = {"token_hash": uuid4().bytes}
    await add("refresh_tokens", sign_in_id=sign_in, created_at=NINE, **secret)
    await add("user_tokens", user_id=user, purpose="INVITATION", expires_at=NINE, **secret)
    said = {"email": "n@x.example", "locale": "en", "password_hash": "", **NAME, **ZONE}
    await add("sign_ups", expires_at=NINE, **said, **secret)


async def _series(
    connection: "Connection", organization: UUID, begin: datetime, appointment: UUID
) -> dict[str, UUID]:
    """A series that an appointment is all of."""
    rule = {"recurrence": "RRULE:FREQ=WEEKLY", "every_weeks": 1}
    owner = {"organization_id": organization}
    series = await put(connection, "appointment_series", **owner, **rule, **ZONE)
    planned = {"number": 1, "day": begin.date(), "appointment_id": appointment}
    occurrence = await put(
        connection, "series_occurrences", **owner, **planned, series_id=series, starts_at=begin
    )
    return {"appointment_series": series, "series_occurrences": occurrence}


NAME = {"name": "Name"}
ZONE = {"time_zone": "UTC"}
ACCOUNT = {"username": "u", "email": "u@x.example", "role": "DOCTOR", "locale": "en"}
STAY = {"created_at": NINE, "last_used_at": NINE, "expires_at": NINE}
HOURS = {
    "weekdays": ["MONDAY"],
    "start_time": time(9),
    "end_time": time(17),
    "slot_minutes": 30,
    "buffer_minutes": 0,
    "capacity": 1,
}
