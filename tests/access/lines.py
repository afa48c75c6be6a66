"""Patients who wait, and are offered a time. What else such a clinic has is in `making`."""

import secrets

from sqlalchemy.dialects.postgresql import Range

from models import (
    Claim,
    ClaimKind,
    SlotStatus,
    VisitType,
    VisitTypeDoctor,
    WaitlistEntry,
    WaitlistStatus,
)
from tests.access.realm import Realm
from tests.factories import tomorrow


def waiting(realm: Realm, name: str, whose: str) -> WaitlistEntry:
    """A patient waits for a doctor and is offered half an hour of tomorrow, which is not open to
    anybody else: for a kind of visit that nobody else waits for.
    """
    doctor, calendar = realm.rows[f"doctor.{whose}"], realm.rows[f"calendar.{whose}"]
    kind = realm.put(f"kind.of.{name}", VisitType, name=secrets.token_hex(6), minutes=30)
    realm.rows[f"offer.of.{name}"] = VisitTypeDoctor(
        organization_id=kind.organization_id, visit_type_id=kind.id, doctor_id=doctor.id
    )
    slot = realm.rows[f"slot.of.{name}"]
    slot.status, slot.held_until = SlotStatus.HELD, tomorrow(0)
    made: WaitlistEntry = realm.put(
        name,
        WaitlistEntry,
        patient_id=realm.rows[f"patient.{whose}"].id,
        doctor_id=doctor.id,
        visit_type_id=kind.id,
        starts_at=tomorrow(0),
        ends_at=tomorrow(0, days=60),
        status=WaitlistStatus.OFFERED,
        offered_slot_id=slot.id,
        offer_expires_at=tomorrow(0),
    )
    realm.put(
        f"claim.of.{name}",
        Claim,
        calendar_id=calendar.id,
        kind=ClaimKind.HOLD,
        lane=0,
        during=Range(slot.starts_at, slot.ends_at),
        waitlist_entry_id=made.id,
        expires_at=made.offer_expires_at,
    )
    return made
