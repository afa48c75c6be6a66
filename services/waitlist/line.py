"""Standing in line: joining it, leaving it, and how an entry is locked and let go."""

from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import SelectBase, exists, select, union_all
from sqlalchemy.exc import IntegrityError

from models import (
    OPEN_ENTRIES,
    Claim,
    Doctor,
    Patient,
    Role,
    Slot,
    VisitType,
    VisitTypeDoctor,
    WaitlistEntry,
    WaitlistStatus,
)
from models.database import WriteSession, violated_constraint
from services import checks, trail
from services.access import Permission, act
from services.appointments.booking import own_patient_id
from services.calendar.grid import locked_for_change
from services.calendar.locks import lock_calendars
from services.calendar.offers import make_offers
from services.calendar.places import offered
from services.calendar.refreshing import give_back
from services.calendar.rooms import calendars_of_rooms
from services.context import Context
from services.directory.departments import require_department
from services.directory.patients import visible_patients
from services.errors import AlreadyWaiting, InvalidInput, NotFound
from services.idempotency import Request, once, row_of
from services.waitlist.lists import visible_entries


class _Wish(NamedTuple):
    """Who waits for what: with a doctor or any of a department, between two instants."""

    patient_id: UUID
    doctor_id: UUID | None
    department_id: UUID | None
    visit_type_id: UUID | None
    starts_at: datetime
    ends_at: datetime


@act(Permission.WAIT, AlreadyWaiting)
async def join_waitlist(
    context: Context,
    *,
    starts_at: datetime,
    ends_at: datetime,
    doctor_id: UUID | None = None,
    department_id: UUID | None = None,
    visit_type_id: UUID | None = None,
    patient_id: UUID | None = None,
    idempotency_key: str | None = None,
) -> WaitlistEntry:
    """Have a patient, without `patient_id` the viewer, wait for a time with a doctor, or with any
    of a department, that lies whole in [starts_at, ends_at).

    Raises:
        AlreadyWaiting: the patient waits for that already.

    """
    checks.in_order(starts_at, ends_at, "from", "to")
    if ends_at <= context.now:
        raise InvalidInput("This time is over.", "to")
    if (doctor_id is None) == (department_id is None):
        raise InvalidInput("Name either a doctor or a department.", "doctor_id")
    patient = patient_id or own_patient_id(context)
    wish = _Wish(patient, doctor_id, department_id, visit_type_id, starts_at, ends_at)
    request = Request("join_waitlist", idempotency_key, tuple(wish))
    try:
        return await once(context, request, partial(_join, context, wish), row_of(WaitlistEntry))
    except AlreadyWaiting as refusal:
        refusal.waitlist_entry = await _standing(context, wish)
        raise


@act(Permission.WAIT)
async def leave_waitlist(context: Context, *, waitlist_entry_id: UUID) -> WaitlistEntry:
    """Wait no longer. What is offered goes to the next in line; where nothing is open any more,
    nothing changes.
    """
    async with context.writing() as session:
        entry = await locked_entry(context, session, waitlist_entry_id)
        if entry.status in OPEN_ENTRIES:
            await let_go(context, session, entry, WaitlistStatus.LEFT)
    return entry


async def locked_entry(context: Context, session: WriteSession, entry_id: UUID) -> WaitlistEntry:
    """An entry that the viewer sees, locked, and before it the calendar that it is offered a time
    of: whoever makes offers takes them in this order.

    Raises:
        NotFound: there is none that the viewer sees.

    """
    seen = select(WaitlistEntry).where(WaitlistEntry.id == entry_id, visible_entries(context))
    seen = seen.execution_options(populate_existing=True)
    while True:
        entry: WaitlistEntry | None = (await session.execute(seen)).scalar_one_or_none()
        if entry is None:
            raise NotFound("waitlist_entry_id")
        slot_id = entry.offered_slot_id
        async with session.begin_nested() as attempt:
            await _lock_what_is_offered(session, slot_id, entry.visit_type_id)
            locked = (await session.execute(seen.with_for_update())).scalar_one_or_none()
            if locked is not None and locked.offered_slot_id == slot_id:
                return locked
            # Something was offered, or its offer has ended, meanwhile: all locks are given back.
            await attempt.rollback()


