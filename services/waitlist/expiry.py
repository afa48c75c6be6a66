"""Lines that end by themselves: whoever waits for a time that is over waits no longer.

Offers that are over are holds that are over: see the sweep in `services/calendar/holds.py`.
"""

import asyncio

from sqlalchemy import select, update

from models import WaitlistEntry, WaitlistStatus
from services.context import Server
from services.live.tasks import Outage

LOOK_SECONDS = 15.0
BATCH = 500


async def keep_lines(server: Server) -> None:
    """Close what is over, for as long as the server runs."""
    outage = Outage("The waitlist")
    while True:
        with outage:
            await close_what_is_over(server)
        await asyncio.sleep(LOOK_SECONDS)


async def close_what_is_over(server: Server) -> int:
    """Close the entries whose time is over, a batch at most; how many they were. Those who are just
    being offered something, or leave, are left for the next time.
    """
    over = (
        select(WaitlistEntry.id)
        .where(
            WaitlistEntry.status == WaitlistStatus.WAITING,
            WaitlistEntry.ends_at <= server.clock(),
        )
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    closing = (
        update(WaitlistEntry)
        .where(WaitlistEntry.id.in_(over))
        .values(status=WaitlistStatus.EXPIRED)
        .returning(WaitlistEntry.id)
        .execution_options(synchronize_session=False)
    )
    async with server.database.crossing_organizations() as session:
        return len(await session.rows(closing))
