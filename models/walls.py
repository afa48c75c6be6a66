"""The walls between organizations, as PostgreSQL keeps them up: row level security.

Every transaction of the application begins as one of two roles that own nothing. As the one it sees
the rows of one organization, or of none where none was named; as the other, which is for what a
server does by itself, the rows of all. The policies stand in `migrations/`; here is how a
transaction comes behind its wall, in the very message that begins it.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from models.trouble import NO_TABLES, DatabaseUnusable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

INSIDE, ACROSS = "inside_organization", "across_organizations"
# The database itself says which roles these are: it may be a copy, or have another name by now.
ROLES = """
    SELECT polname, quote_ident(rolname) AS role,
           rolsuper OR rolbypassrls OR pg_has_role(pg_roles.oid, relowner, 'MEMBER') AS is_above
    FROM pg_policy
    JOIN pg_class ON pg_class.oid = polrelid
    JOIN pg_roles ON pg_roles.oid = ANY(polroles)
    WHERE polrelid = to_regclass('users')
      AND polname IN ('inside_organization', 'across_organizations')
"""


class WalledConnection(Connection):
    """A connection that adds a wall to the message with which asyncpg begins a transaction: a
    message of its own would cost each transaction a way to the server and back.

    The wall is part of the transaction and ends with it. A transaction for which nobody has said
    where it belongs sees no row of any organization.
    """

    __slots__ = ("_across", "_inside", "_wall")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inside = self._across = self._wall = ""

    async def find_roles(self) -> None:
        """Learn the names of the two roles. Until then nothing stands between the login and what it
        may see.

        Raises:
            DatabaseUnusable: there are none, or one of them would see through the walls.

        """
        found = {row["polname"]: row for row in await self.fetch(ROLES)}
        if set(found) != {INSIDE, ACROSS}:
            raise DatabaseUnusable(NO_TABLES)
        for row in found.values():
            if row["is_above"]:
                raise DatabaseUnusable(f"The role {row['role']} sees through row level security.")
        self._inside = f" SET LOCAL ROLE {found[INSIDE]['role']};"
        self._across = f" SET LOCAL ROLE {found[ACROSS]['role']};"
        self.leave()

    def enter(self, organization_id: UUID | None) -> None:
        """Let the next transaction be inside an organization; with None, outside of all."""
        self.leave()
        if organization_id is not None:
            self._wall += f" SET LOCAL app.organization = '{UUID(int=organization_id.int)}';"

    def cross(self) -> None:
        """Let the next transaction see every organization."""
        self._wall = self._across

    def leave(self) -> None:
        """Let the next transaction be outside of all organizations, unless it is said otherwise."""
        self._wall = self._inside

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - asyncpg's
    ) -> str:
        """See asyncpg, which begins its transactions by this."""
        if not query.startswith("BEGIN"):
            return await super().execute(query, *args, timeout=timeout)
        wall = self._wall
        self.leave()
        try:
            return await super().execute(query + wall, *args, timeout=timeout)
        except BaseException:
            # Begun and not behind its wall: nobody may go on with that.
            self.terminate()
            raise
