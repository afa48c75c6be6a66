"""Offices through the API: making, changing and deleting them, and the time zone of each."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from models import Doctor, Office, Role
from tests.conftest import Clinic
from tests.factories import Factory, Person, id_of
from tests.rivals import line_up
from tests.rows import unchanged

NODE = "{ name address phone timeZone }"
FIELDS = f"office {NODE}"
ZONES = """
query ($id: ID!) {
  node(id: $id) { ... on Doctor { office { name timeZone } calendar { timeZone } } }
}
"""


async def office(factory: Factory, name: str, **values: Any) -> Office:
    """An office, in Madrid unless said otherwise."""
    owned = {"organization_id": factory.organization.id, "id": uuid4()}
    row = Office(**{**owned, "name": name, "time_zone": "Europe/Madrid", **values})
    await factory.add(row)
    return row


async def moved_in(factory: Factory, person: Person, office: Office) -> Doctor:
    """A doctor who works in an office."""
    async with factory.database.writing(factory.organization.id) as session:
        found = await session.execute(select(Doctor).where(Doctor.id == person.doctor.id))
        found.scalar_one().office_id = office.id
    return person.doctor


# --------------------------------------------------------------------------- making and changing


async def test_an_administrator_adds_an_office(clinic: Clinic) -> None:
    made = await clinic.admin.done(
        "createOffice",
        FIELDS,
        name=" North ",
        address="1 High Street\nLeeds",
        phone="020 7946 0018",
        timeZone="Europe/London",
    )
    assert made == {
        "name": "North",
        "address": "1 High Street\nLeeds",
        "phone": "+442079460018",
        "timeZone": "Europe/London",
    }
    listed = await clinic.public.ask(f"{{ offices {{ edges {{ node {NODE} }} }} }}")
    assert listed == {"offices": {"edges": [{"node": made}]}}


async def test_an_office_without_a_zone_is_in_the_organizations(clinic: Clinic) -> None:
    made = await clinic.admin.done("createOffice", FIELDS, name="Here")
    assert made == {"name": "Here", "address": None, "phone": None, "timeZone": "Europe/Madrid"}


async def test_what_of_an_office_is_left_out_stays_and_null_clears(clinic: Clinic) -> None:
    row = await office(clinic.factory, "North", address="1 High Street", phone="+442079460018")

    async def updated(**changes: Any) -> Any:
        return await clinic.admin.done("updateOffice", FIELDS, officeId=id_of(row), **changes)

    same = {
        "name": "North",
        "address": "1 High Street",
        "phone": "+442079460018",
        "timeZone": "Europe/Madrid",
    }
    assert await updated() == same
    assert await updated(name="North") == same
    assert await updated(name="South", address=None) == same | {"name": "South", "address": None}
    assert await updated(phone=None, timeZone="Asia/Tokyo") == {
        "name": "South",
        "address": None,
        "phone": None,
        "timeZone": "Asia/Tokyo",
    }


@pytest.mark.parametrize(
    ("mutation", "changes", "code", "path"),
    [
        ("createOffice", {"name": "North"}, "NAME_TAKEN", "name"),
        ("createOffice", {"name": ""}, "INVALID_INPUT", "name"),
        ("createOffice", {"name": "New", "address": "\0"}, "INVALID_INPUT", "address"),
        ("createOffice", {"name": "New", "phone": "12"}, "INVALID_INPUT", "phone"),
        ("updateOffice", {"timeZone": "Asia/Tokyo", "name": "North"}, "NAME_TAKEN", "name"),
        ("updateOffice", {"timeZone": "Asia/Tokyo", "name": "\t"}, "INVALID_INPUT", "name"),
        ("updateOffice", {"name": "New", "address": "\0"}, "INVALID_INPUT", "address"),
        ("updateOffice", {"name": "New", "phone": "12"}, "INVALID_INPUT", "phone"),
    ],
)
async def test_a_refused_office_leaves_all_as_it_was(
    clinic: Clinic, mutation: str, changes: dict[str, str], code: str, path: str
) -> None:
    await office(clinic.factory, "North")
    other = await office(clinic.factory, "South")
    await moved_in(clinic.factory, clinic.person(Role.DOCTOR), other)
    which = {"officeId": id_of(other)} if mutation == "updateOffice" else {}
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(mutation, FIELDS, **which, **changes)
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


# ------------------------------------------------------------------------------------- time zones


async def zones(clinic: Clinic, doctor: Doctor) -> tuple[str | None, str]:
    """The zones of a doctor's office and calendar."""
    node = (await clinic.public.ask(ZONES, id=id_of(doctor)))["node"]
    return node["office"] and node["office"]["timeZone"], node["calendar"]["timeZone"]


async def test_the_calendars_of_an_office_follow_its_zone(clinic: Clinic) -> None:
    factory = clinic.factory
    north, south = await office(factory, "North"), await office(factory, "South")
    inside = await moved_in(factory, clinic.person(Role.DOCTOR), north)
    elsewhere = await moved_in(factory, await factory.person(Role.DOCTOR), south)
    await clinic.admin.done(
        "updateOffice", FIELDS, officeId=id_of(north), timeZone="Atlantic/Canary"
    )
    assert await zones(clinic, inside) == ("Atlantic/Canary", "Atlantic/Canary")
    assert await zones(clinic, elsewhere) == ("Europe/Madrid", "Europe/Madrid")


