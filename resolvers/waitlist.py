"""The waitlist: who stands in line, one of them by id, what hangs on an entry, and the acts."""

from typing import Any

from strawberry import ID, Info

from models import WaitlistEntry, WaitlistStatus
from resolvers import ids, pages
from resolvers.acts import act
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services.calendar import slots as slot_service
from services.context import Context
from services.waitlist import answers, line, lists

join_waitlist = act(line.join_waitlist)
leave_waitlist = act(line.leave_waitlist)
accept_offer = act(answers.accept_offer)
decline_offer = act(answers.decline_offer)


async def waitlist(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    doctor_id: ID | None = None,
    status: list[WaitlistStatus] | None = None,
) -> Connection[WaitlistEntry]:
    """Who stands in line, of those whom the viewer may see."""
    found = await lists.list_waitlist(
        info.context,
        page=pages.request("waitlist", pages.BY_TIME, first, after),
        doctor_id=ids.optional_key(doctor_id, "Doctor", "doctor_id"),
        statuses=status,
    )
    return Connection(found, "waitlist")


async def entry_by_id(info: Info[Context, None], id: Any) -> WaitlistEntry | None:
    """An entry by key, if the viewer may see it."""
    return await load(info, lists.entries_by_id, id)


patient_of = loaded(lists.patients_of_entries, "patient_id")
position = loaded(lists.positions, "id")
offered_slot = loaded(slot_service.slots_by_id, "offered_slot_id")
