"""Visit types: the list, things by id, and the acts of those who manage them."""

from collections.abc import Sequence
from typing import Any

from strawberry import ID, Info

from models import Doctor, VisitType
from resolvers import ids
from resolvers.acts import act
from resolvers.loaders import load
from services import visit_types as service
from services.context import Context

create_visit_type = act(service.create_visit_type)
update_visit_type = act(service.update_visit_type)
delete_visit_type = act(service.delete_visit_type, deletes="VisitType")


async def visit_types(
    info: Info[Context, None], doctor_id: ID | None = None
) -> Sequence[VisitType]:
    """Visit types by name."""
    key = ids.optional_key(doctor_id, "Doctor", "doctor_id")
    return await service.list_visit_types(info.context, doctor_id=key)


async def visit_type_by_id(info: Info[Context, None], id: Any) -> VisitType | None:
    """A visit type by key."""
    return await load(info, service.visit_types_by_id, id)


async def visit_type_of(root: Any, info: Info[Context, None]) -> VisitType | None:
    """The visit type of an appointment."""
    return await visit_type_by_id(info, root.visit_type_id)


async def doctors_of(root: Any, info: Info[Context, None]) -> Sequence[Doctor]:
    """Who offers a visit type."""
    return await load(info, service.doctors_by_visit_type, root.id) or ()
