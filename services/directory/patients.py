"""Patients: registering them, finding them, and who may see whom."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from models import (
    OPEN_STATUSES,
    Appointment,
    Patient,
    Role,
    WaitlistEntry,
    WaitlistStatus,
)
from models.database import WriteSession, violated_constraint
from services import checks, trail
from services.access import STAFF, Permission, act
from services.accounts.closing import close_account
from services.accounts.sessions import locked_user
from services.calendar.lines import stands_in_line_of
from services.context import Context
from services.errors import EmailTaken, InUse, InvalidInput, NotFound
from services.idempotency import creating
from services.pages import Page, PageRequest, page_of

ORDER = (Patient.name, Patient.id)
WAITING = WaitlistStatus.WAITING


class PatientDetails(TypedDict, total=False):
    """What is known of a patient besides the name, as far as it is given."""

    email: str | None
    phone: str | None
    birth_date: date | None
    notes: str | None


class PatientChanges(PatientDetails, total=False):
    """What of a patient changes."""

    name: str


def visible_patients(context: Context) -> ColumnElement[bool]:
    """Which patients the viewer sees: the front desk all, doctors those they treat and those who
    wait for them, others their own.
    """
    if context.role in {Role.ADMIN, Role.RECEPTIONIST}:
        return Patient.id.is_not(None)
    # Nobody's own is what has no account.
    if context.viewer is None:
        return false()
    if context.role is Role.DOCTOR:
        # Who is no doctor any more treats nobody, those who come to events neither.
        if context.viewer.doctor_id is None:
            return false()
        treats = and_(
            Appointment.patient_id == Patient.id,
            Appointment.doctor_id == context.viewer.doctor_id,
        )
        waits = and_(
            WaitlistEntry.patient_id == Patient.id, stands_in_line_of(context.viewer.doctor_id)
        )
        return or_(exists().where(treats), exists().where(waits))
    return Patient.user_id == context.user_id


def sees_notes(context: Context) -> bool:
    """Whether the viewer reads what the front desk noted about patients: staff do."""
    return context.role in STAFF


@act(Permission.SEE_PATIENTS)
async def list_patients(
    context: Context, *, page: PageRequest, search: str | None = None
) -> Page[Patient]:
    """The patients that the viewer may see; `search` finds a part of name, address or number."""
    statement = select(Patient).where(visible_patients(context), Patient.archived_at.is_(None))
    if search:
        pattern = checks.escaped_like(search)
        statement = statement.where(
            or_(
                Patient.name.ilike(pattern),
                Patient.email.ilike(pattern),
                Patient.phone.ilike(pattern),
            )
        )
    found = await page_of(context, statement, ORDER, page)
    trail.note_reading(context, Patient, [row.id for row in found.rows])
    return found


@act(Permission.SEE_PATIENTS)
async def patients_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Patient]:
    """Patients by id, those that the viewer may see; archived ones too, for their history."""
    statement = select(Patient).where(Patient.id.in_(ids), visible_patients(context))
    async with context.reading() as session:
        rows = await session.rows(statement)
    trail.note_reading(context, Patient, [row.id for row in rows])
    return {row.id: row for row in rows}


@act(Permission.SEE_PATIENTS)
async def patients_by_user(context: Context, user_ids: Sequence[UUID]) -> Mapping[UUID, Patient]:
    """The patients that these accounts are, those that the viewer may see."""
    statement = select(Patient).where(
        Patient.user_id.in_(user_ids), Patient.archived_at.is_(None), visible_patients(context)
    )
    async with context.reading() as session:
        rows = await session.rows(statement)
    trail.note_reading(context, Patient, [row.id for row in rows])
    return {row.user_id: row for row in rows}


@act(Permission.REGISTER_PATIENT, EmailTaken)
@creating(Patient, is_read=True)
async def register_patient(
    context: Context, session: WriteSession, *, name: str, **details: Unpack[PatientDetails]
) -> Patient:
    """Add a patient who has no account.

    Raises:
        EmailTaken: another patient has this address.

    """
    patient = Patient(organization_id=context.organization.id, id=uuid4(), name=checks.name(name))
    _apply(context, patient, details)
    session.add(patient)
    await _saved(context, session, patient)
    return patient


@act(Permission.EDIT_PATIENT, EmailTaken)
async def update_patient(
    context: Context, *, patient_id: UUID, **changes: Unpack[PatientChanges]
) -> Patient:
    """Change a patient; what is left out stays. Patients may change their own record, but for its
    address, which follows that of their account.

    Raises:
        EmailTaken: another patient has this address; told to staff alone.

    """
    async with context.writing() as session:
        patient = await _locked(context, session, patient_id)
        if "name" in changes:
            patient.name = checks.name(changes["name"])
        if context.role is Role.PATIENT:
            _check_own(patient, changes)
        _apply(context, patient, changes)
        await _saved(context, session, patient)
    return patient


@act(Permission.DELETE_PATIENT, InUse)
async def delete_patient(context: Context, *, patient_id: UUID) -> UUID:
    """Archive a patient: out of every list, the account closed; the history stays.

    Raises:
        InUse: there are open appointments.

    """
    account = select(Patient.user_id).where(Patient.id == patient_id)
    async with context.writing() as session:
        # Before the record, as everybody locks them.
        user_id = (await session.execute(account)).scalar_one_or_none()
        user = await locked_user(session, user_id) if user_id else None
        # Booking locks the patient's row as well: nobody can book in between.
        patient = await _locked(context, session, patient_id)
        open_ones = select(func.count()).where(
            Appointment.patient_id == patient_id, Appointment.status.in_(OPEN_STATUSES)
        )
        if (await session.execute(open_ones)).scalar_one():
            raise InUse("patient_id")
        patient.archived_at = context.now
        trail.note_act(context, session, patient)
        waits = (WaitlistEntry.patient_id == patient_id, WaitlistEntry.status == WAITING)
        await session.execute(
            update(WaitlistEntry).where(*waits).values(status=WaitlistStatus.LEFT)
        )
        if user is not None:
            await close_account(context, session, user)
    return patient_id


async def lock_patient(
    session: WriteSession,
    patient_id: UUID | None,
    *conditions: ColumnElement[bool],
    field: str = "patient_id",
) -> None:
    """Let one act at a time count and change a patient's appointments; a part of the acts that do.

    Raises:
        NotFound: there is none who meets the conditions; said of the field.

    """
    there = select(Patient.id).where(
        Patient.id == patient_id, Patient.archived_at.is_(None), *conditions
    )
    if not await session.rows(there.with_for_update(key_share=True)):
        raise NotFound(field)


async def _locked(context: Context, session: WriteSession, patient_id: UUID) -> Patient:
    statement = (
        select(Patient)
        .where(Patient.id == patient_id, Patient.archived_at.is_(None), visible_patients(context))
        .with_for_update(key_share=True)
    )
    patient = (await session.execute(statement)).scalar_one_or_none()
    if patient is None:
        raise NotFound("patient_id")
    return patient


def _check_own(patient: Patient, changes: PatientChanges) -> None:
    """Refuse what patients may not change of their own record.

    An address is confirmed by who has it. To take any other would tell which are known here.
    """
    if "notes" in changes:
        raise InvalidInput("Only the front desk writes these notes.", "notes")
    email = changes.get("email", patient.email)
    if (checks.email(email) if email else None) != patient.email:
        raise InvalidInput("Use requestEmailChange for your own address.", "email")


def _apply(context: Context, patient: Patient, details: PatientDetails) -> None:
    if "email" in details:
        patient.email = checks.email(details["email"]) if details["email"] else None
    if "phone" in details:
        patient.phone = checks.phone(details["phone"], context.organization.locale)
    if "birth_date" in details:
        born = details["birth_date"]
        if born is not None and not date(1880, 1, 1) <= born <= context.now.date():
            raise InvalidInput("This is not a possible day of birth.", "birth_date")
        patient.birth_date = born
    if "notes" in details:
        patient.notes = checks.optional_text(details["notes"], "notes")


async def _saved(context: Context, session: WriteSession, patient: Patient) -> None:
    trail.note_act(context, session, patient)
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_patients_email":
            raise EmailTaken("email") from error
        raise
    await session.refresh(patient)
