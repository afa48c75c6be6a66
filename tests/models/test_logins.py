"""As whom the application comes to the database: an owner who is no superuser, a login that owns
nothing, and a crowd of both organizations on two connections."""

import asyncio
import contextlib
import gc
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from models.database import Database
from models.migration import configuration, migrate
from models.trouble import DatabaseUnusable, said_in_a_sentence
from services.organizations import create_organization
from tests.models.test_walls import two_organizations
from tests.models.walls import OWNED, breaches
from tests.scratch import address, connected, scratch_database


@dataclass(frozen=True)
class Logins:
    """A blank database, and the addresses by which its owner and another login reach it."""

    superuser: str
    owner: str
    other: str
    names: tuple[str, str]


@pytest.fixture
async def logins(database_url: str) -> AsyncIterator[Logins]:
    """Two logins of the test's own, and a blank database of one of them."""
    owner, other = (f"{word}_{secrets.token_hex(4)}" for word in ("owner", "other"))
    async with connected(address(database_url, "postgres")) as superuser:
        await superuser.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE; CREATE ROLE {other} LOGIN")
        async with scratch_database(database_url, template="template0", owner=owner) as url:
            name = url.rpartition("/")[2].partition("?")[0]
            yield Logins(
                url,
                address(database_url, name, username=owner),
                address(database_url, name, username=other),
                (owner, other),
            )
        roles = f"{name}_app, {name}_server"
        await superuser.execute(f"DROP ROLE IF EXISTS {roles}, {owner}, {other}")


async def seen_by(url: str) -> int:
    """How many organizations a login sees that has not become a role."""
    async with connected(url) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM organizations"))


async def served(url: str) -> None:
    """Make an organization as the application does, and see its walls."""
    database = Database(url, pool_size=1)
    slug = f"of-{secrets.token_hex(4)}"
    try:
        made = await create_organization(
            database, slug=slug, name="A", time_zone="UTC", locale="en"
        )
        async with database.reading(made.id) as session:
            where = text("SELECT current_setting('app.organization'), current_user <> session_user")
            assert (await session.execute(where)).one() == (str(made.id), True)
    finally:
        await database.close()


async def test_an_owner_who_is_no_superuser_migrates_and_serves_and_sees_nothing(
    logins: Logins,
) -> None:
    await asyncio.to_thread(migrate, logins.owner)
    await served(logins.owner)
    assert await seen_by(logins.superuser) == 1
    assert await seen_by(logins.owner) == 0
    async with connected(logins.superuser) as superuser:
        assert await breaches(superuser) == []
    # Down and up again, with rows in the tables.
    await asyncio.to_thread(command.downgrade, configuration(logins.owner), "0003")
    assert await seen_by(logins.owner) == 1
    await asyncio.to_thread(migrate, logins.owner)
    await served(logins.owner)


async def test_a_login_that_owns_nothing_serves_what_the_owner_has_migrated(
    logins: Logins,
) -> None:
    await asyncio.to_thread(migrate, logins.owner)
    denied = pytest.raises(DatabaseUnusable, match="permission denied to set role")
    with denied, said_in_a_sentence(logins.other):
        await served(logins.other)
    await asyncio.to_thread(migrate, logins.other, owner=logins.owner)
    await served(logins.other)
    async with connected(logins.other) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT FROM organizations")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")


async def test_an_owner_who_may_make_no_roles_is_told_what_an_administrator_can_do(
    logins: Logins,
) -> None:
    owner = logins.names[0]
    async with connected(logins.superuser) as superuser:
        await superuser.execute(f"ALTER ROLE {owner} NOCREATEROLE")
        with pytest.raises(DatabaseUnusable) as refused:
            await asyncio.to_thread(migrate, logins.owner)
        advice = str(refused.value).partition("run: ")[2]
        assert advice.startswith("CREATE ROLE scratch_")
        await superuser.execute(advice)
        await asyncio.to_thread(migrate, logins.owner)
        await served(logins.owner)
        assert await breaches(superuser) == []


async def test_a_login_that_is_nobody_is_told(logins: Logins) -> None:
    nobody = logins.other.replace(logins.names[1], "nobody_at_all")
    with pytest.raises(DatabaseUnusable, match="no user nobody_at_all"):
        await asyncio.to_thread(migrate, nobody, owner=logins.owner)


async def test_roles_that_see_through_walls_are_refused(logins: Logins) -> None:
    await asyncio.to_thread(migrate, logins.owner)
    async with connected(logins.superuser) as superuser:
        role = await superuser.fetchval("SELECT quote_ident(current_database() || '_app')")
        await superuser.execute(f"ALTER ROLE {role} BYPASSRLS")
    with pytest.raises(DatabaseUnusable, match="sees through row level security"):
        await served(logins.owner)


# ------------------------------------------------------------ a crowd


TABLES = [table for table in OWNED if table.name in {"users", "slots", "appointments"}]


async def crowd(database: Database, organizations: tuple[UUID, UUID]) -> list[UUID]:
    """The organizations of rows that somebody saw from inside of the other, while fifty come and
    go, are cancelled in the midst of it, and fail."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    foreign: list[UUID] = []

    async def look(mine: UUID, act: str) -> None:
        async with database.writing(mine) as session:
            for table in TABLES:
                seen = await session.rows(select(table.c.organization_id))
                foreign.extend(one for one in seen if one != mine)
                if act == "late":
                    await session.execute(text("SET LOCAL statement_timeout = 1"))
                if act in {"late", "cancelled"}:
                    # Cancelled with its transaction under way.
                    async with asyncio.timeout(0.01 if act == "cancelled" else None):
                        await session.execute(text("SELECT pg_sleep(1)"))

    async def come_and_go(mine: UUID) -> None:
        for _ in range(6):
            act = chance.choice(["done", "done", "late", "cancelled"])
            with contextlib.suppress(DBAPIError, TimeoutError):
                async with asyncio.timeout(chance.random() * 0.1 if act == "cancelled" else None):
                    await look(mine, act)

    await asyncio.gather(*(come_and_go(organizations[place % 2]) for place in range(50)))
    return foreign


# A cancelled statement leaves it to chance whether asyncpg closes the socket by which it said so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_crowd_on_two_connections_sees_its_own_alone(database_url: str) -> None:
    async with scratch_database(database_url) as url, connected(url) as owner:
        organizations = await two_organizations(owner)
        database = Database(url, pool_size=2, pool_timeout=60)
        assert await crowd(database, organizations) == []
        # What the crowd would see if the wall were not there.
        await owner.execute("ALTER TABLE slots DISABLE ROW LEVEL SECURITY")
        assert set(await crowd(database, organizations)) == set(organizations)
        await database.close()
    gc.collect()  # lest the warning comes in another test
