"""Making slots tell the truth: what the claims say, at the new revision of their locked calendar.

Parts of acts. Whatever becomes free that way is noted, for those who wait in line for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlalchemy.sql.elements import TextClause

from models.database import WriteSession
from services.calendar.claims import LONGEST_BUFFER, LONGEST_CLAIM, Span, move_down, release
from services.calendar.opened import opened_by

# So far before a slot a claim begins at most that lies in it, or keeps it clear.
REACH = LONGEST_CLAIM + LONGEST_BUFFER

# What is taken of a slot, from the claims that lie in it or keep it clear. The answer is what of it
# those who wait in line must hear of: slots that are free now and were not, or less so; and those
# that are gone although somebody holds a part of them.
REFRESH = """
    WITH occupied AS (
        SELECT slots.id, calendars.revision,
               count(*) FILTER (WHERE is_in AND kind = 'APPOINTMENT') AS booked,
               count(*) FILTER (WHERE is_in AND kind = 'HOLD') AS held,
               min(expires_at) FILTER (WHERE is_in) AS held_until,
               coalesce(array_agg(DISTINCT held_by_id) FILTER (
                   WHERE is_in AND held_by_id IS NOT NULL), '{{}}') AS held_by,
               coalesce(bool_or(is_in AND kind IN ('BLOCK', 'EXTERNAL')), false) AS is_blocked,
               count(DISTINCT lane) AS used,
               slots.status = 'REMOVED' OR slots.is_withdrawn
                   AND count(*) FILTER (WHERE is_in AND kind = 'APPOINTMENT') = 0 AS is_gone
        FROM slots
        JOIN calendars ON calendars.organization_id = slots.organization_id
                      AND calendars.id = slots.calendar_id
        LEFT JOIN LATERAL (
            SELECT kind, lane, expires_at, held_by_id, claims.ends_at > slots.starts_at AS is_in
            FROM claims
            WHERE claims.organization_id = slots.organization_id
              AND claims.calendar_id = slots.calendar_id
              AND claims.starts_at < slots.ends_at
              AND claims.starts_at > slots.starts_at - CAST(:reach AS interval)
              AND (claims.ends_at > slots.starts_at OR claims.clear_until > slots.starts_at)
        ) AS around ON true
        WHERE slots.organization_id = :organization_id AND {which}
        GROUP BY slots.organization_id, slots.id, calendars.revision),
    told AS (
        SELECT occupied.*, (CASE
            WHEN occupied.is_gone THEN 'REMOVED'
            WHEN slots.is_withdrawn OR booked >= slots.capacity THEN 'BOOKED'
            WHEN is_blocked THEN 'BLOCKED'
            WHEN booked + held >= slots.capacity THEN 'HELD'
            ELSE 'AVAILABLE'
        END)::slot_status AS status,
        slots.status AS status_before, slots.in_buffer AS was_in_buffer,
        slots.booked_count AS booked_before, cardinality(slots.held_by) AS holders_before
        FROM occupied JOIN slots ON slots.organization_id = :organization_id
                                AND slots.id = occupied.id),
    changed AS (
        UPDATE slots
        SET booked_count = told.booked,
            revision = told.revision,
            status = told.status,
            held_by = told.held_by,
            held_until = CASE WHEN told.status = 'HELD' THEN told.held_until END,
            in_buffer = told.status = 'AVAILABLE' AND told.used >= slots.capacity,
            removed_at = CASE WHEN told.is_gone THEN coalesce(slots.removed_at, now()) END
        FROM told
        WHERE slots.organization_id = :organization_id AND slots.id = told.id
        RETURNING slots.calendar_id, slots.starts_at, slots.ends_at, slots.in_buffer, told.*)
    SELECT calendar_id, starts_at, ends_at, is_gone FROM changed
    WHERE (is_gone AND held > 0)
       OR (status = 'AVAILABLE' AND (
           status_before <> 'AVAILABLE' OR (was_in_buffer AND NOT in_buffer)
           OR booked < booked_before OR cardinality(held_by) < holders_before))
"""
REFRESH_SLOTS = text(REFRESH.format(which="slots.id = ANY(:slot_ids)"))
REFRESH_TIME = text(
    REFRESH.format(
        which="""slots.calendar_id = :calendar_id AND slots.status <> 'REMOVED'
            AND slots.starts_at < :ends_at AND slots.ends_at > :starts_at
            AND slots.starts_at > CAST(:starts_at AS timestamptz) - interval '1 day'"""
    )
)
REFRESH_TIMES = text(
    REFRESH.format(
        which="""slots.status <> 'REMOVED' AND slots.id IN (
            SELECT near.id
            FROM unnest(CAST(:calendar_ids AS uuid[]), CAST(:starts AS timestamptz[]),
                        CAST(:ends AS timestamptz[])) AS taken (calendar_id, starts_at, ends_at)
            JOIN slots AS near ON near.organization_id = :organization_id
                AND near.calendar_id = taken.calendar_id AND near.starts_at < taken.ends_at
                AND near.ends_at > taken.starts_at
                AND near.starts_at > taken.starts_at - interval '1 day')"""
    )
)


async def give_back(session: WriteSession, *conditions: ColumnElement[bool]) -> None:
    """Give back the time of the claims that meet the conditions, and make the slots tell."""
    spans = await release(session, *conditions)
    for span in spans:
        await move_down(session, span)
    await refresh_spans(session, spans)


async def refresh_slots(session: WriteSession, slot_ids: Sequence[UUID]) -> None:
    """Make slots of locked calendars say what the claims under them say, at the new revisions."""
    await _refresh(session, REFRESH_SLOTS, {"slot_ids": list(slot_ids)})


async def refresh_span(session: WriteSession, span: Span) -> None:
    """Make the slots in a time, and in what is kept clear after it, say what the claims say."""
    values = {
        "calendar_id": span.calendar_id,
        "starts_at": span.starts_at,
        "ends_at": span.clear_until,
    }
    await _refresh(session, REFRESH_TIME, values)


async def refresh_spans(session: WriteSession, spans: Sequence[Span]) -> None:
    """`refresh_span` for several times at once, of which there may be many."""
    if len(spans) == 1:
        await refresh_span(session, spans[0])
    elif spans:
        values = {
            "calendar_ids": [span.calendar_id for span in spans],
            "starts": [span.starts_at for span in spans],
            "ends": [span.clear_until for span in spans],
        }
        await _refresh(session, REFRESH_TIMES, values)


async def _refresh(session: WriteSession, statement: TextClause, which: Mapping[str, Any]) -> None:
    always = {"organization_id": session.organization_id, "reach": REACH}
    opened = opened_by(session)
    for *stretch, is_gone in (await session.execute(statement, {**always, **which})).all():
        (opened.gone if is_gone else opened.free).append(tuple(stretch))
