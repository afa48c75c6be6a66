"""Organizations: the clinics served by one installation, and the terms on which they book."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, composite, mapped_column

from models.base import Base, Timestamped


@dataclass(frozen=True)
class BookingPolicy:
    """The terms on which patients book; staff are not bound by them."""

    horizon_months: int = 6
    minimum_notice_minutes: int = 0
    cancellation_notice_minutes: int = 0
    max_open_appointments_per_patient: int | None = None
    hold_minutes: int = 10
    offer_minutes: int = 60
    reminder_hours_before: list[int] | None = None


class Organization(Timestamped, Base):
    """A clinic or a group of clinics; nothing is shared between two of them."""

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("horizon_months BETWEEN 1 AND 24", name="horizon_months"),
        CheckConstraint("minimum_notice_minutes >= 0", name="minimum_notice_minutes"),
        CheckConstraint("cancellation_notice_minutes >= 0", name="cancellation_notice_minutes"),
        CheckConstraint("max_open_appointments_per_patient > 0", name="max_open_appointments"),
        CheckConstraint("hold_minutes BETWEEN 1 AND 120", name="hold_minutes"),
        CheckConstraint("offer_minutes BETWEEN 5 AND 1440", name="offer_minutes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    locale: Mapped[str]
    is_demo: Mapped[bool] = mapped_column(server_default="false", default=False)
    # The local day on which the slots of all calendars were last made up to the horizon.
    extended_on: Mapped[date | None]
    booking_policy: Mapped[BookingPolicy] = composite(
        mapped_column("horizon_months", SmallInteger, default=6),
        mapped_column("minimum_notice_minutes", default=0),
        mapped_column("cancellation_notice_minutes", default=0),
        mapped_column("max_open_appointments_per_patient"),
        mapped_column("hold_minutes", SmallInteger, default=10),
        mapped_column("offer_minutes", SmallInteger, server_default="60", default=60),
        mapped_column("reminder_hours_before", ARRAY(SmallInteger), default=lambda: [24]),
    )
