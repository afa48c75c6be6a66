"""Things by id, and what hangs on things: hidden ones are not there, by whatever path they are
asked for."""

from typing import Any
from uuid import uuid4

import pytest

from models import Role
from tests.access.acts import LETTERS, said
from tests.access.matrix import COLUMNS, NODES
from tests.access.realm import PLAYERS, SEES, STAFF, Realm, fingerprint, sees
from tests.access.voices import Voice
from tests.factories import tomorrow, wire

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES_OF = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
FORMS = (
    "query ($id: ID!) { other: node(id: $id) { __typename id } }",
    "query ($id: ID!) { ...Part } fragment Part on Query { node(id: $id) { __typename id } }",
    "query ($id: ID!) { organization { __typename } node(id: $id) { __typename id } }",
)
# A row of each type that is the role players' own, one that is somebody else's, and where there is
# such a thing one that is archived.
NAMES: dict[str, tuple[str, ...]] = {
    "Organization": ("organization",),
    "User": ("user.patient.mine", "user.patient.theirs", "user.admin", "user.doctor.theirs"),
    "Department": ("department.mine", "department.theirs"),
    "Office": ("office.mine", "office.theirs"),
    "VisitType": ("visit_type.mine", "visit_type.theirs"),
    "Room": ("room.mine", "room.theirs"),
    "Doctor": ("doctor.mine", "doctor.theirs", "doctor.gone"),
    "Patient": ("patient.mine", "patient.theirs", "patient.gone"),
    "Calendar": ("calendar.mine", "calendar.theirs", "calendar.gone", "occasion.event.mine"),
    "Slot": ("slot.mine", "slot.theirs", "slot.of.theirs", "seat.mine"),
    "Event": ("event.mine", "event.theirs"),
    "WaitlistEntry": ("waitlist_entry.mine", "waitlist_entry.theirs"),
    "AvailabilityTemplate": ("template.mine", "template.theirs"),
    "AvailabilityException": ("exception.mine", "exception.theirs", "exception.gone"),
    "Appointment": (
        "appointment.mine",
        "appointment.theirs",
        "appointment.shared",
        "appointment.old.gone",
    ),
    "AppointmentSeries": ("series.mine", "series.theirs"),
    "SignIn": (*(f"sign_in.{player}" for player in PLAYERS.values()), "sign_in.patient.theirs"),
    "Notification": ("notification.mine", "notification.theirs"),
    "AuditEvent": ("audit_event.mine", "audit_event.theirs"),
}


def expected(voice: Voice, kind: str, name: str) -> str:
    """How `node` answers: `+` with the thing, or as the matrix says."""
    cell = voice.cell(NODES[kind])
    if cell != "o":
        return cell
    is_own_account = voice.role and name == f"user.{PLAYERS[voice.role]}"
    return "+" if is_own_account or sees(voice.role, name) else "-"


@pytest.mark.parametrize("kind", NODES)
async def test_a_thing_by_id_is_there_for_those_who_may_see_it(
    kind: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """For others it is as if there were none: by one id, by several, and in every form."""
    before = await fingerprint(home, abroad)
    for voice in voices:
        nothing = f"{home.id(NAMES[kind][0]).rpartition('_')[0]}_{uuid4().hex}"
        control = await voice.ask(NODE, id=nothing)
        is_tried_in_every_form = False
        for name in NAMES[kind]:
            cell, id = expected(voice, kind, name), home.id(name)
            answer = await voice.ask(NODE, id=id)
            if cell == "+":
                assert answer.body == {"data": {"node": {"__typename": kind, "id": id}}}, voice
                continue
            assert answer.shape == control.shape, (str(voice), name, answer.raw)
            if cell == "-":
                assert answer.body == {"data": {"node": None}}
            else:
                (error,) = answer.body["errors"]
                assert LETTERS[error["extensions"]["code"]] == cell
            if not is_tried_in_every_form:
                await in_every_form(voice, id, nothing)
                is_tried_in_every_form = True
    assert await fingerprint(home, abroad) == before


async def in_every_form(voice: Voice, hidden: str, nothing: str) -> None:
    """A hidden thing is answered as nothing is, however it is asked for: in one of the forms, the
    next role in another one, among several, and on a socket.
    """
    form = FORMS[(COLUMNS.index(voice.role) + voice.is_home) % len(FORMS)]
    answers = [await voice.ask(form, id=id) for id in (hidden, nothing)]
    assert answers[0].shape == answers[1].shape, (str(voice), form)
    found, none = [await voice.ask(NODES_OF, ids=[id, id]) for id in (hidden, nothing)]
    assert found.shape == none.shape, str(voice)
    over, none_over = [await voice.ask_on_a_socket(NODE, id=id) for id in (hidden, nothing)]
    assert said(over) == said(none_over), str(voice)


PERSON = "id name email phone birthDate notes user { id email }"
VISIT = f"""
  id reason staffNotes cancellationReason bookedBy {{ id email }}
  history {{ note by {{ id email }} }} patient {{ {PERSON} }}
  slots {{ appointments {{ id reason staffNotes }} }}
"""
# Every way from something public into something that is not. The pages have room for one more than
# there is to be seen, and no more: what an operation may cost is limited.
DEEP = f"""
query ($from: DateTime!, $to: DateTime!) {{
  viewer {{ id patient {{ {PERSON}
      appointments(first: 4) {{ totalCount edges {{ node {{ {VISIT} }} }} }} }}
    doctor {{ user {{ id }} calendar {{ owner {{ ... on Doctor {{ user {{ id email }} }} }} }} }} }}
  departments(first: 3) {{ edges {{ node {{
    doctors(first: 3) {{ edges {{ node {{ user {{ id email }} }} }} }} }} }} }}
  doctors(first: 3) {{ edges {{ node {{
    user {{ id email name patient {{ {PERSON} }} }}
    nextAvailableSlot {{ appointments {{ id }} }}
    calendar {{ slots(from: $from, to: $to) {{ appointments {{ {VISIT} }} }} }}
  }} }} }}
}}
"""


def collected(value: Any, prefix: str) -> set[str]:
    """All ids of a kind that stand anywhere in an answer."""
    if isinstance(value, dict):
        return set().union(*(collected(inner, prefix) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(collected(inner, prefix) for inner in value))
    is_id = isinstance(value, str) and value.rpartition("_")[0] == prefix
    return {value} if is_id else set()


def seen(realm: Realm, role: Role | None, prefix: str) -> set[str]:
    """The ids of a kind that a role may see of a realm."""
    live = {name for name in realm.rows if name.startswith(f"{prefix}.")}
    if role in SEES:
        live &= SEES[role]
    if role is Role.DOCTOR and prefix == "user":
        live |= {"user.doctor.mine"} | STAFF
    return {realm.id(name) for name in live} if role else set()


async def test_no_path_from_what_is_public_leads_to_what_is_not(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """What is found on the way is a part of what may be seen, and all visits of it that stand."""
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    for voice in voices:
        own = home if voice.is_home else abroad
        answer = await voice.ask(DEEP, **window)
        assert "errors" not in answer.body or voice.role is None, answer.raw
        for prefix in ("appointment", "patient", "user"):
            found = collected(answer.body, prefix)
            assert found <= seen(own, voice.role, prefix), (str(voice), prefix)
        if voice.role is not None:
            visits = {own.id("appointment.mine")}
            assert visits <= collected(answer.body, "appointment"), str(voice)
