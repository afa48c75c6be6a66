"""Lines on the waitlist: which doctors somebody waits for, and so who stands in whose line.

Pure conditions. Who is offered what is decided in `offers`.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_

from models import OPEN_ENTRIES, Doctor, VisitTypeDoctor, WaitlistEntry

# By this a line is in order; nothing changes it.
LINE = (WaitlistEntry.created_at, WaitlistEntry.id)
# What an entry says while nothing is offered.
NOTHING_OFFERED: dict[str, Any] = {"offered_slot_id": None, "offer_expires_at": None}


def is_waited_for() -> ColumnElement[bool]:
    """Which doctors, of an outer statement, an entry waits for, with what they offer in mind."""
    offers = (
        exists()
        .where(
            VisitTypeDoctor.doctor_id == Doctor.id,
            VisitTypeDoctor.visit_type_id == WaitlistEntry.visit_type_id,
        )
        .correlate(Doctor, WaitlistEntry)
    )
    return and_(is_named(), or_(WaitlistEntry.visit_type_id.is_(None), offers))


def is_named() -> ColumnElement[bool]:
    """Which doctors, of an outer statement, an entry names, itself or by their department."""
    return or_(
        WaitlistEntry.doctor_id == Doctor.id, WaitlistEntry.department_id == Doctor.department_id
    )


def stands_in_line_of(doctor_id: UUID) -> ColumnElement[bool]:
    """Which entries may still become a visit with a doctor."""
    waits_for = exists().where(Doctor.id == doctor_id, is_waited_for()).correlate(WaitlistEntry)
    return WaitlistEntry.status.in_(OPEN_ENTRIES) & waits_for
