"""What is true: the database, read behind the API's back, and what must hold in it.

Every state that a slot was ever committed in is kept by a trigger, so that a view which shows
another one is found out, however short it showed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from tests.factories import wire
from tests.soak.tally import Tally

# The last word of a transaction on a slot counts: within it a slot may change more than once.
KEEP_STATES = """
    CREATE TABLE committed_states (
        slot_id uuid, version bigint, status text, booked integer, PRIMARY KEY (slot_id, version));
    CREATE FUNCTION keep_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO committed_states
        VALUES (NEW.id, NEW.revision, NEW.status::text, NEW.booked_count)
        ON CONFLICT (slot_id, version) DO UPDATE
        SET status = excluded.status, booked = excluded.booked;
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep_state AFTER INSERT OR UPDATE ON slots
        FOR EACH ROW EXECUTE FUNCTION keep_state();
"""
INVENTED = """
    SELECT seen.slot_id, seen.version, seen.status, seen.booked, kept.status, kept.booked
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::integer[])
        AS seen (slot_id, version, status, booked)
    LEFT JOIN committed_states kept USING (slot_id, version)
    WHERE (seen.status, seen.booked) IS DISTINCT FROM (kept.status, kept.booked)
"""
SLOTS = """
    SELECT id, calendar_id, starts_at, ends_at, status::text, revision, booked_count
    FROM slots WHERE status <> 'REMOVED'
"""
APPOINTMENTS = """
    SELECT a.id, a.slot_id, a.calendar_id, a.reference, a.status::text, a.version, a.patient_id,
           p.name
    FROM appointments a JOIN patients p ON p.id = a.patient_id
    ORDER BY a.created_at, a.id
"""
# The next server that starts deletes them, while views come back that have never heard of them.
LET_TOMBSTONES_AGE = """
    UPDATE slots SET removed_at = removed_at - interval '1 year'
    WHERE removed_at > now() - interval '1 month'
"""
# Each finds what must not be: time taken twice, and slots that do not say what the claims say.
FORBIDDEN = {
    "time taken twice": """
        SELECT a.id, b.id FROM claims a JOIN claims b
          ON a.calendar_id = b.calendar_id AND a.id < b.id AND a.during && b.during
         AND (a.lane = b.lane OR a.kind <> b.kind)
    """,
    "appointments without their time": """
        SELECT a.id, a.status FROM appointments a
        WHERE (a.status <> 'CANCELLED')::integer <> (
            SELECT count(*) FROM claims c WHERE c.appointment_id = a.id
               AND c.calendar_id = a.calendar_id
               AND c.during = tstzrange(a.starts_at, a.ends_at, '[)'))
    """,
    "patients in two places": """
        SELECT a.id, b.id FROM appointments a JOIN appointments b
          ON a.patient_id = b.patient_id AND a.id < b.id
         AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        WHERE a.status IN ('BOOKED', 'CHECKED_IN') AND b.status IN ('BOOKED', 'CHECKED_IN')
    """,
    "slots that say something else than the claims": """
        SELECT s.id, s.status, s.booked_count, c.booked, c.is_blocked
        FROM slots s CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE kind = 'APPOINTMENT') AS booked,
                   coalesce(bool_or(kind = 'BLOCK'), false) AS is_blocked
            FROM claims WHERE claims.calendar_id = s.calendar_id
             AND claims.during && tstzrange(s.starts_at, s.ends_at, '[)')) c
        WHERE s.status <> 'REMOVED' AND (s.booked_count <> c.booked OR s.status::text <> CASE
            WHEN s.is_withdrawn OR c.booked >= s.capacity THEN 'BOOKED'
            WHEN c.is_blocked THEN 'BLOCKED' ELSE 'AVAILABLE' END)
    """,
    "withdrawn slots without an appointment": """
        SELECT id FROM slots WHERE is_withdrawn AND booked_count = 0 AND status <> 'REMOVED'
    """,
}

# The id of a slot, its version, and what was shown of it.
Seen = dict[tuple[str, int], tuple[str, int]]


def as_id(kind: str, key: UUID) -> str:
    """An id as the API writes it."""
    return f"{kind}_{key.hex}"


@dataclass(frozen=True)
class Truth:
    """All slots and appointments at one moment."""

    slots: Mapping[UUID, list[asyncpg.Record]]
    appointments: Mapping[UUID, list[asyncpg.Record]]
    places: Mapping[str, tuple[str, str]]

    def picture(
        self, calendar_id: UUID, starts_at: datetime, ends_at: datetime
    ) -> dict[str, dict[str, Any]]:
        """What a view of a window has to show."""
        return {
            as_id("slot", row["id"]): {
                "id": as_id("slot", row["id"]),
                "startsAt": wire(row["starts_at"]),
                "endsAt": wire(row["ends_at"]),
                "status": row["status"],
                "version": row["revision"],
                "bookedCount": row["booked_count"],
            }
            for row in self.slots.get(calendar_id, ())
            if row["starts_at"] < ends_at and row["ends_at"] > starts_at
        }


async def read(connection: asyncpg.Connection) -> Truth:
    """The truth of this moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        slots: dict[UUID, list[asyncpg.Record]] = {}
        for row in await connection.fetch(SLOTS):
            slots.setdefault(row["calendar_id"], []).append(row)
        appointments: dict[UUID, list[asyncpg.Record]] = {}
        places = {}
        for row in await connection.fetch(APPOINTMENTS):
            appointments.setdefault(row["slot_id"], []).append(row)
            where = as_id("slot", row["slot_id"]), row["status"]
            places[as_id("appointment", row["id"])] = where
    return Truth(slots, appointments, places)


async def blame_forbidden(connection: asyncpg.Connection, tally: Tally) -> None:
    """Blame for whatever must not be in the database."""
    for kind, statement in FORBIDDEN.items():
        for row in await connection.fetch(statement):
            tally.blame(kind, str(tuple(row)))


async def blame_invented(connection: asyncpg.Connection, seen: Seen, tally: Tally) -> None:
    """Blame for each state that was shown and never committed."""
    rows = [
        (UUID(slot.removeprefix("slot_")), version, *state)
        for (slot, version), state in seen.items()
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    for row in await connection.fetch(INVENTED, *columns):
        tally.blame("invented states", str(tuple(row)))


def blame_lost(known: Mapping[str, tuple[str, str]], truth: Truth, tally: Tally) -> None:
    """Blame for each appointment that is not where somebody was told that it is."""
    for appointment in known.keys() | truth.places.keys():
        told, there = known.get(appointment), truth.places.get(appointment)
        if told != there:
            tally.blame("lost or false bookings", f"{appointment}: told {told}, there {there}")
