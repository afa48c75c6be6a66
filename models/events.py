"""Events: dated slots that the public books by a link.

Its slots are in a calendar of its own; who has booked one is an appointment, as any other.
"""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, owned_reference

LISTED = text("published_at IS NOT NULL AND archived_at IS NULL")


class Event(Owned, Timestamped, Base):
    """Something on one day. Archived ones keep their history and take no bookings.

    Attributes:
        slug: nobody can guess it: whoever has the link may see what is published.
        ends_at: when its day is over in its zone.

    """

    __tablename__ = "events"
    __table_args__ = (
        owned_reference("organizer_id", "users"),
        owned_reference("calendar_id", "calendars"),
        UniqueConstraint("organization_id", "calendar_id", name="uq_events_calendar"),
        UniqueConstraint("organization_id", "slug", name="uq_events_slug"),
        CheckConstraint("per_person_limit BETWEEN 1 AND 100", name="per_person_limit"),
        Index("ix_events_listed", "organization_id", "ends_at", "id", postgresql_where=LISTED),
        Index("ix_events_organizer", "organizer_id", "ends_at", "id"),
    )

    organizer_id: Mapped[UUID]
    calendar_id: Mapped[UUID]
    title: Mapped[str]
    description: Mapped[str | None]
    date: Mapped[dt.date]
    time_zone: Mapped[str]
    ends_at: Mapped[dt.datetime]
    slug: Mapped[str]
    published_at: Mapped[dt.datetime | None]
    # Open bookings of one person, in all its slots together.
    per_person_limit: Mapped[int] = mapped_column(SmallInteger, server_default="1", default=1)
    archived_at: Mapped[dt.datetime | None]

    @property
    def is_published(self) -> bool:
        """Whether everybody with the link may see it."""
        return self.published_at is not None and self.archived_at is None
