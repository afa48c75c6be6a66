"""The directory: lists with cursors, things by id, and the acts of those who manage it."""

from dataclasses import replace
from typing import Any, cast

from strawberry import ID, Info

from models import Department, Doctor, Office, Patient
from resolvers import ids, pages
from resolvers.acts import act
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services.accounts import users
from services.context import Context
from services.directory import departments as department_service
from services.directory import doctors as doctor_service
from services.directory import offices as office_service
from services.directory import patients as patient_service
from services.pages import Page

create_department = act(department_service.create_department)
update_department = act(department_service.update_department)
delete_department = act(department_service.delete_department, deletes="Department")
create_office = act(office_service.create_office)
update_office = act(office_service.update_office)
delete_office = act(office_service.delete_office, deletes="Office")
create_doctor = act(doctor_service.create_doctor)
update_doctor = act(doctor_service.update_doctor)
delete_doctor = act(doctor_service.delete_doctor, deletes="Doctor")
register_patient = act(patient_service.register_patient)
update_patient = act(patient_service.update_patient)
delete_patient = act(patient_service.delete_patient, deletes="Patient")


async def departments(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    search: str | None = None,
) -> Connection[Department]:
    """Departments by name."""
    page = pages.request("departments", pages.BY_NAME, first, after)
    found = await department_service.list_departments(info.context, page=page, search=search)
    return Connection(found, "departments")


async def offices(
    info: Info[Context, None], first: int | None = 20, after: str | None = None
) -> Connection[Office]:
    """Offices by name."""
    page = pages.request("offices", pages.BY_NAME, first, after)
    return Connection(await office_service.list_offices(info.context, page=page), "offices")


async def doctors(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    department_id: ID | None = None,
    office_id: ID | None = None,
    specialty: str | None = None,
    search: str | None = None,
) -> Connection[Doctor]:
    """Doctors by name."""
    found = await doctor_service.list_doctors(
        info.context,
        page=pages.request("doctors", pages.BY_NAME, first, after),
        department_id=ids.optional_key(department_id, "Department", "department_id"),
        office_id=ids.optional_key(office_id, "Office", "office_id"),
        specialty=specialty,
        search=search,
    )
    return Connection(found, "doctors")


async def patients(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    search: str | None = None,
) -> Connection[Patient]:
    """Patients by name."""
    page = pages.request("patients", pages.BY_NAME, first, after)
    found = await patient_service.list_patients(info.context, page=page, search=search)
    return Connection(found, "patients")


async def _doctors_in(
    root: Any, info: Info[Context, None], first: int | None, after: str | None, group: str
) -> Connection[Doctor]:
    page = pages.request("doctors", pages.BY_NAME, first, after)
    found = await load(info, doctor_service.doctors_in, root.id, group=group, page=page)

    async def count() -> int:
        return await load(info, doctor_service.doctor_counts, root.id, group=group) or 0

    return Connection(replace(cast("Page[Doctor]", found), count=count), "doctors")


async def doctors_of_department(
    root: Any, info: Info[Context, None], first: int | None = 20, after: str | None = None
) -> Connection[Doctor]:
    """The doctors of a department by name."""
    return await _doctors_in(root, info, first, after, "department")


async def doctors_of_office(
    root: Any, info: Info[Context, None], first: int | None = 20, after: str | None = None
) -> Connection[Doctor]:
    """The doctors of an office by name."""
    return await _doctors_in(root, info, first, after, "office")


doctor_count = loaded(doctor_service.doctor_counts, "id", otherwise=0, group="department")


async def department_by_id(info: Info[Context, None], id: Any) -> Department | None:
    """A department by id."""
    return await load(info, department_service.departments_by_id, id)


async def office_by_id(info: Info[Context, None], id: Any) -> Office | None:
    """An office by id."""
    return await load(info, office_service.offices_by_id, id)


async def doctor_by_id(info: Info[Context, None], id: Any) -> Doctor | None:
    """A doctor by id."""
    return await load(info, doctor_service.doctors_by_id, id)


async def patient_by_id(info: Info[Context, None], id: Any) -> Patient | None:
    """A patient by id."""
    return await load(info, patient_service.patients_by_id, id)


department_of = loaded(department_service.departments_by_id, "department_id")
office_of = loaded(office_service.offices_by_id, "office_id")
doctor_of = loaded(doctor_service.doctors_by_id, "doctor_id")
patient_of = loaded(patient_service.patients_by_id, "patient_id")
user_of = loaded(users.users_by_id, "user_id")


def notes_of_patient(root: Any, info: Info[Context, None]) -> str | None:
    """What the front desk noted, for those who may read it."""
    return root.notes if patient_service.sees_notes(info.context) else None
