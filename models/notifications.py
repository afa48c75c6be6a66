"""Notifications: the messages that are to be sent to people, and how far each has come.

A message is written here in the transaction of what it tells of, and sent afterwards. Neither its
text nor a secret that it carries is kept: both are made anew each time it is sent.
"""

from datetime import datetime
from enum import Enum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, named_enum, owned_reference

WAITING = text("status = 'PENDING'")


class NotificationChannel(Enum):
    """How a message reaches its recipient."""

    EMAIL = "EMAIL"
    SMS = "SMS"


class NotificationStatus(Enum):
    """How far a message has come."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"


class NotificationKind(Enum):
    """What a message is about."""

    INVITATION = "INVITATION"
    SIGN_UP = "SIGN_UP"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - no password
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - no password
    EMAIL_CHANGE = "EMAIL_CHANGE"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    SIGN_IN_COPIED = "SIGN_IN_COPIED"
    GUEST_BOOKED = "GUEST_BOOKED"
    GUEST_MOVED = "GUEST_MOVED"
    GUEST_CANCELLED = "GUEST_CANCELLED"
    GUEST_LIMIT = "GUEST_LIMIT"
    WAITLIST_OFFER = "WAITLIST_OFFER"


class Notification(Owned, Base):
    """A message to one recipient.

    Attributes:
        appointment_id: for messages about an appointment, the one that they are about.
        number: the order in which messages to one recipient are sent.
        attempts: how often it was taken up for sending; whoever has done so last may say how it
            ended.
        scheduled_at: from when on it may be taken up. For a time after that has been done, so that
            one whose sender has died is taken up again.

    """

    __tablename__ = "notifications"
    __table_args__ = (
        owned_reference("appointment_id", "appointments"),
        Index("ix_notifications_waiting", "scheduled_at", postgresql_where=WAITING),
        Index(
            "ix_notifications_recipient",
            "organization_id",
            "recipient",
            "number",
            postgresql_where=WAITING,
        ),
        Index("ix_notifications_created_at", "organization_id", "created_at", "id"),
    )
    # Nothing else has been built yet.
    channel: ClassVar[NotificationChannel] = NotificationChannel.EMAIL

    number: Mapped[int] = mapped_column(BigInteger, Identity())
    kind: Mapped[NotificationKind] = mapped_column(
        named_enum(NotificationKind, "notification_kind")
    )
    recipient: Mapped[str]
    appointment_id: Mapped[UUID | None]
    subject: Mapped[str | None]
    status: Mapped[NotificationStatus] = mapped_column(
        named_enum(NotificationStatus, "notification_status"), server_default="PENDING"
    )
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    # The clock of the database alone decides whose turn it is: those of senders may differ.
    scheduled_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
