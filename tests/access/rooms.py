"""Rooms in which every text is a secret, and the kinds of visits that need them."""

from models import Calendar, Room, VisitTypeRoom
from tests.access.realm import Realm
from tests.access.words import word


def room(realm: Realm, name: str, whose: str) -> Room:
    """A room, in an office where there is one of that name."""
    of_room = realm.put(f"hall.{name}", Calendar, time_zone="Europe/Madrid")
    office = realm.rows.get(f"office.{whose}")
    made: Room = realm.put(
        name,
        Room,
        name=word("name"),
        office_id=office.id if office else None,
        calendar_id=of_room.id,
    )
    return made


def need(realm: Realm, whose: str) -> None:
    """A room, and that a kind of visit needs it."""
    made = room(realm, f"room.{whose}", whose)
    realm.rows[f"need.{whose}"] = VisitTypeRoom(
        organization_id=made.organization_id,
        visit_type_id=realm.rows[f"visit_type.{whose}"].id,
        room_id=made.id,
    )
