"""Calendars: the published grid of slots, and the claims that say who occupies what.

A claim is the truth about time taken: two claims of one calendar and lane cannot overlap, and
PostgreSQL itself refuses the second. A slot is what people see and book; its status is kept in
the same transaction as the claims under it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, Index, SmallInteger, Uuid, text
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    DATEMULTIRANGE,
    TSTZRANGE,
    ExcludeConstraint,
    Range,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, named_enum, owned_reference


class SlotStatus(Enum):
    """What a calendar shows of a slot."""

    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    BOOKED = "BOOKED"
    BLOCKED = "BLOCKED"
    REMOVED = "REMOVED"


class ClaimKind(Enum):
    """Why time is taken."""

    APPOINTMENT = "APPOINTMENT"
    HOLD = "HOLD"
    BLOCK = "BLOCK"
    EXTERNAL = "EXTERNAL"


# Above every lane that a visit can have: the world may overlap us, and the constraint says nothing.
# Its own times are merged before they come here, and the constraint sees to it.
EXTERNAL_LANE = 2000


class Calendar(Owned, Timestamped, Base):
    """Something that can be booked. Its row is the lock and the counter of its slots' changes."""

    __tablename__ = "calendars"

    time_zone: Mapped[str]
    # Raised once by each transaction that changes slots, under the row's lock: commit order is
    # revision order, without gaps.
    revision: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    # Tombstones up to this revision may be gone.
    purged_through: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    # The local days whose slots have been made, even if there were none to make. Exceptions change
    # the slots of these days; of others they are minded when the slots are made.
    made_days: Mapped[Sequence[Range[date]]] = mapped_column(
        DATEMULTIRANGE, server_default="{}", default=list
    )


class Slot(Owned, Base):
    """A published time with an id that stays. Its times never change."""

    __tablename__ = "slots"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("hours_end_at >= ends_at", name="hours_end_at"),
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("(status = 'HELD') = (held_until IS NOT NULL)", name="held_until"),
        CheckConstraint("(status = 'REMOVED') = (removed_at IS NOT NULL)", name="removed_at"),
        Index(
            "uq_slots_calendar_id_starts_at",
            "calendar_id",
            "starts_at",
            unique=True,
            postgresql_where=text("status <> 'REMOVED'"),
        ),
        Index("ix_slots_calendar_id_revision", "calendar_id", "revision"),
        # What is free next: in the whole organization, and in one calendar.
        Index(
            "ix_slots_free",
            "organization_id",
            "starts_at",
            "id",
            postgresql_where=text("status = 'AVAILABLE'"),
        ),
        Index(
            "ix_slots_free_of_calendar",
            "calendar_id",
            "starts_at",
            postgresql_where=text("status = 'AVAILABLE'"),
        ),
        # Of tombstones alone: a booking does not pay for it.
        Index(
            "ix_slots_tombstones",
            "calendar_id",
            "removed_at",
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
    )

    calendar_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[SlotStatus] = mapped_column(named_enum(SlotStatus, "slot_status"))
    capacity: Mapped[int] = mapped_column(SmallInteger)
    booked_count: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    # Who holds a place in it, and until when it is HELD at most, while it is.
    held_by: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}", default=list)
    held_until: Mapped[datetime | None]
    # When the working hours that it lies in end: how long a visit that begins here may take.
    hours_end_at: Mapped[datetime]
    # Free, but kept clear after a visit: staff alone may book it.
    in_buffer: Mapped[bool] = mapped_column(server_default="false", default=False)
    # Outside the working hours now; kept for the appointments in it, gone with the last of them.
    is_withdrawn: Mapped[bool] = mapped_column(server_default="false", default=False)
    revision: Mapped[int] = mapped_column(BigInteger)
    # Since when the row is only a tombstone, for views that come back.
    removed_at: Mapped[datetime | None]

    @property
    def version(self) -> int:
        """Rises with every change of the slot."""
        return self.revision


