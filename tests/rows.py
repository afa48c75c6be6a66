"""What an organization has stored: its rows, looked at behind the API's back.

Here a test sees that something was kept, and that nothing at all happened when an act was refused.
Making rows is the business of `factories`; what the API shows of them is that of each test.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import FromClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from models import AuditEvent, AuditHead, Base, PasswordAttempts
from tests.factories import Factory

# Wrong passwords are counted, and denials noted: they leave a trace although they are refused.
TRACES = {PasswordAttempts, AuditEvent, AuditHead}
KINDS = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_ not in TRACES]


@asynccontextmanager
async def across(factory: Factory) -> AsyncIterator[AsyncConnection]:
    """A transaction of the test's own, which sees every organization; committed at the end."""
    async with factory.database.crossing_organizations() as session:
        yield await session.connection()


# How far a message has come is the business of whoever sends it, at any time; and how reading
# another calendar went, that of whoever reads it.
OF_OTHERS = {
    "notifications": ("status", "attempts", "scheduled_at", "sent_at", "subject", "last_error"),
    "external_calendars": ("problem", "failures", "last_read_at", "next_read_at"),
}


async def kept(factory: Factory, *kinds: type[Base]) -> list[dict[str, Any]]:
    """Every row that the organization has in some tables, the same rows in the same order."""
    rows = " UNION ALL ".join(_rows_of(kind) for kind in kinds)
    statement = text(f"{rows} ORDER BY kept").columns(kept=JSONB)
    async with factory.database.crossing_organizations() as session:
        return await session.rows(statement, {"id": factory.organization.id})


def _rows_of(kind: type[Base]) -> str:
    """The statement for one table; the organization itself is a row of its own."""
    table = kind.__table__
    owner = "organization_id" if "organization_id" in table.columns else "id"
    return f"SELECT {content(table)} AS kept FROM {table} WHERE {owner} = :id"


def content(table: FromClause) -> str:
    """What of a row is compared."""
    left_out = ",".join(OF_OTHERS.get(str(table), ()))
    return f"to_jsonb({table}) - '{{{left_out}}}'::text[]"


async def world(factory: Factory) -> list[dict[str, Any]]:
    """Every row of the organization in every table."""
    return await kept(factory, *KINDS)


@asynccontextmanager
async def unchanged(factory: Factory) -> AsyncIterator[None]:
    """What happens in the block must change nothing at all."""
    before = await world(factory)
    yield
    after = await world(factory)
    assert after == before, [row for row in before + after if (row in before) != (row in after)]
