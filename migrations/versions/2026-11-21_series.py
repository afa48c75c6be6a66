"""Series of appointments, and their occurrences."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "appointment_series",
        sa.Column("recurrence", sa.String(), nullable=False),
        sa.Column("every_weeks", sa.SmallInteger(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "every_weeks BETWEEN 1 AND 12", name=op.f("ck_appointment_series_every_weeks")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_appointment_series_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_appointment_series")),
    )
    walls.enclose("appointment_series")
    add_occurrences()
    walls.enclose("series_occurrences")


def downgrade() -> None:
    op.drop_table("series_occurrences")
    op.drop_table("appointment_series")


def add_occurrences() -> None:
    op.create_table(
        "series_occurrences",
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("obstacle", sa.String(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 52", name=op.f("ck_series_occurrences_number")),
        sa.CheckConstraint(
            "num_nonnulls(appointment_id, obstacle) = 1",
            name=op.f("ck_series_occurrences_booked_or_not"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_series_occurrences_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "series_id"],
            ["appointment_series.organization_id", "appointment_series.id"],
            name="fk_series_id_appointment_series",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "appointment_id"],
            ["appointments.organization_id", "appointments.id"],
            name="fk_appointment_id_appointments",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_series_occurrences")),
        sa.UniqueConstraint(
            "organization_id", "series_id", "number", name="uq_series_occurrences_number"
        ),
        sa.UniqueConstraint(
            "organization_id", "appointment_id", name="uq_series_occurrences_appointment"
        ),
    )
