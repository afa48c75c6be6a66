"""The chain of the audit trail: each event's hash covers it and the hash of the one before.

Events are added freely, so that no act waits for another's. A little later they are sealed, in
order, by whichever process holds the organization's head; the database lets each be sealed once.
Whoever alters, removes or inserts an event afterwards breaks the chain. What the chain alone cannot
show is a whole end that was cut off together with the head, or a chain that was made anew: for that
a head that was kept elsewhere is compared.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from models import AuditEvent, AuditHead
from models.database import Database, ReadSession, WriteSession
from services.context import Server
from services.live.tasks import Outage

VERIFYING = (
    "Say whether the audit trail is whole, and print its head: keep that elsewhere, and pass it to "
    "--head another time to see that nothing up to it was cut off or made anew."
)
SEAL_SECONDS = 5.0
BATCH = 1000
BEGINNING = bytes(32)

SEAL = text("""
    UPDATE audit_events AS event SET position = sealed.position, hash = sealed.hash
    FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS bigint[]), CAST(:hashes AS bytea[]))
        AS sealed (id, position, hash)
    WHERE event.organization_id = :organization_id AND event.id = sealed.id
""")


@dataclass(frozen=True)
class Head:
    """The last event of a chain."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


def head_in(word: str) -> Head:
    """A head as it was printed.

    Raises:
        ValueError: it is none.

    """
    position, _, hash = word.partition(":")
    return Head(int(position), bytes.fromhex(hash))


@dataclass(frozen=True)
class Verdict:
    """What was found of one organization's chain; `faults` is empty where it is whole."""

    head: Head
    waiting: int
    faults: Sequence[str]

    def __str__(self) -> str:
        end = f"{self.waiting} not sealed yet; the head is {self.head}"
        return "\n".join([*self.faults, end])


def hash_of(event: AuditEvent, position: int, before: bytes) -> bytes:
    """The hash of an event at its position in the chain."""
    said = [
        position,
        event.organization_id,
        event.id,
        event.at.astimezone(UTC),
        event.actor_id,
        event.role and event.role.value,
        event.action,
        event.subject_type,
        event.subject_ids,
        event.outcome.value,
        event.ip_address,
        event.details,
    ]
    return hashlib.sha256(before + orjson.dumps(said, default=str)).digest()


async def keep_sealing(server: Server) -> None:
    """Seal what was added, again and again, for as long as the server runs."""
    outage = Outage("Sealing the audit trail")
    while True:
        await asyncio.sleep(SEAL_SECONDS)
        with outage:
            await seal(server.database)


async def seal(database: Database) -> int:
    """Seal what was added since the last time; how many events that were."""
    async with database.crossing_organizations() as session:
        unsealed = select(AuditEvent.organization_id).where(AuditEvent.hash.is_(None)).distinct()
        organization_ids = await session.rows(unsealed)
    total = 0
    for organization_id in organization_ids:
        count = BATCH
        while count == BATCH:
            async with database.crossing_organizations() as session:
                count = await _seal_some(session, organization_id)
            total += count
    return total


async def _seal_some(session: WriteSession, organization_id: UUID) -> int:
    beginning = {"organization_id": organization_id, "position": 0, "hash": BEGINNING}
    await session.execute(insert(AuditHead).values(beginning).on_conflict_do_nothing())
    mine = select(AuditHead).where(AuditHead.organization_id == organization_id)
    head: AuditHead | None = await session.scalar(mine.with_for_update(skip_locked=True))
    if head is None:  # another process is at it
        return 0
    unsealed = (
        select(AuditEvent)
        .where(AuditEvent.organization_id == organization_id, AuditEvent.hash.is_(None))
        .order_by(AuditEvent.at, AuditEvent.id)
        .limit(BATCH)
    )
    events = await session.rows(unsealed)
    positions, hashes = [], []
    for event in events:
        head.position += 1
        head.hash = hash_of(event, head.position, head.hash)
        positions.append(head.position)
        hashes.append(head.hash)
    values = {"ids": [event.id for event in events], "positions": positions, "hashes": hashes}
    await session.execute(SEAL, {"organization_id": organization_id, **values})
    return len(events)


async def verify(database: Database, organization_id: UUID, kept: Head | None = None) -> Verdict:
    """Go through the chain of an organization, and see that it is whole.

    Args:
        kept: a head of some time, kept elsewhere: the chain must still lead through it.

    """
    faults: list[str] = []
    last, is_linked = Head(0, BEGINNING), True
    async with database.reading(organization_id) as session:
        end, highest, waiting = await _end(session)
    async for event in _sealed(database, organization_id, highest):
        position, hash = event.position or 0, event.hash or b""
        if position != last.position + 1:
            faults.append(f"Events {last.position + 1} to {position - 1} are missing.")
            is_linked = False
        if is_linked and hash != hash_of(event, position, last.hash):
            faults.append(f"Event {position} is not what was sealed.")
        if kept is not None and position == kept.position and hash != kept.hash:
            faults.append(f"Event {position} is not the one whose hash was kept.")
        last, is_linked = Head(position, hash), True
    if last.position < end.position:
        faults.append(f"Events {last.position + 1} to {end.position} are missing.")
    elif last != end:
        faults.append("The end of the chain is not the one that was sealed last.")
    if kept is not None and kept.position > last.position:
        faults.append(f"Event {kept.position}, whose hash was kept, is missing.")
    return Verdict(last, waiting, faults)


async def _end(session: ReadSession) -> tuple[Head, int, int]:
    """The head, the highest position that there is, and how many events wait: of one moment, since
    servers go on sealing.
    """
    head = AuditHead.organization_id == session.organization_id
    mine = AuditEvent.organization_id == session.organization_id
    parts = (
        select(AuditHead.position).where(head),
        select(AuditHead.hash).where(head),
        select(func.max(AuditEvent.position)).where(mine),
        select(func.count()).where(mine, AuditEvent.hash.is_(None)),
    )
    statement = select(*(part.scalar_subquery() for part in parts))
    position, hash, highest, waiting = (await session.execute(statement)).one()
    return Head(position or 0, hash or BEGINNING), highest or 0, waiting


async def _sealed(
    database: Database, organization_id: UUID, highest: int
) -> AsyncIterator[AuditEvent]:
    """The events of a chain in order, batch by batch: a trail of years does not fit into memory."""
    place = 0
    while True:
        statement = (
            select(AuditEvent)
            .where(AuditEvent.position > place, AuditEvent.position <= highest)
            .order_by(AuditEvent.position)
            .limit(BATCH)
        )
        async with database.reading(organization_id) as session:
            events = await session.rows(statement)
        for event in events:
            yield event
        if len(events) < BATCH:
            return
        place = events[-1].position
