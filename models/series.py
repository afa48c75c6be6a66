"""Series: appointments that were booked together, week after week, and what was skipped of them.

An occurrence that was booked is an appointment as any other, and may move, or be cancelled, alone.
"""

from datetime import date, datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, SmallInteger, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, owned_reference


class OnConflict(Enum):
    """What becomes of a series of which something cannot be booked."""

    FAIL_ALL = "FAIL_ALL"
    SKIP = "SKIP"
    SUGGEST = "SUGGEST"


class SeriesScope(Enum):
    """Which appointments of a series are meant, seen from one of them."""

    THIS = "THIS"
    FOLLOWING = "FOLLOWING"
    ALL = "ALL"


class WhyKept(Enum):
    """Why an appointment of a series was not cancelled with the others."""

    CANCELLATION_CLOSED = "CANCELLATION_CLOSED"
    BEGUN = "BEGUN"
    NOT_OPEN = "NOT_OPEN"


class AppointmentSeries(Owned, Base):
    """Appointments that were booked together.

    Attributes:
        recurrence: DTSTART with its zone, and RRULE, in two lines as RFC 5545 writes them.

    """

    __tablename__ = "appointment_series"
    __table_args__ = (CheckConstraint("every_weeks BETWEEN 1 AND 12", name="every_weeks"),)

    recurrence: Mapped[str]
    every_weeks: Mapped[int] = mapped_column(SmallInteger)
    time_zone: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SeriesOccurrence(Owned, Base):
    """One of the times of a series as it was planned: the appointment that was booked for it, or
    what stood in the way.
    """

    __tablename__ = "series_occurrences"
    __table_args__ = (
        owned_reference("series_id", "appointment_series"),
        owned_reference("appointment_id", "appointments"),
        UniqueConstraint(
            "organization_id", "series_id", "number", name="uq_series_occurrences_number"
        ),
        UniqueConstraint(
            "organization_id", "appointment_id", name="uq_series_occurrences_appointment"
        ),
        CheckConstraint("number BETWEEN 1 AND 52", name="number"),
        CheckConstraint("num_nonnulls(appointment_id, obstacle) = 1", name="booked_or_not"),
    )

    series_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    # Of the wall clock in the zone of the series.
    day: Mapped[date]
    # None where the clocks leave that time out on that day.
    starts_at: Mapped[datetime | None]
    appointment_id: Mapped[UUID | None]
    # The name of an obstacle, of which there may be more one day.
    obstacle: Mapped[str | None]
