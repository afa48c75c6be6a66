"""Availability: working hours that repeat every week, and exceptions of them."""

from datetime import date, datetime, time
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, named_enum, owned_reference


class Weekday(Enum):
    """A day of the week; the value is its ISO 8601 number."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


class AvailabilityTemplate(Owned, Timestamped, Base):
    """Weekly hours of one calendar, in wall-clock time of the calendar's zone."""

    __tablename__ = "availability_templates"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        Index(None, "calendar_id"),
        # 00:00 as an end is midnight at the end of the day.
        CheckConstraint("end_time > start_time OR end_time = '00:00'", name="times"),
        CheckConstraint("slot_minutes BETWEEN 1 AND 1440", name="slot_minutes"),
        CheckConstraint("buffer_minutes BETWEEN 0 AND 1440", name="buffer_minutes"),
        CheckConstraint("capacity BETWEEN 1 AND 1000", name="capacity"),
        CheckConstraint("valid_until >= valid_from", name="validity"),
        CheckConstraint("cardinality(weekdays) > 0", name="weekdays"),
    )

    calendar_id: Mapped[UUID]
    weekdays: Mapped[list[Weekday]] = mapped_column(ARRAY(named_enum(Weekday, "weekday")))
    start_time: Mapped[time]
    end_time: Mapped[time]
    slot_minutes: Mapped[int] = mapped_column(SmallInteger)
    buffer_minutes: Mapped[int] = mapped_column(SmallInteger)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]


class ExceptionKind(Enum):
    """What an exception does."""

    CLOSED = "CLOSED"
    EXTRA_HOURS = "EXTRA_HOURS"


class AvailabilityException(Owned, Timestamped, Base):
    """Closed time or extra hours: of one calendar, between two instants, or, without a calendar, of
    the whole organization, by the wall clock.
    """

    __tablename__ = "availability_exceptions"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        Index(
            "ix_availability_exceptions_time",
            "organization_id",
            "calendar_id",
            "ends_at",
        ),
        UniqueConstraint("organization_id", "source", name="uq_availability_exceptions_source"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("(calendar_id IS NULL) = (time_zone IS NOT NULL)", name="time_zone"),
        CheckConstraint("slot_minutes BETWEEN 1 AND 1440", name="slot_minutes"),
        CheckConstraint("kind = 'EXTRA_HOURS' OR slot_minutes IS NULL", name="closed"),
    )

    calendar_id: Mapped[UUID | None]
    kind: Mapped[ExceptionKind] = mapped_column(named_enum(ExceptionKind, "exception_kind"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    # Of the organization's: in which zone the two times were said. What the clock shows there at
    # these times holds in each calendar's own zone.
    time_zone: Mapped[str | None]
    slot_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    # What it was imported from, so that it is not imported twice.
    source: Mapped[str | None]
    # An imported one that is removed stays as a row: importing does not bring it back.
    removed_at: Mapped[datetime | None]
