"""The events of a clinic in which everything is a secret: published, archived, and not published
yet, each with guests who have booked it. What else such a clinic has is in `making`.
"""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from models import (
    Appointment,
    AppointmentStatus,
    Calendar,
    Claim,
    ClaimKind,
    Event,
    Slot,
    SlotStatus,
)
from services.accounts import tokens
from tests.access.realm import Realm
from tests.access.words import email, phone, word
from tests.factories import tomorrow

# Who organizes the events of each kind.
ORGANIZERS = {
    "mine": "user.doctor.mine",
    "theirs": "user.doctor.theirs",
    "gone": "user.doctor.gone",
    "desk": "user.receptionist",
}


def put_events(realm: Realm) -> None:
    """Events that are published, archived and not published yet; a guest has booked each."""
    for kind, organizer in ORGANIZERS.items():
        event(realm, f"event.{kind}", organizer, is_published=True)
        realm.rows[f"event.{kind}"].archived_at = datetime.now(UTC) if kind == "gone" else None
        seat(realm, f"seat.{kind}", f"event.{kind}", 18)
        booking(realm, f"booking.{kind}", f"event.{kind}", 19)
        booking(realm, f"open.{kind}", f"event.{kind}", 20)
    for kind in ("mine", "theirs", "desk"):
        event(realm, f"draft.{kind}", ORGANIZERS[kind], is_published=False)
        seat(realm, f"hidden.{kind}", f"draft.{kind}", 18)


def event(realm: Realm, name: str, organizer: str, *, is_published: bool) -> Event:
    """An event of tomorrow, and its calendar."""
    calendar = realm.put(f"occasion.{name}", Calendar, time_zone="Europe/Madrid")
    made: Event = realm.put(
        name,
        Event,
        organizer_id=realm.rows[organizer].id,
        calendar_id=calendar.id,
        title=word("title"),
        description=word("about"),
        date=tomorrow().date(),
        time_zone="Europe/Madrid",
        ends_at=tomorrow(0, days=2),
        slug=secrets.token_urlsafe(16),
        published_at=datetime.now(UTC) if is_published else None,
    )
    return made


def seat(realm: Realm, name: str, of: str, hour: float, *, booked: int = 0) -> Slot:
    """Half an hour of an event, with room for a thousand."""
    made: Slot = realm.put(
        name,
        Slot,
        calendar_id=realm.rows[of].calendar_id,
        starts_at=tomorrow(0) + timedelta(hours=hour),
        ends_at=tomorrow(0) + timedelta(hours=hour + 0.5),
        hours_end_at=tomorrow(0) + timedelta(hours=hour + 0.5),
        status=SlotStatus.AVAILABLE,
        capacity=1000,
        booked_count=booked,
        revision=0,
    )
    return made


def booking(realm: Realm, name: str, of: str, hour: float) -> Appointment:
    """A guest's booking, with everything that can be written about one."""
    taken = seat(realm, f"seat.of.{name}", of, hour, booked=1)
    before = seat(realm, f"seat.before.{name}", of, hour + 0.5)
    made: Appointment = realm.put(
        name,
        Appointment,
        reference=f"{secrets.token_hex(2)}-{secrets.token_hex(4)}".upper(),
        event_id=realm.rows[of].id,
        guest_name=word("guest"),
        guest_email=email(),
        guest_phone=phone(),
        calendar_id=taken.calendar_id,
        slot_id=taken.id,
        rescheduled_from_id=before.id,
        starts_at=taken.starts_at,
        ends_at=taken.ends_at,
        status=AppointmentStatus.BOOKED,
        staff_notes=word("staff"),
        can_cancel_until=taken.starts_at,
        version=1,
    )
    secret = tokens.manage_token(realm.factory.config, made.id)
    realm.managing[name] = secret
    made.manage_token_hash = tokens.hashed(secret)
    during = Range(taken.starts_at, taken.ends_at)
    realm.put(
        f"claim.{name}",
        Claim,
        calendar_id=taken.calendar_id,
        appointment_id=made.id,
        kind=ClaimKind.APPOINTMENT,
        lane=0,
        during=during,
    )
    return made
