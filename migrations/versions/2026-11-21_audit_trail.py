"""The audit trail, to which the application can add and from which it can take nothing away."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOTED = (
    "organization_id, id, at, actor_id, role, action, subject_type, subject_ids, outcome, "
    "ip_address, details"
)


def upgrade() -> None:
    role = postgresql.ENUM(name="role", create_type=False)
    op.create_table(
        "audit_events",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("role", role, nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=True),
        sa.Column("subject_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("DONE", "FORBIDDEN", "NOT_FOUND", name="audit_outcome"),
            nullable=False,
        ),
        sa.Column("ip_address", sa.String(), nullable=True),
        sa.Column("details", sa.String(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "actor_id"],
            ["users.organization_id", "users.id"],
            name="fk_actor_id_users",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_audit_events_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("organization_id", "position", name="uq_audit_events_position"),
    )
    op.create_index("ix_audit_events_time", "audit_events", ["organization_id", "at", "id"])
    op.create_index(
        "ix_audit_events_actor", "audit_events", ["organization_id", "actor_id", "at", "id"]
    )
    op.create_index(
        "ix_audit_events_subjects", "audit_events", ["subject_ids"], postgresql_using="gin"
    )
    op.create_index(
        "ix_audit_events_unsealed",
        "audit_events",
        ["organization_id"],
        postgresql_where=sa.text("hash IS NULL"),
    )
    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_audit_heads_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_audit_heads")),
    )
    for table in ("audit_events", "audit_heads"):
        walls.enclose(table)
    allow_to_add()


def allow_to_add() -> None:
    """Let requests add events, the server seal each once, and nobody change or delete one."""
    inside, across = walls.role_names()
    op.execute(f"REVOKE ALL ON audit_events, audit_heads FROM {inside}, {across}")
    op.execute(f"GRANT SELECT, INSERT ({NOTED}) ON audit_events TO {inside}, {across}")
    op.execute(f"GRANT UPDATE (position, hash) ON audit_events TO {across}")
    op.execute(
        f"CREATE POLICY sealed_once ON audit_events AS RESTRICTIVE FOR UPDATE TO {across} "
        "USING (hash IS NULL) WITH CHECK (hash IS NOT NULL)"
    )
    op.execute(f"GRANT SELECT ON audit_heads TO {inside}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON audit_heads TO {across}")


def downgrade() -> None:
    op.drop_table("audit_heads")
    op.drop_table("audit_events")
    op.execute("DROP TYPE audit_outcome")