class Claim(Owned, Base):
    """Time taken in one lane of a calendar; it exists as long as the time is taken."""

    __tablename__ = "claims"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        owned_reference("appointment_id", "appointments"),
        owned_reference("held_by_id", "users"),
        owned_reference("doctor_calendar_id", "calendars"),
        owned_reference("waitlist_entry_id", "waitlist_entries"),
        ExcludeConstraint(
            ("calendar_id", "="),
            ("lane", "="),
            ("during", "&&"),
            using="gist",
            name="no_overlap_in_lane",
        ),
        # So that a claim that lies in a time begins at most a day before it.
        CheckConstraint("upper(during) - lower(during) <= interval '24 hours'", name="length"),
        CheckConstraint("lane >= 0", name="lane"),
        CheckConstraint(f"(kind = 'EXTERNAL') = (lane = {EXTERNAL_LANE})", name="external_lane"),
        CheckConstraint("clear_until > upper(during)", name="clear_until"),
        CheckConstraint(
            "(kind = 'APPOINTMENT') = (appointment_id IS NOT NULL)", name="appointment"
        ),
        # An offer may be to somebody without an account.
        CheckConstraint(
            "(kind = 'HOLD') = (num_nonnulls(held_by_id, waitlist_entry_id) > 0)", name="held_by_id"
        ),
        CheckConstraint(
            "doctor_calendar_id IS NULL OR kind IN ('APPOINTMENT', 'HOLD')"
            " AND doctor_calendar_id <> calendar_id",
            name="doctor_calendar_id",
        ),
        CheckConstraint("(kind = 'HOLD') = (expires_at IS NOT NULL)", name="expires_at"),
        Index("ix_claims_appointment_id", "appointment_id"),
        Index("ix_claims_calendar_id_starts_at", "calendar_id", "starts_at"),
        # Somebody who holds a time of a doctor's calendar holds no other one of it, but for what is
        # offered.
        Index(
            "uq_claims_held_by_id_calendar_id",
            "organization_id",
            "held_by_id",
            "calendar_id",
            unique=True,
            postgresql_where=text(
                "kind = 'HOLD' AND waitlist_entry_id IS NULL AND doctor_calendar_id IS NULL"
            ),
        ),
        # One offer at a time; the room that comes with it is none of its own.
        Index(
            "uq_claims_waitlist_entry_id",
            "organization_id",
            "waitlist_entry_id",
            unique=True,
            postgresql_where=text("waitlist_entry_id IS NOT NULL AND doctor_calendar_id IS NULL"),
        ),
        Index("ix_claims_expires_at", "expires_at", postgresql_where=text("kind = 'HOLD'")),
        # What a calendar elsewhere says is few among many, and read whole.
        Index("ix_claims_external", "calendar_id", postgresql_where=text("kind = 'EXTERNAL'")),
    )

    calendar_id: Mapped[UUID]
    appointment_id: Mapped[UUID | None]
    # Where a room's time is taken: the calendar of the doctor whose visit it is.
    doctor_calendar_id: Mapped[UUID | None]
    kind: Mapped[ClaimKind] = mapped_column(named_enum(ClaimKind, "claim_kind"))
    lane: Mapped[int] = mapped_column(SmallInteger)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    # By these claims are found: behind row level security PostgreSQL looks into no range by an
    # index, since the operators of ranges might tell of other rows. Never null: a claim has an end.
    starts_at: Mapped[datetime] = mapped_column(Computed("lower(during)", persisted=True))
    ends_at: Mapped[datetime] = mapped_column(Computed("upper(during)", persisted=True))
    held_by_id: Mapped[UUID | None]
    # Whom it is offered to, for as long as it is.
    waitlist_entry_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    # A hold may be prolonged once.
    is_extended: Mapped[bool] = mapped_column(server_default="false", default=False)
    # Until when the lane is kept clear after it; None: no longer than it takes.
    clear_until: Mapped[datetime | None]
    reason: Mapped[str | None]
