"""Calendars: slots, who owns them, closing time, and the live view."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from models import Calendar as CalendarRow
from models import Slot as SlotRow
from models import SlotStatus
from resolvers import appointments as appointment_resolvers
from resolvers import availability as availability_resolvers
from resolvers import calendar as resolvers
from resolvers import external as external_resolvers
from resolvers.calendar import Obstacle
from resolvers.cursors import cursor_of_update, previous_cursor_of_update
from schema.availability import AvailabilityException, AvailabilityTemplate
from schema.directory.types import Doctor
from schema.errors import UserError, shows
from schema.events import Event
from schema.fields import (
    KEY,
    Arg,
    Node,
    Scope,
    describe_enum,
    entity,
    field,
    given,
    inputs,
    mutation,
    value,
)
from schema.rooms import Room
from schema.scalars import Cursor, TimeZone
from schema.sizes import SLOTS_A_DAY, WINDOW, HandedDown
from services import errors

if TYPE_CHECKING:
    from schema.appointments import Appointment
    from schema.external import ExternalCalendar
else:
    ExternalCalendar = Annotated["ExternalCalendar", strawberry.lazy("schema.external")]
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]

describe_enum(
    SlotStatus,
    "What a calendar shows of a slot.",
    {
        "AVAILABLE": "Free.",
        "HELD": "Kept for someone who is booking; free again when the hold ends.",
        "BOOKED": "Taken.",
        "BLOCKED": "Closed by staff, or busy in a calendar elsewhere.",
        "REMOVED": "No longer exists; only in live updates, so that views drop it.",
    },
)

describe_enum(
    errors.NotBookableReason,
    "Why a free slot cannot be booked by the viewer.",
    {
        "PAST": "It has begun, or for staff: it is over.",
        "TOO_SOON": "The minimum notice has passed.",
        "BEYOND_HORIZON": "It is further ahead than the booking horizon.",
        "NOT_ACCEPTING": "The doctor is not accepting patients.",
        "NOT_PUBLISHED": "The event is not published.",
        "NOT_OFFERED": "The doctor does not offer this kind of visit.",
        "VISIT_TOO_LONG": "The working hours end before the visit would.",
        "KEPT_CLEAR": "It is kept clear between two visits.",
    },
)

describe_enum(
    Obstacle,
    "What stands in the way of booking a slot.",
    {
        "PAST": "It has begun, or for staff: it is over.",
        "TOO_SOON": "The minimum notice has passed.",
        "BEYOND_HORIZON": "It is further ahead than the booking horizon, until it comes nearer.",
        "NOT_ACCEPTING": "The doctor is not accepting patients.",
        "NOT_PUBLISHED": "The event is not published.",
        "NOT_OFFERED": "The doctor does not offer this kind of visit.",
        "VISIT_TOO_LONG": "The working hours end before the visit would.",
        "KEPT_CLEAR": "It is kept clear between two visits.",
        "BOOKED": "It is taken.",
        "HELD": "Somebody else is booking it, until the hold ends.",
        "BLOCKED": "It is closed.",
        "REMOVED": "It is no longer offered.",
        "PARTLY_TAKEN": "A part of the time that the visit needs is taken or kept clear.",
        "NO_SLOT": "Of a series: the calendar has no slot that begins then.",
        "NO_SUCH_TIME": "Of a series: the clocks are set forward over that time on that day.",
        "PATIENT_BUSY": "Of a series: the patient has another appointment then.",
        "BOOKING_LIMIT_REACHED": "Of a series: the patient may not have so many appointments.",
    },
)

CalendarOwner = Annotated[
    Doctor | Event | Room,
    strawberry.union("CalendarOwner", description="Whose time a calendar shows."),
]


@entity(CalendarRow)
class Calendar(Node):
    """Something that can be booked: a doctor's time, an event, or a room that visits need."""

    owner: CalendarOwner = field("Whose time it is.", resolvers.owner_of, scope=Scope.PUBLIC)
    time_zone: TimeZone = field("The zone of its working hours.", scope=Scope.PUBLIC)
    slots: list[Annotated["Slot", strawberry.lazy("schema.calendar")]] = field(
        "Slots that overlap [from, to), in order of start; at most 92 days.",
        resolvers.slots,
        arguments={
            "starts_at": Arg("Begin of the window.", name="from"),
            "ends_at": Arg("End of the window.", name="to"),
            "status": Arg("Only slots with one of these."),
        },
        # For those alone who may see it: a calendar may have been hidden.
        rows=WINDOW,
    )
    templates: list[AvailabilityTemplate] = field(
        "Its weekly working hours, in order of start.",
        resolvers.templates,
        scope=Scope.PUBLIC,
        rows=10,
    )
    exceptions: list[AvailabilityException] = field(
        "Its exceptions and the organization's that overlap [from, to), in order of start; at most "
        "92 days.",
        availability_resolvers.exceptions,
        arguments={
            "starts_at": Arg("Begin of the window.", name="from"),
            "ends_at": Arg("End of the window.", name="to"),
        },
        scope=Scope.PUBLIC,
        rows=20,
    )
    cursor: Cursor = field(
        "Where the calendar stands; pass it as `after` to calendarChanges to miss nothing since.",
        resolvers.cursor_of_calendar,
        scope=Scope.PUBLIC,
    )
    external_calendar: ExternalCalendar | None = field(
        "The calendar elsewhere that it is connected to, for those who run it.",
        external_resolvers.external_calendar_of,
    )


