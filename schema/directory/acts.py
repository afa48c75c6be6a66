"""The acts of those who manage the directory, and their inputs."""

from datetime import date
from typing import Any

import strawberry
from strawberry import ID, Maybe

from resolvers import directory as resolvers
from schema.directory.types import Department, Doctor, Office, Patient
from schema.fields import KEY, given, inputs, mutation
from schema.scalars import TimeZone


@inputs
class CreateDepartmentInput:
    """A new department."""

    name: str = given("Its name, unique in the organization.")
    description: str | None = given("What it does.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateDepartmentInput:
    """What changes; what is left out stays."""

    department_id: ID = given("Which department.", node="Department")
    name: Maybe[str] = given("Its name.")
    description: Maybe[str | None] = given("What it does.")


@inputs
class DeleteDepartmentInput:
    """What to delete."""

    department_id: ID = given("Which department.", node="Department")


@inputs
class CreateOfficeInput:
    """A new office."""

    name: str = given("Its name, unique in the organization.")
    address: str | None = given("Where it is.", default=None)
    phone: str | None = given("Telephone number.", default=None)
    time_zone: TimeZone | None = given("The organization's where left out.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateOfficeInput:
    """What changes; what is left out stays."""

    office_id: ID = given("Which office.", node="Office")
    name: Maybe[str] = given("Its name.")
    address: Maybe[str | None] = given("Where it is.")
    phone: Maybe[str | None] = given("Telephone number.")
    time_zone: Maybe[TimeZone] = given("Its zone; its doctors' calendars follow.")


@inputs
class DeleteOfficeInput:
    """What to delete."""

    office_id: ID = given("Which office.", node="Office")


@inputs
class CreateDoctorInput:
    """A new doctor."""

    name: str = given("Name as shown to patients.")
    email: str = given("Where the invitation goes.")
    username: str | None = given("Made from the address where left out.", default=None)
    department_id: Maybe[ID | None] = given("Where the doctor belongs.", node="Department")
    office_id: Maybe[ID | None] = given("Where the doctor sees patients.", node="Office")
    title: Maybe[str | None] = given("Such as Dr. or Prof.")
    specialty: Maybe[str | None] = given("What the doctor treats.")
    bio: Maybe[str | None] = given("What the doctor tells about themselves.")
    languages: Maybe[list[str]] = given("Languages spoken, as locales such as es.")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateDoctorInput:
    """What changes; what is left out stays."""

    doctor_id: ID = given("Which doctor.", node="Doctor")
    name: Maybe[str] = given("Name as shown to patients.")
    email: Maybe[str] = given("Address of the account.")
    username: Maybe[str] = given("Username of the account.")
    department_id: Maybe[ID | None] = given("Where the doctor belongs.", node="Department")
    office_id: Maybe[ID | None] = given("Where the doctor sees patients.", node="Office")
    title: Maybe[str | None] = given("Such as Dr. or Prof.")
    specialty: Maybe[str | None] = given("What the doctor treats.")
    bio: Maybe[str | None] = given("What the doctor tells about themselves.")
    languages: Maybe[list[str]] = given("Languages spoken, as locales such as es.")
    is_accepting_patients: Maybe[bool] = given("False: patients cannot book.")


@inputs
class DeleteDoctorInput:
    """What to delete."""

    doctor_id: ID = given("Which doctor.", node="Doctor")


@inputs
class RegisterPatientInput:
    """A new patient without an account."""

    name: str = given("The person's name.")
    email: Maybe[str | None] = given("Address to write to.")
    phone: Maybe[str | None] = given("Telephone number.")
    birth_date: Maybe[date | None] = given("Day of birth.")
    notes: Maybe[str | None] = given("For the front desk.")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdatePatientInput:
    """What changes; what is left out stays."""

    patient_id: ID = given("Which patient.", node="Patient")
    name: Maybe[str] = given("The person's name.")
    email: Maybe[str | None] = given("Address to write to; for staff, see requestEmailChange.")
    phone: Maybe[str | None] = given("Telephone number.")
    birth_date: Maybe[date | None] = given("Day of birth.")
    notes: Maybe[str | None] = given("For the front desk.")


@inputs
class DeletePatientInput:
    """What to delete."""

    patient_id: ID = given("Which patient.", node="Patient")


DELETED: dict[str, tuple[Any, str]] = {"deleted_id": (ID, "The id of what is gone.")}


@strawberry.type
class DirectoryMutations:
    """See the root."""

    create_department = mutation(
        "Adds a department.",
        resolvers.create_department,
        CreateDepartmentInput,
        returns={"department": (Department, "The new department.")},
    )
    update_department = mutation(
        "Changes a department.",
        resolvers.update_department,
        UpdateDepartmentInput,
        returns={"department": (Department, "The department as it is now.")},
    )
    delete_department = mutation(
        "Deletes a department without doctors.",
        resolvers.delete_department,
        DeleteDepartmentInput,
        returns=DELETED,
    )
    create_office = mutation(
        "Adds an office.",
        resolvers.create_office,
        CreateOfficeInput,
        returns={"office": (Office, "The new office.")},
    )
    update_office = mutation(
        "Changes an office.",
        resolvers.update_office,
        UpdateOfficeInput,
        returns={"office": (Office, "The office as it is now.")},
    )
    delete_office = mutation(
        "Deletes an office without doctors.",
        resolvers.delete_office,
        DeleteOfficeInput,
        returns=DELETED,
    )
    create_doctor = mutation(
        "Adds a doctor with an account and a calendar; an invitation is mailed.",
        resolvers.create_doctor,
        CreateDoctorInput,
        returns={"doctor": (Doctor, "The new doctor.")},
    )
    update_doctor = mutation(
        "Changes a doctor; doctors may change their own profile.",
        resolvers.update_doctor,
        UpdateDoctorInput,
        returns={"doctor": (Doctor, "The doctor as they are now.")},
    )
    delete_doctor = mutation(
        "Archives a doctor without open appointments, and closes the account; the history stays.",
        resolvers.delete_doctor,
        DeleteDoctorInput,
        returns=DELETED,
    )
    register_patient = mutation(
        "Adds a patient who has no account.",
        resolvers.register_patient,
        RegisterPatientInput,
        returns={"patient": (Patient, "The new patient.")},
    )
    update_patient = mutation(
        "Changes a patient; patients may change their own record.",
        resolvers.update_patient,
        UpdatePatientInput,
        returns={"patient": (Patient, "The patient as they are now.")},
    )
    delete_patient = mutation(
        "Archives a patient without open appointments, and closes the account; the history stays.",
        resolvers.delete_patient,
        DeletePatientInput,
        returns=DELETED,
    )
