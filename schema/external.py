"""External calendars: what staff see of them, and the acts."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from models import ExternalProblem
from resolvers import external as resolvers
from schema.fields import KEY, describe_enum, field, given, inputs, mutation, value
from schema.sizes import SLOTS_A_DAY

if TYPE_CHECKING:
    from schema.appointments import Appointment
    from schema.calendar import Calendar
else:
    Calendar = Annotated["Calendar", strawberry.lazy("schema.calendar")]
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]

describe_enum(
    ExternalProblem,
    "Why an external calendar could not be read.",
    {
        "UNREACHABLE": "It gave no answer in time, or none that is one.",
        "REFUSED_ADDRESS": "It leads to where the server does not go, such as a private network.",
        "ACCESS_DENIED": "It is not for everybody who has the address.",
        "NOT_FOUND": "It is not there, or no longer.",
        "NOT_A_CALENDAR": "What is there is no iCalendar file, or not a whole one.",
        "TOO_LARGE": "It is larger than 5 MB, or repeats more than can be looked through.",
        "ADDRESS_LOST": "The server's SECRET_KEY is another one by now: connect it again.",
    },
)


@value
class ExternalCalendar:
    """A calendar elsewhere, an iCalendar file that is read every few minutes: when its owner is
    busy there, slots are BLOCKED here. What it says besides times is not kept.
    """

    host: str = field("Where it is; the rest of the address is shown to nobody.")
    last_read_at: datetime | None = field("When it was last tried; null: not yet.")
    last_ok_at: datetime | None = field(
        "When it could be read last. What it said then stays in force until it can be again."
    )
    problem: ExternalProblem | None = field(
        "Why it could not be read the last time; null where it could, or was not tried yet."
    )
    conflicts: list[Appointment] = field(
        "Open appointments at whose time the owner is busy elsewhere. They are never cancelled "
        "silently.",
        resolvers.conflicts_of,
        rows=SLOTS_A_DAY,
    )


@inputs
class ConnectExternalCalendarInput:
    """What to read for which calendar."""

    calendar_id: ID = given("Which calendar.", node="Calendar")
    url: str = given("Its secret address, https:// or webcal://, as its provider shows it.")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class DisconnectExternalCalendarInput:
    """Where to stop."""

    calendar_id: ID = given("Which calendar.", node="Calendar")


@inputs
class RefreshExternalCalendarInput:
    """What to read now."""

    calendar_id: ID = given("Which calendar.", node="Calendar")


CONNECTED = {"external_calendar": (ExternalCalendar, "As it is known now.")}


@strawberry.type
class ExternalMutations:
    """See the root."""

    connect_external_calendar = mutation(
        "Has the busy times of a calendar elsewhere block slots here, instead of those of one "
        "before. It is read within seconds; `lastReadAt` and `problem` tell how that went.",
        resolvers.connect_external_calendar,
        ConnectExternalCalendarInput,
        returns=CONNECTED,
    )
    refresh_external_calendar = mutation(
        "Has the calendar elsewhere read now instead of in some minutes; it is read within "
        "seconds, see `lastReadAt`.",
        resolvers.refresh_external_calendar,
        RefreshExternalCalendarInput,
        returns=CONNECTED,
    )
    disconnect_external_calendar = mutation(
        "Forgets the calendar elsewhere; its times are free again. Without one, nothing changes.",
        resolvers.disconnect_external_calendar,
        DisconnectExternalCalendarInput,
        returns={"calendar": (Calendar, "The calendar.")},
    )
