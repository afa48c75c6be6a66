"""Visit types: kinds of visits, how long they take, and who offers them."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Maybe

from models import VisitType as VisitTypeRow
from resolvers import rooms as room_resolvers
from resolvers import visit_types as resolvers
from schema.fields import KEY, Node, Scope, entity, field, given, inputs, mutation
from schema.rooms import Room
from schema.sizes import USUAL_PAGE

if TYPE_CHECKING:
    from schema.directory.types import Doctor
else:
    Doctor = Annotated["Doctor", strawberry.lazy("schema.directory.types")]


@entity(VisitTypeRow)
class VisitType(Node):
    """A kind of visit and how long it takes. It may take several neighbouring slots."""

    name: str = field("Its name, unique in the organization.", scope=Scope.PUBLIC)
    description: str | None = field("What it is for.", scope=Scope.PUBLIC)
    minutes: int = field("How long it takes.", scope=Scope.PUBLIC)
    buffer_minutes: int = field(
        "Minutes kept clear after it; staff may book into them.", scope=Scope.PUBLIC
    )
    doctors: list[Doctor] = field(
        "Who offers it, in order of name.",
        resolvers.doctors_of,
        scope=Scope.PUBLIC,
        rows=USUAL_PAGE,
    )
    rooms: list[Room] = field(
        "It needs one of these rooms or devices, in order of name; empty: none.",
        room_resolvers.rooms_of,
        scope=Scope.PUBLIC,
        rows=USUAL_PAGE,
    )


@inputs
class CreateVisitTypeInput:
    """A new kind of visit."""

    name: str = given("Its name, unique in the organization.")
    description: str | None = given("What it is for.", default=None)
    minutes: int = given("How long it takes, 1 to 1440.")
    buffer_minutes: Maybe[int] = given("Minutes kept clear after it, 0 to 240; otherwise none.")
    doctor_ids: Maybe[list[ID]] = given(
        "Who offers it; all doctors that there are now where left out.", node="Doctor"
    )
    room_ids: Maybe[list[ID]] = given(
        "It needs one of these rooms or devices; otherwise none.", node="Room"
    )
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateVisitTypeInput:
    """What changes; what is left out stays. Visits that are booked keep their times."""

    visit_type_id: ID = given("Which visit type.", node="VisitType")
    name: Maybe[str] = given("Its name.")
    description: Maybe[str | None] = given("What it is for.")
    minutes: Maybe[int] = given("How long it takes.")
    buffer_minutes: Maybe[int] = given("Minutes kept clear after it.")
    doctor_ids: Maybe[list[ID]] = given("Who offers it, all of them.", node="Doctor")
    room_ids: Maybe[list[ID]] = given("The rooms it may use, all of them.", node="Room")


@inputs
class DeleteVisitTypeInput:
    """What to delete."""

    visit_type_id: ID = given("Which visit type.", node="VisitType")


CHANGED = {"visit_type": (VisitType, "The visit type as it is now.")}


@strawberry.type
class VisitTypeMutations:
    """See the root."""

    create_visit_type = mutation(
        "Adds a kind of visit.",
        resolvers.create_visit_type,
        CreateVisitTypeInput,
        returns=CHANGED,
    )
    update_visit_type = mutation(
        "Changes a kind of visit.",
        resolvers.update_visit_type,
        UpdateVisitTypeInput,
        returns=CHANGED,
    )
    delete_visit_type = mutation(
        "Archives a kind of visit: nobody offers it any more; history stays.",
        resolvers.delete_visit_type,
        DeleteVisitTypeInput,
        returns={"deleted_id": (ID, "The id of what is gone.")},
    )
