"""Every act and question of the API with values that would be accepted, made from the schema, so
that tests of bad input can spoil one of them at a time."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)

from models import (
    Appointment,
    AppointmentStatus,
    AvailabilityException,
    Department,
    ExceptionKind,
    Notification,
    NotificationKind,
    NotificationStatus,
    Office,
    Role,
    SignIn,
    VisitType,
    VisitTypeDoctor,
)
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, id_of, tomorrow, wire
from tests.schema.things import a_room, an_entry, an_event

SDL = Path(__file__).parent.parent.parent / "schema" / "schema.graphql"
SCHEMA = build_schema(SDL.read_text())
QUERIES = SCHEMA.query_type.fields
MUTATIONS = SCHEMA.mutation_type.fields
REFUSAL = "errors { __typename ... on UserError { code message path } }"

INTS = {
    # So far away that no holiday is a day that a test has plans for.
    "year": tomorrow().year + 2,
    "slotMinutes": 30,
    "minutes": 30,
    "bufferMinutes": 0,
    "horizonMonths": 6,
    "holdMinutes": 10,
    "offerMinutes": 60,
    "expectedVersion": 1,
    "perPersonLimit": 2,
    "capacity": 5,
    "everyWeeks": 1,
    "count": 2,
}
TEXTS = {
    "password": PASSWORD,
    "phone": "+34612345678",
    "locale": "en",
    "country": "ES",
    "subdivision": "ES-MD",
    # Nobody is there.
    "url": "https://127.0.0.1:9/calendar.ics",
    "languages": "en",
    "idempotencyKey": "a key of twenty-four abc",
}
# Acts whose slot is an event's.
AT_EVENTS = {"bookEventSlot", "rescheduleGuestBooking"}
SCALARS = {
    "Boolean": True,
    "Date": wire(tomorrow())[:10],
    "TimeZone": "Europe/Madrid",
    "Cursor": "AAAA",
}
TIMES = {
    "startTime": "09:00",
    "endTime": "17:00",
    "startsAt": wire(tomorrow(6, days=3)),
    "endsAt": wire(tomorrow(7, days=3)),
    "from": wire(tomorrow(6)),
    "to": wire(tomorrow(20)),
}


@dataclass(frozen=True)
class Place:
    """A value inside the arguments of an act or question: `bookAppointment`, `input`, `slotId`."""

    operation: str
    path: tuple[str, ...]
    kind: GraphQLInputType = field(compare=False)

    def __str__(self) -> str:
        return ".".join((self.operation, *self.path))

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def blamed(self) -> list[str]:
        """Where an error says that it is: of a list, at its first item."""
        return [*self.path, "0"] if _is_list(self.kind) else [*self.path]


def places(fields: dict[str, GraphQLField], type_name: str) -> list[Place]:
    """Every value of a type inside the arguments of these fields."""
    return [
        place
        for operation, declared in fields.items()
        for name, argument in declared.args.items()
        for place in _places(operation, (name,), argument.type)
        if get_named_type(place.kind).name == type_name
    ]


def _places(operation: str, path: tuple[str, ...], kind: GraphQLInputType) -> Iterator[Place]:
    inner = get_named_type(kind)
    if is_input_object_type(inner):
        for name, part in inner.fields.items():
            yield from _places(operation, (*path, name), part.type)
    else:
        yield Place(operation, path, kind)


@dataclass(frozen=True)
class World:
    """A clinic with one of everything that an id, or another text, may name."""

    clinic: Clinic
    ids: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)

    def good(self, place: Place) -> str:
        """The id that is meant at a place."""
        is_seat = place.operation in AT_EVENTS and place.name == "slotId"
        return self.ids["eventSlotId" if is_seat else place.name]

    def value(self, kind: GraphQLInputType, name: str) -> Any:
        """A value that would be accepted; of an object no more than it must have."""
        if is_non_null_type(kind):
            return self.value(kind.of_type, name)
        if is_list_type(kind):
            return [self.value(kind.of_type, name)]
        if isinstance(kind, GraphQLInputObjectType):
            parts = kind.fields.items()
            return {n: self.value(p.type, n) for n, p in parts if is_required_input_field(p)}
        if is_enum_type(kind):
            return next(iter(kind.values))
        return self._leaf(kind.name, name)

    def _leaf(self, type_name: str, name: str) -> Any:
        if type_name == "ID":
            return self.ids[name]
        if type_name == "Int":
            return INTS.get(name, 1)
        if type_name == "String":
            if name == "email":
                return f"{secrets.token_hex(6)}@clinic.example"
            known = {**TEXTS, **self.texts}
            return known.get(name, f"Plausible {secrets.token_hex(6)}")
        if type_name in {"DateTime", "Time"}:
            return TIMES[name]
        return SCALARS[type_name]

    def spoiled(self, place: Place, value: Any) -> dict[str, Any]:
        """The arguments of an operation, all plausible but for one."""
        declared = (QUERIES.get(place.operation) or MUTATIONS[place.operation]).args
        arguments = {
            name: self.value(argument.type, name)
            for name, argument in declared.items()
            if is_non_null_type(argument.type)
        }
        arguments.get("input", {}).update(self.besides(place.operation))
        if place == Place("joinWaitlist", ("input", "departmentId"), place.kind) and value:
            # One of the two is waited for.
            del arguments["input"]["doctorId"]
        self._put(arguments, declared[place.path[0]].type, place, value)
        return arguments

    def besides(self, operation: str) -> dict[str, Any]:
        """What is needed although it need not be given, and other things of the same type."""
        found: dict[str, Any] = {}
        if operation == "bookSeries":
            # Of what begins a week later there is no slot.
            found = {"recurrence": {"count": 2}, "onConflict": "SKIP"}
        if operation in {"bookAppointment", "bookSeries", "joinWaitlist"}:
            # Who books for others says for whom.
            found["patientId"] = self.ids["patientId"]
        if operation == "joinWaitlist":
            found["doctorId"] = self.ids["doctorId"]
        if operation in AT_EVENTS:
            found["slotId"] = self.ids["eventSlotId"]
        if operation == "bookEventSlot":
            found["guest"] = {"name": "Plausible", "email": "plausible@mail.example"}
        return found

    def _put(
        self, arguments: dict[str, Any], kind: GraphQLInputType, place: Place, value: Any
    ) -> None:
        target: Any = arguments
        for name in place.path[:-1]:
            target = target.setdefault(name, self.value(kind, name))
            if isinstance(target, list):
                target = target[0]
            inner = get_named_type(kind)
            kind = inner.fields[place.path[place.path.index(name) + 1]].type
        is_list = _is_list(place.kind) and not isinstance(value, list) and value is not None
        target[place.name] = [value] if is_list else value

    def api(self, operation: str) -> Api:
        """Somebody who may do it."""
        if operation not in MUTATIONS:
            return self.clinic.admin
        *_, allowed = (MUTATIONS[operation].description or "").split("For ")
        for role in (Role.ADMIN, Role.RECEPTIONIST, Role.DOCTOR):
            if role.value in allowed:
                client: Api = getattr(
                    self.clinic, {"RECEPTIONIST": "reception"}.get(role.value, role.value.lower())
                )
                return client
        return self.clinic.public

    async def send(self, place: Place, value: Any) -> dict[str, Any]:
        """The answer to an operation whose arguments are plausible but for one."""
        arguments = self.spoiled(place, value)
        return await self.api(place.operation).send(document(place.operation), **arguments)


def _is_list(kind: GraphQLInputType) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def document(operation: str) -> str:
    """An operation with a variable for each of its arguments."""
    is_query = operation in QUERIES
    declared = (QUERIES if is_query else MUTATIONS)[operation]
    variables = ", ".join(f"${name}: {argument.type}" for name, argument in declared.args.items())
    arguments = ", ".join(f"{name}: ${name}" for name in declared.args)
    inner = selection(declared.type) if is_query else f"{{ __typename {REFUSAL} }}"
    word = "query" if is_query else "mutation"
    return f"{word} ({variables}) {{ {operation}({arguments}) {inner} }}"


def selection(kind: GraphQLOutputType) -> str:
    """Something to ask of a type."""
    inner: Any = get_named_type(kind)
    if is_leaf_type(inner):
        return ""
    if "edges" in inner.fields:
        edge: Any = get_named_type(inner.fields["edges"].type)
        return f"{{ edges {{ node {selection(edge.fields['node'].type)} }} }}"
    return "{ id }" if "id" in inner.fields else "{ __typename }"


async def world_of(clinic: Clinic) -> World:
    """A clinic with one of everything that an id may name; the appointment is tomorrow."""
    factory = clinic.factory
    doctor = clinic.person(Role.DOCTOR).doctor
    calendar = clinic.person(Role.DOCTOR).calendar
    patient = await factory.patient()
    free, booked = await factory.slots(calendar, tomorrow(9), 2)
    owner = {"organization_id": factory.organization.id}
    department = Department(**owner, id=uuid4(), name="Department")
    office = Office(**owner, id=uuid4(), name="Office", time_zone="Europe/Madrid")
    appointment = Appointment(
        **owner,
        id=uuid4(),
        reference=secrets.token_hex(4),
        patient_id=patient.id,
        doctor_id=doctor.id,
        calendar_id=calendar.id,
        slot_id=booked.id,
        starts_at=booked.starts_at,
        ends_at=booked.ends_at,
        status=AppointmentStatus.BOOKED,
        version=1,
    )
    now = datetime.now(UTC)
    sign_in = SignIn(
        **owner,
        id=uuid4(),
        user_id=clinic.person(Role.ADMIN).user.id,
        created_at=now,
        last_used_at=now,
        expires_at=tomorrow(),
    )
    failed = Notification(
        **owner,
        id=uuid4(),
        kind=NotificationKind.PASSWORD_CHANGED,
        recipient="nobody@clinic.example",
        status=NotificationStatus.FAILED,
        created_at=now,
    )
    visit_type = VisitType(**owner, id=uuid4(), name="Visit type", minutes=30)
    offer = VisitTypeDoctor(
        organization_id=factory.organization.id,
        visit_type_id=visit_type.id,
        doctor_id=doctor.id,
    )
    night = {"starts_at": tomorrow(22), "ends_at": tomorrow(23)}
    exception = AvailabilityException(
        **owner, id=uuid4(), calendar_id=calendar.id, kind=ExceptionKind.CLOSED, **night
    )
    await factory.add(department, office, appointment, sign_in, failed, visit_type, offer)
    await factory.add(exception)
    await factory.series(appointment)
    rows = {
        "slotId": free,
        "patientId": patient,
        "doctorId": doctor,
        "calendarId": calendar,
        "departmentId": department,
        "officeId": office,
        "appointmentId": appointment,
        "userId": clinic.person(Role.PATIENT).user,
        "signInId": sign_in,
        "notificationId": failed,
        "visitTypeId": visit_type,
        "exceptionId": exception,
        "roomId": await a_room(factory),
    }
    event, seat, token = await an_event(factory, clinic.person(Role.DOCTOR).user)
    rows |= {"eventId": event, "eventSlotId": seat}
    rows["waitlistEntryId"] = await an_entry(factory, patient, doctor)
    ids = {name: id_of(row) for name, row in rows.items()}
    ids |= {"actorId": id_of(clinic.person(Role.DOCTOR).user), "subjectId": ids["patientId"]}
    ids |= {"doctorIds": ids["doctorId"], "roomIds": ids["roomId"]}
    texts = {"slug": event.slug, "manageToken": token}
    return World(clinic, {**ids, "id": ids["calendarId"], "ids": ids["calendarId"]}, texts)


async def other_ids(factory: Factory) -> dict[str, str]:
    """The same ids of a clinic in another organization."""
    people = {role: await factory.person(role) for role in Role}
    clinic = Clinic(factory, *[None] * 5, people=people)  # type: ignore[arg-type]
    return (await world_of(clinic)).ids
