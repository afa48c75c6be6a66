"""External calendars: where else somebody's time is taken, and how reading that goes.

What is read becomes claims of its calendar; neither the file nor anything it says besides times is
kept.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, named_enum, owned_reference


class ExternalProblem(Enum):
    """Why the last reading of an external calendar failed."""

    UNREACHABLE = "UNREACHABLE"
    REFUSED_ADDRESS = "REFUSED_ADDRESS"
    ACCESS_DENIED = "ACCESS_DENIED"
    NOT_FOUND = "NOT_FOUND"
    NOT_A_CALENDAR = "NOT_A_CALENDAR"
    TOO_LARGE = "TOO_LARGE"
    ADDRESS_LOST = "ADDRESS_LOST"


class ExternalCalendar(Owned, Base):
    """A calendar elsewhere, whose busy times are busy here; another address is another row.

    Attributes:
        host: the part of the address that is shown; the rest is a secret of the other calendar.
        sealed_url: the address, encrypted with a key that is not in the database.
        etag, last_modified: what the other side called the state that was read last.
        digest: of the file that was read last, to know it again where it has no such name.
        known_until: how far ahead its busy times are known.
        next_read_at: from when on any server may read it. For a time after one has begun, so that
            what a server that has died was reading is read again.

    """

    __tablename__ = "external_calendars"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        Index("uq_external_calendars_calendar_id", "organization_id", "calendar_id", unique=True),
        Index("ix_external_calendars_next_read_at", "next_read_at"),
    )

    calendar_id: Mapped[UUID]
    host: Mapped[str]
    sealed_url: Mapped[str]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    digest: Mapped[bytes | None]
    known_until: Mapped[datetime | None]
    last_read_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    problem: Mapped[ExternalProblem | None] = mapped_column(
        named_enum(ExternalProblem, "external_problem")
    )
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    # The clock of the database alone decides whose turn it is, as with messages.
    next_read_at: Mapped[datetime] = mapped_column(server_default=func.now())
