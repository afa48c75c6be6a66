"""Idempotency keys of every act that creates something: sent twice, it is done once.

What is particular to booking and moving, and how long a key is good for: `test_idempotency`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from graphql import get_named_type

from models import (
    Appointment,
    AuditEvent,
    Calendar,
    Department,
    Doctor,
    ExternalCalendar,
    IdempotencyKey,
    Notification,
    Office,
    Patient,
    Role,
    User,
)
from services.idempotency import Request
from tests.api import Api
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow, wire
from tests.occasions import DAY, SLOTS, an_event, slots_of
from tests.rivals import held, line_up
from tests.rows import kept, unchanged
from tests.schema.plausible import MUTATIONS
from tests.waiting import WINDOW, Waiter, cancel, taken

KEY = "0123456789abcdef"
# What is not about a doctor's calendar.
BESIDES = {"resendInvitation", "createEvent", "bookEventSlot", "joinWaitlist", "acceptOffer"}
# Who may, what is asked of the payload, and what makes it another request.
ACTS: dict[str, tuple[Role, str, dict[str, Any]]] = {
    "createDepartment": (
        Role.ADMIN,
        "department { id name description }",
        {"description": "Hearts"},
    ),
    "createOffice": (Role.ADMIN, "office { id name phone }", {"phone": "+34612345678"}),
    "createDoctor": (Role.ADMIN, "doctor { id name user { username } }", {"bio": "Hearts"}),
    "registerPatient": (Role.RECEPTIONIST, "patient { id name notes }", {"notes": "Knocks"}),
    "inviteUser": (Role.ADMIN, "user { id username role }", {"role": "PATIENT"}),
    "resendInvitation": (Role.ADMIN, "user { id username role }", {"userId": None}),
    "createRoom": (Role.ADMIN, "room { id name }", {"name": "Other"}),
    "createVisitType": (Role.ADMIN, "visitType { id name minutes }", {"minutes": 45}),
    "overbookAppointment": (
        Role.RECEPTIONIST,
        "appointment { id version }",
        {"overbookingReason": "Another"},
    ),
    "addAvailabilityException": (Role.DOCTOR, "exception { id reason }", {"reason": "Lunch"}),
    "blockTime": (Role.DOCTOR, "slots { id status version }", {"reason": "Lunch"}),
    "connectExternalCalendar": (
        Role.DOCTOR,
        "externalCalendar { host }",
        {"url": "https://127.0.0.1:9/other.ics"},
    ),
    "bookAppointment": (Role.PATIENT, "appointment { id version }", {"reason": "Knee"}),
    "bookSeries": (
        Role.PATIENT,
        "series { id recurrence appointments { id version } }",
        {"reason": "Knee"},
    ),
    "createEvent": (Role.DOCTOR, "event { id title slug }", {"description": "With music"}),
    "bookEventSlot": (Role.PATIENT, "appointment { id version }", {"slotId": None}),
    "rescheduleAppointment": (Role.PATIENT, "appointment { id version }", {"slotId": None}),
    "joinWaitlist": (Role.PATIENT, "waitlistEntry { id status }", {"to": wire(tomorrow(days=9))}),
    "acceptOffer": (Role.PATIENT, "appointment { id version }", {"reason": "Knee"}),
}


@dataclass(frozen=True)
class Creation:
    """An act that creates something, and whoever may do it."""

    name: str
    api: Api
    fields: str
    values: Mapping[str, Any]
    other: Mapping[str, Any]

    async def sent(self, **values: Any) -> dict[str, Any]:
        """The payload, with the key."""
        given = {**self.values, **values}
        return await self.api.act(self.name, self.fields, **given, idempotencyKey=KEY)


@pytest.fixture(params=ACTS)
async def creation(request: pytest.FixtureRequest, clinic: Clinic) -> Creation:
    """Each of the acts, ready to be done."""
    role, fields, other = ACTS[request.param]
    api = clinic.public.signed_in(clinic.person(role).token)
    others = {name: value or (await stranger(clinic, name)) for name, value in other.items()}
    what = await (given_besides if request.param in BESIDES else given)(clinic, request.param)
    return Creation(request.param, api, fields, what, others)


async def given(clinic: Clinic, act: str) -> dict[str, Any]:
    """What an act is to do."""
    named = {"name": "Ada Example"}
    account = {**named, "email": "ada@mail.example"}
    plain: dict[str, dict[str, Any]] = {
        "createDepartment": named,
        "createOffice": named,
        "createRoom": named,
        "registerPatient": named,
        "createVisitType": {**named, "minutes": 30},
        "createDoctor": account,
        "inviteUser": {**account, "role": "RECEPTIONIST"},
    }
    if act in plain:
        return plain[act]
    slot, new = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    if act in {"blockTime", "addAvailabilityException"}:
        times = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
        kind = {} if act == "blockTime" else {"kind": "CLOSED"}
        return {"calendarId": id_of(calendar_of(clinic)), **kind, **times}
    if act == "connectExternalCalendar":
        address = "https://127.0.0.1:9/calendar.ics"
        return {"calendarId": id_of(calendar_of(clinic)), "url": address}
    if act == "bookSeries":
        # Of what begins a week later there is no slot.
        return {"slotId": id_of(slot), "recurrence": {"count": 2}, "onConflict": "SKIP"}
    if act in {"bookAppointment", "overbookAppointment"}:
        patient = id_of(clinic.person(Role.PATIENT).patient)
        beside = {"patientId": patient, "overbookingReason": "Urgent"}
        return {"slotId": id_of(slot), **(beside if act == "overbookAppointment" else {})}
    visit = await book(clinic.patient, slot)
    return {"appointmentId": visit["id"], "slotId": id_of(new)}


async def given_besides(clinic: Clinic, act: str) -> dict[str, Any]:
    """What an act is to do that is not about a doctor's calendar."""
    if act == "resendInvitation":
        return {"userId": await stranger(clinic, "userId")}
    if act == "createEvent":
        return {"title": "An evening", "date": DAY, "slots": SLOTS}
    if act in {"joinWaitlist", "acceptOffer"}:
        return await in_line(clinic, act)
    return {"slotId": slots_of(await an_event(clinic.doctor))[0]}


