"""Mail: what is to be sent, what mailed secrets are good for, sign-ups that wait to be confirmed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import walls

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KIND = postgresql.ENUM(
    "INVITATION",
    "SIGN_UP",
    "PASSWORD_RESET",
    "PASSWORD_CHANGED",
    "EMAIL_CHANGE",
    "EMAIL_CHANGED",
    "SIGN_IN_COPIED",
    name="notification_kind",
    create_type=False,
)
STATUS = postgresql.ENUM("PENDING", "SENT", "FAILED", name="notification_status", create_type=False)
PURPOSE = postgresql.ENUM(
    "INVITATION", "PASSWORD_RESET", "EMAIL_CHANGE", name="token_purpose", create_type=False
)
ENUMS = (KIND, STATUS, PURPOSE)


def upgrade() -> None:
    for enum in ENUMS:
        enum.create(op.get_bind())
    add_notifications()
    add_sign_ups()
    for table in ("notifications", "sign_ups"):
        walls.enclose(table)
    # Until now, all that was mailed were invitations.
    op.add_column(
        "user_tokens", sa.Column("purpose", PURPOSE, nullable=False, server_default="INVITATION")
    )
    op.alter_column("user_tokens", "purpose", server_default=None)
    op.add_column("user_tokens", sa.Column("email", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_user_tokens_email"),
        "user_tokens",
        "(purpose = 'EMAIL_CHANGE') = (email IS NOT NULL)",
    )
    recount_attempts("login", "counted_for")


def downgrade() -> None:
    recount_attempts("counted_for", "login")
    # They would be taken for invitations.
    op.execute("DELETE FROM user_tokens WHERE purpose <> 'INVITATION'")
    op.drop_constraint(op.f("ck_user_tokens_email"), "user_tokens", type_="check")
    op.drop_column("user_tokens", "email")
    op.drop_column("user_tokens", "purpose")
    op.drop_table("sign_ups")
    op.drop_table("notifications")
    for enum in ENUMS:
        enum.drop(op.get_bind())


def recount_attempts(old: str, new: str) -> None:
    """Count by other names; the counts of a quarter of an hour begin anew."""
    op.execute("DELETE FROM password_attempts")
    # Not renamed: PostgreSQL 18 names a constraint of its own after the column, older ones do not.
    op.drop_column("password_attempts", old)
    op.add_column("password_attempts", sa.Column(new, sa.String(), nullable=False))
    op.create_primary_key(
        op.f("pk_password_attempts"), "password_attempts", ["organization_id", new]
    )


def add_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("status", STATUS, server_default="PENDING", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "scheduled_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "appointment_id"],
            ["appointments.organization_id", "appointments.id"],
            name="fk_appointment_id_appointments",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_notifications_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_notifications")),
    )
    waiting = sa.text("status = 'PENDING'")
    op.create_index(
        "ix_notifications_waiting", "notifications", ["scheduled_at"], postgresql_where=waiting
    )
    op.create_index(
        "ix_notifications_recipient",
        "notifications",
        ["organization_id", "recipient", "number"],
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_notifications_created_at", "notifications", ["organization_id", "created_at", "id"]
    )


def add_sign_ups() -> None:
    op.create_table(
        "sign_ups",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_sign_ups_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sign_ups")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ups_token_hash")),
    )
