"""Events, and appointments in them: of patients, and of guests without an account."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = (
    *("INVITATION", "SIGN_UP", "PASSWORD_RESET", "PASSWORD_CHANGED"),
    *("EMAIL_CHANGE", "EMAIL_CHANGED", "SIGN_IN_COPIED"),
)
OF_GUESTS = ("GUEST_BOOKED", "GUEST_MOVED", "GUEST_CANCELLED", "GUEST_LIMIT")
CHECKS = {
    "doctor_or_event": "num_nonnulls(doctor_id, event_id) = 1",
    "patient_or_guest": "num_nonnulls(patient_id, guest_email) = 1",
    "guest": "num_nonnulls(guest_name, guest_email, manage_token_hash) IN (0, 3)"
    " AND (guest_phone IS NULL OR guest_email IS NOT NULL)",
    "guest_of_event": "guest_email IS NULL OR event_id IS NOT NULL",
}
TEXTS = ("guest_name", "guest_email", "guest_phone")
OF_EVENTS = "appointment_id IN (SELECT id FROM appointments WHERE event_id IS NOT NULL)"
BELOW_APPOINTMENTS = ("appointment_events", "agenda_entries", "claims", "notifications")


def upgrade() -> None:
    for kind in OF_GUESTS:
        op.execute(f"ALTER TYPE notification_kind ADD VALUE '{kind}'")
    add_events()
    walls.enclose("events")
    op.add_column("appointments", sa.Column("event_id", sa.Uuid(), nullable=True))
    for column in TEXTS:
        op.add_column("appointments", sa.Column(column, sa.String(), nullable=True))
    op.add_column("appointments", sa.Column("manage_token_hash", sa.LargeBinary(), nullable=True))
    for column in ("doctor_id", "patient_id"):
        op.alter_column("appointments", column, nullable=True)
    op.create_foreign_key(
        "fk_event_id_events",
        "appointments",
        "events",
        ["organization_id", "event_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_unique_constraint(
        "uq_appointments_manage_token_hash", "appointments", ["manage_token_hash"]
    )
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_appointments_{name}"), "appointments", check)
    op.create_index(
        "ix_appointments_event",
        "appointments",
        ["event_id", "starts_at", "id"],
        postgresql_where=sa.text("event_id IS NOT NULL"),
    )
    op.create_index(
        "ix_appointments_guest",
        "appointments",
        ["event_id", "guest_email"],
        postgresql_where=sa.text("guest_email IS NOT NULL"),
    )


def downgrade() -> None:
    delete_what_events_have()
    op.drop_index("ix_appointments_guest", table_name="appointments")
    op.drop_index("ix_appointments_event", table_name="appointments")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_appointments_{name}"), "appointments", type_="check")
    op.drop_constraint("uq_appointments_manage_token_hash", "appointments", type_="unique")
    op.drop_constraint("fk_event_id_events", "appointments", type_="foreignkey")
    for column in ("patient_id", "doctor_id"):
        op.alter_column("appointments", column, nullable=False)
    for column in ("manage_token_hash", *TEXTS, "event_id"):
        op.drop_column("appointments", column)
    op.drop_table("events")
    op.execute("ALTER TYPE notification_kind RENAME TO notification_kind_after")
    values = ", ".join(f"'{kind}'" for kind in KINDS)
    op.execute(f"CREATE TYPE notification_kind AS ENUM ({values})")
    op.execute(
        "ALTER TABLE notifications ALTER COLUMN kind TYPE notification_kind"
        " USING kind::text::notification_kind"
    )
    op.execute("DROP TYPE notification_kind_after")


def delete_what_events_have() -> None:
    """Before, there is no place for an appointment without a doctor or a patient. The calendars of
    events stay, as calendars of nobody.
    """
    op.execute("ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY")
    for table in BELOW_APPOINTMENTS:
        with walls.seen_through(table):
            op.execute(f"DELETE FROM {table} WHERE {OF_EVENTS}")  # noqa: S608 - constants
    with walls.seen_through("notifications"):
        op.execute("DELETE FROM notifications WHERE kind::text LIKE 'GUEST_%'")
    op.execute("DELETE FROM appointments WHERE event_id IS NOT NULL")
    op.execute("ALTER TABLE appointments FORCE ROW LEVEL SECURITY")


def add_events() -> None:
    now = sa.text("now()")
    op.create_table(
        "events",
        sa.Column("organizer_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("per_person_limit", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint(
            "per_person_limit BETWEEN 1 AND 100", name=op.f("ck_events_per_person_limit")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_events_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "organizer_id"],
            ["users.organization_id", "users.id"],
            name="fk_organizer_id_users",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "calendar_id"],
            ["calendars.organization_id", "calendars.id"],
            name="fk_calendar_id_calendars",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("organization_id", "calendar_id", name="uq_events_calendar"),
        sa.UniqueConstraint("organization_id", "slug", name="uq_events_slug"),
    )
    op.create_index(
        "ix_events_listed",
        "events",
        ["organization_id", "ends_at", "id"],
        postgresql_where=sa.text("published_at IS NOT NULL AND archived_at IS NULL"),
    )
    op.create_index("ix_events_organizer", "events", ["organizer_id", "ends_at", "id"])
