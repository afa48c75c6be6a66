"""Appointments, their history, and whose agendas they are in."""

from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
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


class Guest(NamedTuple):
    """Somebody without an account, as they say who they are."""

    name: str
    email: str
    phone: str | None


class Appointment(Owned, Timestamped, Base):
    """A visit: one patient with one doctor at one time, or a place in a slot of an event, of a
    patient or of a guest. Moving it keeps the row.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        owned_reference("calendar_id", "calendars"),
        owned_reference("slot_id", "slots"),
        owned_reference("rescheduled_from_id", "slots"),
        owned_reference("doctor_id", "doctors"),
        owned_reference("patient_id", "patients"),
        owned_reference("booked_by_id", "users"),
        owned_reference("visit_type_id", "visit_types"),
        owned_reference("event_id", "events"),
        owned_reference("room_id", "rooms"),
        UniqueConstraint("organization_id", "reference", name="uq_appointments_reference"),
        UniqueConstraint("manage_token_hash", name="uq_appointments_manage_token_hash"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("num_nonnulls(doctor_id, event_id) = 1", name="doctor_or_event"),
        CheckConstraint("num_nonnulls(patient_id, guest_email) = 1", name="patient_or_guest"),
        CheckConstraint(
            "num_nonnulls(guest_name, guest_email, manage_token_hash) IN (0, 3)"
            " AND (guest_phone IS NULL OR guest_email IS NOT NULL)",
            name="guest",
        ),
        CheckConstraint("guest_email IS NULL OR event_id IS NOT NULL", name="guest_of_event"),
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
        Index(
            "ix_appointments_event",
            "event_id",
            "starts_at",
            "id",
            postgresql_where=text("event_id IS NOT NULL"),
        ),
        Index(
            "ix_appointments_room",
            "room_id",
            "starts_at",
            postgresql_where=text("room_id IS NOT NULL"),
        ),
        # How many places of an event somebody has.
        Index(
            "ix_appointments_guest",
            "event_id",
            "guest_email",
            postgresql_where=text("guest_email IS NOT NULL"),
        ),
    )

    reference: Mapped[str]
    calendar_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    rescheduled_from_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID | None]
    event_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    guest_name: Mapped[str | None]
    guest_email: Mapped[str | None]
    guest_phone: Mapped[str | None]
    # Of the secret by which a guest sees, moves and cancels it.
    manage_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    booked_by_id: Mapped[UUID | None]
    visit_type_id: Mapped[UUID | None]
    # That it takes besides the doctor's time.
    room_id: Mapped[UUID | None]
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

    @property
    def guest(self) -> Guest | None:
        """Who comes without an account; None for a patient."""
        if self.guest_name is None or self.guest_email is None:
            return None
        return Guest(self.guest_name, self.guest_email, self.guest_phone)


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
