"""The roots of the schema: where queries, mutations and subscriptions enter."""

from collections.abc import AsyncIterator

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import accounts as account_resolvers
from resolvers import appointments as appointment_resolvers
from resolvers import audit as audit_resolvers
from resolvers import calendar as calendar_resolvers
from resolvers import directory as directory_resolvers
from resolvers import events as event_resolvers
from resolvers import live as live_resolvers
from resolvers import nodes as node_resolvers
from resolvers import notifications as notification_resolvers
from resolvers import organizations as organization_resolvers
from resolvers import rooms as room_resolvers
from resolvers import visit_types as visit_type_resolvers
from resolvers import waitlist as waitlist_resolvers
from resolvers.cursors import Cursor
from schema.accounts import AccountMutations, SignIn, User
from schema.appointments import (
    Appointment,
    AppointmentFilter,
    AppointmentMutations,
    AppointmentUpdate,
)
from schema.audit import AuditEvent
from schema.availability import (
    AvailabilityMutations,
    AvailabilityPreview,
    AvailabilityTemplateInput,
)
from schema.calendar import Calendar, CalendarMutations, CalendarUpdate, Explanation
from schema.connections import Connection
from schema.directory.acts import DirectoryMutations
from schema.directory.types import Department, Doctor, Office, Patient
from schema.errors import PresentErrors
from schema.event_acts import EventMutations
from schema.events import Event
from schema.execution.executor import Compiled
from schema.external import ExternalMutations
from schema.fields import PAGE, Arg, Node, field, subscription
from schema.notifications import Notification, NotificationMutations
from schema.openings import Opening, OpeningSearch
from schema.operations import Audited, InTurn, NamedOperation, OwnMemory, Schema
from schema.organizations import Organization, OrganizationMutations
from schema.reports import ReportQueries
from schema.rooms import Room, RoomMutations
from schema.scalars import SCALARS
from schema.series import SeriesMutations
from schema.sizes import OWN_APPOINTMENTS, USUAL_PAGE, WINDOW, length_of
from schema.visit_types import VisitType, VisitTypeMutations
from schema.waitlist import WaitlistEntry, WaitlistMutations

SEARCH = Arg("A part of the name.")


