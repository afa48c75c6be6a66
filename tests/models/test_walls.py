"""Row level security, the second wall between organizations: it stands around each table, and holds
where the first one, the condition that the session adds to each statement, is forgotten."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Table, delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from models import Patient
from models.database import Database, OrganizationSession, _stay_in_the_organization
from tests.models.one_of_each import fill
from tests.models.walls import ADDED_TO, OWNED, breaches
from tests.scratch import connected, scratch_database

# What stops a role that may not, and a row that is another's.
REFUSED = "42501"

APP = "template_of_tests_app"
# What would be a breach, and how it is called.
CONTROLS = {
    "ALTER TABLE slots DISABLE ROW LEVEL SECURITY": "slots is not enclosed",
    "ALTER TABLE slots NO FORCE ROW LEVEL SECURITY": "slots is not enclosed",
    "ALTER TABLE organizations DISABLE ROW LEVEL SECURITY": "organizations is not enclosed",
    "CREATE TABLE more (organization_id uuid)": "more is not enclosed",
    "DROP POLICY inside_organization ON claims": "claims is open inside",
    "ALTER POLICY inside_organization ON claims USING (true)": "claims is open inside",
    "ALTER POLICY inside_organization ON claims WITH CHECK (true)": "claims is open inside",
    "CREATE POLICY more ON users USING (true)": "users has more besides",
    "ALTER POLICY across_organizations ON users TO public": "users lets everybody across",
    "CREATE VIEW more AS SELECT * FROM users": "more looks with the eyes of its owner",
    "CREATE FUNCTION more() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": (
        "more acts with the rights of its owner"
    ),
    f"ALTER ROLE {APP} BYPASSRLS": f"{APP} is above the walls",
    f"ALTER ROLE {APP} SUPERUSER": f"{APP} is above the walls",
    f"GRANT pg_read_all_data TO {APP}": f"{APP} has a role",
    f"ALTER TABLE offices OWNER TO {APP}": f"{APP} owns offices",
    f"GRANT TRUNCATE ON users TO {APP}": f"{APP} may alter users",
    "ALTER TABLE users ADD UNIQUE (id); ALTER TABLE slots ADD CONSTRAINT more FOREIGN KEY (id)"
    " REFERENCES users (id) NOT VALID": "slots: more leads out",
}


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of a superuser, who sees through walls; nothing of it stays."""
    async with connected(database.dsn) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def two_organizations(owner: asyncpg.Connection) -> tuple[UUID, UUID]:
    """Two organizations with a row in every table."""
    first, second = [await fill(owner, nth) for nth in (1, 2)]
    return first["organizations"], second["organizations"]


@pytest.fixture(scope="module")
async def two(database: Database) -> tuple[UUID, UUID]:
    """Two organizations with a row in every table."""
    async with connected(database.dsn) as owner:
        return await two_organizations(owner)


# ------------------------------------------------------------ the catalog


async def test_every_table_of_an_organization_is_behind_the_walls(
    owner: asyncpg.Connection,
) -> None:
    assert await breaches(owner) == []


@pytest.mark.parametrize("change", CONTROLS)
async def test_a_breach_is_found(owner: asyncpg.Connection, change: str) -> None:
    await owner.execute(change)
    assert CONTROLS[change] in await breaches(owner)


# ------------------------------------------------------------ without the first wall


async def foreign(database: Database, mine: UUID, table: Table) -> tuple[int, int, int]:
    """How many rows of others are seen, changed and deleted from inside an organization."""
    theirs = table.c.organization_id != mine
    async with database.writing(mine) as session:
        seen = await session.scalar(select(func.count()).select_from(table).where(theirs))
        same = {"organization_id": table.c.organization_id}
        changed = await session.execute(update(table).where(theirs).values(same))
        deleted = await session.execute(delete(table).where(theirs))
        await session.rollback()
    return seen or 0, changed.rowcount, deleted.rowcount  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", [t for t in OWNED if t not in ADDED_TO], ids=str)
async def test_the_second_wall_holds_alone(
    database: Database, two: tuple[UUID, UUID], table: Table
) -> None:
    mine, other = two
    # Statements over tables and not over classes: the session adds no condition to them.
    assert await foreign(database, mine, table) == (0, 0, 0)
    async with database.writing(mine) as session:
        own = await session.scalar(select(func.count()).select_from(table))
        assert own == 1
        given = [column for column in table.columns if not column.computed]
        row = (await session.execute(select(*given))).mappings().one()
        with pytest.raises(DBAPIError, match="row-level security") as refused:
            await session.execute(insert(table).values({**row, "organization_id": other}))
        await session.rollback()
        assert refused.value.orig.sqlstate == REFUSED  # type: ignore[union-attr]
        with pytest.raises(DBAPIError, match="row-level security"):
            await session.execute(update(table).values(organization_id=other))
        await session.rollback()


@pytest.mark.parametrize("table", ADDED_TO, ids=str)
async def test_the_trail_of_others_is_not_seen_and_cannot_be_added_to(
    database: Database, two: tuple[UUID, UUID], table: Table
) -> None:
    async with database.writing(two[0]) as session:
        assert await session.rows(select(table.c.organization_id)) == [two[0]]
        forged = text(f"""
            INSERT INTO {table} (organization_id, id, at, action, subject_ids, outcome)
            VALUES ('{two[1]}', gen_random_uuid(), now(), '', '{{}}', 'DONE')
        """)
        if table.name == "audit_events":
            with pytest.raises(DBAPIError, match="row-level security"):
                await session.execute(forged)
            await session.rollback()


