"""How PostgreSQL finds what hot statements look for, behind row level security: by an index,
however much has been taken in years."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, text
from sqlalchemy.engine import Engine

from models import Claim, Slot
from models.database import WriteSession
from services.calendar.claims import Span, lanes_in_use, lying_in
from services.calendar.refreshing import refresh_slots, refresh_span, refresh_spans
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import tomorrow
from tests.rows import across
from tests.scratch import connected


async def plan(session: WriteSession, work: Any) -> str:
    """The plan of the one statement that `work` sends, where nothing is read from end to end."""
    seen: list[tuple[str, Any]] = []

    own = (await session.connection()).sync_connection

    def note(connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        # The server in this process asks things of its own.
        if connection is own:
            seen.append((statement, values))

    await session.execute(text("SET LOCAL enable_seqscan = off"))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        await work
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    ((statement, values),) = seen
    connection: Any = await (await session.connection()).get_raw_connection()
    rows = await connection.driver_connection.fetch(f"EXPLAIN {statement}", *values)
    return "\n".join(row[0] for row in rows)


def looks_into_claims_by_time(found: str) -> bool:
    """Whether claims are found by their calendar and their beginning."""
    lines = found.splitlines()
    conditions = [
        lines[place + 1]
        for place, line in enumerate(lines)
        if "ix_claims_calendar_id_starts_at" in line
    ]
    return bool(conditions) and all("starts_at" in condition for condition in conditions)


async def test_what_is_taken_is_found_by_its_time(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    slot: Slot = await clinic.factory.slot(calendar, tomorrow())
    span = Span(calendar.id, slot.starts_at, slot.ends_at, slot.ends_at + timedelta(minutes=10))
    taken = lanes_in_use(
        calendar.id, span.starts_at, span.ends_at, span.clear_until, keeps_clear=True
    )
    here: UUID = clinic.factory.organization.id
    # An empty table is found by any index.
    async with across(clinic.factory) as connection:
        await connection.execute(
            text(
                "INSERT INTO claims (organization_id, id, calendar_id, kind, lane, during) "
                "SELECT :organization_id, gen_random_uuid(), :calendar_id, 'BLOCK', 0, "
                "tstzrange(day, day + interval '1 hour') FROM "
                "generate_series(now() - interval '3 years', now(), interval '12 hours') AS day"
            ),
            {"organization_id": here, "calendar_id": calendar.id},
        )
    async with connected(clinic.factory.database.dsn) as owner:
        await owner.execute("ANALYZE claims")
    async with clinic.factory.database.writing(here) as session:
        lying = select(Claim.id).where(
            Claim.calendar_id == calendar.id, lying_in(span.starts_at, span.ends_at)
        )
        for work in (
            session.execute(taken),
            session.execute(lying),
            refresh_slots(session, [slot.id]),
            refresh_span(session, span),
            refresh_spans(session, [span]),
        ):
            found = await plan(session, work)
            assert looks_into_claims_by_time(found), found
