"""What may be booked, by whom and when: one pure rule, asked by booking and by what views show,
and the same as a condition of statements.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, and_, exists

from models import OPEN_STATUSES, Appointment, BookingPolicy, Role, Slot
from services.access import STAFF
from services.context import Context
from services.errors import NotBookableReason


def horizon_ends(policy: BookingPolicy, now: datetime) -> datetime:
    """How far ahead slots are made and may be booked."""
    return now + relativedelta(months=policy.horizon_months)


def open_to_patients(policy: BookingPolicy, now: datetime) -> ColumnElement[bool]:
    """Which slots notice and horizon leave to patients: what `why_not_bookable` says of one."""
    return after_notice(policy, now) & (Slot.starts_at < horizon_ends(policy, now))


def after_notice(policy: BookingPolicy, now: datetime) -> ColumnElement[bool]:
    """Which slots the minimum notice leaves to patients."""
    notice = timedelta(minutes=policy.minimum_notice_minutes)
    return and_(Slot.starts_at > now, Slot.starts_at >= now + notice)


def cancellable_until(context: Context, starts_at: datetime) -> datetime:
    """The last moment at which a patient may cancel or move what begins then, if booked now."""
    notice = context.organization.booking_policy.cancellation_notice_minutes
    return starts_at - timedelta(minutes=notice)


def is_patient_busy(patient_id: Any, ends_at: Any) -> ColumnElement[bool]:
    """Whether a patient has something else while a visit lasts that begins with a slot of an outer
    statement.

    Args:
        patient_id, ends_at: of the visit; values, or columns of the outer statement.

    """
    busy = exists().where(
        Appointment.patient_id == patient_id,
        Appointment.status.in_(OPEN_STATUSES),
        Appointment.starts_at < ends_at,
        Appointment.ends_at > Slot.starts_at,
    )
    return busy.correlate_except(Appointment)


@dataclass(frozen=True)
class Terms:
    """On what terms somebody books now."""

    policy: BookingPolicy
    role: Role | None
    now: datetime

    @classmethod
    def of(cls, context: Context) -> "Terms":
        """Those of the viewer."""
        return cls(context.organization.booking_policy, context.role, context.now)


def why_not_bookable(
    slot: Slot,
    terms: Terms,
    *,
    is_accepting_patients: bool,
    visit_minutes: int | None = None,
    is_held: bool = False,
) -> NotBookableReason | None:
    """Why a slot, free or not, is closed to somebody by the rules; None where it is not.

    Notice, horizon, working hours, what is kept clear and whether a doctor accepts patients bind
    patients and the public. Staff may also book a time that has begun, as for somebody who has just
    walked in.

    Args:
        visit_minutes: how long the visit is that would begin there; None: as long as the slot.
        is_held: they hold it; what is kept clear has been seen to when they began to.

    """
    if terms.role in STAFF:
        return _past(slot.ends_at, terms)
    if past := _past(slot.starts_at, terms):
        return past
    if not is_accepting_patients:
        return NotBookableReason.NOT_ACCEPTING
    if closed := _too_soon(slot, terms) or _too_far(slot, terms):
        return closed
    if slot.in_buffer and not is_held:
        return NotBookableReason.KEPT_CLEAR
    is_too_long = slot.starts_at + timedelta(minutes=visit_minutes or 0) > slot.hours_end_at
    return NotBookableReason.VISIT_TOO_LONG if is_too_long else None


def why_no_seat(slot: Slot, terms: Terms, *, is_published: bool) -> NotBookableReason | None:
    """Why a slot of an event, free or not, is closed to somebody by the rules; None where it is
    not. The horizon is for slots that are made by themselves: an event is on its day.
    """
    if not is_published:
        return NotBookableReason.NOT_PUBLISHED
    if terms.role in STAFF:
        return _past(slot.ends_at, terms)
    return _past(slot.starts_at, terms) or _too_soon(slot, terms)


def _past(moment: datetime, terms: Terms) -> NotBookableReason | None:
    return NotBookableReason.PAST if moment <= terms.now else None


def _too_soon(slot: Slot, terms: Terms) -> NotBookableReason | None:
    notice = timedelta(minutes=terms.policy.minimum_notice_minutes)
    return NotBookableReason.TOO_SOON if slot.starts_at < terms.now + notice else None


def _too_far(slot: Slot, terms: Terms) -> NotBookableReason | None:
    is_beyond = slot.starts_at >= horizon_ends(terms.policy, terms.now)
    return NotBookableReason.BEYOND_HORIZON if is_beyond else None
