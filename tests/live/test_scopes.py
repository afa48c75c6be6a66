"""A field that says that it is the same for all viewers of a scope is: shown by asking as all."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLScalarType, get_named_type

from models import Role
from schema.fields import OF_HOLDERS, SCOPE, Scope
from schema.groups import _scoped, shareable
from schema.root import schema
from services.appointments.lists import appointments_by_slot
from services.context import Context, Viewer
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import CHANGES

TYPES = schema._schema.type_map
# The types that a live view can reach without leaving what it is about.
REACHABLE = (
    *("Calendar", "Slot", "Doctor", "Department", "Office", "AvailabilityTemplate"),
    "AvailabilityException",
)
ARGUMENTS = {
    "slots": lambda: f'(from: "{wire(tomorrow(0))}", to: "{wire(tomorrow(23))}")',
    "exceptions": lambda: f'(from: "{wire(tomorrow(0))}", to: "{wire(tomorrow(23))}")',
    "doctors": lambda: "(first: 2)",
}
DEEPER = {
    "DoctorConnection": "totalCount pageInfo { endCursor } edges { cursor node { id } }",
    "CalendarOwner": "... on Doctor { id }",
}


def scope_of(field: Any) -> Scope:
    definition = field.extensions["strawberry-definition"]
    scope: Scope = definition.metadata.get(SCOPE, Scope.VIEWER)
    return scope


def is_of_holders(type_name: str, field_name: str) -> bool:
    """Whether a field has another value for those who hold the slot."""
    kind = TYPES[type_name]
    assert isinstance(kind, GraphQLObjectType)
    definition = kind.fields[field_name].extensions["strawberry-definition"]
    return bool(definition.metadata.get(OF_HOLDERS))


def shared_fields(widest: Scope) -> list[tuple[str, str]]:
    """The fields of reachable types that are declared to be of one scope."""
    found = []
    for name in REACHABLE:
        kind = TYPES[name]
        assert isinstance(kind, GraphQLObjectType)
        found += [(name, f) for f, field in kind.fields.items() if scope_of(field) is widest]
    return found


def selection(type_name: str, field_name: str) -> str:
    kind = TYPES[type_name]
    assert isinstance(kind, GraphQLObjectType)
    inside = get_named_type(kind.fields[field_name].type)
    arguments = ARGUMENTS[field_name]() if field_name in ARGUMENTS else ""
    if isinstance(inside, GraphQLScalarType | GraphQLEnumType):
        return f"{field_name}{arguments}"
    return f"{field_name}{arguments} {{ {DEEPER.get(inside.name, 'id')} }}"


async def everybody(clinic: Clinic) -> list[Api]:
    """The public, and two people of each role."""
    others = [await clinic.factory.person(role) for role in Role]
    first = [clinic.admin, clinic.reception, clinic.doctor, clinic.patient]
    return [clinic.public, *first, *(clinic.public.signed_in(one.token) for one in others)]


async def things(clinic: Clinic) -> dict[str, str]:
    """One thing of each type, by type."""
    made = await clinic.admin.done("createDepartment", "department { id }", name="Cardiology")
    office = await clinic.admin.done("createOffice", "office { id }", name="Main")
    doctor = clinic.person(Role.DOCTOR)
    await clinic.admin.done(
        "updateDoctor",
        "doctor { id }",
        doctorId=id_of(doctor.doctor),
        departmentId=made["id"],
        officeId=office["id"],
        languages=["es"],
    )
    template = await clinic.factory.template(doctor.calendar)
    slot = await clinic.factory.slot(doctor.calendar, tomorrow(), capacity=2)
    await clinic.patient.done("bookAppointment", "appointment { id }", slotId=id_of(slot))
    # The other place is held by one of those who are asked.
    await clinic.doctor.done("holdSlot", "slot { id }", slotId=id_of(slot))
    closed = await clinic.doctor.done(
        "addAvailabilityException",
        "exception { id }",
        calendarId=id_of(doctor.calendar),
        kind="CLOSED",
        startsAt=wire(tomorrow(20)),
        endsAt=wire(tomorrow(21)),
        reason="Ill",
    )
    return {
        "Calendar": id_of(doctor.calendar),
        "Slot": id_of(slot),
        "Doctor": id_of(doctor.doctor),
        "Department": made["id"],
        "Office": office["id"],
        "AvailabilityTemplate": id_of(template),
        "AvailabilityException": closed["id"],
    }


async def shown(api: Api, type_name: str, field_name: str, id: str) -> Any:
    document = f"""
    query ($id: ID!) {{ node(id: $id) {{
      ... on {type_name} {{ {selection(type_name, field_name)} }}
    }} }}"""
    return (await api.ask(document, id=id))["node"][field_name]


async def test_public_fields_are_the_same_for_everybody(clinic: Clinic) -> None:
    ids, apis = await things(clinic), await everybody(clinic)
    for type_name, field_name in shared_fields(Scope.PUBLIC):
        asked = [
            a for a in apis if a is not clinic.doctor or not is_of_holders(type_name, field_name)
        ]
        answers = [await shown(api, type_name, field_name, ids[type_name]) for api in asked]
        assert all(answer == answers[0] for answer in answers), (type_name, field_name, answers)


async def test_fields_of_a_role_are_the_same_within_it(clinic: Clinic) -> None:
    ids, apis = await things(clinic), (await everybody(clinic))[1:]
    of_role = list(zip(apis[: len(Role)], apis[len(Role) :], strict=True))
    for type_name, field_name in shared_fields(Scope.ROLE):
        for one, other in of_role:
            answers = [
                await shown(api, type_name, field_name, ids[type_name]) for api in (one, other)
            ]
            # The holder is one of the two: what is not said to be of holders is theirs as well.
            is_own = one is clinic.doctor and is_of_holders(type_name, field_name)
            assert (answers[0] != answers[1]) == is_own, (type_name, field_name)


@pytest.mark.parametrize(
    ("type_name", "field_name"),
    [("Slot", "appointments"), ("Doctor", "user")],
)
def test_fields_with_people_in_them_are_never_shared(type_name: str, field_name: str) -> None:
    kind = TYPES[type_name]
    assert isinstance(kind, GraphQLObjectType)
    assert scope_of(kind.fields[field_name]) is Scope.VIEWER


def test_nothing_of_people_is_declared_to_be_shared() -> None:
    for type_name in ("User", "Patient", "Appointment", "AppointmentEvent", "Session"):
        kind = TYPES[type_name]
        assert isinstance(kind, GraphQLObjectType)
        wide = [f for f, field in kind.fields.items() if scope_of(field) is not Scope.VIEWER]
        assert wide in ([], ["id"])


FRAGMENTS = "fragment Visits on Slot { ...Deeper } fragment Deeper on Slot { %s }"


@pytest.mark.parametrize(
    ("selection", "fragments", "scope"),
    [
        ("id status", "", Scope.PUBLIC),
        ("status isBookable", "", Scope.ROLE),
        ("status isHeldByViewer", "", Scope.PUBLIC),
        ("status isBookable appointments { id }", "", Scope.VIEWER),
        ("status: appointments { id }", "", Scope.VIEWER),
        ("calendar { owner { ... on Doctor { name } } }", "", Scope.PUBLIC),
        ("calendar { owner { ... on Doctor { name user { id } } } }", "", Scope.VIEWER),
        ("status ... on Slot { isBookable }", "", Scope.ROLE),
        ("status ... { appointments { id } }", "", Scope.VIEWER),
        ("status ...Visits", FRAGMENTS % "version", Scope.PUBLIC),
        ("status ...Visits", FRAGMENTS % "isBookable", Scope.ROLE),
        ("status ...Visits", FRAGMENTS % "appointments { id }", Scope.VIEWER),
    ],
)
def test_a_view_is_for_those_for_whom_its_narrowest_field_is(
    selection: str, fragments: str, scope: Scope
) -> None:
    variables = {"id": "calendar_", "from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    shared = shareable(CHANGES % selection + fragments, variables, None)
    assert shared is not None
    assert shared.plan.whom.scope is scope
    assert shared.plan.whom.but_for_holders is any(
        name in selection + fragments for name in ("isBookable", "isHeldByViewer")
    )


def in_the_name_of(clinic: Clinic, role: Role) -> Context:
    """The context of somebody, without a server: what needs one fails."""
    viewer = Viewer(clinic.person(role).user, uuid4(), datetime.now(UTC), None, None)
    nothing: Any = None
    return Context(nothing, clinic.factory.organization, viewer)


async def test_a_group_is_executed_with_no_more_than_its_viewers_have_in_common(
    clinic: Clinic,
) -> None:
    context = in_the_name_of(clinic, Role.PATIENT)
    viewer = context.viewer
    context.memory["loaded"] = "for somebody"
    variables = {"id": "calendar_", "from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    for fields, whom, role in (
        ("status", None, None),
        ("isBookable", None, Role.PATIENT),
        ("appointments { id }", viewer, Role.PATIENT),
    ):
        shared = shareable(CHANGES % fields, variables, None)
        assert shared is not None
        scoped = _scoped(shared, context)
        assert (scoped.viewer, scoped.role, scoped.memory) == (whom, role, {})


async def test_what_is_made_for_a_role_has_no_appointments_in_it(clinic: Clinic) -> None:
    """Though each receptionist sees all of them: nothing is even asked of the database."""
    context = in_the_name_of(clinic, Role.RECEPTIONIST).for_role()
    assert context.role is Role.RECEPTIONIST
    assert await appointments_by_slot(context, [uuid4()]) == {}
