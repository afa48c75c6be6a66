"""Why a slot cannot be booked, and until when: the rules of booking, asked in the same order."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from dateutil.relativedelta import relativedelta

from models import Slot, SlotStatus, VisitType
from services.access import Permission, act
from services.calendar.owners import events_by_calendar
from services.calendar.rules import Terms, why_no_seat, why_not_bookable
from services.calendar.slots import (
    acceptance_by_calendar,
    is_held_by_viewer,
    slots_with_room,
    visible_slots_by_id,
)
from services.context import Context
from services.errors import (
    BookingLimitReached,
    NotBookable,
    NotBookableReason,
    NotFound,
    PatientBusy,
)
from services.visit_types import doctors_by_visit_type, offered_by_id


class Obstacle(Enum):
    """What stands in the way of booking a slot."""

    PAST = "PAST"
    TOO_SOON = "TOO_SOON"
    BEYOND_HORIZON = "BEYOND_HORIZON"
    NOT_ACCEPTING = "NOT_ACCEPTING"
    NOT_PUBLISHED = "NOT_PUBLISHED"
    NOT_OFFERED = "NOT_OFFERED"
    VISIT_TOO_LONG = "VISIT_TOO_LONG"
    KEPT_CLEAR = "KEPT_CLEAR"
    BOOKED = "BOOKED"
    HELD = "HELD"
    BLOCKED = "BLOCKED"
    REMOVED = "REMOVED"
    PARTLY_TAKEN = "PARTLY_TAKEN"
    # Of times that were worked out, not chosen among slots, and of several at once.
    NO_SLOT = "NO_SLOT"
    NO_SUCH_TIME = "NO_SUCH_TIME"
    PATIENT_BUSY = "PATIENT_BUSY"
    BOOKING_LIMIT_REACHED = "BOOKING_LIMIT_REACHED"

    @property
    def sentence(self) -> str:
        """What to say of it to people."""
        said = SENTENCES.get(self)
        return said or NotBookable.sentences[NotBookableReason(self.value)]


SENTENCES = {
    Obstacle.BOOKED: "This time is taken.",
    Obstacle.HELD: "Somebody is booking this time.",
    Obstacle.BLOCKED: "This time is closed.",
    Obstacle.REMOVED: "This time is no longer offered.",
    Obstacle.PARTLY_TAKEN: "A part of the time that this visit needs is taken or kept clear.",
    Obstacle.NO_SLOT: "No visit begins at this time on this day.",
    Obstacle.NO_SUCH_TIME: "The clocks leave this time out on this day.",
    Obstacle.PATIENT_BUSY: PatientBusy.message,
    Obstacle.BOOKING_LIMIT_REACHED: BookingLimitReached.message,
}


@dataclass(frozen=True)
class Explanation:
    """What stands in the way.

    Attributes:
        until: when that will be over, as far as it is known.

    """

    reason: Obstacle
    until: datetime | None = None

    @property
    def message(self) -> str:
        """A sentence for people."""
        return self.reason.sentence


@act(Permission.SEE_CALENDAR)
async def explain(
    context: Context, *, slot_id: UUID, visit_type_id: UUID | None = None
) -> Explanation | None:
    """Why the viewer cannot book a visit that begins with a slot; None where they can.

    Raises:
        NotFound: there is no such slot, or no such visit type.

    """
    slot = (await visible_slots_by_id(context, [slot_id])).get(slot_id)
    if slot is None:
        raise NotFound("slot_id")
    visit_type = None
    if visit_type_id is not None:
        visit_type = await offered_by_id(context, visit_type_id, "visit_type_id")
    against = await _rule_against(context, slot, visit_type)
    if against is not None:
        is_early = against is Obstacle.BEYOND_HORIZON
        return Explanation(against, _comes_near(context, slot) if is_early else None)
    if slot.status is not SlotStatus.AVAILABLE and not is_held_by_viewer(context, slot):
        return Explanation(Obstacle[slot.status.name], slot.held_until)
    if visit_type is not None:
        room = await slots_with_room(context, [slot_id], visit_type=visit_type)
        if slot_id not in room:
            return Explanation(Obstacle.PARTLY_TAKEN)
    return None


async def _rule_against(
    context: Context, slot: Slot, visit_type: VisitType | None
) -> Obstacle | None:
    terms = Terms.of(context)
    accepts = await acceptance_by_calendar(context, [slot.calendar_id])
    if slot.calendar_id in accepts:
        reason = why_not_bookable(
            slot,
            terms,
            is_accepting_patients=accepts[slot.calendar_id],
            visit_minutes=visit_type.minutes if visit_type else None,
            is_held=is_held_by_viewer(context, slot),
        )
    else:
        event = (await events_by_calendar(context, [slot.calendar_id])).get(slot.calendar_id)
        if event is None:
            # Of a room: visits take it besides, and none begins there.
            raise NotFound("slot_id")
        reason = why_no_seat(slot, terms, is_published=event.is_published)
    if reason is not None:
        return Obstacle[reason.name]
    if visit_type is None:
        return None
    # No kind of visit begins with a slot of an event: nobody offers any there.
    offering = (await doctors_by_visit_type(context, [visit_type.id])).get(visit_type.id, [])
    is_offered = any(doctor.calendar_id == slot.calendar_id for doctor in offering)
    return None if is_offered else Obstacle.NOT_OFFERED


def _comes_near(context: Context, slot: Slot) -> datetime:
    """When the slot will be within the horizon."""
    return slot.starts_at - relativedelta(months=context.organization.booking_policy.horizon_months)
