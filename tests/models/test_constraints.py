"""What the database itself refuses, asked past the application: by SQL, over a bare connection."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from tests.models.one_of_each import HALF, NINE, fill, put
from tests.models.refusals import copying, offer, refusing

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

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


# ------------------------------------------------------------ checks


async def test_every_check_of_the_database_is_tried_here(connection: "Connection") -> None:
    found = await connection.fetch(
        "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
        "WHERE contype = 'c' AND relnamespace = 'public'::regnamespace"
    )
    assert {row["conname"] for row in found} == set(CHECKS)


async def test_a_check_refuses_what_cannot_be(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    for name, changes in CHECKS.items():
        table = next(table for table in clinic if name.startswith(f"ck_{table}_"))
        for change in changes:
            statement = f"UPDATE {table} SET {change} WHERE id = $1"
            refused = await refusing(connection, statement, clinic[table])
            assert refused == name, change


async def test_midnight_ends_a_day_of_work(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    statement = "UPDATE availability_templates SET end_time = '00:00' WHERE id = $1"
    assert await refusing(connection, statement, clinic["availability_templates"]) is None


# ------------------------------------------------------------ nobody stands in line twice


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
