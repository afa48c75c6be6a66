"""A transaction's consequences follow its commit: never before it, and never without it."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import Organization
from models.database import Database, WriteSession


@pytest.fixture
async def outside(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees what is committed, and nothing else."""
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def notes(outside: asyncpg.Connection) -> AsyncIterator[str]:
    """A table in which a repeated number is refused, but not before the commit."""
    name = f"notes_{secrets.token_hex(6)}"
    await outside.execute(f"CREATE TABLE {name} (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    yield name
    await outside.execute(f"DROP TABLE {name}")


class Note:
    """Writes numbers in transactions, and remembers what it was told of."""

    def __init__(
        self,
        database: Database,
        organization: Organization,
        table: str,
        outside: asyncpg.Connection,
    ) -> None:
        self.database = database
        self.organization = organization
        self.table = table
        self.outside = outside
        self.told: list[list[int]] = []

    async def committed(self) -> list[int]:
        """The numbers that everybody can see."""
        rows = await self.outside.fetch(f"SELECT number FROM {self.table} ORDER BY number")
        return [row["number"] for row in rows]

    async def tell(self) -> None:
        """The consequence: remember what everybody could see by then."""
        self.told.append(await self.committed())

    async def write(
        self, *numbers: int, then: Callable[[WriteSession], Awaitable[None]] | None = None
    ) -> None:
        """One transaction."""
        async with self.database.writing(self.organization.id) as session:
            for number in numbers:
                session.after_commit(self.tell)
                await session.execute(
                    text(f"INSERT INTO {self.table} VALUES (:number)"), {"number": number}
                )
            if then is not None:
                await then(session)


@pytest.fixture
def note(
    database: Database, organization: Organization, notes: str, outside: asyncpg.Connection
) -> Note:
    """A writer of numbers."""
    return Note(database, organization, notes, outside)


async def test_consequences_are_told_once_each_when_everybody_can_see_the_cause(note: Note) -> None:
    await note.write(1, 2)
    assert note.told == [[1, 2], [1, 2]]


async def test_a_commit_that_is_refused_is_an_error_and_has_no_consequence(note: Note) -> None:
    await note.write(1)
    with pytest.raises(IntegrityError, match="unique constraint"):
        await note.write(2, 1)
    assert await note.committed() == [1]
    assert note.told == [[1]]


async def test_a_connection_that_ends_at_the_commit_is_an_error_without_consequence(
    note: Note,
) -> None:
    async def cut(session: WriteSession) -> None:
        pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await note.outside.execute("SELECT pg_terminate_backend($1, 10000)", pid)

    with pytest.raises(DBAPIError):
        await note.write(1, then=cut)
    assert await note.committed() == []
    assert note.told == []


async def test_what_fails_on_the_way_is_not_committed_and_has_no_consequence(note: Note) -> None:
    async def fail(_: WriteSession) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await note.write(1, then=fail)
    assert await note.committed() == []
    assert note.told == []