async def _lock_what_is_offered(
    session: WriteSession, slot_id: UUID | None, visit_type_id: UUID | None
) -> None:
    """Lock the calendar of a slot, and those of the rooms that the visit may take."""
    calendars: SelectBase = select(Slot.calendar_id).where(Slot.id == slot_id)
    if visit_type_id is not None:
        # Which rooms these are does not change until the end.
        kind = select(VisitType.id).where(VisitType.id == visit_type_id)
        await session.execute(kind.with_for_update(read=True, key_share=True))
        calendars = union_all(calendars, calendars_of_rooms(visit_type_id))
    await lock_calendars(session, calendars)


async def let_go(
    context: Context, session: WriteSession, entry: WaitlistEntry, status: WaitlistStatus
) -> None:
    """Give a locked entry another status, and what it is offered to the next in line."""
    slot = select(Slot.calendar_id).where(Slot.id == entry.offered_slot_id)
    calendar_id = (await session.execute(slot)).scalar_one_or_none()
    entry.status = status
    entry.offered_slot_id = entry.offer_expires_at = None
    trail.note_act(context, session, entry)
    await session.flush()
    if calendar_id is not None:
        await locked_for_change(context, session, calendar_id)
        # The room that comes with it is swept, as with holds.
        offer = (Claim.waitlist_entry_id == entry.id) & (Claim.calendar_id == calendar_id)
        await give_back(session, offer)
        await make_offers(context, session)
    await session.refresh(entry)


async def _join(context: Context, wish: _Wish, session: WriteSession) -> WaitlistEntry:
    await _require_patient(context, session, wish.patient_id)
    await _require_served(context, session, wish)
    entry = WaitlistEntry(
        organization_id=session.organization_id,
        id=uuid4(),
        status=WaitlistStatus.WAITING,
        **wish._asdict(),
    )
    session.add(entry)
    trail.note_act(context, session, entry)
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_waitlist_entries_open":
            raise AlreadyWaiting from error
        raise
    await session.refresh(entry)
    return entry


async def _standing(context: Context, wish: _Wish) -> WaitlistEntry | None:
    """The entry by which the patient waits for just this, while it is open."""
    statement = select(WaitlistEntry).where(
        WaitlistEntry.patient_id == wish.patient_id,
        WaitlistEntry.doctor_id.is_not_distinct_from(wish.doctor_id),
        WaitlistEntry.department_id.is_not_distinct_from(wish.department_id),
        WaitlistEntry.visit_type_id.is_not_distinct_from(wish.visit_type_id),
        WaitlistEntry.status.in_(OPEN_ENTRIES),
        visible_entries(context),
    )
    async with context.reading() as session:
        found: WaitlistEntry | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def _require_patient(context: Context, session: WriteSession, patient_id: UUID) -> None:
    """Go on only if the viewer may speak for the patient, who stays until the end."""
    statement = (
        select(Patient.id)
        .where(Patient.id == patient_id, Patient.archived_at.is_(None), visible_patients(context))
        .with_for_update(read=True)
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        raise NotFound("patient_id")


async def _require_served(context: Context, session: WriteSession, wish: _Wish) -> None:
    """Go on only if there is a line for what is wished. Doctors put people into their own alone."""
    there = select(Doctor).where(Doctor.archived_at.is_(None))
    if wish.doctor_id is not None:
        there, field = there.where(Doctor.id == wish.doctor_id), "doctor_id"
    else:
        await require_department(session, wish.department_id)
        there, field = there.where(Doctor.department_id == wish.department_id), "department_id"
    if context.role is Role.DOCTOR:
        own = context.viewer.doctor_id if context.viewer else None
        there = there.where(Doctor.id == own)
    is_line = await session.rows(there.limit(1).with_for_update(read=True, key_share=True))
    if not is_line and (wish.doctor_id is not None or context.role is Role.DOCTOR):
        raise NotFound(field)
    await offered(session, wish.visit_type_id)
    if wish.visit_type_id is None:
        return
    offers = exists().where(
        VisitTypeDoctor.doctor_id == Doctor.id,
        VisitTypeDoctor.visit_type_id == wish.visit_type_id,
    )
    if not await session.rows(there.where(offers).limit(1)):
        raise InvalidInput("Nobody there offers this kind of visit.", "visit_type_id")
