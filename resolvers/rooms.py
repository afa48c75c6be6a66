"""Rooms: the list, things by id, and the acts of those who manage them."""

from collections.abc import Sequence
from typing import Any

from strawberry import ID, Info

from models import Room
from resolvers import ids
from resolvers.acts import act
from resolvers.loaders import load, loaded
from services import visit_types
from services.context import Context
from services.directory import rooms as service

create_room = act(service.create_room)
update_room = act(service.update_room)
delete_room = act(service.delete_room, deletes="Room")


async def rooms(info: Info[Context, None], office_id: ID | None = None) -> Sequence[Room]:
    """Rooms by name."""
    key = ids.optional_key(office_id, "Office", "office_id")
    return await service.list_rooms(info.context, office_id=key)


async def room_by_id(info: Info[Context, None], id: Any) -> Room | None:
    """A room by key."""
    return await load(info, service.rooms_by_id, id)


room_of = loaded(service.rooms_by_id, "room_id")
rooms_of = loaded(visit_types.rooms_by_visit_type, "id", otherwise=())
