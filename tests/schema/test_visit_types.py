"""Visit types through the API: making, changing and archiving them, and who offers them."""

from typing import Any

import pytest

from models import Role
from tests.api import Api
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.rivals import codes, held, line_up
from tests.rows import unchanged

FIELDS = "visitType { id name description minutes bufferMinutes doctors { id } }"


async def create(api: Api, name: str = "Check-up", **values: Any) -> dict[str, Any]:
    """Make a visit type, which must succeed."""
    made: dict[str, Any] = await api.done(
        "createVisitType", FIELDS, name=name, **{"minutes": 30, **values}
    )
    return made


async def names(api: Api, **values: Any) -> list[str]:
    """The names of the visit types that are offered."""
    answer = await api.ask(
        "query ($doctorId: ID) { visitTypes(doctorId: $doctorId) { name } }", **values
    )
    return [found["name"] for found in answer["visitTypes"]]


async def test_an_administrator_adds_a_kind_of_visit_that_all_doctors_offer(
    clinic: Clinic,
) -> None:
    other = (await clinic.factory.person(Role.DOCTOR, "Another")).doctor
    made = await create(clinic.admin, " Check-up ", description="Once a year", bufferMinutes=10)
    id = made.pop("id")
    own = id_of(clinic.person(Role.DOCTOR).doctor)
    assert sorted(doctor["id"] for doctor in made.pop("doctors")) == sorted([own, id_of(other)])
    assert made == {
        "name": "Check-up",
        "description": "Once a year",
        "minutes": 30,
        "bufferMinutes": 10,
    }
    found = await clinic.public.ask(
        "query ($id: ID!) { node(id: $id) { ... on VisitType { name } } }", id=id
    )
    assert found["node"] == {"name": "Check-up"}


async def test_only_the_doctors_that_are_named_offer_it(clinic: Clinic) -> None:
    own = id_of(clinic.person(Role.DOCTOR).doctor)
    other = id_of((await clinic.factory.person(Role.DOCTOR)).doctor)
    await create(clinic.admin, "Ours", doctorIds=[own])
    await create(clinic.admin, "Theirs", doctorIds=[other])
    await create(clinic.admin, "Nobody's", doctorIds=[])
    assert await names(clinic.public) == ["Nobody's", "Ours", "Theirs"]
    assert await names(clinic.public, doctorId=own) == ["Ours"]
    assert await names(clinic.public, doctorId=other) == ["Theirs"]


async def test_a_doctor_who_comes_later_offers_what_is_said_of_them(clinic: Clinic) -> None:
    made = await create(clinic.admin)
    later = id_of((await clinic.factory.person(Role.DOCTOR)).doctor)
    assert await names(clinic.public, doctorId=later) == []
    changed = await clinic.admin.done(
        "updateVisitType", FIELDS, visitTypeId=made["id"], doctorIds=[later]
    )
    assert changed == made | {"doctors": [{"id": later}]}
    assert await names(clinic.public, doctorId=later) == ["Check-up"]


async def test_what_is_left_out_stays_and_null_clears(clinic: Clinic) -> None:
    made = await create(clinic.admin, description="Once a year", bufferMinutes=10)

    async def updated(**changes: Any) -> Any:
        return await clinic.admin.done("updateVisitType", FIELDS, visitTypeId=made["id"], **changes)

    assert await updated() == made
    assert await updated(minutes=45, bufferMinutes=0) == made | {"minutes": 45, "bufferMinutes": 0}
    assert (await updated(description=None, name="Visit")) == made | {
        "name": "Visit",
        "description": None,
        "minutes": 45,
        "bufferMinutes": 0,
    }


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": " "}, ["input", "name"]),
        ({"minutes": 0}, ["input", "minutes"]),
        ({"minutes": 1441}, ["input", "minutes"]),
        ({"bufferMinutes": -1}, ["input", "bufferMinutes"]),
        ({"bufferMinutes": 241}, ["input", "bufferMinutes"]),
    ],
)
async def test_what_no_visit_can_be_is_refused(
    clinic: Clinic, values: dict[str, Any], path: list[str]
) -> None:
    made = await create(clinic.admin)
    async with unchanged(clinic.factory):
        new = {"name": "Other", "minutes": 30} | values
        refused = await clinic.admin.refusal("createVisitType", FIELDS, **new)
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", path)
        refused = await clinic.admin.refusal(
            "updateVisitType", FIELDS, visitTypeId=made["id"], **values
        )
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", path)


async def test_two_of_one_name_are_refused_until_the_first_is_archived(clinic: Clinic) -> None:
    first = await create(clinic.admin)
    second = await create(clinic.admin, "Another")
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal("createVisitType", FIELDS, name="Check-up", minutes=20)
        assert (refused["code"], refused["path"]) == ("NAME_TAKEN", ["input", "name"])
        refused = await clinic.admin.refusal(
            "updateVisitType", FIELDS, visitTypeId=second["id"], name="Check-up"
        )
        assert refused["code"] == "NAME_TAKEN"
    await clinic.admin.done("deleteVisitType", "deletedId", visitTypeId=first["id"])
    assert (await create(clinic.admin))["id"] != first["id"]


async def test_an_archived_kind_is_offered_no_more_and_stays_in_the_history(
    clinic: Clinic,
) -> None:
    made = await create(clinic.admin)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    visit = await book(clinic.patient, slot, visitTypeId=made["id"])
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal("deleteVisitType", "deletedId", visitTypeId=made["id"])
        assert (refused["code"], refused["path"]) == ("IN_USE", ["input", "visitTypeId"])
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=visit["id"])
    gone = await clinic.admin.done("deleteVisitType", "deletedId", visitTypeId=made["id"])
    assert gone == made["id"]
    assert await names(clinic.public) == []
    async with unchanged(clinic.factory):
        refused = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), visitTypeId=made["id"]
        )
        assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["input", "visitTypeId"])
    shown = await clinic.patient.ask(
        "query ($id: ID!) { node(id: $id) { ... on Appointment { visitType { name } } } }",
        id=visit["id"],
    )
    assert shown["node"] == {"visitType": {"name": "Check-up"}}


@pytest.mark.parametrize("first", ["book", "delete"])
async def test_of_booking_a_kind_and_archiving_it_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    made = await create(clinic.admin)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    booking = clinic.reception.act(
        "bookAppointment",
        "appointment { id }",
        slotId=id_of(slot),
        patientId=patient_id(clinic),
        visitTypeId=made["id"],
    )
    archiving = clinic.admin.act("deleteVisitType", "deletedId", visitTypeId=made["id"])
    # Whoever books has the kind before the calendar is waited for; whoever archives waits for that.
    if first == "book":
        async with held(clinic.factory, calendar_of(clinic)):
            tasks = await line_up(clinic.factory, booking, archiving)
        ended = [await task for task in tasks]
        assert codes(ended) == ["DONE", "IN_USE"]
        assert ended[0]["errors"] == []
    else:
        assert (await archiving)["errors"] == []
        assert codes([await booking]) == ["NOT_FOUND"]


async def test_a_key_makes_a_kind_once(clinic: Clinic) -> None:
    key = "a key of twenty-four abc"
    first = await create(clinic.admin, idempotencyKey=key)
    async with unchanged(clinic.factory):
        assert await create(clinic.admin, idempotencyKey=key) == first
