"""The audit trail: what of acts, readings and denials it holds, who sees it, and that no answer
leaves without its row."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gql import gql
from gql.transport.exceptions import TransportQueryError

from models import AuditEvent, Role
from tests.api import Api
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import PATIENCE
from tests.rows import kept, unchanged
from tests.scratch import connected
from tests.trails import trail

NODE = "query ($id: ID!) { node(id: $id) { __typename } }"
WATCH = """
subscription { appointmentChanges { appointments { reason patient { name } } } }
"""


# ------------------------------------------------------------ acts


async def test_each_act_on_a_patient_is_noted_with_the_names_of_what_changed(
    clinic: Clinic,
) -> None:
    made = await clinic.reception.done(
        "registerPatient", "patient { id }", name="Pat", notes="secret words"
    )
    await clinic.reception.done(
        "updatePatient", "patient { id }", patientId=made["id"], notes="others", phone=None
    )
    await clinic.patient.done(
        "updatePatient", "patient { id }", patientId=patient_id(clinic), birthDate="1990-01-02"
    )
    await clinic.admin.done("deletePatient", "deletedId", patientId=made["id"])
    desk, done = Role.RECEPTIONIST, ("DONE", "Patient", 1)
    noted = await trail(clinic)
    assert noted[0][:5] == (desk, "register_patient", *done)
    assert noted[1:] == [
        (desk, "update_patient", *done, "notes"),
        (Role.PATIENT, "update_patient", *done, "birth_date"),
        (Role.ADMIN, "delete_patient", *done, "archived_at"),
    ]


async def test_each_act_on_an_appointment_is_noted(clinic: Clinic) -> None:
    slot, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    id = (await book(clinic.patient, slot, reason="a secret"))["id"]
    values = {"appointmentId": id}
    for api, act, more in (
        (clinic.patient, "updateAppointment", {"reason": "another"}),
        (clinic.reception, "checkInAppointment", {"staffNotes": "more"}),
        (clinic.reception, "cancelAppointment", {}),
    ):
        await api.done(act, "appointment { id }", **values, **more)
    moved = (await book(clinic.reception, slot, patientId=patient_id(clinic)))["id"]
    await clinic.reception.done(
        "rescheduleAppointment", "appointment { id }", appointmentId=moved, slotId=id_of(other)
    )
    noted = await trail(clinic)
    done = ("DONE", "Appointment", 1)
    assert [one[:5] for one in noted] == [
        (Role.PATIENT, "book_appointment", *done),
        (Role.PATIENT, "update_appointment", *done),
        (Role.RECEPTIONIST, "check_in_appointment", *done),
        (Role.RECEPTIONIST, "cancel_appointment", *done),
        (Role.RECEPTIONIST, "book_appointment", *done),
        (Role.RECEPTIONIST, "reschedule_appointment", *done),
    ]
    assert [one[5] for one in noted[1:4]] == [
        "reason",
        "staff_notes, status",
        "cancelled_at, status",
    ]
    assert "secret" not in str(noted)


async def test_an_act_that_is_refused_for_what_it_says_leaves_no_row(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.patient, slot)
    before = await trail(clinic)
    await clinic.reception.refusal(
        "bookAppointment",
        "appointment { id }",
        slotId=id_of(slot),
        patientId=id_of(await clinic.factory.patient()),
    )
    assert await trail(clinic) == before


# ------------------------------------------------------------ readings


async def test_what_staff_read_is_one_row_for_each_kind_and_operation(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    for slot in slots:
        id = (await book(clinic.patient, slot, reason="why"))["id"]
        await clinic.doctor.done(
            "updateAppointment", "appointment { id }", appointmentId=id, staffNotes="noted"
        )
    for _ in range(2):
        await clinic.factory.patient()
    before = len(await trail(clinic))
    await clinic.doctor.ask(
        "{ a: appointments { edges { node { reason staffNotes patient { name } } } }"
        "  b: appointments { edges { node { staffNotes patient { appointments(first: 1) {"
        "     edges { node { reason } } } } } } } }"
    )
    await clinic.reception.ask("{ patients { edges { node { name } } } }")
    await clinic.reception.ask("{ appointments { edges { node { staffNotes } } } }")
    fields = "reason, staff_notes"
    assert (await trail(clinic))[before:] == [
        (Role.DOCTOR, "read_appointments", "DONE", "Appointment", 2, fields),
        (Role.DOCTOR, "read_patients", "DONE", "Patient", 1, None),
        (Role.RECEPTIONIST, "read_patients", "DONE", "Patient", 3, None),
        (Role.RECEPTIONIST, "read_appointments", "DONE", "Appointment", 2, "staff_notes"),
    ]


async def test_reasons_of_cancellations_are_read_like_notes(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    id = (await book(clinic.patient, slot))["id"]
    await clinic.patient.done(
        "cancelAppointment", "appointment { id }", appointmentId=id, reason="ill"
    )
    before = len(await trail(clinic))
    await clinic.reception.ask(
        "{ appointments { edges { node { cancellationReason history { note } } } } }"
    )
    assert (await trail(clinic))[before:] == [
        (
            Role.RECEPTIONIST,
            "read_appointments",
            "DONE",
            "Appointment",
            1,
            "cancellation_reason, note",
        )
    ]


async def test_people_read_their_own_and_the_public_reads_nothing(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.patient, slot, reason="why")
    before = await trail(clinic)
    own = "{ viewer { patient { name } } appointments { edges { node { reason } } } }"
    assert (await clinic.patient.ask(own))["viewer"]["patient"]["name"]
    await clinic.public.ask("{ doctors { edges { node { name nextAvailableSlot { id } } } } }")
    await clinic.reception.ask("{ appointments { edges { node { status reason } } } }")
    assert await trail(clinic) == before


@pytest.mark.parametrize(
    "document",
    # Shared by all views of the doctor; and, out of a fragment, executed for one viewer alone.
    [WATCH, f"fragment F on Subscription {WATCH[14:]} subscription {{ ...F }}"],
    ids=["shared", "alone"],
)
async def test_what_a_live_view_shows_a_doctor_is_noted_before_it_is_sent(
    clinic: Clinic, document: str
) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await book(clinic.patient, slots[0], reason="why")
    async with clinic.doctor.socket() as session:
        updates = session.subscribe(gql(document))
        for count, slot in ((1, slots[1]), (2, None)):
            async with asyncio.timeout(PATIENCE):
                await anext(updates)
            read = Counter(one for one in await trail(clinic) if one[1].startswith("read_"))
            assert read == {
                (Role.DOCTOR, "read_appointments", "DONE", "Appointment", 1, "reason"): count,
                (Role.DOCTOR, "read_patients", "DONE", "Patient", 1, None): count,
            }
            if slot is not None:
                await book(clinic.patient, slot, reason="again")
        await updates.aclose()


# ------------------------------------------------------------ denials


@pytest.mark.parametrize(
    ("role", "document", "action"),
    [
        (
            Role.PATIENT,
            'mutation { registerPatient(input: { name: "X" }) { errors { __typename } } }',
            "register_patient",
        ),
        (
            Role.RECEPTIONIST,
            'mutation { updateOrganization(input: { name: "X" }) { errors { __typename } } }',
            "update_organization",
        ),
        (Role.DOCTOR, "{ auditEvents { edges { node { id } } } }", "list_events"),
    ],
)
async def test_what_a_role_may_not_is_denied_and_noted_once(
    clinic: Clinic, role: Role, document: str, action: str
) -> None:
    apis = {
        Role.PATIENT: clinic.patient,
        Role.RECEPTIONIST: clinic.reception,
        Role.DOCTOR: clinic.doctor,
    }
    async with unchanged(clinic.factory):
        assert await apis[role].error_code(document) == "FORBIDDEN"
    assert await trail(clinic) == [(role, action, "FORBIDDEN", None, 0, None)]
    assert await clinic.public.error_code(document) == "UNAUTHENTICATED"
    assert len(await trail(clinic)) == 1


async def test_a_live_view_that_is_denied_is_noted(clinic: Clinic) -> None:
    async with clinic.reception.socket() as session:
        with pytest.raises(TransportQueryError):
            await anext(session.subscribe(gql(WATCH)))
    assert await trail(clinic) == [(Role.RECEPTIONIST, "own_agenda_id", "FORBIDDEN", None, 0, None)]


async def test_what_is_there_and_for_others_is_denied_as_missing_and_noted(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    mine = await clinic.patient.done(
        "bookAppointment", "appointment { id reference }", slotId=id_of(slot)
    )
    stranger = await clinic.factory.person(Role.PATIENT)
    other = clinic.public.signed_in(stranger.token)
    by_reference = "query ($r: String!) { appointmentByReference(reference: $r) { id } }"
    async with unchanged(clinic.factory):
        assert await other.ask(NODE, id=mine["id"]) == {"node": None}
        doctor = id_of(clinic.person(Role.DOCTOR).user)
        assert await other.ask(NODE, id=doctor) == {"node": None}
        found = await other.ask(by_reference, r=mine["reference"])
        assert found == {"appointmentByReference": None}
        refused = await other.refusal(
            "cancelAppointment", "appointment { id }", appointmentId=mine["id"]
        )
        assert refused["code"] == "NOT_FOUND"
        event = (await kept(clinic.factory, AuditEvent))[0]["id"].replace("-", "")
        assert await other.ask(NODE, id=f"audit_event_{event}") == {"node": None}
    rows = await kept(clinic.factory, AuditEvent)
    denied = [row for row in rows if row["actor_id"] == str(stranger.user.id)]
    assert {row["outcome"] for row in denied} == {"NOT_FOUND"}
    assert sorted((row["action"], row["subject_type"]) for row in denied) == [
        ("cancel_appointment", "Appointment"),
        ("get_appointment_by_reference", "Appointment"),
        ("node", "Appointment"),
        ("node", "AuditEvent"),
        ("node", "User"),
    ]


async def test_what_is_missing_or_of_another_organization_is_no_denial(clinic: Clinic) -> None:
    factory = await elsewhere(clinic)
    stranger = await factory.patient()
    for id in (id_of(stranger), f"patient_{'0' * 32}"):
        assert await clinic.reception.ask(NODE, id=id) == {"node": None}
        refused = await clinic.reception.refusal(
            "updatePatient", "patient { id }", patientId=id, name="X"
        )
        assert refused["code"] == "NOT_FOUND"
    assert await trail(clinic) == []


async def test_a_doctor_who_reaches_for_the_calendar_of_another_is_noted(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    await clinic.doctor.refusal(
        "blockTime",
        "slots { id }",
        calendarId=id_of(other.calendar),
        startsAt=wire(tomorrow()),
        endsAt=wire(tomorrow(10)),
    )
    assert await trail(clinic) == [(Role.DOCTOR, "block_time", "NOT_FOUND", "Calendar", 1, None)]


# ------------------------------------------------------------ without its row no answer


@asynccontextmanager
async def full_trail(clinic: Clinic) -> AsyncIterator[None]:
    """Nothing more can be noted in the clinic."""
    id = clinic.factory.organization.id
    async with connected(clinic.factory.database.dsn) as owner:
        await owner.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'full'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_events FOR EACH ROW "
            f"WHEN (NEW.organization_id = '{id}') EXECUTE FUNCTION refuse()"
        )
        try:
            yield
        finally:
            await owner.execute("DROP FUNCTION refuse CASCADE")


async def test_what_cannot_be_noted_is_not_shown_and_not_done(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await book(clinic.patient, slot, reason="why")
    name = clinic.person(Role.PATIENT).user.name
    patients = "{ patients { edges { node { name } } } }"
    async with unchanged(clinic.factory), full_trail(clinic):
        answer = await clinic.reception.send(patients)
        assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "INTERNAL")
        assert name not in str(answer)
        async with clinic.reception.socket() as session:
            with pytest.raises(TransportQueryError) as refused:
                await session.execute(gql(patients))
            assert name not in str(refused.value)
        async with clinic.doctor.socket() as session:
            with pytest.raises(TransportQueryError) as refused:
                await anext(session.subscribe(gql(WATCH)))
            assert name not in str(refused.value)
        made = 'mutation { registerPatient(input: { name: "X" }) { patient { id } } }'
        assert await clinic.reception.error_code(made) == "INTERNAL"
        # A denial is still one, whatever it is called.
        assert await clinic.patient.error_code(made) == "INTERNAL"
        # What need not be noted goes on.
        assert (await clinic.patient.ask("{ viewer { id } }"))["viewer"]
    assert len((await clinic.reception.ask(patients))["patients"]["edges"]) == 1


# ------------------------------------------------------------ who sees it


EVENTS = """
query ($first: Int, $after: String, $subject: ID, $actor: ID) {
  auditEvents(first: $first, after: $after, subjectId: $subject, actorId: $actor) {
    totalCount pageInfo { endCursor }
    edges { node { id at actor { id } role action subject { id } subjectIds outcome ipAddress
                   details } }
  }
}
"""


async def shown(api: Api, **values: Any) -> list[dict[str, Any]]:
    """The events that somebody sees."""
    return [edge["node"] for edge in (await api.ask(EVENTS, **values))["auditEvents"]["edges"]]


async def test_administrators_see_what_happened_the_newest_first(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    id = (await book(clinic.patient, slot, reason="why"))["id"]
    await clinic.doctor.ask("{ appointments { edges { node { reason } } } }")
    assert await clinic.patient.error_code(EVENTS) == "FORBIDDEN"
    other = await (await elsewhere(clinic)).person(Role.ADMIN)
    stranger = clinic.public.signed_in(other.token)
    people = {role: id_of(person.user) for role, person in clinic.people.items()}
    events = await shown(clinic.admin)
    assert [(one["action"], one["outcome"], one["actor"]["id"]) for one in events] == [
        ("listEvents", "FORBIDDEN", people[Role.PATIENT]),
        ("readAppointments", "DONE", people[Role.DOCTOR]),
        ("bookAppointment", "DONE", people[Role.PATIENT]),
    ]
    read = events[1]
    assert (read["subject"], read["subjectIds"]) == ({"id": id}, [id])
    assert (read["role"], read["ipAddress"], read["details"]) == ("DOCTOR", "127.0.0.1", "reason")
    assert await shown(stranger) == []
    assert await shown(stranger, subject=id) == []
    assert await clinic.admin.ask(NODE, id=read["id"]) == {"node": {"__typename": "AuditEvent"}}
    assert await clinic.patient.ask(NODE, id=read["id"]) == {"node": None}
    of_doctor = await shown(clinic.admin, actor=people[Role.DOCTOR])
    assert [one["action"] for one in of_doctor] == ["readAppointments"]
    about = await shown(clinic.admin, subject=id, first=1)
    assert [one["action"] for one in about] == ["readAppointments"]
