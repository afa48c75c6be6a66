"""What is busy elsewhere as claims of a calendar: an import is a difference, and what stays the
same keeps its claims and tells nobody anything.

Parts of acts and of the job; none of them commits.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Row, delete, exists, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import aliased

from models import EXTERNAL_LANE, Calendar, Claim, ClaimKind
from models.database import WriteSession
from services.calendar.claims import LONGEST_SLOT
from services.calendar.grid import locked_for_change
from services.calendar.refreshing import give_back, refresh_slots
from services.context import Context
from services.errors import NotFound

Span = tuple[datetime, datetime]
Present = Row[UUID, datetime, datetime]
ONE_DAY = timedelta(days=1)
IS_EXTERNAL = Claim.kind == ClaimKind.EXTERNAL
# In one question, however many times there are.
TOUCHED = text("""
    SELECT DISTINCT slots.id
    FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS changed (a, z)
    JOIN slots ON slots.starts_at < changed.z AND slots.ends_at > changed.a
              AND slots.starts_at > changed.a - CAST(:longest AS interval)
    WHERE slots.organization_id = :organization_id AND slots.calendar_id = :calendar_id
      AND slots.status <> 'REMOVED'
""")


@dataclass(frozen=True)
class Difference:
    """What makes the claims that there are the ones that are wanted.

    Attributes:
        over: the ids of those of the past, of which nobody needs to be told.
        gone: the ids of those that are not wanted any more.
        new: the times that are wanted and not there.
        changed: the times that are busy now and were not, or the other way round.

    """

    over: Sequence[UUID]
    gone: Sequence[UUID]
    new: Sequence[Span]
    changed: Sequence[Span]


def difference(present: Sequence[Present], wanted: Sequence[Span], begin: datetime) -> Difference:
    """The difference from `begin` on; both have no overlaps. What began before it stays the same as
    long as what is left of it does.
    """
    over = [id for id, _, upper in present if upper <= begin]
    left = {(max(lower, begin), upper): id for id, lower, upper in present if upper > begin}
    gone = [span for span in left if span not in set(wanted)]
    new = [span for span in wanted if span not in left]
    return Difference(over, [left[span] for span in gone], new, differing(gone, new))


def differing(some: Collection[Span], others: Collection[Span]) -> list[Span]:
    """The times that are in one of two sets of times and not in both; neither has overlaps."""
    ends = Counter(end for span in (*some, *others) for end in span)
    # Where both begin, both end, or one follows the other, nothing changes.
    turns = sorted(end for end, count in ends.items() if count % 2)
    return list(zip(turns[::2], turns[1::2], strict=True))


def by_days(starts_at: datetime, ends_at: datetime) -> Iterator[Span]:
    """A time in pieces none of which is longer than a claim may be. They end at midnights (UTC), so
    that they are the same ones wherever the time is looked at from.
    """
    while starts_at < ends_at:
        midnight = datetime.combine(starts_at.astimezone(UTC) + ONE_DAY, time(), UTC)
        until = min(midnight, ends_at)
        yield starts_at, until
        starts_at = until


async def locked(session: WriteSession, calendar_id: UUID) -> Calendar:
    """A calendar, locked, before it is known whether anything in it changes.

    Raises:
        NotFound: there is none.

    """
    statement = select(Calendar).where(Calendar.id == calendar_id).with_for_update(key_share=True)
    calendar: Calendar | None = (await session.execute(statement)).scalar_one_or_none()
    if calendar is None:
        raise NotFound("calendar_id")
    return calendar


async def replace_busy(
    context: Context,
    session: WriteSession,
    calendar_id: UUID,
    wanted: Sequence[Span],
    begin: datetime,
) -> bool:
    """Let a locked calendar be busy at these times from `begin` on; whether anything changed.

    Who holds such a time has not booked it yet, and holds it no longer. Appointments stay.
    """
    present = select(Claim.id, Claim.starts_at, Claim.ends_at).where(
        Claim.calendar_id == calendar_id, IS_EXTERNAL
    )
    pieces = [piece for span in wanted for piece in by_days(*span)]
    changes = difference((await session.execute(present)).all(), pieces, begin)
    await _delete(session, changes.over)
    if not (changes.gone or changes.new):
        return False
    await locked_for_change(context, session, calendar_id)
    await _delete(session, changes.gone)
    session.add_all(
        Claim(
            organization_id=session.organization_id,
            calendar_id=calendar_id,
            kind=ClaimKind.EXTERNAL,
            lane=EXTERNAL_LANE,
            during=Range(lower, upper),
        )
        for lower, upper in changes.new
    )
    await session.flush()
    await _give_up_holds(session, calendar_id)
    await refresh_slots(session, await _touched(session, calendar_id, changes.changed))
    return True


async def _delete(session: WriteSession, ids: Sequence[UUID]) -> None:
    if ids:
        await session.execute(delete(Claim).where(Claim.id.in_(ids)))


async def _give_up_holds(session: WriteSession, calendar_id: UUID) -> None:
    """Give back what is held of a time that is busy elsewhere."""
    busy = aliased(Claim)
    is_busy = exists().where(
        busy.calendar_id == calendar_id,
        busy.kind == ClaimKind.EXTERNAL,
        busy.starts_at < Claim.ends_at,
        busy.ends_at > Claim.starts_at,
    )
    is_hold = Claim.kind == ClaimKind.HOLD
    await give_back(session, Claim.calendar_id == calendar_id, is_hold, is_busy)


async def _touched(
    session: WriteSession, calendar_id: UUID, spans: Sequence[Span]
) -> Sequence[UUID]:
    """The slots that overlap one of some times."""
    values = {
        "organization_id": session.organization_id,
        "calendar_id": calendar_id,
        "starts": [lower for lower, _ in spans],
        "ends": [upper for _, upper in spans],
        "longest": LONGEST_SLOT,
    }
    return await session.rows(TOUCHED, values)
