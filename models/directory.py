"""The directory: departments, offices, doctors and patients."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, owned_reference

STILL_HERE = text("archived_at IS NULL")


class Department(Owned, Timestamped, Base):
    """A part of the organization that doctors belong to."""

    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("organization_id", "name", name="uq_departments_name"),)

    name: Mapped[str]
    description: Mapped[str | None]


class Office(Owned, Timestamped, Base):
    """A place where doctors see patients, with a time zone of its own."""

    __tablename__ = "offices"
    __table_args__ = (UniqueConstraint("organization_id", "name", name="uq_offices_name"),)

    name: Mapped[str]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    time_zone: Mapped[str]


class Doctor(Owned, Timestamped, Base):
    """A doctor as patients see them. Archived ones keep their history and take no bookings."""

    __tablename__ = "doctors"
    __table_args__ = (
        owned_reference("user_id", "users"),
        owned_reference("department_id", "departments"),
        owned_reference("office_id", "offices"),
        owned_reference("calendar_id", "calendars"),
        UniqueConstraint("organization_id", "user_id", name="uq_doctors_user"),
        UniqueConstraint("organization_id", "calendar_id", name="uq_doctors_calendar"),
        Index("ix_doctors_name", "organization_id", "name", "id", postgresql_where=STILL_HERE),
        Index("ix_doctors_department", "department_id", "name", "id", postgresql_where=STILL_HERE),
        Index("ix_doctors_office", "office_id", "name", "id", postgresql_where=STILL_HERE),
    )

    user_id: Mapped[UUID]
    department_id: Mapped[UUID | None]
    office_id: Mapped[UUID | None]
    calendar_id: Mapped[UUID]
    name: Mapped[str]
    title: Mapped[str | None]
    specialty: Mapped[str | None]
    bio: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}", default=list)
    is_accepting_patients: Mapped[bool] = mapped_column(server_default="true", default=True)
    archived_at: Mapped[datetime | None]


class Patient(Owned, Timestamped, Base):
    """A person who is treated, with an account or registered by the front desk without one."""

    __tablename__ = "patients"
    __table_args__ = (
        owned_reference("user_id", "users"),
        UniqueConstraint("organization_id", "user_id", name="uq_patients_user"),
        Index(
            "uq_patients_email",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=STILL_HERE,
        ),
        Index("ix_patients_name", "organization_id", "name", "id", postgresql_where=STILL_HERE),
    )

    user_id: Mapped[UUID | None]
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    birth_date: Mapped[date | None]
    notes: Mapped[str | None]
    archived_at: Mapped[datetime | None]
