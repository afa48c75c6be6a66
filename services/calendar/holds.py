"""Holds: time that is kept for somebody who is booking, for so long as the organization says.

A hold is a claim that ends by itself. One person holds one time of a calendar at most, and only so
many in all. What is over is given up by whoever wants the time, and otherwise by the sweep of any
server, so that live views are told; never by somebody who only looks.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select

from models import Claim, Slot, User, VisitType
from models.database import WriteSession
from services.access import STAFF, Permission, act
from services.calendar.claims import Holder, Span
from services.calendar.grid import locked_for_change
from services.calendar.locks import lock_calendars
from services.calendar.offers import end_expired, make_offers
from services.calendar.owners import of_doctor
from services.calendar.places import (
    claim,
    free_place,
    give_up_holds,
    lock_place,
    offered,
    span_from,
)
from services.calendar.refreshing import give_back, refresh_span, refresh_spans
from services.calendar.rooms import is_over, prolong_room
from services.calendar.slots import alternatives
from services.context import Context, Server
from services.errors import NotBookable, NotFound, NotSignedIn, SlotTaken, TooManyHolds
from services.live.tasks import Outage
from services.organizations import find_organization

# Of one person, in all calendars together.
MOST_HOLDS, MOST_HOLDS_OF_STAFF = 3, 20
SWEEP_SECONDS = 1.0
# So many calendars in one round: the next comes soon.
CALENDARS_AT_ONCE = 100


@act(Permission.BOOK, SlotTaken, NotBookable, TooManyHolds)
async def hold_slot(context: Context, *, slot_id: UUID, visit_type_id: UUID | None = None) -> Slot:
    """Hold the time of a visit that begins with a slot, instead of what the viewer holds of the
    same calendar. Holding again what one holds prolongs it, once.

    Raises:
        SlotTaken: the time is not free; the three nearest that are come along.
        NotBookable: the rules do not let the viewer book it.
        TooManyHolds: the viewer holds as much as is allowed.

    """
    user_id = _user_id(context)
    if context.role not in STAFF:
        limits = context.server.limits
        await limits.spend(limits.rates.holds, str(user_id))
    try:
        async with context.writing() as session:
            slot = await _slot(session, slot_id)
            visit_type = await offered(session, visit_type_id)
            await _hold(context, session, user_id, slot, visit_type)
            await session.refresh(slot)
            return slot
    except SlotTaken as refusal:
        refusal.alternatives = await alternatives(context, slot_id, visit_type_id)
        raise


@act(Permission.BOOK)
async def release_hold(context: Context, *, slot_id: UUID) -> Slot:
    """Let others have what the viewer holds of a slot; where that is nothing, nothing changes."""
    user_id = _user_id(context)
    async with context.writing() as session:
        slot = await _slot(session, slot_id)
        await locked_for_change(context, session, slot.calendar_id)
        own = (Claim.held_by_id == user_id) & Claim.waitlist_entry_id.is_(None)
        await give_up_holds(session, span_from(slot, None), own)
        await make_offers(context, session)
        await session.refresh(slot)
    return slot


async def sweep_holds(server: Server) -> None:
    """Give up what is over, for as long as the server runs."""
    outage = Outage("Giving up holds")
    while True:
        with outage:
            await give_up_expired(server)
        await asyncio.sleep(SWEEP_SECONDS)


async def give_up_expired(server: Server) -> int:
    """Give up the holds that are over, and tell the live views; in how many calendars."""
    ended = is_over(server.clock())
    statement = select(Claim.organization_id, Claim.calendar_id).where(ended).distinct()
    async with server.database.crossing_organizations() as session:
        calendars = (await session.execute(statement.limit(CALENDARS_AT_ONCE))).all()
    count = 0
    for organization_id, calendar_id in calendars:
        organization = await find_organization(server.database, organization_id=organization_id)
        count += await _give_up_expired(Context(server, organization), calendar_id, ended)
    return count


async def _give_up_expired(context: Context, calendar_id: UUID, ended: ColumnElement[bool]) -> bool:
    """Give up what is over in one calendar, unless somebody else does so, or works on it."""
    # Locked before it is looked what is over: then a rival has either not begun, or is through.
    there = select(Claim.id).where(Claim.calendar_id == calendar_id, ended).limit(1)
    async with context.writing() as session:
        locked = await lock_calendars(session, [calendar_id], skip_locked=True)
        if not locked or not await session.rows(there):
            return False
        await locked_for_change(context, session, calendar_id)
        await give_back(session, Claim.calendar_id == calendar_id, ended)
    return True


async def _hold(
    context: Context,
    session: WriteSession,
    user_id: UUID,
    slot: Slot,
    visit_type: VisitType | None,
) -> None:
    # One act at a time counts the holds of a person; the person always before the calendar.
    person = select(User.id).where(User.id == user_id).with_for_update(key_share=True)
    await session.execute(person)
    await lock_place(context, session, slot.id, visit_type.id if visit_type else None)
    span = span_from(slot, visit_type)
    until = context.now + timedelta(minutes=context.organization.booking_policy.hold_minutes)
    holder = Holder(user_id, until)
    # What one is offered, one does not hold oneself; and a room is held with a doctor's time.
    of_doctors = (
        (Claim.held_by_id == user_id)
        & Claim.waitlist_entry_id.is_(None)
        & Claim.doctor_calendar_id.is_(None)
    )
    own: list[Claim] = await session.rows(select(Claim).where(of_doctors))
    live = [hold for hold in own if hold.expires_at and hold.expires_at > context.now]
    here = next((hold for hold in own if hold.calendar_id == slot.calendar_id), None)
    if here is not None:
        is_same = (here.starts_at, here.ends_at) == (span.starts_at, span.ends_at)
        if is_same and here in live:
            await _prolong(context, session, here, span, holder)
            return
        # Of a calendar one holds one time. If it is over, others may have waited for it.
        held = Span(here.calendar_id, here.starts_at, here.ends_at, here.ends_at)
        if here in live:
            await give_back(session, Claim.id == here.id)
        else:
            await end_expired(context, session, held)
    place = await free_place(context, session, slot.id, visit_type)
    most = MOST_HOLDS_OF_STAFF if context.role in STAFF else MOST_HOLDS
    if sum(hold is not here for hold in live) >= most:
        raise TooManyHolds(most)
    await refresh_spans(session, await claim(context, session, place, holder))


async def _prolong(
    context: Context, session: WriteSession, hold: Claim, span: Span, holder: Holder
) -> None:
    """Prolong a hold, once."""
    if not hold.is_extended:
        hold.expires_at, hold.is_extended = holder.expires_at, True
        await session.flush()
        await refresh_span(session, span)
        await prolong_room(context, session, span, holder)


async def _slot(session: WriteSession, slot_id: UUID) -> Slot:
    # Only doctors' time is held, and a room's with it.
    statement = select(Slot).where(Slot.id == slot_id, of_doctor(Slot.calendar_id))
    slot: Slot | None = (await session.execute(statement)).scalar_one_or_none()
    if slot is None:
        raise NotFound("slot_id")
    return slot


def _user_id(context: Context) -> UUID:
    if context.user_id is None:
        raise NotSignedIn
    return context.user_id
