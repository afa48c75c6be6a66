"""How PostgreSQL refuses, as tests of its constraints ask: by SQL, over a bare connection."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg

from models import Base
from tests.models.one_of_each import put

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


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


async def offer(connection: "Connection", clinic: dict[str, UUID]) -> None:
    """The one claim that there is becomes an offer."""
    offering = (
        "UPDATE claims SET kind = 'HOLD', appointment_id = NULL, expires_at = now(),"
        " waitlist_entry_id = $1 WHERE id = $2"
    )
    await connection.execute(offering, clinic["waitlist_entries"], clinic["claims"])
