"""When slots were removed, so that tombstones can be deleted once nobody needs them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("slots", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    # When they were removed is not known; views may have left just before now.
    op.execute("UPDATE slots SET removed_at = now() WHERE status = 'REMOVED'")
    op.create_check_constraint(
        op.f("ck_slots_removed_at"), "slots", "(status = 'REMOVED') = (removed_at IS NOT NULL)"
    )
    op.create_index(
        "ix_slots_tombstones",
        "slots",
        ["calendar_id", "removed_at"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_appointments_rescheduled_from",
        "appointments",
        ["rescheduled_from_id"],
        unique=False,
        postgresql_where=sa.text("rescheduled_from_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_appointments_rescheduled_from", table_name="appointments")
    op.drop_index("ix_slots_tombstones", table_name="slots")
    op.drop_constraint(op.f("ck_slots_removed_at"), "slots", type_="check")
    op.drop_column("slots", "removed_at")
