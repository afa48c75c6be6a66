"""Reading the waitlist: who sees which entries, by page and by id, and where each stands."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, func, or_, select, true, tuple_
from sqlalchemy.orm import aliased

from models import OPEN_ENTRIES, Doctor, Patient, Role, WaitlistEntry, WaitlistStatus
from services import trail
from services.access import FRONT_DESK, Permission, act
from services.calendar.lines import LINE, is_waited_for, stands_in_line_of
from services.context import Context
from services.pages import Page, PageRequest, page_of


def visible_entries(context: Context) -> ColumnElement[bool]:
    """Which entries the viewer sees: the front desk all, patients their own, doctors those who
    stand in line for them, for as long as they do.
    """
    if context.role in FRONT_DESK:
        return true()
    if context.viewer is None:
        return false()
    own = context.viewer.doctor_id if context.role is Role.DOCTOR else context.viewer.patient_id
    if own is None:
        return false()
    if context.role is Role.DOCTOR:
        return stands_in_line_of(own)
    return WaitlistEntry.patient_id == own


@act(Permission.WAIT)
async def list_waitlist(
    context: Context,
    *,
    page: PageRequest,
    doctor_id: UUID | None = None,
    statuses: Sequence[WaitlistStatus] | None = None,
) -> Page[WaitlistEntry]:
    """Entries that the viewer sees, the first in line first; without `statuses` those that are
    open.
    """
    wanted = OPEN_ENTRIES if statuses is None else statuses
    statement = select(WaitlistEntry).where(
        visible_entries(context), WaitlistEntry.status.in_(wanted)
    )
    if doctor_id is not None:
        of_doctor = exists().where(Doctor.id == doctor_id, is_waited_for())
        statement = statement.where(of_doctor.correlate(WaitlistEntry))
    return await page_of(context, statement, LINE, page)


@act(Permission.WAIT)
async def entries_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, WaitlistEntry]:
    """Entries by id, those that the viewer sees."""
    statement = select(WaitlistEntry).where(WaitlistEntry.id.in_(ids), visible_entries(context))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


@act(Permission.WAIT)
async def patients_of_entries(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Patient]:
    """Patients by id, for whoever has an entry of theirs."""
    async with context.reading() as session:
        rows = await session.rows(select(Patient).where(Patient.id.in_(ids)))
    trail.note_reading(context, Patient, [row.id for row in rows])
    return {row.id: row for row in rows}


@act(Permission.WAIT)
async def positions(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """The places, from 1 on, of entries that wait, among those who wait for the same doctor or the
    same department.
    """
    before = aliased(WaitlistEntry)
    statement = (
        select(WaitlistEntry.id, func.count())
        .join(
            before,
            or_(
                before.doctor_id == WaitlistEntry.doctor_id,
                before.department_id == WaitlistEntry.department_id,
            )
            & (before.status == WaitlistStatus.WAITING)
            & (tuple_(before.created_at, before.id) <= tuple_(*LINE)),
        )
        .where(WaitlistEntry.id.in_(ids), WaitlistEntry.status == WaitlistStatus.WAITING)
        .group_by(WaitlistEntry.id)
    )
    async with context.reading() as session:
        return dict((await session.execute(statement)).all())
