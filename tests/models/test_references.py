"""What points at what: nothing at another organization, and what is pointed at stays."""

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg

from tests.models.one_of_each import fill
from tests.models.refusals import offer, refusing

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


async def test_no_row_points_at_another_organizations(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    foreign = await fill(connection, nth=2)
    for reference, target in POINTS_TO.items():
        table, _, column = reference.partition(".")
        key = OWN_KEYS.get(table, "id")
        also = "".join(f", {change}" for change in BESIDES.get(reference, ()))
        statement = f"UPDATE {table} SET {column} = $2{also} WHERE {key} = $1"
        for other in (foreign[target], uuid4()):
            refused = await refusing(connection, statement, clinic[table], other)
            assert refused == f"fk_{column}_{target}", reference


async def test_what_is_pointed_at_cannot_be_deleted(
    connection: "Connection", clinic: dict[str, UUID]
) -> None:
    # Those at the end need the one appointment, or the one claim, to be another one.
    last = ["events", "waitlist_entries"]
    for target in [*sorted(set(POINTS_TO.values()) - set(last)), *last]:
        if target == "events":
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
        }, target
