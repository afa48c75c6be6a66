"""The one table of states: which act may follow which status of an appointment. Pure."""

from enum import Enum

from models import AppointmentStatus
from services.errors import InvalidTransition

BOOKED = AppointmentStatus.BOOKED
CHECKED_IN = AppointmentStatus.CHECKED_IN
COMPLETED = AppointmentStatus.COMPLETED
CANCELLED = AppointmentStatus.CANCELLED
NO_SHOW = AppointmentStatus.NO_SHOW


class Step(Enum):
    """What can happen to an appointment once it is booked."""

    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    CHECK_IN = "check in"
    COMPLETE = "complete"
    MARK_NO_SHOW = "mark as no-show"


# What can only be said of a visit once its time has come.
ONCE_BEGUN = frozenset({Step.COMPLETE, Step.MARK_NO_SHOW})

# step: from which statuses, to which; somebody marked as no-show may still arrive late.
TABLE: dict[Step, tuple[frozenset[AppointmentStatus], AppointmentStatus]] = {
    Step.RESCHEDULE: (frozenset({BOOKED}), BOOKED),
    Step.CANCEL: (frozenset({BOOKED, CHECKED_IN}), CANCELLED),
    Step.CHECK_IN: (frozenset({BOOKED, NO_SHOW}), CHECKED_IN),
    Step.COMPLETE: (frozenset({BOOKED, CHECKED_IN}), COMPLETED),
    Step.MARK_NO_SHOW: (frozenset({BOOKED}), NO_SHOW),
}


def after(status: AppointmentStatus, step: Step) -> AppointmentStatus:
    """The status that `step` leads to.

    Raises:
        InvalidTransition: it cannot follow `status`.

    """
    allowed, leads_to = TABLE[step]
    if status not in allowed:
        raise InvalidTransition(status)
    return leads_to
