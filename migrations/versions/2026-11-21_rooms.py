"""Rooms: calendars whose time visits take besides that of a doctor."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

HELD = "uq_claims_held_by_id_calendar_id"
OF_ROOM = "doctor_calendar_id IS NULL OR kind IN ('APPOINTMENT', 'HOLD')"


def upgrade() -> None:
    add_rooms()
    add_rooms_of_visit_types()
    for table in ("rooms", "visit_type_rooms"):
        walls.enclose(table)
    op.add_column("appointments", sa.Column("room_id", sa.Uuid(), nullable=True))
    refer("appointments", "room_id", "rooms")
    op.create_index(
        "ix_appointments_room",
        "appointments",
        ["room_id", "starts_at"],
        postgresql_where=sa.text("room_id IS NOT NULL"),
    )
    op.add_column("claims", sa.Column("doctor_calendar_id", sa.Uuid(), nullable=True))
    refer("claims", "doctor_calendar_id", "calendars")
    op.create_check_constraint(
        op.f("ck_claims_doctor_calendar_id"),
        "claims",
        f"{OF_ROOM} AND doctor_calendar_id <> calendar_id",
    )
    hold_once("kind = 'HOLD' AND doctor_calendar_id IS NULL")


def downgrade() -> None:
    with walls.seen_through("claims"):
        op.execute("DELETE FROM claims WHERE doctor_calendar_id IS NOT NULL")
    hold_once("kind = 'HOLD'")
    op.drop_constraint(op.f("ck_claims_doctor_calendar_id"), "claims", type_="check")
    op.drop_column("claims", "doctor_calendar_id")
    op.drop_index("ix_appointments_room", table_name="appointments")
    op.drop_column("appointments", "room_id")
    op.drop_table("visit_type_rooms")
    op.drop_table("rooms")


def hold_once(where: str) -> None:
    """Let each person hold one time of a calendar, among the claims of which this is true."""
    op.drop_index(HELD, table_name="claims")
    op.create_index(
        HELD,
        "claims",
        ["organization_id", "held_by_id", "calendar_id"],
        unique=True,
        postgresql_where=sa.text(where),
    )


def refer(table: str, column: str, other: str) -> None:
    op.create_foreign_key(
        f"fk_{column}_{other}",
        table,
        other,
        ["organization_id", column],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )


def add_rooms() -> None:
    now = sa.text("now()")
    op.create_table(
        "rooms",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=True),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_rooms_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("organization_id", "calendar_id", name="uq_rooms_calendar"),
    )
    refer("rooms", "office_id", "offices")
    refer("rooms", "calendar_id", "calendars")
    op.create_index(
        "uq_rooms_name",
        "rooms",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )


def add_rooms_of_visit_types() -> None:
    op.create_table(
        "visit_type_rooms",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("visit_type_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_visit_type_rooms_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "visit_type_id", "room_id", name=op.f("pk_visit_type_rooms")
        ),
    )
    refer("visit_type_rooms", "visit_type_id", "visit_types")
    refer("visit_type_rooms", "room_id", "rooms")
    op.create_index("ix_visit_type_rooms_room_id", "visit_type_rooms", ["room_id"])
