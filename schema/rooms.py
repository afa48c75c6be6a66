"""Rooms and devices: what visits need besides a doctor."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Maybe

from models import Room as RoomRow
from resolvers import calendar as calendar_resolvers
from resolvers import directory as directory_resolvers
from resolvers import rooms as resolvers
from schema.fields import KEY, Node, Scope, entity, field, given, inputs, mutation

if TYPE_CHECKING:
    from schema.calendar import Calendar
    from schema.directory.types import Office
else:
    Calendar = Annotated["Calendar", strawberry.lazy("schema.calendar")]
    Office = Annotated["Office", strawberry.lazy("schema.directory.types")]


@entity(RoomRow)
class Room(Node):
    """A room or a device that visits need besides a doctor. It is free whenever nothing takes its
    time; for patients, where it has working hours, within these.
    """

    name: str = field("Its name, unique in the organization.", scope=Scope.PUBLIC)
    office: Office | None = field("Where it is.", directory_resolvers.office_of, scope=Scope.PUBLIC)
    calendar: Calendar | None = field(
        "Its time, for staff; null for others. Working hours give it slots to show.",
        calendar_resolvers.calendar_shown,
    )


@inputs
class CreateRoomInput:
    """A new room or device."""

    name: str = given("Its name, unique in the organization.")
    office_id: Maybe[ID | None] = given("Where it is.", node="Office")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateRoomInput:
    """What changes; what is left out stays."""

    room_id: ID = given("Which room.", node="Room")
    name: Maybe[str] = given("Its name.")
    office_id: Maybe[ID | None] = given("Where it is.", node="Office")


@inputs
class DeleteRoomInput:
    """What to delete."""

    room_id: ID = given("Which room.", node="Room")


CHANGED = {"room": (Room, "The room as it is now.")}


@strawberry.type
class RoomMutations:
    """See the root."""

    create_room = mutation(
        "Adds a room or a device.", resolvers.create_room, CreateRoomInput, returns=CHANGED
    )
    update_room = mutation(
        "Changes a room or a device.", resolvers.update_room, UpdateRoomInput, returns=CHANGED
    )
    delete_room = mutation(
        "Archives a room or a device: no visit takes it any more; history stays.",
        resolvers.delete_room,
        DeleteRoomInput,
        returns={"deleted_id": (ID, "The id of what is gone.")},
    )
