"""The waitlist, and the times that are offered from it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = (
    *("INVITATION", "SIGN_UP", "PASSWORD_RESET", "PASSWORD_CHANGED"),
    *("EMAIL_CHANGE", "EMAIL_CHANGED", "SIGN_IN_COPIED"),
    *("GUEST_BOOKED", "GUEST_MOVED", "GUEST_CANCELLED", "GUEST_LIMIT"),
)
STATUSES = ("WAITING", "OFFERED", "ACCEPTED", "EXPIRED", "LEFT")
OPEN = "status IN ('WAITING', 'OFFERED')"
WAITING = "status = 'WAITING'"
CHECKS = {
    "times": "ends_at > starts_at",
    "doctor_or_department": "num_nonnulls(doctor_id, department_id) = 1"
    " OR num_nonnulls(doctor_id, department_id) = 0 AND status NOT IN ('WAITING', 'OFFERED')",
    "offered_slot_id": "(status = 'OFFERED') = (offered_slot_id IS NOT NULL)",
    "offer_expires_at": "(status = 'OFFERED') = (offer_expires_at IS NOT NULL)",
}
INDEXES = {
    "ix_waitlist_entries_doctor": (["doctor_id", "created_at", "id"], WAITING),
    "ix_waitlist_entries_department": (["department_id", "created_at", "id"], WAITING),
    "ix_waitlist_entries_ends_at": (["ends_at"], WAITING),
    "ix_waitlist_entries_listed": (["organization_id", "created_at", "id"], None),
    "ix_waitlist_entries_patient": (["patient_id", "created_at", "id"], None),
    "ix_waitlist_entries_offered_slot": (["offered_slot_id"], "offered_slot_id IS NOT NULL"),
}
OF_DOCTOR = "doctor_calendar_id IS NULL"
HELD_BY_SOMEBODY = "(kind = 'HOLD') = (held_by_id IS NOT NULL)"
HELD_OR_OFFERED = "(kind = 'HOLD') = (num_nonnulls(held_by_id, waitlist_entry_id) > 0)"


def upgrade() -> None:
    op.execute("ALTER TYPE notification_kind ADD VALUE 'WAITLIST_OFFER'")
    op.add_column(
        "organizations",
        sa.Column("offer_minutes", sa.SmallInteger(), server_default="60", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_organizations_offer_minutes"), "organizations", "offer_minutes BETWEEN 5 AND 1440"
    )
    add_entries()
    walls.enclose("waitlist_entries")
    op.add_column("claims", sa.Column("waitlist_entry_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_waitlist_entry_id_waitlist_entries",
        "claims",
        "waitlist_entries",
        ["organization_id", "waitlist_entry_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    let_holds_be(HELD_OR_OFFERED, f"kind = 'HOLD' AND waitlist_entry_id IS NULL AND {OF_DOCTOR}")
    op.create_index(
        "uq_claims_waitlist_entry_id",
        "claims",
        ["organization_id", "waitlist_entry_id"],
        unique=True,
        postgresql_where=sa.text(f"waitlist_entry_id IS NOT NULL AND {OF_DOCTOR}"),
    )


def downgrade() -> None:
    take_offers_back()
    op.drop_index("uq_claims_waitlist_entry_id", table_name="claims")
    let_holds_be(HELD_BY_SOMEBODY, f"kind = 'HOLD' AND {OF_DOCTOR}")
    op.drop_constraint("fk_waitlist_entry_id_waitlist_entries", "claims", type_="foreignkey")
    op.drop_column("claims", "waitlist_entry_id")
    op.drop_table("waitlist_entries")
    postgresql.ENUM(name="waitlist_status").drop(op.get_bind())
    op.drop_constraint(op.f("ck_organizations_offer_minutes"), "organizations", type_="check")
    op.drop_column("organizations", "offer_minutes")
    with walls.seen_through("notifications"):
        op.execute("DELETE FROM notifications WHERE kind::text = 'WAITLIST_OFFER'")
    op.execute("ALTER TYPE notification_kind RENAME TO notification_kind_after")
    values = ", ".join(f"'{kind}'" for kind in KINDS)
    op.execute(f"CREATE TYPE notification_kind AS ENUM ({values})")
    op.execute(
        "ALTER TABLE notifications ALTER COLUMN kind TYPE notification_kind"
        " USING kind::text::notification_kind"
    )
    op.execute("DROP TYPE notification_kind_after")


def take_offers_back() -> None:
    """Before, nobody could take what is offered: it is everybody's."""
    with walls.seen_through("claims"), walls.seen_through("slots"):
        op.execute(
            "UPDATE slots SET status = 'AVAILABLE', held_by = '{}', held_until = NULL FROM claims"
            " WHERE claims.waitlist_entry_id IS NOT NULL"
            " AND claims.organization_id = slots.organization_id"
            " AND claims.calendar_id = slots.calendar_id AND slots.status = 'HELD'"
            " AND claims.starts_at < slots.ends_at AND claims.ends_at > slots.starts_at"
        )
        op.execute("DELETE FROM claims WHERE waitlist_entry_id IS NOT NULL")


def let_holds_be(check: str, once_for: str) -> None:
    """Say anew who may hold a time, and of which holds one has one in a calendar."""
    op.drop_constraint(op.f("ck_claims_held_by_id"), "claims", type_="check")
    op.create_check_constraint(op.f("ck_claims_held_by_id"), "claims", check)
    op.drop_index("uq_claims_held_by_id_calendar_id", table_name="claims")
    op.create_index(
        "uq_claims_held_by_id_calendar_id",
        "claims",
        ["organization_id", "held_by_id", "calendar_id"],
        unique=True,
        postgresql_where=sa.text(once_for),
    )


def owned(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{table}.organization_id", f"{table}.id"],
        name=f"fk_{column}_{table}",
        ondelete="RESTRICT",
    )


def add_entries() -> None:
    now = sa.text("now()")
    op.create_table(
        "waitlist_entries",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("visit_type_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*STATUSES, name="waitlist_status"),
            server_default="WAITING",
            nullable=False,
        ),
        sa.Column("offered_slot_id", sa.Uuid(), nullable=True),
        sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "declined_slot_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        *(
            sa.CheckConstraint(check, name=op.f(f"ck_waitlist_entries_{name}"))
            for name, check in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_waitlist_entries_organization_id"),
            ondelete="RESTRICT",
        ),
        owned("patient_id", "patients"),
        owned("doctor_id", "doctors"),
        owned("department_id", "departments"),
        owned("visit_type_id", "visit_types"),
        owned("offered_slot_id", "slots"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_waitlist_entries")),
    )
    op.create_index(
        "uq_waitlist_entries_open",
        "waitlist_entries",
        ["organization_id", "patient_id", "doctor_id", "department_id", "visit_type_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text(OPEN),
    )
    for name, (columns, condition) in INDEXES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(name, "waitlist_entries", columns, postgresql_where=where)
