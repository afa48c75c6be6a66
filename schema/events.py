"""What an event is: dated slots that the public books by a link."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import strawberry

from models import Event as EventRow
from resolvers import calendar as calendar_resolvers
from resolvers import events as resolvers
from schema.accounts import User
from schema.connections import Connection
from schema.fields import PAGE, Node, Scope, entity, field
from schema.scalars import TimeZone

if TYPE_CHECKING:
    from schema.appointments import Appointment
    from schema.calendar import Calendar
else:
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]
    Calendar = Annotated["Calendar", strawberry.lazy("schema.calendar")]

# A whole list, of which a page would show a part.
LIST_WEIGHT = 100


@entity(EventRow)
class Event(Node):
    """Dated slots that the public books by a link, with or without an account. Until it is
    published it is there for its organizer and for administrators alone.
    """

    title: str = field("What it is.", scope=Scope.PUBLIC)
    description: str | None = field("More about it.", scope=Scope.PUBLIC)
    date: dt.date = field("On which day, in its zone.", scope=Scope.PUBLIC)
    time_zone: TimeZone = field("The zone of its times.", scope=Scope.PUBLIC)
    slug: str = field("Hard to guess; the public page is /e/{slug}.", scope=Scope.PUBLIC)
    url: str = field("The address of the public page.", resolvers.url, scope=Scope.PUBLIC)
    is_published: bool = field("Everybody with the link may see and book it.", scope=Scope.PUBLIC)
    per_person_limit: int = field(
        "How many places one person may have, in all its slots together.", scope=Scope.PUBLIC
    )
    organizer_name: str = field("Who organizes it.", resolvers.organizer_name, scope=Scope.PUBLIC)
    organizer: User | None = field("For staff; null for the public.", resolvers.organizer)
    calendar: Calendar = field(
        "Where its slots are.", calendar_resolvers.calendar_of, scope=Scope.PUBLIC
    )
    bookings: Connection[Appointment] = field(
        "Who has booked, in order of start; for the organizer and administrators, and empty for "
        "others.",
        resolvers.bookings,
        arguments=PAGE,
    )
    attendance_csv: str | None = field(
        "Who comes, as CSV (RFC 4180) with a header: a line for each booking that is not "
        "cancelled. Cells that a spreadsheet would take for a formula begin with an apostrophe. "
        "For the organizer and administrators; null for others.",
        resolvers.attendance_csv,
        weight=LIST_WEIGHT,
    )
    created_at: dt.datetime = field("When it was made.", scope=Scope.PUBLIC)
