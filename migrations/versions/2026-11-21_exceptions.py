"""Exceptions of working hours, and which days' slots have been made."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = postgresql.ENUM("CLOSED", "EXTRA_HOURS", name="exception_kind")
# As far as slots reach, their days were made; days without any between them, too.
MADE_DAYS = """
    UPDATE calendars SET made_days = datemultirange(daterange(made.first_day, made.last_day, '[]'))
    FROM (
        SELECT calendars.organization_id, calendars.id,
               min((starts_at AT TIME ZONE time_zone)::date) AS first_day,
               max((starts_at AT TIME ZONE time_zone)::date) AS last_day
        FROM calendars
        JOIN slots ON slots.organization_id = calendars.organization_id
                  AND slots.calendar_id = calendars.id
        WHERE slots.status <> 'REMOVED'
        GROUP BY calendars.organization_id, calendars.id) AS made
    WHERE calendars.organization_id = made.organization_id AND calendars.id = made.id
"""


def upgrade() -> None:
    add_exceptions()
    walls.enclose("availability_exceptions")
    op.add_column(
        "calendars",
        sa.Column("made_days", postgresql.DATEMULTIRANGE(), server_default="{}", nullable=False),
    )
    with walls.seen_through("calendars"), walls.seen_through("slots"):
        op.execute(MADE_DAYS)


def downgrade() -> None:
    op.drop_column("calendars", "made_days")
    op.drop_table("availability_exceptions")
    KINDS.drop(op.get_bind())


def add_exceptions() -> None:
    op.create_table(
        "availability_exceptions",
        sa.Column("calendar_id", sa.Uuid(), nullable=True),
        sa.Column("kind", KINDS, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("slot_minutes", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_availability_exceptions_times")),
        sa.CheckConstraint(
            "(calendar_id IS NULL) = (time_zone IS NOT NULL)",
            name=op.f("ck_availability_exceptions_time_zone"),
        ),
        sa.CheckConstraint(
            "slot_minutes BETWEEN 1 AND 1440",
            name=op.f("ck_availability_exceptions_slot_minutes"),
        ),
        sa.CheckConstraint(
            "kind = 'EXTRA_HOURS' OR slot_minutes IS NULL",
            name=op.f("ck_availability_exceptions_closed"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_availability_exceptions_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "calendar_id"],
            ["calendars.organization_id", "calendars.id"],
            name="fk_calendar_id_calendars",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_availability_exceptions")),
        sa.UniqueConstraint("organization_id", "source", name="uq_availability_exceptions_source"),
    )
    op.create_index(
        "ix_availability_exceptions_time",
        "availability_exceptions",
        ["organization_id", "calendar_id", "ends_at"],
    )
