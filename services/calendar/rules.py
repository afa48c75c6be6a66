"""What may be booked, by whom and when: one pure rule, asked by booking and by what views show,
and the same as a condition of statements.
"""

from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, and_

from models import BookingPolicy, Role, Slot
from services.access import STAFF
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


def why_not_bookable(
    slot: Slot,
    *,
    policy: BookingPolicy,
    is_accepting_patients: bool,
    role: Role | None,
    now: datetime,
    visit_minutes: int | None = None,
) -> NotBookableReason | None:
    """Why a slot, free or not, is closed to somebody by the rules; None where it is not.

    Notice, horizon, working hours, what is kept clear and whether a doctor accepts patients bind
    patients and the public. Staff may also book a time that has begun, as for somebody who has just
    walked in.

    Args:
        visit_minutes: how long the visit is that would begin there; None: as long as the slot.

    """
    if role in STAFF:
        return NotBookableReason.PAST if slot.ends_at <= now else None
    if slot.starts_at <= now:
        return NotBookableReason.PAST
    if not is_accepting_patients:
        return NotBookableReason.NOT_ACCEPTING
    return _outside_terms(slot, policy, now) or _too_narrow(slot, visit_minutes)


def why_no_seat(
    slot: Slot, *, policy: BookingPolicy, is_published: bool, role: Role | None, now: datetime
) -> NotBookableReason | None:
    """Why a slot of an event, free or not, is closed to somebody by the rules; None where it is
    not. The horizon is for slots that are made by themselves: an event is on its day.
    """
    if not is_published:
        return NotBookableReason.NOT_PUBLISHED
    if role in STAFF:
        return NotBookableReason.PAST if slot.ends_at <= now else None
    if slot.starts_at <= now:
        return NotBookableReason.PAST
    return _too_soon(slot, policy, now)


def _too_soon(slot: Slot, policy: BookingPolicy, now: datetime) -> NotBookableReason | None:
    if slot.starts_at < now + timedelta(minutes=policy.minimum_notice_minutes):
        return NotBookableReason.TOO_SOON
    return None


def _outside_terms(slot: Slot, policy: BookingPolicy, now: datetime) -> NotBookableReason | None:
    if too_soon := _too_soon(slot, policy, now):
        return too_soon
    if slot.starts_at >= horizon_ends(policy, now):
        return NotBookableReason.BEYOND_HORIZON
    return None


def _too_narrow(slot: Slot, visit_minutes: int | None) -> NotBookableReason | None:
    if slot.in_buffer:
        return NotBookableReason.KEPT_CLEAR
    if slot.starts_at + timedelta(minutes=visit_minutes or 0) > slot.hours_end_at:
        return NotBookableReason.VISIT_TOO_LONG
    return None