async def in_line(clinic: Clinic, act: str) -> dict[str, Any]:
    """What the clinic's patient may wait for, or the entry by which they are offered something."""
    if act == "joinWaitlist":
        return {**WINDOW, "doctorId": id_of(clinic.person(Role.DOCTOR).doctor)}
    one = await Waiter(clinic, clinic.person(Role.PATIENT)).join()
    # A mail that is on its way would be forgotten at any moment.
    await clinic.reception.done(
        "updatePatient", "patient { id }", patientId=patient_id(clinic), email=None
    )
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await cancel(clinic, await taken(clinic, slot))
    return {"waitlistEntryId": one.id}


async def stranger(clinic: Clinic, field: str) -> str:
    """Another thing of the kind that a field names."""
    if field == "userId":
        return id_of((await clinic.factory.person(Role.RECEPTIONIST)).user)
    return id_of(await clinic.factory.slot(calendar_of(clinic), tomorrow(20)))


async def noted(clinic: Clinic) -> list[str]:
    """What the audit trail says was done, readings aside."""
    rows = await kept(clinic.factory, AuditEvent)
    return sorted(row["action"] for row in rows if not row["action"].startswith("read_"))


def test_every_act_that_takes_a_key_is_tried() -> None:
    taking = {
        name
        for name, act in MUTATIONS.items()
        if "idempotencyKey" in get_named_type(act.args["input"].type).fields
    }
    assert taking == ACTS.keys()


async def test_a_key_is_good_for_one_request_which_is_done_once(
    clinic: Clinic, creation: Creation
) -> None:
    first = await creation.sent()
    assert first["errors"] == []
    acts = await noted(clinic)
    async with unchanged(clinic.factory):
        assert await creation.sent() == first
        refused = await creation.sent(**creation.other)
    assert await noted(clinic) == acts
    (error,) = refused.pop("errors")
    assert error == {
        "__typename": "IdempotencyMismatch",
        "message": "This key was already used for a different request.",
        "code": "IDEMPOTENCY_MISMATCH",
        "path": ["input", "idempotencyKey"],
    }
    assert [*refused.values()] == [None]


def test_the_same_values_of_another_act_are_another_request() -> None:
    one, same, other = (Request(act, KEY, ("Ada",)) for act in ("book", "book", "move"))
    assert one.hash == same.hash != other.hash


async def test_of_five_at_once_one_acts_and_all_answer_alike(
    clinic: Clinic, creation: Creation
) -> None:
    kinds = (Department, Office, Doctor, Patient, User, Notification, Appointment, ExternalCalendar)
    before = [len(await kept(clinic.factory, kind)) for kind in kinds]
    first, *others = await asyncio.gather(*(creation.sent() for _ in range(5)))
    assert first["errors"] == []
    assert others == [first] * 4
    # None of these acts makes two of a kind.
    for kind, count in zip(kinds, before, strict=True):
        assert len(await kept(clinic.factory, kind)) - count in {0, 1}, kind
    assert len(await kept(clinic.factory, IdempotencyKey)) == 1


async def test_a_refused_act_leaves_no_key(clinic: Clinic) -> None:
    await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal(
            "createDepartment", "department { id }", name="Hearts", idempotencyKey=KEY
        )
    assert refused["code"] == "NAME_TAKEN"
    made = await clinic.admin.done(
        "createDepartment", "department { name }", name="Knees", idempotencyKey=KEY
    )
    assert made == {"name": "Knees"}


