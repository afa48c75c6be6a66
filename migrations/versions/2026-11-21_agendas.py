"""Agendas: the appointments of a patient or a doctor, with a count of their changes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Both begin empty: a first picture is read from the appointments themselves.
    op.create_table(
        "agendas",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_agendas_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_agendas")),
    )
    op.create_table(
        "agenda_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agenda_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agenda_id"],
            ["agendas.organization_id", "agendas.id"],
            name="fk_agenda_id_agendas",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "appointment_id"],
            ["appointments.organization_id", "appointments.id"],
            name="fk_appointment_id_appointments",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "agenda_id", "appointment_id", name=op.f("pk_agenda_entries")
        ),
    )
    op.create_index(
        "ix_agenda_entries_revision", "agenda_entries", ["agenda_id", "revision"], unique=False
    )


def downgrade() -> None:
    op.drop_table("agenda_entries")
    op.drop_table("agendas")