async def test_without_it_every_table_would_show_the_rows_of_others(database_url: str) -> None:
    async with scratch_database(database_url) as url, connected(url) as owner:
        mine, other = await two_organizations(owner)
        database = Database(url, pool_size=1)
        for table in OWNED:
            await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            async with database.reading(mine) as session:
                seen = await session.rows(select(table.c.organization_id))
            assert set(seen) == {mine, other}
        # Nothing refers to these rows: they can be changed and deleted.
        attempts = next(table for table in OWNED if table.name == "password_attempts")
        assert await foreign(database, mine, attempts) == (1, 1, 1)
        await database.close()


async def test_with_the_first_wall_taken_away_no_foreign_entity_is_found(
    database: Database, two: tuple[UUID, UUID]
) -> None:
    event.remove(OrganizationSession, "do_orm_execute", _stay_in_the_organization)
    try:
        async with database.reading(two[0]) as session:
            patients = await session.rows(select(Patient))
    finally:
        event.listen(OrganizationSession, "do_orm_execute", _stay_in_the_organization)
    assert [patient.organization_id for patient in patients] == [two[0]]


# ------------------------------------------------------------ which organizations there are


async def test_an_organization_is_found_from_outside_and_nothing_in_it(
    database: Database, two: tuple[UUID, UUID]
) -> None:
    async with database.outside_organizations() as session:
        found = await session.rows(text("SELECT id FROM organizations"))
        assert set(two) <= set(found)
        for table in OWNED:
            assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_an_organization_is_changed_from_inside_alone(
    database: Database, two: tuple[UUID, UUID]
) -> None:
    rename = text("UPDATE organizations SET name = 'Mine' RETURNING id")
    async with database.writing(two[0]) as session:
        assert await session.rows(rename) == [two[0]]
        await session.rollback()
        for statement in (
            "INSERT INTO organizations SELECT * FROM organizations",
            "DELETE FROM organizations",
            "SELECT FROM alembic_version",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                await session.execute(text(statement))
            await session.rollback()


# ------------------------------------------------------------ connections that are given back


WHERE = text("SELECT current_user::text, current_setting('app.organization', true)")


async def test_a_connection_that_is_given_back_takes_no_wall_along(
    database_url: str, two: tuple[UUID, UUID]
) -> None:
    database = Database(database_url, pool_size=1)
    # The ping begins a transaction of its own, and would use up a wall that was left over.
    database.engine.sync_engine.pool._pre_ping = False

    async def raw() -> tuple[str, str | None, int]:
        """Where a transaction is that nobody has put anywhere, and what it sees."""
        async with database.engine.connect() as connection:
            role, organization = (await connection.execute(WHERE)).one()
            users = await connection.execute(text("SELECT count(*) FROM users"))
            return role, organization, users.scalar_one()

    inside, across = APP, "template_of_tests_server"
    assert (await raw())[::2] == (inside, 0)
    async with database.writing(two[0]) as session:
        assert (await session.execute(WHERE)).one() == (inside, str(two[0]))
    assert await raw() == (inside, "", 0)
    async with database.crossing_organizations() as session:
        assert (await session.execute(WHERE)).one()[0] == across
        assert (await session.execute(text("SELECT count(*) FROM users"))).scalar_one() >= 2
    assert await raw() == (inside, "", 0)
    # A session that has a connection, and never begins its transaction.
    async with database.crossing_organizations() as session:
        await session.connection()
    assert await raw() == (inside, "", 0)
    with pytest.raises(DBAPIError):
        async with database.writing(two[1]) as session:
            await session.execute(text("SELECT 1/0"))
    assert await raw() == (inside, "", 0)
    # The second transaction of a session is where the first was, savepoints too.
    async with database.writing(two[0]) as session:
        for _ in range(2):
            async with session.begin_nested():
                assert (await session.execute(WHERE)).one() == (inside, str(two[0]))
            await session.commit()
    # Outside of a transaction nothing is left of it.
    autocommit = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with autocommit.connect() as connection:
        assert (await connection.execute(WHERE)).one()[1] == ""
    await database.close()


async def test_a_setting_of_the_session_would_be_seen(
    database_url: str, two: tuple[UUID, UUID]
) -> None:
    database = Database(database_url, pool_size=1)
    async with database.writing(two[0]) as session:
        await session.execute(
            text("SELECT set_config('app.organization', :id, false)"), {"id": str(two[0])}
        )
    async with database.outside_organizations() as session:
        assert (await session.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1
    await database.close()


async def test_a_wall_that_cannot_be_raised_ends_the_connection(database_url: str) -> None:
    async with scratch_database(database_url) as url:
        database = Database(url, pool_size=1)
        async with database.outside_organizations() as session:
            connection = await session.connection()
            driver = (await connection.get_raw_connection()).driver_connection
        driver._inside = " SET LOCAL ROLE nobody_at_all;"
        with pytest.raises(DBAPIError, match="does not exist"):
            async with database.outside_organizations() as session:
                await session.execute(text("SELECT 1"))
        assert driver.is_closed()
        async with database.outside_organizations() as session:
            assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
        await database.close()
