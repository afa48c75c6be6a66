"""Locking calendars, and raising their revisions. Parts of acts, below all that writes in them;
acts come in by `grid.locked_for_change`, which does both.
"""

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import SelectBase, select, update

from models import Calendar
from models.database import WriteSession
from services.context import Context

RAISED = "raised"


async def lock_calendars(
    session: WriteSession,
    calendar_ids: Collection[UUID] | SelectBase,
    *,
    skip_locked: bool = False,
) -> set[UUID]:
    """Lock calendars in the order of their ids, as everybody does, so that no two acts wait for
    each other; which those are.

    Args:
        skip_locked: those that somebody else has locked are left alone, not waited for.

    """
    locking = (
        select(Calendar.id)
        .where(Calendar.id.in_(calendar_ids))
        .order_by(Calendar.id)
        .with_for_update(key_share=True, skip_locked=skip_locked)
    )
    return set(await session.rows(locking))


async def raise_revisions(
    context: Context, session: WriteSession, calendar_ids: Sequence[UUID]
) -> None:
    """Raise the revisions of calendars that are locked already, and tell their views in the end.
    Once in a transaction is enough.
    """
    raised: set[UUID] = session.info.setdefault(RAISED, set())
    new = set(calendar_ids) - raised
    if not new:
        return
    raised |= new
    raising = (
        update(Calendar)
        .where(Calendar.id.in_(new))
        .values(revision=Calendar.revision + 1)
        .returning(Calendar.id, Calendar.revision)
        .execution_options(synchronize_session=False)
    )
    for calendar_id, revision in (await session.execute(raising)).all():
        session.after_commit(partial(context.server.live.announce, calendar_id, revision))
