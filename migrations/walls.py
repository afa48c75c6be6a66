"""Row level security: the two roles of the application, and the policies around each table.

A migration that makes a table with `organization_id` calls `enclose` for it; a test finds one that
does not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from models.trouble import DatabaseUnusable
from models.walls import ACROSS, INSIDE, ROLES

# Asked once for each scan, not for each row. Empty after a transaction that had set it.
HERE = "(SELECT nullif(current_setting('app.organization', true), '')::uuid)"
LONGEST_NAME = 63
REFUSED = "42501"


def role_names() -> tuple[str, str]:
    """The role inside of an organization and the role across them, quoted."""
    connection = op.get_bind()
    database = connection.execute(text("SELECT current_database()")).scalar_one()
    names = [f"{database}_app", f"{database}_server"]
    if len(names[-1].encode()) > LONGEST_NAME:
        raise DatabaseUnusable(f"The name of the database is too long for a role {names[-1]}.")
    quoted = connection.dialect.identifier_preparer.quote
    return quoted(names[0]), quoted(names[1])


def make_roles() -> None:
    """Make the two roles where they are missing, and let them work on every table of now and later.

    Raises:
        DatabaseUnusable: the login of the migration may not; the message says what an administrator
            of the PostgreSQL can do.

    """
    connection = op.get_bind()
    inside, across = role_names()
    known = text("SELECT to_regrole(:name) IS NOT NULL")
    login = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
    try:
        for role in (inside, across):
            if not connection.execute(known, {"name": role}).scalar_one():
                op.execute(f"CREATE ROLE {role} NOLOGIN")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != REFUSED:
            raise
        raise DatabaseUnusable(
            f"The user of the database may not create roles. Let an administrator of the "
            f"PostgreSQL run: CREATE ROLE {inside} NOLOGIN; CREATE ROLE {across} NOLOGIN; "
            f"GRANT {inside}, {across} TO {login};"
        ) from error
    rights = "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {inside}, {across}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON TABLES TO {inside}, {across}"
    )
    op.execute(f"REVOKE ALL ON alembic_version FROM {inside}, {across}")


def drop_roles() -> None:
    """Take every right from the two roles, and drop them unless a copy of the database has them."""
    inside, across = role_names()
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {inside}, {across}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {inside}, {across}"
    )
    op.execute(
        f"DO $$ BEGIN DROP ROLE {inside}, {across}; EXCEPTION "
        "WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL; END $$"
    )


def enclose(table: str) -> None:
    """Let each role see and write only what is its own of a table with `organization_id`."""
    inside, across = role_names()
    _raise(table)
    mine = f"organization_id = {HERE}"
    op.execute(f"CREATE POLICY {INSIDE} ON {table} TO {inside} USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY {ACROSS} ON {table} TO {across} USING (true) WITH CHECK (true)")


def enclose_organizations() -> None:
    """Let everybody find an organization, and nobody change another than their own."""
    inside, across = role_names()
    table = "organizations"
    _raise(table)
    mine = f"id = {HERE}"
    op.execute(f"REVOKE INSERT, DELETE ON {table} FROM {inside}")
    op.execute(f"CREATE POLICY found ON {table} FOR SELECT TO {inside} USING (true)")
    op.execute(
        f"CREATE POLICY {INSIDE} ON {table} FOR UPDATE TO {inside} USING ({mine}) "
        f"WITH CHECK ({mine})"
    )
    op.execute(f"CREATE POLICY {ACROSS} ON {table} TO {across} USING (true) WITH CHECK (true)")


def _raise(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    # The owner too: whoever comes with the owner's login and no role sees nothing.
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


@contextmanager
def seen_through(table: str) -> Iterator[None]:
    """Let the owner of a table change rows of every organization, for as long as the block lasts.

    A superuser always can; without this, another owner would see none, and change none.
    """
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def open_up(table: str) -> None:
    """Undo `enclose`."""
    for policy in (INSIDE, ACROSS, "found"):
        op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def admit(connection: Connection, login: str | None) -> None:
    """Let the login of the application become either role; without one, the migration's own.

    Raises:
        DatabaseUnusable: there is no such login.

    """
    # Before 16 a right to become a role cannot be told from membership.
    is_exact = (connection.dialect.server_version_info or ()) >= (16,)
    right = "SET" if is_exact else "MEMBER"
    lacking = text(
        f"""
        SELECT quote_ident(login.rolname) AS login, roles.role,
               pg_has_role(login.oid, roles.role::regrole, '{right}') AS is_member
        FROM pg_roles AS login LEFT JOIN ({ROLES}) AS roles ON true
        WHERE login.rolname = coalesce(:login, current_user)
    """  # noqa: S608 - two constants
    )
    found = connection.execute(lacking, {"login": login}).all()
    if not found:
        raise DatabaseUnusable(f"The database has no user {login}, whom DATABASE_URL names.")
    for name, role, is_member in found:
        if role is not None and not is_member:
            # Not inherited: until it has become one of them it sees nothing.
            exact = " WITH INHERIT FALSE, SET TRUE" if is_exact else ""
            connection.execute(text(f"GRANT {role} TO {name}{exact}"))