@strawberry.type(description="Where reading begins.")
class Query(ReportQueries):
    """See the description."""

    node: Node | None = field(
        "The thing with this id; null where there is none that the viewer may see.",
        node_resolvers.node,
        arguments={"id": Arg("Its global id.")},
    )
    nodes: list[Node | None] = field(
        "Several things by id, in the order of the ids; at most 100.",
        node_resolvers.nodes,
        arguments={"node_ids": Arg("Their global ids.", name="ids")},
        rows=length_of("ids"),
    )
    viewer: User | None = field(
        "The signed-in user; null for the public.", account_resolvers.viewer
    )
    organization: Organization = field(
        "The organization that the request is for.", organization_resolvers.organization
    )
    departments: Connection[Department] = field(
        "Departments in order of name.",
        directory_resolvers.departments,
        arguments={**PAGE, "search": SEARCH},
    )
    offices: Connection[Office] = field(
        "Offices in order of name.", directory_resolvers.offices, arguments=PAGE
    )
    visit_types: list[VisitType] = field(
        "Kinds of visits in order of name.",
        visit_type_resolvers.visit_types,
        arguments={"doctor_id": Arg("Only those that this doctor offers.")},
        rows=USUAL_PAGE,
    )
    rooms: list[Room] = field(
        "Rooms and devices in order of name.",
        room_resolvers.rooms,
        arguments={"office_id": Arg("Only those of this office.")},
        rows=USUAL_PAGE,
    )
    doctors: Connection[Doctor] = field(
        "Doctors in order of name.",
        directory_resolvers.doctors,
        arguments={
            **PAGE,
            "department_id": Arg("Only of this department."),
            "office_id": Arg("Only of this office."),
            "specialty": Arg("Only with this specialty, whole."),
            "search": Arg("A part of name or specialty."),
        },
    )
    patients: Connection[Patient] = field(
        "Patients that the viewer may see, in order of name.",
        directory_resolvers.patients,
        arguments={**PAGE, "search": Arg("A part of name, address or number.")},
    )
    users: Connection[User] = field(
        "Accounts in order of name; for ADMIN.",
        account_resolvers.all_users,
        arguments={
            **PAGE,
            "role": Arg("Only with this role."),
            "search": Arg("A part of name, username or address."),
            "include_inactive": Arg("True: also those who cannot sign in."),
        },
    )
    sign_ins: list[SignIn] = field(
        "Where the viewer is signed in, the newest first.", account_resolvers.sign_ins, rows=10
    )
    notifications: Connection[Notification] = field(
        "What is mailed, the newest first; for ADMIN.",
        notification_resolvers.notifications,
        arguments={**PAGE, "status": Arg("Only with this status.")},
    )
    calendar: Calendar | None = field(
        "A calendar by id; null where there is none.",
        calendar_resolvers.calendar,
        arguments={"id": Arg("Its global id.")},
    )
    openings: Connection[Opening] = field(
        "What the viewer could book first, over many doctors at once, in order of start.",
        calendar_resolvers.found_openings,
        arguments={"search": Arg("What to look for.", type=OpeningSearch), **PAGE},
    )
    why_not_bookable: Explanation | None = field(
        "Why the viewer cannot book a slot, or a visit of a type that begins with it, and until "
        "when; null where they can.",
        calendar_resolvers.why_not_bookable,
        arguments={
            "slot_id": Arg("Which slot."),
            "visit_type_id": Arg("What kind of visit; just the slot where left out."),
        },
    )
    appointments: Connection[Appointment] = field(
        "Role-filtered: a patient's own, a doctor's own, all for the front desk.",
        appointment_resolvers.appointments,
        arguments={
            **PAGE,
            "filter": Arg("Which ones.", type=AppointmentFilter | None),
            "newest_first": Arg("True: the latest start first."),
        },
    )
    appointment_by_reference: Appointment | None = field(
        "By its reference code, for the front desk.",
        appointment_resolvers.appointment_by_reference,
        arguments={"reference": Arg("Such as K7QF-2M9D.")},
    )
    waitlist: Connection[WaitlistEntry] = field(
        "Who waits, the first in line first: a patient's own entries, for doctors those who wait "
        "for them, all for the front desk.",
        waitlist_resolvers.waitlist,
        arguments={
            **PAGE,
            "doctor_id": Arg("Only who may become a patient of this doctor."),
            "status": Arg("Only with one of these; WAITING and OFFERED where left out."),
        },
    )
    events: Connection[Event] = field(
        "Published events that are not over, the next first; with `mine`, those that the viewer "
        "manages, published or not, the last first.",
        event_resolvers.events,
        arguments={**PAGE, "mine": Arg("True: those that the viewer manages, for staff.")},
    )
    event: Event | None = field(
        "The event with this link; null where there is none that the viewer may see.",
        event_resolvers.event,
        arguments={"slug": Arg("The end of its link.")},
    )
    guest_booking: Appointment | None = field(
        "A guest's booking; null for a token that is not valid, or not any more.",
        event_resolvers.guest_booking,
        arguments={"manage_token": Arg("The secret that is in the mails about it.")},
    )
    audit_events: Connection[AuditEvent] = field(
        "What was done, read and denied, the newest first. For ADMIN.",
        audit_resolvers.audit_events,
        arguments={
            **PAGE,
            "subject_id": Arg("Only to this thing."),
            "actor_id": Arg("Only by this user."),
        },
    )
    availability_preview: AvailabilityPreview = field(
        "What generateSlots would do, without doing it.",
        calendar_resolvers.preview,
        arguments={
            "calendar_id": Arg("For which calendar."),
            "first_day": Arg("First day.", name="from"),
            "last_day": Arg("Last day.", name="until"),
            "templates": Arg(
                "Working hours to try; the calendar's own where left out.",
                type=list[AvailabilityTemplateInput] | None,
            ),
        },
    )


@strawberry.type(description="Where changing begins: one act, one input, one payload.")
class Mutation(
    AccountMutations,
    OrganizationMutations,
    NotificationMutations,
    DirectoryMutations,
    VisitTypeMutations,
    RoomMutations,
    AvailabilityMutations,
    CalendarMutations,
    AppointmentMutations,
    ExternalMutations,
    EventMutations,
    WaitlistMutations,
    SeriesMutations,
):
    """See the description."""


@strawberry.type(description="Where watching begins.")
class Subscription:
    """See the description."""

    calendar_changes: AsyncIterator[CalendarUpdate] = subscription(
        "A live view of one calendar. The first update is the whole window (`reset` true), or, "
        "with a usable `after`, what changed since. Later updates hold the current state of each "
        "changed slot.",
        live_resolvers.calendar_changes,
        {
            "calendar_id": Arg("Which calendar."),
            "starts_at": Arg("Begin of the window.", name="from"),
            "ends_at": Arg("End of the window, at most 92 days later.", name="to"),
            "after": Arg("The last cursor that was received; nothing for all.", type=Cursor | None),
        },
        rows=WINDOW,
    )
    appointment_changes: AsyncIterator[AppointmentUpdate] = subscription(
        "A live view of the viewer's own appointments: a patient's, or a doctor's. The first "
        "update is what is ahead, and what was over less than a day ago (`reset` true), or, with "
        "a usable `after`, what changed since. Later updates hold the current state of each "
        "changed appointment.",
        live_resolvers.appointment_changes,
        {"after": Arg("The last cursor that was received; nothing for all.", type=Cursor | None)},
        rows=OWN_APPOINTMENTS,
    )


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[PresentErrors, OwnMemory, Audited, NamedOperation, InTurn],
    execution_context_class=Compiled,
    config=StrawberryConfig(scalar_map=SCALARS),
)
