"""Operations as documents, in every form in which one can be asked, and what an answer means.

Documents and plausible arguments are made from the exported schema, so that an operation that is
added is tried without anything being written here; `ALSO` is for what makes an act bite.
"""

import json
from collections.abc import Iterator, Mapping
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLOutputType,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

from models import Role
from tests.access.voices import Answer, Voice
from tests.schema.plausible import SCHEMA, World

Path = tuple[str, ...]

CHANGED = "Changed"
# What is given besides what must be, so that an act that was not denied would be seen.
ALSO: dict[str, dict[str, Any]] = {
    "Mutation.updateProfile": {"name": CHANGED},
    "Mutation.updateOrganization": {"name": CHANGED},
    "Mutation.updateDepartment": {"description": CHANGED},
    "Mutation.updateOffice": {"address": CHANGED},
    "Mutation.updateVisitType": {"description": CHANGED},
    "Mutation.updateDoctor": {"bio": CHANGED},
    "Mutation.updatePatient": {"phone": "+34612345678"},
    "Mutation.updateAppointment": {"reason": CHANGED},
    "Mutation.cancelAppointment": {"reason": CHANGED},
    "Mutation.bookSeries": {"recurrence": {"count": 2}, "onConflict": "SKIP"},
    "Mutation.checkInAppointment": {"staffNotes": CHANGED},
    "Mutation.markNoShow": {"staffNotes": CHANGED},
    "Mutation.completeAppointment": {"staffNotes": CHANGED},
    "Mutation.signOut": {"everywhere": True},
    "Mutation.updateUser": {"isActive": False},
    "Mutation.updateEvent": {"title": CHANGED},
    "Mutation.cancelGuestBooking": {"reason": CHANGED},
    "Mutation.bookEventSlot": {"guest": {"name": "Gil", "email": "gil@mail.example"}},
}
# Their slot is an event's.
AT_EVENTS = {"Mutation.bookEventSlot", "Mutation.rescheduleGuestBooking"}
# What is no id, and names something all the same.
NAMES = {("reference",), ("slug",), ("manageToken",)}
# The viewer's own where it is left out, and staff have none.
# Without a calendar an exception is the whole organization's: see `test_exceptions`.
NEEDED = {
    "Mutation.bookAppointment": ("patientId",),
    "Mutation.addAvailabilityException": ("calendarId",),
    "Mutation.joinWaitlist": ("patientId", "doctorId"),
    "Mutation.bookSeries": ("patientId",),
}
# Where one is given, the other is not.
INSTEAD = {("Mutation.joinWaitlist", "departmentId"): "doctorId"}
# What everybody may ask for. The act is refused, and takes no secret: an operation may hold one of
# those that do.
BESIDE = {
    "Query": "beside: organization { __typename }",
    "Mutation": 'beside: requestPasswordReset(input: {email: "none"}) { errors { __typename } }',
}
FORMS = ("plain", "aliased", "fragment", "beside", "socket")
FORMS_OF_VIEWS = ("plain", "aliased", "fragment", "events")
NO_IDS = ("1", "", "x" * 5000)


def declared(operation: str) -> Any:
    """An operation as the schema declares it."""
    root, _, name = operation.partition(".")
    return SCHEMA.type_map[root].fields[name]  # type: ignore[attr-defined]


def everything(kind: GraphQLOutputType, depth: int) -> str:
    """A selection of all that can be asked without arguments, so deep."""
    inner: Any = get_named_type(kind)
    if is_leaf_type(inner):
        return ""
    if not is_object_type(inner):
        refusals = "... on UserError { code message path }" if inner.name.endswith("Error") else ""
        return f"{{ __typename {refusals} }}"
    parts = [
        f"{name} {everything(field.type, depth - 1)}"
        for name, field in inner.fields.items()
        if not any(is_required_argument(argument) for argument in field.args.values())
        and (depth > 1 or is_leaf_type(get_named_type(field.type)))
    ]
    return f"{{ __typename {' '.join(parts)} }}"


def document(operation: str, form: str = "plain") -> str:
    """An operation with a variable for each of its arguments, asked in one of the forms."""
    root, _, name = operation.partition(".")
    arguments = declared(operation).args
    variables = ", ".join(f"${n}: {argument.type}" for n, argument in arguments.items())
    given = ", ".join(f"{n}: ${n}" for n in arguments)
    call = f"{name}{f'({given})' if given else ''} {everything(declared(operation).type, 2)}"
    head = f"{root.lower()} {f'({variables})' if variables else ''}"
    if form == "aliased":
        return f"{head} {{ aliased: {call} }}"
    if form == "fragment":
        return f"{head} {{ ...Part }} fragment Part on {root} {{ ... on {root} {{ {call} }} }}"
    if form == "beside":
        return f"{head} {{ {BESIDE[root]} {call} }}"
    return f"{head} {{ {call} }}"


