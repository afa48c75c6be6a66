"""External calendars: what is busy elsewhere is busy here."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Checks and indexes that name a kind of claim, and have to be made anew with the type of kinds.
CHECKS = {
    "appointment": "(kind = 'APPOINTMENT') = (appointment_id IS NOT NULL)",
    "held_by_id": "(kind = 'HOLD') = (held_by_id IS NOT NULL)",
    "expires_at": "(kind = 'HOLD') = (expires_at IS NOT NULL)",
}
INDEXES = {
    "uq_claims_held_by_id_calendar_id": (["organization_id", "held_by_id", "calendar_id"], True),
    "ix_claims_expires_at": (["expires_at"], False),
}
PROBLEMS = (
    "UNREACHABLE",
    "REFUSED_ADDRESS",
    "ACCESS_DENIED",
    "NOT_FOUND",
    "NOT_A_CALENDAR",
    "TOO_LARGE",
    "ADDRESS_LOST",
)


def upgrade() -> None:
    make_kinds("APPOINTMENT", "HOLD", "BLOCK", "EXTERNAL")
    op.create_check_constraint(
        op.f("ck_claims_external_lane"), "claims", "(kind = 'EXTERNAL') = (lane = 2000)"
    )
    op.create_index(
        "ix_claims_external",
        "claims",
        ["calendar_id"],
        postgresql_where=sa.text("kind = 'EXTERNAL'"),
    )
    op.create_table(
        "external_calendars",
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("sealed_url", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Enum(*PROBLEMS, name="external_problem"), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_read_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_external_calendars_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "calendar_id"],
            ["calendars.organization_id", "calendars.id"],
            name="fk_calendar_id_calendars",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_external_calendars")),
    )
    op.create_index(
        "uq_external_calendars_calendar_id",
        "external_calendars",
        ["organization_id", "calendar_id"],
        unique=True,
    )
    op.create_index("ix_external_calendars_next_read_at", "external_calendars", ["next_read_at"])
    walls.enclose("external_calendars")


def downgrade() -> None:
    op.drop_table("external_calendars")
    postgresql.ENUM(name="external_problem").drop(op.get_bind())
    op.drop_index("ix_claims_external", table_name="claims")
    op.drop_constraint(op.f("ck_claims_external_lane"), "claims", type_="check")
    with walls.seen_through("claims"):
        op.execute("DELETE FROM claims WHERE kind = 'EXTERNAL'")
    make_kinds("APPOINTMENT", "HOLD", "BLOCK")


def make_kinds(*kinds: str) -> None:
    """Let claims have these kinds. Made anew: a value that is added cannot be used before the end
    of the transaction, and the check above uses it.
    """
    for name in INDEXES:
        op.drop_index(name, table_name="claims")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_claims_{name}"), "claims", type_="check")
    op.execute("ALTER TYPE claim_kind RENAME TO claim_kind_before")
    op.execute("CREATE TYPE claim_kind AS ENUM (" + ", ".join(f"'{kind}'" for kind in kinds) + ")")
    op.execute("ALTER TABLE claims ALTER COLUMN kind TYPE claim_kind USING kind::text::claim_kind")
    op.execute("DROP TYPE claim_kind_before")
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_claims_{name}"), "claims", condition)
    for name, (columns, is_unique) in INDEXES.items():
        op.create_index(
            name,
            "claims",
            columns,
            unique=is_unique,
            postgresql_where=sa.text("kind = 'HOLD'"),
        )
