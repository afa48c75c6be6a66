"""Visit types: kinds of visits, how long they take, and which doctors offer them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped
from models.directory import STILL_HERE


class VisitType(Owned, Timestamped, Base):
    """A kind of visit. Archived ones keep their history and are offered by nobody."""

    __tablename__ = "visit_types"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),
        CheckConstraint("buffer_minutes BETWEEN 0 AND 240", name="buffer_minutes"),
        Index(
            "uq_visit_types_name",
            "organization_id",
            "name",
            unique=True,
            postgresql_where=STILL_HERE,
        ),
    )

    name: Mapped[str]
    description: Mapped[str | None]
    minutes: Mapped[int] = mapped_column(SmallInteger)
    # Kept clear after the visit; staff may book into it.
    buffer_minutes: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    archived_at: Mapped[datetime | None]


class VisitTypeDoctor(Base):
    """That a doctor offers a visit type."""

    __tablename__ = "visit_type_doctors"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "visit_type_id"],
            ["visit_types.organization_id", "visit_types.id"],
            name="fk_visit_type_id_visit_types",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organization_id", "doctor_id"],
            ["doctors.organization_id", "doctors.id"],
            name="fk_doctor_id_doctors",
            ondelete="RESTRICT",
        ),
        Index("ix_visit_type_doctors_doctor_id", "doctor_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    visit_type_id: Mapped[UUID] = mapped_column(primary_key=True)
    doctor_id: Mapped[UUID] = mapped_column(primary_key=True)