async def test_the_second_waits_until_the_first_has_ended(clinic: Clinic) -> None:
    """The first is held up in the middle, by a department that somebody is changing."""
    department = Department(
        organization_id=clinic.factory.organization.id, id=uuid4(), name="Hearts"
    )
    await clinic.factory.add(department)
    values = {
        "name": "Ada",
        "email": "ada@mail.example",
        "departmentId": id_of(department),
        "idempotencyKey": KEY,
    }
    async with held(clinic.factory, department):
        tasks = await line_up(
            clinic.factory,
            *(clinic.admin.act("createDoctor", "doctor { id }", **values) for _ in range(2)),
        )
    first, second = await asyncio.gather(*tasks)
    assert first["errors"] == []
    assert second == first
    made = await kept(clinic.factory, Doctor, Calendar)
    assert len(made) == 4, "the clinic's doctor and the new one, each with a calendar"
    (mail,) = await kept(clinic.factory, Notification)
    assert mail["recipient"] == "ada@mail.example"


async def test_where_the_first_is_refused_the_second_acts(clinic: Clinic) -> None:
    """What the first waits for is gone when it may go on; the second names something else."""
    department = Department(
        organization_id=clinic.factory.organization.id, id=uuid4(), name="Hearts"
    )
    await clinic.factory.add(department)
    values = {"name": "Ada", "email": "ada@mail.example", "idempotencyKey": KEY}
    async with held(clinic.factory, department):
        tasks = await line_up(
            clinic.factory,
            clinic.admin.act("deleteDepartment", "deletedId", departmentId=id_of(department)),
            clinic.admin.act(
                "createDoctor", "doctor { id }", **values, departmentId=id_of(department)
            ),
            clinic.admin.act("createDoctor", "doctor { id }", **values),
        )
    deleted, first, second = await asyncio.gather(*tasks)
    assert (deleted["errors"], second["errors"]) == ([], [])
    assert first["errors"][0]["code"] == "NOT_FOUND"
    assert len(await kept(clinic.factory, Doctor)) == 2


async def test_the_answer_shows_the_thing_as_it_is_now(clinic: Clinic) -> None:
    values = {"name": "Hearts", "idempotencyKey": KEY}
    made = await clinic.admin.done("createDepartment", "department { id }", **values)
    await clinic.admin.done(
        "updateDepartment", "department { id }", departmentId=made["id"], name="Knees"
    )
    again = await clinic.admin.done("createDepartment", "department { id name }", **values)
    assert again == {**made, "name": "Knees"}


async def test_what_is_gone_is_not_made_anew(clinic: Clinic) -> None:
    values = {"name": "Hearts", "idempotencyKey": KEY}
    made = await clinic.admin.done("createDepartment", "department { id }", **values)
    await clinic.admin.done("deleteDepartment", "deletedId", departmentId=made["id"])
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal("createDepartment", "department { id }", **values)
    assert refused == {
        "__typename": "InvalidInput",
        "message": "What was made with this key is gone.",
        "code": "INVALID_INPUT",
        "path": ["input", "idempotencyKey"],
    }


async def test_time_that_was_opened_again_is_not_closed_by_a_late_repetition(
    clinic: Clinic,
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    times = {
        "calendarId": id_of(calendar_of(clinic)),
        "startsAt": wire(slot.starts_at),
        "endsAt": wire(slot.ends_at),
    }
    closing = {**times, "idempotencyKey": KEY}
    (closed,) = await clinic.doctor.done("blockTime", "slots { status }", **closing)
    assert closed == {"status": "BLOCKED"}
    await clinic.doctor.done("unblockTime", "slots { status }", **times)
    async with unchanged(clinic.factory):
        (now,) = await clinic.doctor.done("blockTime", "slots { status }", **closing)
    assert now == {"status": "AVAILABLE"}


async def test_who_repeats_the_registration_of_a_patient_has_read_the_record(
    clinic: Clinic,
) -> None:
    values = {"name": "Ada", "idempotencyKey": KEY}
    await clinic.reception.done("registerPatient", "patient { id }", **values)
    before = await kept(clinic.factory, AuditEvent)
    await clinic.reception.done("registerPatient", "patient { id phone }", **values)
    (read,) = [row for row in await kept(clinic.factory, AuditEvent) if row not in before]
    assert (read["action"], read["subject_type"]) == ("read_patients", "Patient")


@pytest.mark.parametrize("key", ["k" * 15, "k" * 256, "0123456789abcde\0"])
async def test_what_is_no_key_is_refused(clinic: Clinic, key: str) -> None:
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal(
            "createDepartment", "department { id }", name="Hearts", idempotencyKey=key
        )
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "idempotencyKey"])


async def test_the_keys_of_two_administrators_are_two_keys(clinic: Clinic) -> None:
    other: Person = await clinic.factory.person(Role.ADMIN)
    rival = clinic.public.signed_in(other.token)
    for api, name in ((clinic.admin, "Hearts"), (rival, "Knees")):
        made = await api.done(
            "createDepartment", "department { name }", name=name, idempotencyKey=KEY
        )
        assert made == {"name": name}
