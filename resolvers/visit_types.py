"""Visit types: the list, things by id, and the acts of those who manage them."""

from collections.abc import Sequence
from typing import Any

from strawberry import ID, Info

from models import VisitType
from resolvers import ids
from resolvers.acts import act
from resolvers.loaders import load, loaded
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


visit_type_of = loaded(service.visit_types_by_id, "visit_type_id")
doctors_of = loaded(service.doctors_by_visit_type, "id", otherwise=())
