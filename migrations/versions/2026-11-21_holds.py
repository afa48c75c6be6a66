"""Holds: time that is kept for somebody who is booking."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OF_APPOINTMENTS = "(kind = 'APPOINTMENT') = (appointment_id IS NOT NULL)"
IS_HOLD = sa.text("kind = 'HOLD'")


def upgrade() -> None:
    make_kinds("APPOINTMENT", "HOLD", "BLOCK")
    op.add_column("claims", sa.Column("held_by_id", sa.Uuid(), nullable=True))
    op.add_column("claims", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "claims", sa.Column("is_extended", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_foreign_key(
        "fk_held_by_id_users",
        "claims",
        "users",
        ["organization_id", "held_by_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    for column in ("held_by_id", "expires_at"):
        op.create_check_constraint(
            op.f(f"ck_claims_{column}"), "claims", f"(kind = 'HOLD') = ({column} IS NOT NULL)"
        )
    op.create_index(
        "uq_claims_held_by_id_calendar_id",
        "claims",
        ["organization_id", "held_by_id", "calendar_id"],
        unique=True,
        postgresql_where=IS_HOLD,
    )
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"], postgresql_where=IS_HOLD)
    op.add_column(
        "slots",
        sa.Column("held_by", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.add_column("slots", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_slots_held_until"), "slots", "(status = 'HELD') = (held_until IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_slots_held_until"), "slots", type_="check")
    with walls.seen_through("slots"):
        op.execute("UPDATE slots SET status = 'AVAILABLE' WHERE status = 'HELD'")
    op.drop_column("slots", "held_until")
    op.drop_column("slots", "held_by")
    op.drop_index("ix_claims_expires_at", table_name="claims")
    op.drop_index("uq_claims_held_by_id_calendar_id", table_name="claims")
    for column in ("expires_at", "held_by_id"):
        op.drop_constraint(op.f(f"ck_claims_{column}"), "claims", type_="check")
    op.drop_constraint("fk_held_by_id_users", "claims", type_="foreignkey")
    op.drop_column("claims", "is_extended")
    op.drop_column("claims", "expires_at")
    op.drop_column("claims", "held_by_id")
    with walls.seen_through("claims"):
        op.execute("DELETE FROM claims WHERE kind = 'HOLD'")
    make_kinds("APPOINTMENT", "BLOCK")


def make_kinds(*kinds: str) -> None:
    """Let claims have these kinds. Made anew: a value that is added cannot be used before the end
    of the transaction, and the checks use it.
    """
    op.drop_constraint(op.f("ck_claims_appointment"), "claims", type_="check")
    op.execute("ALTER TYPE claim_kind RENAME TO claim_kind_before")
    op.execute("CREATE TYPE claim_kind AS ENUM (" + ", ".join(f"'{kind}'" for kind in kinds) + ")")
    op.execute("ALTER TABLE claims ALTER COLUMN kind TYPE claim_kind USING kind::text::claim_kind")
    op.execute("DROP TYPE claim_kind_before")
    op.create_check_constraint(op.f("ck_claims_appointment"), "claims", OF_APPOINTMENTS)
