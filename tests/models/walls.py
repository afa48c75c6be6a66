"""What must hold of the walls between organizations, as PostgreSQL's catalog tells it."""

from typing import Any

import asyncpg
from sqlalchemy import Table

from models import Base

POLICIES = {"inside_organization", "across_organizations"}
MINE = (
    "(organization_id = ( SELECT (NULLIF(current_setting('app.organization'::text, true),"
    " ''::text))::uuid AS \"nullif\"))"
)
OWNED: list[Table] = [
    table for table in Base.metadata.sorted_tables if "organization_id" in table.columns
]
# To these the application adds, and from them it takes nothing away.
ADDED_TO: list[Table] = [table for table in OWNED if table.name.startswith("audit_")]

BREACHES = """
WITH owned AS (
    SELECT pg_class.* FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND attname = 'organization_id' AND NOT attisdropped),
policy AS (
    SELECT polrelid, polname, polcmd, polpermissive, polroles,
           pg_get_expr(polqual, polrelid) AS shown, pg_get_expr(polwithcheck, polrelid) AS written
    FROM pg_policy),
role AS (
    SELECT DISTINCT pg_roles.*, polname FROM pg_roles JOIN policy ON pg_roles.oid = ANY (polroles)),
reference AS (
    SELECT conrelid, conname, conkey, confkey,
           (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid
            AND attname = 'organization_id') AS own,
           (SELECT attnum FROM pg_attribute WHERE attrelid = confrelid
            AND attname = 'organization_id') AS theirs
    FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT oid FROM owned))
SELECT relname || ' is not enclosed' AS breach FROM owned
    WHERE NOT (relrowsecurity AND relforcerowsecurity)
UNION SELECT 'organizations is not enclosed' FROM pg_class
    WHERE oid = 'organizations'::regclass AND NOT (relrowsecurity AND relforcerowsecurity)
UNION SELECT relname || ' is open inside' FROM owned
    WHERE NOT EXISTS (SELECT FROM policy WHERE polrelid = owned.oid AND polcmd = '*'
        AND polname = 'inside_organization' AND shown = $1 AND written = $1)
UNION SELECT relname || ' has ' || polname || ' besides' FROM owned
    JOIN policy ON polrelid = owned.oid WHERE polname <> ALL ($2) AND polpermissive
UNION SELECT relname || ' lets everybody across' FROM owned
    JOIN policy ON polrelid = owned.oid
    WHERE polname = 'across_organizations'
      AND polroles <> (SELECT array_agg(oid) FROM role WHERE role.polname = 'across_organizations')
UNION SELECT rolname || ' is above the walls' FROM role
    WHERE rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR rolcreatedb
UNION SELECT rolname || ' has a role' FROM role
    WHERE EXISTS (SELECT FROM pg_auth_members WHERE member = role.oid)
UNION SELECT rolname || ' owns ' || relname FROM role JOIN pg_class ON relowner = role.oid
UNION SELECT rolname || ' may alter ' || relname FROM role, pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND has_table_privilege(role.oid, pg_class.oid, 'TRUNCATE, REFERENCES, TRIGGER')
UNION SELECT conrelid::regclass || ': ' || conname || ' leads out' FROM reference
    WHERE own IS NULL OR coalesce(array_position(conkey, own), 0)
        <> coalesce(array_position(confkey, theirs), -1)
UNION SELECT relname || ' looks with the eyes of its owner' FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
      AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
UNION SELECT proname || ' acts with the rights of its owner' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prosecdef
ORDER BY breach
"""


async def breaches(connection: asyncpg.Connection) -> list[str]:
    """Every place at which the walls are not what they must be."""
    rows: list[Any] = await connection.fetch(BREACHES, MINE, list(POLICIES))
    return [row["breach"] for row in rows]
