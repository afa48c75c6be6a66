"""Visit types, and what slots must know so that a visit may take several of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The working hours are taken to end where the chain of slots that touch does: too early rather than
# too late, until slots are made anew.
HOURS_END = """
    UPDATE slots SET hours_end_at = islands.hours_end_at
    FROM (
        SELECT organization_id, id,
               max(ends_at) OVER (PARTITION BY organization_id, calendar_id, island) AS hours_end_at
        FROM (
            SELECT *, count(*) FILTER (WHERE begins) OVER (
                PARTITION BY organization_id, calendar_id ORDER BY starts_at) AS island
            FROM (
                SELECT organization_id, id, calendar_id, starts_at, ends_at,
                       starts_at IS DISTINCT FROM lag(ends_at) OVER (
                           PARTITION BY organization_id, calendar_id ORDER BY starts_at) AS begins
                FROM slots WHERE status <> 'REMOVED') AS there) AS counted) AS islands
    WHERE slots.organization_id = islands.organization_id AND slots.id = islands.id
"""


def upgrade() -> None:
    add_visit_types()
    for table in ("visit_types", "visit_type_doctors"):
        walls.enclose(table)
    op.add_column("appointments", sa.Column("visit_type_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_visit_type_id_visit_types",
        "appointments",
        "visit_types",
        ["organization_id", "visit_type_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_index(
        "ix_appointments_visit_type",
        "appointments",
        ["visit_type_id"],
        postgresql_where=sa.text("visit_type_id IS NOT NULL"),
    )
    op.add_column("claims", sa.Column("clear_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_claims_clear_until"), "claims", "clear_until > upper(during)"
    )
    op.add_column("slots", sa.Column("hours_end_at", sa.DateTime(timezone=True), nullable=True))
    with walls.seen_through("slots"):
        op.execute("UPDATE slots SET hours_end_at = ends_at WHERE status = 'REMOVED'")
        op.execute(HOURS_END)
    op.alter_column("slots", "hours_end_at", nullable=False)
    op.create_check_constraint(op.f("ck_slots_hours_end_at"), "slots", "hours_end_at >= ends_at")
    op.add_column(
        "slots", sa.Column("in_buffer", sa.Boolean(), server_default="false", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("slots", "in_buffer")
    op.drop_constraint(op.f("ck_slots_hours_end_at"), "slots", type_="check")
    op.drop_column("slots", "hours_end_at")
    op.drop_constraint(op.f("ck_claims_clear_until"), "claims", type_="check")
    op.drop_column("claims", "clear_until")
    op.drop_index("ix_appointments_visit_type", table_name="appointments")
    op.drop_constraint("fk_visit_type_id_visit_types", "appointments", type_="foreignkey")
    op.drop_column("appointments", "visit_type_id")
    op.drop_table("visit_type_doctors")
    op.drop_table("visit_types")


def add_visit_types() -> None:
    op.create_table(
        "visit_types",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.Column("buffer_minutes", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_visit_types_minutes")),
        sa.CheckConstraint(
            "buffer_minutes BETWEEN 0 AND 240", name=op.f("ck_visit_types_buffer_minutes")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_visit_types_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_visit_types")),
    )
    op.create_index(
        "uq_visit_types_name",
        "visit_types",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "visit_type_doctors",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("visit_type_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_visit_type_doctors_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_type_id"],
            ["visit_types.organization_id", "visit_types.id"],
            name="fk_visit_type_id_visit_types",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "doctor_id"],
            ["doctors.organization_id", "doctors.id"],
            name="fk_doctor_id_doctors",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "visit_type_id", "doctor_id", name=op.f("pk_visit_type_doctors")
        ),
    )
    op.create_index("ix_visit_type_doctors_doctor_id", "visit_type_doctors", ["doctor_id"])
