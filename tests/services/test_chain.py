"""The chain of the audit trail: what was altered, removed or cut off is found, and nobody who works
through the application can do any of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import AuditEvent, AuditOutcome, Organization, Role
from models.database import Database
from services.audit import chain
from services.audit.chain import Head, head_in, seal, verify
from tests.scratch import connected

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


async def add(database: Database, organization: Organization, count: int, first: int = 0) -> None:
    """Events, one a second."""
    async with database.writing(organization.id) as session:
        session.add_all(
            AuditEvent(
                organization_id=organization.id,
                id=uuid4(),
                at=NOON + timedelta(seconds=first + number),
                role=Role.ADMIN,
                action=f"act_{first + number}",
                subject_type="Patient",
                subject_ids=[uuid4()],
                outcome=AuditOutcome.DONE,
            )
            for number in range(count)
        )


async def altered(database: Database, organization: Organization, sql: str) -> None:
    """The trail of an organization after somebody was at it whom nothing stops."""
    async with connected(database.dsn) as superuser:
        await superuser.execute(sql.replace(":id", f"'{organization.id}'"))


async def positions(database: Database, organization_id: UUID) -> list[int | None]:
    """The positions of the events, in order of time."""
    async with database.reading(organization_id) as session:
        return await session.rows(text("SELECT position FROM audit_events ORDER BY at"))


async def test_what_was_added_is_sealed_in_order_and_whole(
    database: Database, organization: Organization
) -> None:
    await add(database, organization, 3)
    assert (await verify(database, organization.id)) == chain.Verdict(Head(0, bytes(32)), 3, [])
    await seal(database)
    assert await positions(database, organization.id) == [1, 2, 3]
    first = await verify(database, organization.id)
    assert (first.head.position, first.waiting, first.faults) == (3, 0, [])
    # What is added later is sealed later, whatever its time.
    await add(database, organization, 2, first=-10)
    await seal(database)
    assert await positions(database, organization.id) == [4, 5, 1, 2, 3]
    then = await verify(database, organization.id, first.head)
    assert (then.head.position, then.faults) == (5, [])
    assert head_in(str(then.head)) == then.head


async def test_batches_are_one_chain(database: Database, organization: Organization) -> None:
    await add(database, organization, chain.BATCH + 3)
    verdict = await verify(database, organization.id)
    # A server of other tests may be at it, and is not waited for.
    while verdict.waiting:
        await seal(database)
        verdict = await verify(database, organization.id)
    assert (verdict.head.position, verdict.waiting, verdict.faults) == (chain.BATCH + 3, 0, [])


MINE = "WHERE organization_id = :id AND position"
ALTERATIONS = {
    f"UPDATE audit_events SET action = 'act_7' {MINE} = 2": ["Event 2 is not what was sealed."],
    f"UPDATE audit_events SET at = at + interval '1 microsecond' {MINE} = 2": [
        "Event 2 is not what was sealed."
    ],
    f"UPDATE audit_events SET outcome = 'FORBIDDEN' {MINE} = 2": [
        "Event 2 is not what was sealed."
    ],
    f"UPDATE audit_events SET subject_ids = '{{}}' {MINE} = 2": ["Event 2 is not what was sealed."],
    f"UPDATE audit_events SET role = NULL {MINE} = 1": ["Event 1 is not what was sealed."],
    f"UPDATE audit_events SET ip_address = '127.0.0.1' {MINE} = 5": [
        "Event 5 is not what was sealed."
    ],
    f"UPDATE audit_events SET details = 'x' {MINE} = 5": ["Event 5 is not what was sealed."],
    f"UPDATE audit_events SET hash = set_byte(hash, 31, get_byte(hash, 31) # 1) {MINE} = 2": [
        "Event 2 is not what was sealed.",
        "Event 3 is not what was sealed.",
    ],
    f"DELETE FROM audit_events {MINE} = 2": ["Events 2 to 2 are missing."],
    f"DELETE FROM audit_events {MINE} < 3": ["Events 1 to 2 are missing."],
    f"DELETE FROM audit_events {MINE} > 3": ["Events 4 to 5 are missing."],
    "DELETE FROM audit_events WHERE organization_id = :id": ["Events 1 to 5 are missing."],
    "DELETE FROM audit_heads WHERE organization_id = :id": [
        "The end of the chain is not the one that was sealed last."
    ],
    f"DELETE FROM audit_events {MINE} = 2;"
    f"UPDATE audit_events SET position = position - 1 {MINE} = 3;"
    f"UPDATE audit_events SET position = position - 1 {MINE} = 4;"
    f"UPDATE audit_events SET position = position - 1 {MINE} = 5;"
    "UPDATE audit_heads SET position = 4 WHERE organization_id = :id": [
        "Event 2 is not what was sealed.",
        "Event 3 is not what was sealed.",
        "Event 4 is not what was sealed.",
    ],
}


@pytest.mark.parametrize("sql", ALTERATIONS)
async def test_whoever_was_at_it_is_found(
    database: Database, organization: Organization, sql: str
) -> None:
    await add(database, organization, 5)
    await seal(database)
    await altered(database, organization, sql)
    assert (await verify(database, organization.id)).faults == ALTERATIONS[sql]


async def test_an_end_cut_off_with_its_head_is_found_by_a_head_that_was_kept(
    database: Database, organization: Organization
) -> None:
    await add(database, organization, 5)
    await seal(database)
    kept = (await verify(database, organization.id)).head
    await altered(
        database,
        organization,
        f"DELETE FROM audit_events {MINE} > 3; UPDATE audit_heads SET position = 3, hash = "
        f"(SELECT hash FROM audit_events {MINE} = 3) WHERE organization_id = :id",
    )
    # The chain alone cannot show it.
    assert (await verify(database, organization.id)).faults == []
    missing = "Event 5, whose hash was kept, is missing."
    assert (await verify(database, organization.id, kept)).faults == [missing]
    # Made anew it is as long, and another.
    await add(database, organization, 2)
    await seal(database)
    assert (await verify(database, organization.id)).faults == []
    other = "Event 5 is not the one whose hash was kept."
    assert (await verify(database, organization.id, kept)).faults == [other]


# ------------------------------------------------------------ who seals, and who can do what


async def test_who_seals_while_another_does_leaves_it_alone(
    database: Database, organization: Organization
) -> None:
    await add(database, organization, 2)
    await seal(database)
    await add(database, organization, 2, first=5)
    async with database.crossing_organizations() as session:
        lock = text("SELECT FROM audit_heads WHERE organization_id = :id FOR UPDATE")
        await session.execute(lock, {"id": organization.id})
        async with asyncio.timeout(10):
            await seal(database)
        assert await positions(database, organization.id) == [1, 2, None, None]
    await asyncio.gather(*(seal(database) for _ in range(5)))
    assert await positions(database, organization.id) == [1, 2, 3, 4]
    assert (await verify(database, organization.id)).faults == []


async def test_an_event_that_is_committed_late_is_sealed_late(
    database: Database, organization: Organization
) -> None:
    async with database.writing(organization.id) as session:
        session.add(
            AuditEvent(
                organization_id=organization.id,
                id=uuid4(),
                at=NOON - timedelta(hours=1),
                action="late",
                subject_ids=[],
                outcome=AuditOutcome.DONE,
            )
        )
        await session.flush()
        await add(database, organization, 1)
        await seal(database)
    await seal(database)
    assert await positions(database, organization.id) == [2, 1]
    assert (await verify(database, organization.id)).faults == []


@pytest.mark.parametrize(
    ("crosses", "sql"),
    [
        (False, "UPDATE audit_events SET action = ''"),
        (False, "UPDATE audit_events SET position = 9, hash = ''"),
        (False, "DELETE FROM audit_events"),
        (False, "TRUNCATE audit_events"),
        (False, "UPDATE audit_heads SET position = 0"),
        (False, "DELETE FROM audit_heads"),
        (False, "INSERT INTO audit_events (organization_id, position) VALUES (NULL, 1)"),
        (True, "UPDATE audit_events SET action = ''"),
        (True, "DELETE FROM audit_events"),
        (True, "DELETE FROM audit_heads"),
        (True, "TRUNCATE audit_heads"),
    ],
)
async def test_the_application_cannot_take_back_what_is_noted(
    database: Database, organization: Organization, crosses: bool, sql: str
) -> None:
    opened = database.crossing_organizations() if crosses else database.writing(organization.id)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with opened as session:
            await session.execute(text(sql))


async def test_what_is_sealed_cannot_be_sealed_again(
    database: Database, organization: Organization
) -> None:
    await add(database, organization, 2)
    await seal(database)
    again = text("UPDATE audit_events SET position = 9, hash = '' WHERE organization_id = :id")
    async with database.crossing_organizations() as session:
        sealed = await session.execute(again, {"id": organization.id})
    assert sealed.rowcount == 0  # type: ignore[attr-defined]
    assert (await verify(database, organization.id)).faults == []
