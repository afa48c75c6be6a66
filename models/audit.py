"""The audit trail: who did, read or was denied what. Rows are added, sealed once, never changed.

The rights of the application's roles, in `migrations/`, make that so.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    FetchedValue,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Role
from models.base import Base, Owned, named_enum, owned_reference


class AuditOutcome(Enum):
    """How what is noted ended."""

    DONE = "DONE"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"


class AuditEvent(Owned, Base):
    """One thing that somebody did, read or was denied; without what was written or read.

    `position` and `hash` are the chain's: nothing but the seal writes them, once.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        owned_reference("actor_id", "users"),
        UniqueConstraint("organization_id", "position", name="uq_audit_events_position"),
        Index("ix_audit_events_time", "organization_id", "at", "id"),
        Index("ix_audit_events_actor", "organization_id", "actor_id", "at", "id"),
        Index("ix_audit_events_subjects", "subject_ids", postgresql_using="gin"),
        Index("ix_audit_events_unsealed", "organization_id", postgresql_where=text("hash IS NULL")),
    )

    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    role: Mapped[Role | None] = mapped_column(named_enum(Role, "role"))
    action: Mapped[str]
    subject_type: Mapped[str | None]
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    outcome: Mapped[AuditOutcome] = mapped_column(named_enum(AuditOutcome, "audit_outcome"))
    ip_address: Mapped[str | None]
    details: Mapped[str | None]
    position: Mapped[int | None] = mapped_column(BigInteger, server_default=FetchedValue())
    hash: Mapped[bytes | None] = mapped_column(LargeBinary, server_default=FetchedValue())


class AuditHead(Base):
    """Where the chain of an organization ends; its row is the lock of whoever seals."""

    __tablename__ = "audit_heads"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
