"""The waitlist: who waits for a time, with whom, and what they are offered.

An offer is a claim of the kind HOLD that names its entry; it is in the calendar's hands.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, named_enum, owned_reference


class WaitlistStatus(Enum):
    """Where somebody who waits stands."""

    WAITING = "WAITING"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    EXPIRED = "EXPIRED"
    LEFT = "LEFT"


# Of those who may still get a time; nothing brings an entry back that has left these.
OPEN_ENTRIES = (WaitlistStatus.WAITING, WaitlistStatus.OFFERED)
IS_OPEN = text("status IN ('WAITING', 'OFFERED')")
IS_WAITING = text("status = 'WAITING'")


class WaitlistEntry(Owned, Timestamped, Base):
    """A patient who waits for a time with a doctor, or with any of a department.

    Its place in the line is when it was made, by the database's clock, and then its id: no act
    changes either.

    Attributes:
        doctor_id, department_id: one of them; none once it is closed and the department is gone.
        starts_at, ends_at: between these the whole visit must lie.
        declined_slot_ids: the slots that were offered and not wanted.

    """

    __tablename__ = "waitlist_entries"
    __table_args__ = (
        owned_reference("patient_id", "patients"),
        owned_reference("doctor_id", "doctors"),
        owned_reference("department_id", "departments"),
        owned_reference("visit_type_id", "visit_types"),
        owned_reference("offered_slot_id", "slots"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint(
            "num_nonnulls(doctor_id, department_id) = 1"
            " OR num_nonnulls(doctor_id, department_id) = 0"
            " AND status NOT IN ('WAITING', 'OFFERED')",
            name="doctor_or_department",
        ),
        CheckConstraint(
            "(status = 'OFFERED') = (offered_slot_id IS NOT NULL)", name="offered_slot_id"
        ),
        CheckConstraint(
            "(status = 'OFFERED') = (offer_expires_at IS NOT NULL)", name="offer_expires_at"
        ),
        # Nobody stands twice in one line.
        Index(
            "uq_waitlist_entries_open",
            "organization_id",
            "patient_id",
            "doctor_id",
            "department_id",
            "visit_type_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=IS_OPEN,
        ),
        # The lines, from the front.
        Index(
            "ix_waitlist_entries_doctor",
            "doctor_id",
            "created_at",
            "id",
            postgresql_where=IS_WAITING,
        ),
        Index(
            "ix_waitlist_entries_department",
            "department_id",
            "created_at",
            "id",
            postgresql_where=IS_WAITING,
        ),
        Index("ix_waitlist_entries_ends_at", "ends_at", postgresql_where=IS_WAITING),
        Index("ix_waitlist_entries_listed", "organization_id", "created_at", "id"),
        Index("ix_waitlist_entries_patient", "patient_id", "created_at", "id"),
        # Without it, each slot that is deleted would look through all entries.
        Index(
            "ix_waitlist_entries_offered_slot",
            "offered_slot_id",
            postgresql_where=text("offered_slot_id IS NOT NULL"),
        ),
    )

    patient_id: Mapped[UUID]
    doctor_id: Mapped[UUID | None]
    department_id: Mapped[UUID | None]
    visit_type_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[WaitlistStatus] = mapped_column(
        named_enum(WaitlistStatus, "waitlist_status"),
        server_default="WAITING",
        default=WaitlistStatus.WAITING,
    )
    offered_slot_id: Mapped[UUID | None]
    offer_expires_at: Mapped[datetime | None]
    declined_slot_ids: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default="{}", default=list
    )
