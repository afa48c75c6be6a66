"""The waitlist: who waits for a time, what they are offered, and what they answer."""

from datetime import datetime

import strawberry
from strawberry import ID

from models import WaitlistEntry as WaitlistEntryRow
from models import WaitlistStatus
from resolvers import directory as directory_resolvers
from resolvers import visit_types as visit_type_resolvers
from resolvers import waitlist as resolvers
from schema.appointments import Appointment
from schema.calendar import Slot
from schema.directory.types import Department, Doctor, Patient
from schema.errors import UserError, shows
from schema.fields import KEY, Node, describe_enum, entity, field, given, inputs, mutation
from schema.visit_types import VisitType
from services import errors

describe_enum(
    WaitlistStatus,
    "Where somebody who waits stands.",
    {
        "WAITING": "In line.",
        "OFFERED": "A time is kept for them, until `offerExpiresAt`.",
        "ACCEPTED": "They have taken what was offered. Cancelling it does not bring them back.",
        "EXPIRED": "They did not answer an offer in time, or what they waited for is over.",
        "LEFT": "They wait no longer.",
    },
)


@entity(WaitlistEntryRow)
class WaitlistEntry(Node):
    """A wish for an earlier slot. When one opens it is held for the first in line, who is told and
    may take it. The place in line is by when they joined; whom a time does not fit is passed over
    and keeps their place.
    """

    patient: Patient = field("Who waits.", resolvers.patient_of)
    doctor: Doctor | None = field(
        "For whom; null for any doctor of a department.", directory_resolvers.doctor_of
    )
    department: Department | None = field(
        "For any doctor of which department; null for a certain doctor.",
        directory_resolvers.department_of,
    )
    visit_type: VisitType | None = field(
        "What kind of visit; null for whatever takes one slot.", visit_type_resolvers.visit_type_of
    )
    starts_at: datetime = field("From when on a visit may begin.", name="from")
    ends_at: datetime = field("Until when it must be over.", name="to")
    status: WaitlistStatus = field("Where they stand.")
    offered_slot: Slot | None = field(
        "What is kept for them; only while OFFERED.", resolvers.offered_slot
    )
    offer_expires_at: datetime | None = field(
        "Until when it is kept: so long as the booking policy says, and at most until the minimum "
        "notice. Only while OFFERED."
    )
    position: int | None = field(
        "Their place, from 1 on, among those who wait for the same doctor or the same department; "
        "only while WAITING.",
        resolvers.position,
    )
    created_at: datetime = field("When they joined the line.")


@shows(errors.AlreadyWaiting)
class AlreadyWaiting(UserError):
    """See the refusal."""

    waitlist_entry: WaitlistEntry | None = field("By which entry, if the viewer may see it.")


shows(errors.OfferExpired)(type("OfferExpired", (UserError,), {"__annotations__": {}}))


@inputs
class JoinWaitlistInput:
    """Who waits, for what."""

    doctor_id: ID | None = given("For which doctor.", node="Doctor", default=None)
    department_id: ID | None = given(
        "Or for any doctor of which department; one of the two.", node="Department", default=None
    )
    visit_type_id: ID | None = given(
        "For what kind of visit; for one slot where left out.", node="VisitType", default=None
    )
    patient_id: ID | None = given("Who waits; left out, the viewer.", node="Patient", default=None)
    starts_at: datetime = given("From when on the visit may begin.", wire="from")
    ends_at: datetime = given("Until when it must be over.", wire="to")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class LeaveWaitlistInput:
    """Who waits no longer."""

    waitlist_entry_id: ID = given("Which entry.", node="WaitlistEntry")


@inputs
class AcceptOfferInput:
    """What is accepted."""

    waitlist_entry_id: ID = given("Which entry; one that is OFFERED.", node="WaitlistEntry")
    reason: str | None = given("Why the patient comes.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class DeclineOfferInput:
    """What is declined."""

    waitlist_entry_id: ID = given("Which entry; one that is OFFERED.", node="WaitlistEntry")


CHANGED = {"waitlist_entry": (WaitlistEntry, "The entry as it is now.")}


@strawberry.type
class WaitlistMutations:
    """See the root."""

    join_waitlist = mutation(
        "Waits for a time with a doctor, or with any doctor of a department. One that opens from "
        "now on is held for the first whom it fits, who is told by mail. What is free already is "
        "not offered: book it.",
        resolvers.join_waitlist,
        JoinWaitlistInput,
        returns=CHANGED,
    )
    leave_waitlist = mutation(
        "Waits no longer; what is offered goes to the next in line.",
        resolvers.leave_waitlist,
        LeaveWaitlistInput,
        returns=CHANGED,
    )
    accept_offer = mutation(
        "Books what is offered to somebody who waits.",
        resolvers.accept_offer,
        AcceptOfferInput,
        returns={"appointment": (Appointment, "The appointment.")},
    )
    decline_offer = mutation(
        "Leaves what is offered to the next in line. Who declines waits on in the same place, and "
        "is not offered this slot again.",
        resolvers.decline_offer,
        DeclineOfferInput,
        returns=CHANGED,
    )
