"""Offers and holds that are over and not yet swept, as a server sees them whose clock is ahead of
the others; whoever waits comes before whoever asks just then. And lines whose time is over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models import Notification, NotificationKind, Role
from models.database import Database
from services.appointments import booking
from services.calendar import holds
from services.context import Context, Server, Viewer
from services.errors import OfferExpired, SlotTaken
from services.waitlist import answers
from services.waitlist.expiry import close_what_is_over
from services.waitlist.letters import LETTERS
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.connected import server_of
from tests.factories import Person, id_of, tomorrow, wire
from tests.rows import unchanged
from tests.waiting import WAITING, cancel, offered, status, taken, waiter


@pytest.fixture
async def later(database: Database) -> AsyncIterator[Server]:
    """What a server has in which it is two hours later: every hold is over."""
    server = server_of(database)
    object.__setattr__(server, "clock", lambda: datetime.now(UTC) + timedelta(hours=2))
    # What other tests have left.
    while await holds.give_up_expired(server):
        pass
    yield server
    server.passwords.close()


def context_of(server: Server, clinic: Clinic, person: Person) -> Context:
    """Somebody at that server."""
    patient_id = person.patient.id if person.patient else None
    viewer = Viewer(person.user, uuid4(), tomorrow(), None, patient_id)
    return Context(server, clinic.factory.organization, viewer)


@pytest.mark.parametrize("act", ["book", "hold", "hold again"])
async def test_nobody_snatches_what_is_over_from_those_who_wait(
    clinic: Clinic, later: Server, act: str
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slot))
    first = await waiter(clinic)
    rival = clinic.person(Role.PATIENT)
    if act != "hold again":
        rival = await clinic.factory.person(Role.PATIENT)
    context = context_of(later, clinic, rival)
    take = booking.book_appointment if act == "book" else holds.hold_slot
    async with unchanged(clinic.factory):
        with pytest.raises(SlotTaken):
            await take(context, slot_id=slot.id)
    assert await holds.give_up_expired(later) == 1
    assert await first.seen() == offered(slot)


async def test_an_offer_that_is_over_is_nobodys_and_goes_on_once(
    clinic: Clinic, later: Server
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    context = context_of(later, clinic, first.person)
    entry_id = UUID(first.id.partition("entry_")[2])
    async with unchanged(clinic.factory):
        for answer in (answers.accept_offer, answers.decline_offer):
            with pytest.raises(OfferExpired):
                await answer(context, waitlist_entry_id=entry_id)
    assert await holds.give_up_expired(later) == 1
    assert [await one.seen() for one in (first, second)] == [("EXPIRED", None), offered(slot)]
    # Nobody is left: an hour after that it is everybody's, also before it is swept.
    object.__setattr__(later, "clock", lambda: datetime.now(UTC) + timedelta(hours=4))
    stranger = context_of(later, clinic, await clinic.factory.person(Role.PATIENT))
    await booking.book_appointment(stranger, slot_id=slot.id)
    assert await second.seen() == ("EXPIRED", None)
    assert await status(clinic, slot) == "BOOKED"


async def test_of_an_offer_that_is_over_nothing_is_mailed(clinic: Clinic, later: Server) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first = await waiter(clinic)
    await cancel(clinic, appointment)
    organization, now = clinic.factory.organization, server_of(clinic.factory.database)
    letter = LETTERS[NotificationKind.WAITLIST_OFFER]
    written = []
    async with clinic.factory.database.writing(organization.id) as session:
        mine = select(Notification).where(Notification.recipient == first.person.user.email)
        (message,) = await session.rows(mine)
        other = Notification(id=uuid4(), recipient=message.recipient)
        for server, about in ((now, message), (later, message)):
            written.append(await letter(Context(server, organization), session, about))
        written.append(await letter(Context(later, organization), session, other))
    now.passwords.close()
    assert [mail and mail.to for mail in written] == [first.person.user.email, None, None]


async def test_whoever_waits_for_what_is_over_waits_no_longer(
    clinic: Clinic, later: Server
) -> None:
    soon = wire(datetime.now(UTC) + timedelta(hours=1))
    first = await waiter(clinic, **{"from": wire(tomorrow(0, days=-1)), "to": soon})
    second = await waiter(clinic)
    assert await close_what_is_over(later) >= 1
    assert await first.seen() == ("EXPIRED", None)
    assert await second.seen() == WAITING
    assert await close_what_is_over(later) == 0