@entity(SlotRow)
class Slot(Node):
    """A time that can be booked. Its id and its times stay as they are."""

    calendar: Calendar = field("The calendar it is in.", resolvers.calendar_of, scope=Scope.PUBLIC)
    starts_at: datetime = field("When it begins.", scope=Scope.PUBLIC)
    ends_at: datetime = field("When it ends.", scope=Scope.PUBLIC)
    status: SlotStatus = field("What the calendar shows of it.", scope=Scope.PUBLIC)
    capacity: int = field("How many may book it.", scope=Scope.PUBLIC)
    booked_count: int = field("How many have booked it.", scope=Scope.PUBLIC)
    version: int = field(
        "Rises with every change of the slot: of two copies the higher one is newer, whichever "
        "way it came.",
        scope=Scope.PUBLIC,
    )
    is_bookable: bool = field(
        "May be booked by the viewer now: free, in the future, inside notice and horizon; for a "
        "visit of a type, with room for all of it and its buffer. Also what the viewer holds.",
        resolvers.is_bookable,
        arguments={"visit_type_id": Arg("What kind of visit; just the slot where left out.")},
        scope=Scope.ROLE,
        of_holders=True,
    )
    held_until: datetime | None = field(
        "Until when it is kept at most; only while it is HELD.", scope=Scope.PUBLIC
    )
    is_held_by_viewer: bool = field(
        "The viewer holds a place in it.",
        resolvers.is_held_by_viewer,
        scope=Scope.PUBLIC,
        of_holders=True,
    )
    appointments: list[Appointment] = field(
        "Appointments in this slot that the viewer may see.",
        appointment_resolvers.appointments_of_slot,
        rows=1,
    )


@value
class Explanation:
    """Why the viewer cannot book a slot."""

    reason: Obstacle = field("What stands in the way.")
    message: str = field("For people.")
    until: datetime | None = field("When that will be over, as far as it is known.")


@value
class CalendarUpdate:
    """A step of a live view: the slots to show, and where the calendar stands."""

    reset: bool = field(
        "True: forget what you hold for this window, `slots` is all of it.", scope=Scope.PUBLIC
    )
    slots: list[Slot] = field(
        "Current state; REMOVED ones are to be dropped.",
        scope=Scope.PUBLIC,
        rows=HandedDown.FROM_ABOVE,
    )
    cursor: Cursor = field(
        "Keep it; pass it as `after` when you come back.",
        cursor_of_update,
        scope=Scope.PUBLIC,
    )
    previous_cursor: Cursor | None = field(
        "Where the calendar stood before this update: equal to the cursor that you hold, or you "
        "missed something. Null after a reset.",
        previous_cursor_of_update,
        scope=Scope.PUBLIC,
    )


@shows(errors.SlotTaken)
class SlotTaken(UserError):
    """See the refusal."""

    alternatives: list[Slot] = field(
        "The nearest free slots of the same calendar, at most three.", rows=3
    )


@shows(errors.NotBookable)
class NotBookable(UserError):
    """See the refusal."""

    reason: errors.NotBookableReason = field("Which rule.")


@shows(errors.TimeTaken)
class TimeTaken(UserError):
    """See the refusal."""

    appointments: list[Appointment] = field("What stands there.", rows=SLOTS_A_DAY)


@shows(errors.TooManyHolds)
class TooManyHolds(UserError):
    """See the refusal."""

    limit: int = field("How many times one person may hold.")


@inputs
class HoldSlotInput:
    """What to keep for the viewer while they book."""

    slot_id: ID = given("Which slot.", node="Slot")
    visit_type_id: ID | None = given(
        "For what kind of visit; just the slot where left out.", node="VisitType", default=None
    )


@inputs
class ReleaseHoldInput:
    """What to let others have."""

    slot_id: ID = given("Which slot.", node="Slot")


@inputs
class BlockTimeInput:
    """What to close."""

    calendar_id: ID = given("In which calendar.", node="Calendar")
    starts_at: datetime = given("From when.")
    ends_at: datetime = given("Until when.")
    reason: str | None = given("For staff.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UnblockTimeInput:
    """What to open again."""

    calendar_id: ID = given("In which calendar.", node="Calendar")
    starts_at: datetime = given("From when.")
    ends_at: datetime = given("Until when.")


HELD = {"slot": (Slot, "The slot as it is now.")}
SLOTS = {"slots": (list[Slot], "The slots that it touched, as they are now.")}
SIZES = {"slots": SLOTS_A_DAY}


@strawberry.type
class CalendarMutations:
    """See the root."""

    hold_slot = mutation(
        "Keeps a time for the viewer, as long as the booking policy says, instead of what they hold"
        " of the same calendar. Holding it again prolongs it, once.",
        resolvers.hold_slot,
        HoldSlotInput,
        returns=HELD,
    )
    release_hold = mutation(
        "Lets others have what the viewer holds of a slot.",
        resolvers.release_hold,
        ReleaseHoldInput,
        returns=HELD,
    )
    block_time = mutation(
        "Closes a time without appointments; its slots become BLOCKED.",
        resolvers.block_time,
        BlockTimeInput,
        returns=SLOTS,
        rows=SIZES,
    )
    unblock_time = mutation(
        "Opens a time that was closed; what was closed before and after it stays so.",
        resolvers.unblock_time,
        UnblockTimeInput,
        returns=SLOTS,
        rows=SIZES,
    )
