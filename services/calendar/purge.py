"""Deleting tombstones: removed slots that no view can ask for any more.

A view that comes back hears of what was removed while it was away, for seven days. What is older
goes here, and the calendar says up to which revision: who holds an older one is shown everything.
When and how often that is done is the business of `housekeeping`.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, exists, func, select, update

from models import Appointment, Calendar, Slot
from models.database import ReadSession, WriteSession

TOMBSTONES_LAST = timedelta(days=7)
# Deleted while the calendar is locked: a booking may have to wait for so many.
BATCH = 500


def _is_outlived() -> ColumnElement[bool]:
    """Which slots are tombstones that may go: old ones that no appointment was ever in."""
    return (
        (Slot.removed_at < func.now() - TOMBSTONES_LAST)
        & ~exists().where(Appointment.slot_id == Slot.id)
        & ~exists().where(Appointment.rescheduled_from_id == Slot.id)
    )


async def calendars_to_purge(session: ReadSession) -> Sequence[Row[UUID, UUID]]:
    """The organization and the id of each calendar with tombstones that may go."""
    statement = select(Slot.organization_id, Slot.calendar_id).where(_is_outlived()).distinct()
    return (await session.execute(statement)).all()


async def purge_calendar(session: WriteSession, calendar_id: UUID) -> int:
    """Delete the oldest tombstones of a calendar, a batch at most; how many they were.

    Slots and `purged_through` change in one transaction, so that a view, which reads both in one
    statement, finds either the tombstones or that they are gone. No slot that a view shows
    changes: the revision stays.
    """
    # Somebody who changes the calendar, or purges it as well, is not waited for: there is no hurry.
    locking = (
        select(Calendar.id)
        .where(Calendar.id == calendar_id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if (await session.execute(locking)).scalar_one_or_none() is None:
        return 0
    oldest = select(Slot.id).where(Slot.calendar_id == calendar_id, _is_outlived())
    deleting = (
        delete(Slot)
        .where(Slot.id.in_(oldest.order_by(Slot.revision).limit(BATCH)))
        .returning(Slot.revision)
        .execution_options(synchronize_session=False)
    )
    gone = await session.rows(deleting)
    if gone:
        await session.execute(
            update(Calendar)
            .where(Calendar.id == calendar_id)
            .values(purged_through=func.greatest(Calendar.purged_through, max(gone)))
            .execution_options(synchronize_session=False)
        )
    return len(gone)
