"""Appointments, their history, and whose agendas they are in."""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, named_enum, owned_reference


class AppointmentStatus(Enum):
    """Where an appointment stands; the words follow FHIR's where it has one."""

    BOOKED = "BOOKED"
    CHECKED_IN = "CHECKED_IN"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


# Of visits that are still to come about: only these keep a patient in one place.
OPEN_STATUSES = (AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN)


class Appointment(Owned, Timestamped, Base):
    """A visit: one patient with one doctor at one time. Moving it keeps the row."""

    __tablename__ = "appointments"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        owned_reference("slot_id", "slots"),
        owned_reference("rescheduled_from_id", "slots"),
        owned_reference("doctor_id", "doctors"),
        owned_reference("patient_id", "patients"),
        owned_reference("booked_by_id", "users"),
        owned_reference("visit_type_id", "visit_types"),
        UniqueConstraint("organization_id", "reference", name="uq_appointments_reference"),
        CheckConstraint("ends_at > starts_at", name="times"),
        # A person cannot be in two places. Half-open, so that neighbouring visits touch freely.
        ExcludeConstraint(
            ("patient_id", "="),
            (literal_column("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="patient_in_one_place",
            where=text("status IN ('BOOKED', 'CHECKED_IN')"),
        ),
        Index("ix_appointments_slot", "slot_id"),
        # Without it, each slot that is deleted would look through all appointments.
        Index(
            "ix_appointments_rescheduled_from",
            "rescheduled_from_id",
            postgresql_where=text("rescheduled_from_id IS NOT NULL"),
        ),
        Index(
            "ix_appointments_visit_type",
            "visit_type_id",
            postgresql_where=text("visit_type_id IS NOT NULL"),
        ),
        Index("ix_appointments_time", "organization_id", "starts_at", "id"),
        Index("ix_appointments_doctor", "doctor_id", "starts_at", "id"),
        Index("ix_appointments_patient", "patient_id", "starts_at", "id"),
    )

    reference: Mapped[str]
    calendar_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    rescheduled_from_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    booked_by_id: Mapped[UUID | None]
    visit_type_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[AppointmentStatus] = mapped_column(
        named_enum(AppointmentStatus, "appointment_status")
    )
    # Why it was booked although no place was free; None where one was.
    overbooking_reason: Mapped[str | None]
    reason: Mapped[str | None]
    staff_notes: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None]
    can_cancel_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1", default=1)

    @property
    def is_overbooked(self) -> bool:
        """Whether it was booked although no place was free."""
        return self.overbooking_reason is not None


class AppointmentEvent(Owned, Base):
    """One line of an appointment's history."""

    __tablename__ = "appointment_events"
    __table_args__ = (
        owned_reference("appointment_id", "appointments"),
        owned_reference("by_id", "users"),
        UniqueConstraint(
            "appointment_id", "version", name="uq_appointment_events_appointment_version"
        ),
    )

    appointment_id: Mapped[UUID]
    version: Mapped[int]
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    status: Mapped[AppointmentStatus] = mapped_column(
        named_enum(AppointmentStatus, "appointment_status")
    )
    note: Mapped[str | None]


class Agenda(Base):
    """The appointments of one patient or one doctor, counted as a calendar counts its changes.

    It has the id of whose it is; made with the first appointment, so there may be none.
    """

    __tablename__ = "agendas"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)


class AgendaEntry(Base):
    """At which revision of an agenda an appointment last changed; kept when it leaves."""

    __tablename__ = "agenda_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "agenda_id"],
            ["agendas.organization_id", "agendas.id"],
            name="fk_agenda_id_agendas",
            ondelete="RESTRICT",
        ),
        owned_reference("appointment_id", "appointments"),
        Index("ix_agenda_entries_revision", "agenda_id", "revision"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agenda_id: Mapped[UUID] = mapped_column(primary_key=True)
    appointment_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
