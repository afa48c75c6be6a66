"""What the database itself refuses, asked past the application: by SQL, over a bare connection."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from models import Base
from models.database import Database
from tests.models.one_of_each import HALF, NINE, fill, put

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

# table.column → the table that it points into, always inside of one organization.
POINTS_TO = {
    "notifications.appointment_id": "appointments",
    "agenda_entries.agenda_id": "agendas",
    "agenda_entries.appointment_id": "appointments",
    "appointment_events.appointment_id": "appointments",
    "appointment_events.by_id": "users",
    "appointments.booked_by_id": "users",
    "appointments.calendar_id": "calendars",
    "appointments.doctor_id": "doctors",
    "appointments.event_id": "events",
    "appointments.patient_id": "patients",
    "appointments.rescheduled_from_id": "slots",
    "appointments.room_id": "rooms",
    "appointments.slot_id": "slots",
    "appointments.visit_type_id": "visit_types",
    "audit_events.actor_id": "users",
    "availability_exceptions.calendar_id": "calendars",
    "availability_templates.calendar_id": "calendars",
    "claims.appointment_id": "appointments",
    "claims.calendar_id": "calendars",
    "claims.doctor_calendar_id": "calendars",
    "claims.held_by_id": "users",
    "doctors.calendar_id": "calendars",
    "external_calendars.calendar_id": "calendars",
    "doctors.department_id": "departments",
    "doctors.office_id": "offices",
    "doctors.user_id": "users",
    "events.calendar_id": "calendars",
    "events.organizer_id": "users",
    "idempotency_keys.user_id": "users",
    "patients.user_id": "users",
    "refresh_tokens.sign_in_id": "sign_ins",
    "rooms.calendar_id": "calendars",
    "rooms.office_id": "offices",
    "series_occurrences.appointment_id": "appointments",
    "series_occurrences.series_id": "appointment_series",
    "sign_ins.user_id": "users",
    "slots.calendar_id": "calendars",
    "user_tokens.user_id": "users",
    "visit_type_doctors.doctor_id": "doctors",
    "visit_type_doctors.visit_type_id": "visit_types",
    "visit_type_rooms.room_id": "rooms",
    "visit_type_rooms.visit_type_id": "visit_types",
    "claims.waitlist_entry_id": "waitlist_entries",
    "waitlist_entries.department_id": "departments",
    "waitlist_entries.doctor_id": "doctors",
    "waitlist_entries.offered_slot_id": "slots",
    "waitlist_entries.patient_id": "patients",
    "waitlist_entries.visit_type_id": "visit_types",
}
# Where rows have no id of their own, by what they are found here.
OWN_KEYS = {
    "agenda_entries": "appointment_id",
    "idempotency_keys": "user_id",
    "visit_type_doctors": "doctor_id",
    "visit_type_rooms": "room_id",
}
# What else such a row must be.
BESIDES = {
    "appointments.event_id": ("doctor_id = NULL",),
    "claims.held_by_id": ("kind = 'HOLD'", "appointment_id = NULL", "expires_at = now()"),
    "claims.waitlist_entry_id": ("kind = 'HOLD'", "appointment_id = NULL", "expires_at = now()"),
    "waitlist_entries.department_id": ("doctor_id = NULL",),
    "waitlist_entries.offered_slot_id": ("status = 'OFFERED'", "offer_expires_at = now()"),
}
AT_AN_EVENT = "doctor_id = NULL, event_id = gen_random_uuid()"
A_GUEST = "guest_name = 'n', guest_email = 'n@x.example', manage_token_hash = '\\x00'"
# constraint: what breaks it, each alone.
CHECKS = {
    "ck_user_tokens_email": ["email = 'n@x.example'", "purpose = 'EMAIL_CHANGE'"],
    "ck_appointment_series_every_weeks": ["every_weeks = 0", "every_weeks = 13"],
    "ck_series_occurrences_number": ["number = 0", "number = 53"],
    "ck_series_occurrences_booked_or_not": ["appointment_id = NULL", "obstacle = 'BOOKED'"],
    "ck_appointments_times": ["ends_at = starts_at", "ends_at = starts_at - interval '1 s'"],
    "ck_appointments_doctor_or_event": ["doctor_id = NULL", "event_id = gen_random_uuid()"],
    "ck_appointments_patient_or_guest": ["patient_id = NULL", f"{AT_AN_EVENT}, {A_GUEST}"],
    "ck_appointments_guest": [
        "guest_name = 'n'",
        "guest_phone = '+34612345678'",
        "manage_token_hash = '\\x00'",
        f"{AT_AN_EVENT}, patient_id = NULL, guest_email = 'n@x.example'",
    ],
    "ck_appointments_guest_of_event": [f"patient_id = NULL, {A_GUEST}"],
    "ck_availability_exceptions_times": ["ends_at = starts_at"],
    "ck_availability_exceptions_time_zone": ["calendar_id = NULL", "time_zone = 'UTC'"],
    "ck_availability_exceptions_slot_minutes": [
        "kind = 'EXTRA_HOURS', slot_minutes = 0",
        "kind = 'EXTRA_HOURS', slot_minutes = 1441",
    ],
    "ck_availability_exceptions_closed": ["slot_minutes = 30"],
    "ck_availability_templates_times": ["end_time = start_time", "end_time = '08:59'"],
    "ck_availability_templates_slot_minutes": ["slot_minutes = 0", "slot_minutes = 1441"],
    "ck_availability_templates_buffer_minutes": ["buffer_minutes = -1", "buffer_minutes = 1441"],
    "ck_availability_templates_capacity": ["capacity = 0", "capacity = 1001"],
    "ck_availability_templates_validity": ["valid_from = '2027-01-02', valid_until = '2027-01-01'"],
    "ck_availability_templates_weekdays": ["weekdays = '{}'"],
    "ck_claims_appointment": ["appointment_id = NULL", "kind = 'BLOCK'"],
    "ck_claims_clear_until": ["clear_until = upper(during)"],
    "ck_claims_length": ["during = tstzrange(lower(during), lower(during) + interval '25 h')"],
    "ck_claims_lane": ["lane = -1"],
    "ck_claims_external_lane": ["lane = 2000", "kind = 'EXTERNAL', appointment_id = NULL"],
    "ck_claims_held_by_id": [
        "held_by_id = gen_random_uuid()",
        "waitlist_entry_id = gen_random_uuid()",
    ],
    "ck_claims_expires_at": ["expires_at = now()"],
    "ck_claims_doctor_calendar_id": [
        "doctor_calendar_id = calendar_id",
        "doctor_calendar_id = gen_random_uuid(), kind = 'BLOCK', appointment_id = NULL",
    ],
    "ck_events_per_person_limit": ["per_person_limit = 0", "per_person_limit = 101"],
    "ck_organizations_horizon_months": ["horizon_months = 0", "horizon_months = 25"],
    "ck_organizations_minimum_notice_minutes": ["minimum_notice_minutes = -1"],
    "ck_organizations_cancellation_notice_minutes": ["cancellation_notice_minutes = -1"],
    "ck_organizations_max_open_appointments": ["max_open_appointments_per_patient = 0"],
    "ck_organizations_hold_minutes": ["hold_minutes = 0", "hold_minutes = 121"],
    "ck_organizations_offer_minutes": ["offer_minutes = 4", "offer_minutes = 1441"],
    "ck_slots_capacity": ["capacity = 0"],
    "ck_slots_held_until": ["status = 'HELD'", "held_until = now()"],
    "ck_slots_hours_end_at": ["hours_end_at = ends_at - interval '1 s'"],
    "ck_slots_removed_at": ["status = 'REMOVED'", "removed_at = now()"],
    "ck_slots_times": ["ends_at = starts_at"],
    "ck_waitlist_entries_times": ["ends_at = starts_at"],
    "ck_waitlist_entries_doctor_or_department": [
        "department_id = gen_random_uuid()",
        "doctor_id = NULL",
        "status = 'LEFT', department_id = gen_random_uuid()",
    ],
    "ck_waitlist_entries_offered_slot_id": [
        "status = 'OFFERED', offer_expires_at = now()",
        "offered_slot_id = gen_random_uuid()",
    ],
    "ck_waitlist_entries_offer_expires_at": [
        "status = 'OFFERED', offered_slot_id = gen_random_uuid()",
        "offer_expires_at = now()",
    ],
    "ck_visit_types_minutes": ["minutes = 0", "minutes = 1441"],
    "ck_visit_types_buffer_minutes": ["buffer_minutes = -1", "buffer_minutes = 241"],
}


@pytest.fixture
async def connection(database: Database) -> AsyncIterator["Connection"]:
    """A bare connection inside of a transaction that leaves nothing behind."""
    connection = await asyncpg.connect(database.dsn)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
async def clinic(connection: "Connection") -> dict[str, UUID]:
    """The ids of an organization and of one row in each of its tables."""
    return await fill(connection)


async def refusing(connection: "Connection", statement: str, *values: Any) -> str | None:
    """The name of the constraint that refuses a statement; nothing where none does."""
    try:
        async with connection.transaction():
            await connection.execute(statement, *values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    return None


async def copying(connection: "Connection", table: str, id: UUID, **changes: Any) -> str | None:
    """The constraint that refuses another row like one that is there, but for some changes."""
    row = dict(await connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1", id) or {})
    given = {column.name for column in Base.metadata.tables[table].columns if not column.computed}
    row = {name: value for name, value in row.items() if name in given}
    try:
        async with connection.transaction():
            await put(connection, table, **{**row, "id": uuid4(), **changes})
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    return None


# ------------------------------------------------------------ checks


async def test_every_check_of_the_database_is_tried_here(connection: "Connection") -> None:
    found = await connection.fetch(
        "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
        "WHERE contype = 'c' AND relnamespace = 'public'::regnamespace"
    )
    assert {row["conname"] for row in found} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
async def test_a_check_refuses_what_cannot_be(
    connection: "Connection", clinic: dict[str, UUID], name: str
) -> None:
    table = next(table for table in clinic if name.startswith(f"ck_{table}_"))
    for change in CHECKS[name]:
        statement = f"UPDATE {table} SET {change} WHERE id = $1"
        assert await refusing(connection, statement, clinic[table]) == name


async def test_midnight_ends_a_day_of_work(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    statement = "UPDATE availability_templates SET end_time = '00:00' WHERE id = $1"
    assert await refusing(connection, statement, clinic["availability_templates"]) is None


# ------------------------------------------------------------ two organizations


async def test_no_foreign_key_leads_out_of_an_organization(connection: "Connection") -> None:
    found = await connection.fetch("""
        SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
               (SELECT array_agg(attname ORDER BY place) FROM unnest(conkey)
                    WITH ORDINALITY AS of_child (number, place)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns
        FROM pg_constraint WHERE contype = 'f'
    """)
    inside = {}
    for row in found:
        if row["parent"] == "organizations":
            assert row["columns"] == ["organization_id"]
        else:
            organization, column = row["columns"]
            assert organization == "organization_id"
            inside[f"{row['child']}.{column}"] = row["parent"]
    assert inside == POINTS_TO


@pytest.mark.parametrize("reference", POINTS_TO)
async def test_no_row_points_at_another_organizations(
    connection: "Connection", clinic: dict[str, UUID], reference: str
) -> None:
    table, _, column = reference.partition(".")
    target = POINTS_TO[reference]
    foreign = await fill(connection, nth=2)
    key = OWN_KEYS.get(table, "id")
    also = "".join(f", {change}" for change in BESIDES.get(reference, ()))
    statement = f"UPDATE {table} SET {column} = $2{also} WHERE {key} = $1"
    refused = await refusing(connection, statement, clinic[table], foreign[target])
    assert refused == f"fk_{column}_{target}"
    refused = await refusing(connection, statement, clinic[table], uuid4())
    assert refused == f"fk_{column}_{target}"


@pytest.mark.parametrize("target", sorted(set(POINTS_TO.values())))
async def test_what_is_pointed_at_cannot_be_deleted(
    connection: "Connection", clinic: dict[str, UUID], target: str
) -> None:
    if target == "events":
        # The one appointment that there is, is with a doctor.
        moving = "UPDATE appointments SET event_id = $1, doctor_id = NULL WHERE id = $2"
        await connection.execute(moving, clinic["events"], clinic["appointments"])
    if target == "waitlist_entries":
        await offer(connection, clinic)
    statement = f"DELETE FROM {target} WHERE id = $1"
    refused = await refusing(connection, statement, clinic[target])
    assert refused in {
        f"fk_{reference.partition('.')[2]}_{target}"
        for reference, parent in POINTS_TO.items()
        if parent == target
    }


# ------------------------------------------------------------ nobody stands in line twice


async def offer(connection: "Connection", clinic: dict[str, UUID]) -> None:
    """The one claim that there is becomes an offer."""
    offering = (
        "UPDATE claims SET kind = 'HOLD', appointment_id = NULL, expires_at = now(),"
        " waitlist_entry_id = $1 WHERE id = $2"
    )
    await connection.execute(offering, clinic["waitlist_entries"], clinic["claims"])


async def test_a_patient_stands_once_in_each_line(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    """Whether a kind of visit is named or not; for as long as the entry is open."""
    entry = clinic["waitlist_entries"]
    kind = {"visit_type_id": clinic["visit_types"]}
    any_doctor = {"doctor_id": None, "department_id": clinic["departments"]}
    for changes, expected in (
        ({}, "uq_waitlist_entries_open"),
        (kind, None),
        (kind, "uq_waitlist_entries_open"),
        (any_doctor, None),
        (any_doctor, "uq_waitlist_entries_open"),
        ({"status": "LEFT"}, None),
        ({"status": "EXPIRED"}, None),
        ({"status": "ACCEPTED"}, None),
    ):
        assert await copying(connection, "waitlist_entries", entry, **changes) == expected, changes
    closed = "UPDATE waitlist_entries SET status = 'LEFT' WHERE id = $1"
    await connection.execute(closed, entry)
    nowhere = "UPDATE waitlist_entries SET doctor_id = NULL WHERE id = $1"
    assert await refusing(connection, nowhere, entry) is None


async def test_an_entry_is_offered_one_time_at_a_time(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    await offer(connection, clinic)
    refused = await copying(connection, "claims", clinic["claims"], lane=1)
    assert refused == "uq_claims_waitlist_entry_id"


# ------------------------------------------------------------ no time is taken twice


async def test_a_lane_of_a_calendar_is_taken_once(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    minute = timedelta(minutes=1)
    other = await put(
        connection, "calendars", organization_id=clinic["organizations"], time_zone="UTC"
    )
    for begin, end, changes, expected in (
        (NINE, NINE + HALF, {}, "no_overlap_in_lane"),
        (NINE + minute, NINE + 2 * minute, {}, "no_overlap_in_lane"),
        (NINE - HALF, NINE + minute, {}, "no_overlap_in_lane"),
        (NINE + HALF - minute, NINE + 2 * HALF, {}, "no_overlap_in_lane"),
        (NINE - HALF, NINE, {}, None),
        (NINE + HALF, NINE + 2 * HALF, {}, None),
        (NINE, NINE + HALF, {"lane": 1}, None),
        (NINE, NINE + HALF, {"calendar_id": other}, None),
    ):
        during = asyncpg.Range(begin, end)
        refused = await copying(connection, "claims", clinic["claims"], during=during, **changes)
        assert refused == expected, (begin, end, changes)


async def test_a_block_and_an_appointment_cannot_share_a_lane(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    block = {"kind": "BLOCK", "appointment_id": None}
    refused = await copying(connection, "claims", clinic["claims"], **block)
    assert refused == "no_overlap_in_lane"


@pytest.mark.parametrize(
    ("status", "offset", "expected"),
    [
        ("BOOKED", 0, "patient_in_one_place"),
        ("CHECKED_IN", 29, "patient_in_one_place"),
        ("BOOKED", -29, "patient_in_one_place"),
        ("BOOKED", 30, None),
        ("CHECKED_IN", -30, None),
        ("COMPLETED", 0, None),
        ("CANCELLED", 0, None),
        ("NO_SHOW", 0, None),
    ],
)
async def test_a_patient_is_in_one_place_at_a_time(
    connection: "Connection",
    clinic: dict[str, UUID],
    status: str,
    offset: int,
    expected: str | None,
) -> None:
    starts_at = NINE + timedelta(minutes=offset)
    times = {"starts_at": starts_at, "ends_at": starts_at + HALF}
    changes = {"reference": "BBBB-BBBB", "status": status, **times}
    assert await copying(connection, "appointments", clinic["appointments"], **changes) == expected
    other = await put(
        connection, "patients", organization_id=clinic["organizations"], name="Another"
    )
    changes |= {"patient_id": other, "reference": "CCCC-CCCC"}
    assert await copying(connection, "appointments", clinic["appointments"], **changes) is None


async def test_a_calendar_has_one_slot_at_a_time_removed_ones_aside(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    slot = clinic["slots"]
    assert await copying(connection, "slots", slot) == "uq_slots_calendar_id_starts_at"
    removed = {"status": "REMOVED", "removed_at": NINE}
    assert await copying(connection, "slots", slot, **removed) is None
    assert await copying(connection, "slots", slot, **removed) is None


async def test_codes_and_lines_of_history_are_given_once(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    later = {"starts_at": NINE + HALF, "ends_at": NINE + 2 * HALF}
    appointment, event = clinic["appointments"], clinic["appointment_events"]
    refused = await copying(connection, "appointments", appointment, **later)
    assert refused == "uq_appointments_reference"
    refused = await copying(connection, "appointment_events", event)
    assert refused == "uq_appointment_events_appointment_version"
    assert await copying(connection, "appointment_events", event, version=2) is None
    # Another organization may give the same code.
    other = await fill(connection)
    code = "SELECT reference FROM appointments WHERE id = $1"
    assert await connection.fetchval(code, other["appointments"]) == "AAAA-AAAA"