def id_places(operation: str) -> list[Path]:
    """Where an operation takes an id; of a question, where it must be given."""
    is_act = operation.startswith("Mutation.")
    found = []
    for name, argument in declared(operation).args.items():
        if is_act or is_required_argument(argument):
            found += list(_id_places((name,), argument.type, is_act=is_act))
    return found


def _id_places(path: Path, kind: Any, *, is_act: bool) -> Iterator[Path]:
    inner: Any = get_named_type(kind)
    if is_input_object_type(inner):
        for name, part in inner.fields.items():
            if is_act or is_required_input_field(part):
                yield from _id_places((*path, name), part.type, is_act=is_act)
    elif inner.name == "ID" or path in NAMES:
        yield path


def arguments(operation: str, ids: Mapping[str, str], *places: tuple[Path, str]) -> dict[str, Any]:
    """Plausible arguments that name these things; at some places others."""
    known = {**ids, "id": ids["calendarId"], "ids": ids["calendarId"]}
    if operation in AT_EVENTS:
        known["slotId"] = ids["eventSlotId"]
    texts = {name: ids[name] for name in ("slug", "manageToken")}
    world = World(None, known, texts)  # type: ignore[arg-type]
    given = {
        name: world.value(argument.type, name)
        for name, argument in declared(operation).args.items()
        if is_non_null_type(argument.type)
    }
    if "reference" in given:
        given["reference"] = ids["reference"]
    given.get("input", {}).update(ALSO.get(operation, {}))
    for name in NEEDED.get(operation, ()):
        _put(given, ("input", name), ids[name])
    for path, value in places:
        _put(given, path, value)
        given.get("input", {}).pop(INSTEAD.get((operation, path[-1])), None)
    return given


def _put(given: dict[str, Any], path: Path, value: str) -> None:
    for name in path[:-1]:
        given = given[name]
    is_list = isinstance(given.get(path[-1]), list)
    given[path[-1]] = [value] if is_list else value


def random_ids(ids: Mapping[str, str]) -> dict[str, str]:
    """Ids of the same types that name nothing."""
    others = {"reference": "ZZZZ-ZZZZ", "slug": token_urlsafe(16), "manageToken": token_urlsafe()}
    return {
        name: others.get(name) or f"{id.rpartition('_')[0]}_{uuid4().hex}"
        for name, id in ids.items()
    }


async def send(voice: Voice, operation: str, form: str, given: Mapping[str, Any]) -> Answer:
    """The answer to an operation in one of the forms."""
    if operation == "Mutation.bookEventSlot" and voice.role is Role.PATIENT:
        # Patients come themselves.
        given = {
            "input": {name: value for name, value in given["input"].items() if name != "guest"}
        }
    if operation.startswith("Subscription."):
        send = voice.first_event if form == "events" else voice.ask_on_a_socket
        body = await send(document(operation, form), **given)
    elif form == "socket":
        body = await voice.ask_on_a_socket(document(operation), **given)
    else:
        return await voice.ask(document(operation, form), **given)
    return Answer(json.dumps(body).encode(), 200, body)


LETTERS = {"UNAUTHENTICATED": "U", "FORBIDDEN": "F", "NOT_FOUND": "N"}


def meaning(operation: str, body: Mapping[str, Any]) -> str:
    """An answer as a cell of the matrix; `+` where it was not denied, or the code of an error.

    An act that was refused by a rule of its own was not denied.
    """
    if errors := body.get("errors"):
        (code,) = {error["extensions"]["code"] for error in errors}
        return LETTERS.get(code, code)
    data = {name: value for name, value in body["data"].items() if name != "beside"}
    (value,) = data.values()
    if value is None:
        return "-"
    if operation.startswith("Mutation.") and value["errors"]:
        rest = [v for name, v in value.items() if name not in {"errors", "__typename"}]
        is_not_found = {error["code"] for error in value["errors"]} == {"NOT_FOUND"}
        if is_not_found and not any(rest):
            return "N"
        return "BAD_INPUT" if value["errors"][0]["code"] == "INVALID_INPUT" else "+"
    return "+"


def said(body: Mapping[str, Any]) -> Any:
    """What of an answer must be the same in every form: errors and the operation's own data."""
    errors = sorted(
        (error["extensions"]["code"], error["message"]) for error in body.get("errors", ())
    )
    data = body.get("data") or {}
    return errors, [value for name, value in data.items() if name != "beside" and value is not None]
