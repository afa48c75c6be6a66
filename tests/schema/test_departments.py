"""Departments through the API: making, changing and deleting them, and the doctors inside."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from models import Department, Doctor, Role
from tests.conftest import Clinic
from tests.factories import Factory, id_of
from tests.rivals import line_up
from tests.rows import kept, unchanged

FIELDS = "department { name description doctorCount }"
NESTED = """
query ($first: Int, $after: String) {
  departments {
    edges { node {
      name doctorCount
      doctors(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { node { name } }
      }
    } }
  }
}
"""


async def department(factory: Factory, name: str, **values: Any) -> Department:
    row = Department(organization_id=factory.organization.id, id=uuid4(), name=name, **values)
    await factory.add(row)
    return row


async def doctor_of(factory: Factory, name: str, department: Department) -> Doctor:
    """A doctor who belongs to a department."""
    doctor = (await factory.person(Role.DOCTOR, name)).doctor
    async with factory.database.writing(factory.organization.id) as session:
        kept = (await session.execute(select(Doctor).where(Doctor.id == doctor.id))).scalar_one()
        kept.department_id = department.id
    return doctor


# --------------------------------------------------------------------------- making and changing


async def test_an_administrator_adds_a_department(clinic: Clinic) -> None:
    made = await clinic.admin.done(
        "createDepartment", FIELDS, name=" Cardiology ", description="Hearts\nand vessels"
    )
    assert made == {
        "name": "Cardiology",
        "description": "Hearts\nand vessels",
        "doctorCount": 0,
    }
    listed = await clinic.public.ask("{ departments { edges { node { name description } } } }")
    (edge,) = listed["departments"]["edges"]
    assert edge["node"] == {"name": "Cardiology", "description": "Hearts\nand vessels"}


async def test_what_of_a_department_is_left_out_stays_and_null_clears(clinic: Clinic) -> None:
    row = await department(clinic.factory, "Cardiology", description="Hearts")

    async def updated(**changes: Any) -> Any:
        return await clinic.admin.done(
            "updateDepartment",
            "department { id name description }",
            departmentId=id_of(row),
            **changes,
        )

    same = {"id": id_of(row), "name": "Cardiology", "description": "Hearts"}
    assert await updated() == same
    assert await updated(name="Cardiology") == same
    assert await updated(name="Heart Centre") == same | {"name": "Heart Centre"}
    assert await updated(description=None) == same | {"name": "Heart Centre", "description": None}


@pytest.mark.parametrize(
    ("mutation", "changes", "code", "path"),
    [
        ("createDepartment", {"name": "Cardiology"}, "NAME_TAKEN", "name"),
        ("createDepartment", {"name": " Cardiology "}, "NAME_TAKEN", "name"),
        ("createDepartment", {"name": " "}, "INVALID_INPUT", "name"),
        ("createDepartment", {"name": "x" * 201}, "INVALID_INPUT", "name"),
        ("createDepartment", {"name": "New", "description": "\a"}, "INVALID_INPUT", "description"),
        ("updateDepartment", {"name": "Cardiology"}, "NAME_TAKEN", "name"),
        ("updateDepartment", {"name": "", "description": "x"}, "INVALID_INPUT", "name"),
        ("updateDepartment", {"name": "x", "description": "\a"}, "INVALID_INPUT", "description"),
    ],
)
async def test_a_refused_department_leaves_all_as_it_was(
    clinic: Clinic, mutation: str, changes: dict[str, str], code: str, path: str
) -> None:
    await department(clinic.factory, "Cardiology")
    other = await department(clinic.factory, "Neurology", description="Nerves")
    which = {"departmentId": id_of(other)} if mutation == "updateDepartment" else {}
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(mutation, FIELDS, **which, **changes)
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


# --------------------------------------------------------------------------------------- deleting


async def test_a_department_without_doctors_is_deleted(clinic: Clinic) -> None:
    row, other = await department(clinic.factory, "A"), await department(clinic.factory, "B")
    deleted = await clinic.admin.done("deleteDepartment", "deletedId", departmentId=id_of(row))
    assert deleted == id_of(row)
    assert [left["id"] for left in await kept(clinic.factory, Department)] == [str(other.id)]
    refusal = await clinic.admin.refusal("deleteDepartment", "deletedId", departmentId=id_of(row))
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "departmentId"])


async def test_a_department_with_doctors_is_in_use_until_they_are_archived(
    clinic: Clinic,
) -> None:
    row = await department(clinic.factory, "Cardiology")
    doctor = await doctor_of(clinic.factory, "Dr. Who", row)
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(
            "deleteDepartment", "deletedId", departmentId=id_of(row)
        )
    assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "departmentId"])
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    await clinic.admin.done("deleteDepartment", "deletedId", departmentId=id_of(row))
    assert await kept(clinic.factory, Department) == []
    query = "query ($id: ID!) { node(id: $id) { ... on Doctor { name department { id } } } }"
    archived = await clinic.public.ask(query, id=id_of(doctor))
    assert archived == {"node": {"name": "Dr. Who", "department": None}}


async def test_a_department_that_a_doctor_is_just_joining_is_in_use(clinic: Clinic) -> None:
    factory = clinic.factory
    row = await department(factory, "Cardiology")
    doctor = clinic.person(Role.DOCTOR).doctor
    async with factory.database.writing(factory.organization.id) as session:
        joining = await session.execute(select(Doctor).where(Doctor.id == doctor.id))
        joining.scalar_one().department_id = row.id
        await session.flush()
        (deleting,) = await line_up(
            factory,
            clinic.admin.refusal("deleteDepartment", "deletedId", departmentId=id_of(row)),
        )
    assert (await deleting)["code"] == "IN_USE"
    assert len(await kept(factory, Department)) == 1


async def test_a_department_that_is_just_being_deleted_cannot_be_joined(clinic: Clinic) -> None:
    factory = clinic.factory
    row = await department(factory, "Cardiology")
    async with factory.database.writing(factory.organization.id) as session:
        leaving = await session.execute(select(Department).where(Department.id == row.id))
        await session.delete(leaving.scalar_one())
        await session.flush()
        (joining,) = await line_up(
            factory,
            clinic.admin.refusal(
                "updateDoctor",
                "doctor { id }",
                doctorId=id_of(clinic.person(Role.DOCTOR).doctor),
                departmentId=id_of(row),
            ),
        )
    refusal = await joining
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "departmentId"])


# ------------------------------------------------------------------------------------- searching


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("card", ["Cardiology"]),
        ("OLOGY", ["Cardiology", "Neurology 100%"]),
        ("%", ["Neurology 100%"]),
        ("_", ["Under_world"]),
        ("\\", ["Back\\ache"]),
        ("0%", ["Neurology 100%"]),
        ("c_rd", []),
        ("", ["Back\\ache", "Cardiology", "Neurology 100%", "Under_world"]),
    ],
)
async def test_a_search_finds_a_part_of_the_name_as_it_is_written(
    clinic: Clinic, search: str, found: list[str]
) -> None:
    for name in ("Cardiology", "Neurology 100%", "Under_world", "Back\\ache"):
        await department(clinic.factory, name)
    query = "query ($s: String) { departments(search: $s) { totalCount edges { node { name } } } }"
    listed = (await clinic.public.ask(query, s=search))["departments"]
    assert [edge["node"]["name"] for edge in listed["edges"]] == found
    assert listed["totalCount"] == len(found)


# --------------------------------------------------------------------------- the doctors of each


@contextlib.contextmanager
def statements_about(table: str) -> Iterator[list[str]]:
    """The statements that read a table, of this process: the server runs in it."""
    found: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if f"FROM {table}" in statement:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


async def three_departments(factory: Factory) -> None:
    """One with three doctors, one with one, one with none."""
    full, single = await department(factory, "Full"), await department(factory, "Single")
    await department(factory, "Vacant")
    for name in ("Dr. C", "Dr. A", "Dr. B"):
        await doctor_of(factory, name, full)
    await doctor_of(factory, "Dr. D", single)
    for column in ("Dr. Archived", "Dr. Gone"):
        doctor = await doctor_of(factory, column, full)
        async with factory.database.writing(factory.organization.id) as session:
            row = await session.execute(select(Doctor).where(Doctor.id == doctor.id))
            row.scalar_one().archived_at = factory.organization.created_at


def shown(answer: Any) -> dict[str, Any]:
    """What each department shows of its doctors."""
    nodes = [edge["node"] for edge in answer["departments"]["edges"]]
    return {
        node["name"]: {
            "count": node["doctorCount"],
            "total": node["doctors"]["totalCount"],
            "names": [edge["node"]["name"] for edge in node["doctors"]["edges"]],
            "more": node["doctors"]["pageInfo"]["hasNextPage"],
            "before": node["doctors"]["pageInfo"]["hasPreviousPage"],
        }
        for node in nodes
    }


async def test_doctors_of_all_departments_come_in_one_statement(clinic: Clinic) -> None:
    await three_departments(clinic.factory)
    with statements_about("doctors") as statements:
        answer = await clinic.public.ask(NESTED, first=2)
    assert len(statements) == 2, "one for the doctors, one for their number"
    nobody_before = {"before": False}
    assert shown(answer) == {
        "Full": {"count": 3, "total": 3, "names": ["Dr. A", "Dr. B"], "more": True} | nobody_before,
        "Single": {"count": 1, "total": 1, "names": ["Dr. D"], "more": False} | nobody_before,
        "Vacant": {"count": 0, "total": 0, "names": [], "more": False} | nobody_before,
    }


async def test_the_doctors_of_a_department_go_on_after_a_cursor(clinic: Clinic) -> None:
    await three_departments(clinic.factory)
    full = (await clinic.public.ask(NESTED, first=2))["departments"]["edges"][0]["node"]
    after = full["doctors"]["pageInfo"]["endCursor"]
    assert shown(await clinic.public.ask(NESTED, first=2, after=after)) == {
        "Full": {"count": 3, "total": 3, "names": ["Dr. C"], "more": False, "before": True},
        "Single": {"count": 1, "total": 1, "names": ["Dr. D"], "more": False, "before": True},
        "Vacant": {"count": 0, "total": 0, "names": [], "more": False, "before": True},
    }