async def test_another_name_of_an_office_moves_no_calendar(clinic: Clinic) -> None:
    row = await office(clinic.factory, "North", time_zone="Asia/Tokyo")
    doctor = await moved_in(clinic.factory, clinic.person(Role.DOCTOR), row)
    await clinic.admin.done("updateOffice", FIELDS, officeId=id_of(row), name="East")
    assert await zones(clinic, doctor) == ("Asia/Tokyo", "Europe/Madrid")


async def test_a_doctor_who_moves_takes_the_calendar_along(clinic: Clinic) -> None:
    row = await office(clinic.factory, "East", time_zone="Asia/Tokyo")
    doctor = clinic.person(Role.DOCTOR).doctor
    moving = {"doctorId": id_of(doctor), "officeId": id_of(row)}
    await clinic.admin.done("updateDoctor", "doctor { id }", **moving)
    assert await zones(clinic, doctor) == ("Asia/Tokyo", "Asia/Tokyo")
    moving["officeId"] = None
    await clinic.admin.done("updateDoctor", "doctor { id }", **moving)
    assert await zones(clinic, doctor) == (None, "Asia/Tokyo")


async def test_a_doctor_who_is_just_moving_in_gets_the_offices_new_zone(clinic: Clinic) -> None:
    factory, doctor = clinic.factory, clinic.person(Role.DOCTOR).doctor
    row = await office(factory, "North")
    async with factory.database.writing(factory.organization.id) as session:
        changing = await session.execute(select(Office).where(Office.id == row.id))
        changing.scalar_one().time_zone = "Asia/Tokyo"
        await session.flush()
        (moving,) = await line_up(
            factory,
            clinic.admin.done(
                "updateDoctor", "doctor { id }", doctorId=id_of(doctor), officeId=id_of(row)
            ),
        )
    await moving
    assert await zones(clinic, doctor) == ("Asia/Tokyo", "Asia/Tokyo")


# --------------------------------------------------------------------------------------- deleting


async def test_an_office_where_nobody_works_is_deleted(clinic: Clinic) -> None:
    row, other = await office(clinic.factory, "North"), await office(clinic.factory, "South")
    deleted = await clinic.admin.done("deleteOffice", "deletedId", officeId=id_of(row))
    assert deleted == id_of(row)
    listed = await clinic.public.ask("{ offices { totalCount edges { node { id } } } }")
    assert listed == {"offices": {"totalCount": 1, "edges": [{"node": {"id": id_of(other)}}]}}
    refusal = await clinic.admin.refusal("deleteOffice", "deletedId", officeId=id_of(row))
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "officeId"])


async def test_an_office_is_in_use_until_its_doctors_are_archived(clinic: Clinic) -> None:
    row = await office(clinic.factory, "North")
    doctor = await moved_in(clinic.factory, clinic.person(Role.DOCTOR), row)
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("deleteOffice", "deletedId", officeId=id_of(row))
    assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "officeId"])
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    await clinic.admin.done("deleteOffice", "deletedId", officeId=id_of(row))
    assert await zones(clinic, doctor) == (None, "Europe/Madrid")


async def test_an_office_that_a_doctor_is_just_moving_into_is_in_use(clinic: Clinic) -> None:
    factory = clinic.factory
    row = await office(factory, "North")
    async with factory.database.writing(factory.organization.id) as session:
        doctor = clinic.person(Role.DOCTOR).doctor
        moving = await session.execute(select(Doctor).where(Doctor.id == doctor.id))
        moving.scalar_one().office_id = row.id
        await session.flush()
        (deleting,) = await line_up(
            factory, clinic.admin.refusal("deleteOffice", "deletedId", officeId=id_of(row))
        )
    assert (await deleting)["code"] == "IN_USE"


# ------------------------------------------------------------------------------------ the doctors


async def test_an_office_lists_its_doctors_by_name(clinic: Clinic) -> None:
    factory = clinic.factory
    row, vacant = await office(factory, "North"), await office(factory, "Vacant")
    for name in ("Dr. C", "Dr. A", "Dr. B"):
        await moved_in(factory, await factory.person(Role.DOCTOR, name), row)
    query = """
    query ($ids: [ID!]!) {
      nodes(ids: $ids) { ... on Office {
        doctors(first: 2) { totalCount pageInfo { hasNextPage } edges { node { name } } }
      } }
    }
    """
    nodes = (await clinic.public.ask(query, ids=[id_of(row), id_of(vacant)]))["nodes"]
    assert [node["doctors"] for node in nodes] == [
        {
            "totalCount": 3,
            "pageInfo": {"hasNextPage": True},
            "edges": [{"node": {"name": "Dr. A"}}, {"node": {"name": "Dr. B"}}],
        },
        {"totalCount": 0, "pageInfo": {"hasNextPage": False}, "edges": []},
    ]
