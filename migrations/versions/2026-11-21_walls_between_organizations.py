"""Walls between organizations: row level security on every table, and the roles that stand behind it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OWNED = sa.text("""
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'organization_id' ORDER BY table_name
""")


def upgrade() -> None:
    # The key of whoever is gone stands for nothing; accounts are never deleted, so there are none.
    op.create_foreign_key(
        "fk_user_id_users",
        "idempotency_keys",
        "users",
        ["organization_id", "user_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    walls.make_roles()
    for table in op.get_bind().execute(OWNED).scalars().all():
        walls.enclose(table)
    walls.enclose_organizations()


def downgrade() -> None:
    for table in op.get_bind().execute(OWNED).scalars().all():
        walls.open_up(table)
    walls.open_up("organizations")
    walls.drop_roles()
    op.drop_constraint("fk_user_id_users", "idempotency_keys", type_="foreignkey")
