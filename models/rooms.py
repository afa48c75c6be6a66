"""Rooms and devices that visits need beside a doctor, and which kinds of visits need them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, owned_reference
from models.directory import STILL_HERE


class Room(Owned, Timestamped, Base):
    """A room or a device with a calendar of its own. Archived ones keep their history and are used
    by no visit.
    """

    __tablename__ = "rooms"
    __table_args__ = (
        owned_reference("office_id", "offices"),
        owned_reference("calendar_id", "calendars"),
        UniqueConstraint("organization_id", "calendar_id", name="uq_rooms_calendar"),
        Index("uq_rooms_name", "organization_id", "name", unique=True, postgresql_where=STILL_HERE),
    )

    name: Mapped[str]
    office_id: Mapped[UUID | None]
    calendar_id: Mapped[UUID]
    archived_at: Mapped[datetime | None]


class VisitTypeRoom(Base):
    """That a kind of visit needs a room, and may use this one."""

    __tablename__ = "visit_type_rooms"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "visit_type_id"],
            ["visit_types.organization_id", "visit_types.id"],
            name="fk_visit_type_id_visit_types",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organization_id", "room_id"],
            ["rooms.organization_id", "rooms.id"],
            name="fk_room_id_rooms",
            ondelete="RESTRICT",
        ),
        Index("ix_visit_type_rooms_room_id", "room_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    visit_type_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[UUID] = mapped_column(primary_key=True)
