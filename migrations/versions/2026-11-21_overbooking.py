"""Why staff booked a visit although no place was free, and slots that are found by their start."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FREE = sa.text("status = 'AVAILABLE'")


def upgrade() -> None:
    op.add_column("appointments", sa.Column("overbooking_reason", sa.String(), nullable=True))
    op.create_index(
        "ix_slots_free",
        "slots",
        ["organization_id", "starts_at", "id"],
        postgresql_where=FREE,
    )
    op.create_index(
        "ix_slots_free_of_calendar", "slots", ["calendar_id", "starts_at"], postgresql_where=FREE
    )


def downgrade() -> None:
    op.drop_index("ix_slots_free_of_calendar", table_name="slots")
    op.drop_index("ix_slots_free", table_name="slots")
    op.drop_column("appointments", "overbooking_reason")
