"""What is answered to an offer: it is accepted, and becomes an appointment in its place, or it is
declined, and goes to the next in line.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from models import Appointment, Claim, VisitType, WaitlistEntry, WaitlistStatus
from models.database import WriteSession
from services import checks
from services.access import Permission, act
from services.appointments.booking import Wish, book_in, conflicting, require_below_limit
from services.calendar.claims import Span
from services.calendar.grid import locked_for_change
from services.calendar.places import Place, free_place
from services.context import Context
from services.directory.patients import lock_patient
from services.errors import (
    BookingLimitReached,
    NotBookable,
    OfferExpired,
    PatientBusy,
)
from services.idempotency import Request, once, row_of
from services.waitlist.line import let_go, locked_entry

FIELD = "waitlist_entry_id"


@act(Permission.WAIT, OfferExpired, NotBookable, PatientBusy, BookingLimitReached)
async def accept_offer(
    context: Context,
    *,
    waitlist_entry_id: UUID,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Appointment:
    """Book what is offered.

    Raises:
        OfferExpired: nothing is offered, or not any more.
        NotBookable: the rules do not let the viewer book it.
        PatientBusy: the patient has another appointment then.
        BookingLimitReached: the patient has as many open appointments as are allowed.

    """
    reason = checks.optional_text(reason, "reason")
    request = Request("accept_offer", idempotency_key, (waitlist_entry_id, reason))
    wishes: list[Wish] = []

    async def accept(session: WriteSession) -> Appointment:
        entry, slot_id = await _offered_entry(context, session, waitlist_entry_id)
        wish = Wish(slot_id, entry.patient_id, entry.visit_type_id, reason)
        wishes.append(wish)
        place = await _held_place(context, session, entry, slot_id)
        await lock_patient(session, entry.patient_id, field=FIELD)
        await require_below_limit(context, session, entry.patient_id)
        return await book_in(context, session, wish, place)

    try:
        return await once(context, request, accept, row_of(Appointment))
    except PatientBusy as refusal:
        refusal.path, refusal.conflicting = (FIELD,), await conflicting(context, wishes[-1])
        raise
    except NotBookable as refusal:
        refusal.path = (FIELD,)
        raise


@act(Permission.WAIT, OfferExpired)
async def decline_offer(context: Context, *, waitlist_entry_id: UUID) -> WaitlistEntry:
    """Leave what is offered to the next in line, and go on waiting, in the same place, for anything
    else.

    Raises:
        OfferExpired: nothing is offered, or not any more.

    """
    async with context.writing() as session:
        entry, slot_id = await _offered_entry(context, session, waitlist_entry_id)
        entry.declined_slot_ids = [*entry.declined_slot_ids, slot_id]
        await let_go(context, session, entry, WaitlistStatus.WAITING)
    return entry


async def _offered_entry(
    context: Context, session: WriteSession, entry_id: UUID
) -> tuple[WaitlistEntry, UUID]:
    """A locked entry, and the slot that it is offered now."""
    entry = await locked_entry(context, session, entry_id)
    slot_id, until = entry.offered_slot_id, entry.offer_expires_at
    if slot_id is None or until is None or until <= context.now:
        raise OfferExpired(FIELD)
    return entry, slot_id


async def _held_place(
    context: Context, session: WriteSession, entry: WaitlistEntry, slot_id: UUID
) -> Place:
    """What is offered, with the times that were said, however long such visits take by now."""
    is_offer = (Claim.waitlist_entry_id == entry.id) & Claim.doctor_calendar_id.is_(None)
    held = select(Claim).where(is_offer)
    claim: Claim = (await session.execute(held)).scalar_one()
    await locked_for_change(context, session, claim.calendar_id)
    kind = select(VisitType).where(VisitType.id == entry.visit_type_id)
    visit_type: VisitType | None = (await session.execute(kind)).scalar_one_or_none()
    place = await free_place(context, session, slot_id, visit_type, hold_id=claim.id)
    clear_until = claim.clear_until or claim.ends_at
    span = Span(claim.calendar_id, claim.starts_at, claim.ends_at, clear_until)
    return replace(place, span=span)
