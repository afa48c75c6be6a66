"""Calendars elsewhere, in which every text is a secret."""

from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import Range

from models import EXTERNAL_LANE, Claim, ClaimKind, ExternalCalendar, ExternalProblem
from tests.access.realm import Realm
from tests.access.words import word
from tests.factories import tomorrow


def external(realm: Realm, whose: str, mark: str = "") -> ExternalCalendar:
    """Somebody is busy elsewhere, at the time of their visit; nobody reads that for now."""
    calendar, visit = realm.rows[f"calendar.{whose}"], realm.rows[f"slot.of.{whose}"]
    now = datetime.now(UTC)
    if not mark:
        realm.put(
            f"claim.external.{whose}",
            Claim,
            calendar_id=calendar.id,
            kind=ClaimKind.EXTERNAL,
            lane=EXTERNAL_LANE,
            during=Range(visit.starts_at, visit.ends_at),
        )
    made: ExternalCalendar = realm.put(
        f"external.{whose}{mark}",
        ExternalCalendar,
        calendar_id=calendar.id,
        host=f"{word('host')}.example",
        sealed_url=word("sealed"),
        etag=word("etag"),
        last_modified=word("modified"),
        last_read_at=now,
        last_ok_at=now,
        problem=ExternalProblem.UNREACHABLE,
        next_read_at=tomorrow(days=9),
    )
    return made
