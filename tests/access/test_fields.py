"""Each field of a thing is shown to those who may see it, with its value, and is null or an empty
list for the others, though there is something: the fields of what is a role's own, and of what is
somebody else's."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import get_named_type, is_leaf_type

from models import RefreshToken, Role
from services.accounts import tokens
from tests.access.acts import LETTERS
from tests.access.fields import CELLS, fields_of
from tests.access.matrix import NODES
from tests.access.realm import PLAYERS, Realm
from tests.access.voices import Voice
from tests.factories import tomorrow, wire
from tests.schema.plausible import SCHEMA

KINDS = ("mine", "theirs")
DAY = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
WINDOWED = ("slots", "exceptions")
DAYS = {"from": wire(tomorrow())[:10], "until": wire(tomorrow())[:10]}
Thing = dict[str, Any] | None
Reader = Callable[[Voice, Realm, str], Awaitable[Thing]]
# The row of a thing that is somebody's, and of one that is somebody else's. A visit that was moved
# and called off has everything that a visit can have.
ROWS = {
    "Organization": "organization",
    "User": "user.patient.{}",
    "AvailabilityTemplate": "template.{}",
    "AvailabilityException": "exception.{}",
    "Slot": "slot.of.{}",
    "VisitType": "visit_type.{}",
    "Room": "room.{}",
    "Appointment": "appointment.old.{}",
    "AppointmentSeries": "series.{}",
    "AuditEvent": "audit_event.{}",
    "SignIn": "sign_in.patient.{}",
    "WaitlistEntry": "waitlist_entry.{}",
}


def row_of(type_name: str, kind: str, role: Role | None) -> str:
    if type_name == "SignIn" and kind == "mine" and role:
        return f"sign_in.{PLAYERS[role]}"
    if type_name == "Event" and kind == "mine" and role is Role.RECEPTIONIST:
        return "event.desk"
    return ROWS.get(type_name, f"{type_name.lower()}.{{}}").format(kind)


def whole(kind: str) -> str:
    """Every field of a type, each with as much as tells whether there is something."""
    parts = []
    for name, field in SCHEMA.type_map[kind].fields.items():  # type: ignore[attr-defined]
        inner: Any = get_named_type(field.type)
        given = f'(from: "{DAY["from"]}", to: "{DAY["to"]}")' if name in WINDOWED else ""
        given = given if kind == "Calendar" else ""
        if is_leaf_type(inner):
            parts.append(name)
        elif "edges" in getattr(inner, "fields", {}):
            parts.append(f"{name} {{ totalCount edges {{ node {{ id }} }} }}")
        else:
            parts.append(f"{name}{given} {{ __typename }}")
    return " ".join(parts)


async def by_id(voice: Voice, home: Realm, type_name: str, kind: str) -> Thing:
    document = "query ($id: ID!) { node(id: $id) { ... on %s { %s } } }"
    id = home.id(row_of(type_name, kind, voice.role))
    answer = await voice.ask(document % (type_name, whole(type_name)), id=id)
    return thing(answer.body, "node")


def thing(body: dict[str, Any], *path: str | int) -> Thing:
    """What an answer shows; where it is an error, the letter of it stands for each field."""
    if errors := body.get("errors"):
        (code,) = {error["extensions"]["code"] for error in errors}
        return {"": LETTERS[code]}
    found: Any = body["data"]
    for part in path:
        if found is None or found == []:
            return None
        found = found[part]
    shown: Thing = found
    return shown


async def policy(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"{{ organization {{ bookingPolicy {{ {whole('BookingPolicy')} }} }} }}"
    return thing((await voice.ask(document)).body, "organization", "bookingPolicy")


async def event(voice: Voice, home: Realm, kind: str) -> Thing:
    inner = f"history {{ {whole('AppointmentEvent')} }}"
    document = f"query ($id: ID!) {{ node(id: $id) {{ ... on Appointment {{ {inner} }} }} }}"
    answer = await voice.ask(document, id=home.id(f"appointment.old.{kind}"))
    return thing(answer.body, "node", "history", 0)


def of_booking(field: str) -> Reader:
    """Reads who comes, of a guest's booking."""

    async def read(voice: Voice, home: Realm, kind: str) -> Thing:
        if kind == "mine" and voice.role is Role.RECEPTIONIST:
            kind = "desk"
        inner = f"{field} {{ {whole(field.title())} }}"
        document = f"query ($id: ID!) {{ node(id: $id) {{ ... on Appointment {{ {inner} }} }} }}"
        answer = await voice.ask(document, id=home.id(f"booking.{kind}"))
        return thing(answer.body, "node", field)

    return read


async def preview(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"""query ($id: ID!, $from: Date!, $until: Date!) {{
      availabilityPreview(calendarId: $id, from: $from, until: $until, templates: [])
      {{ {whole("AvailabilityPreview")} }} }}"""
    answer = await voice.ask(document, id=home.id(f"calendar.{kind}"), **DAYS)
    return thing(answer.body, "availabilityPreview")


def of_report(type_name: str, *path: str | int) -> Reader:
    """Reads the days' numbers, or a part of them; everybody's are their own."""

    async def read(voice: Voice, home: Realm, kind: str) -> Thing:
        inner = whole(type_name)
        for step in reversed([step for step in path if isinstance(step, str)]):
            inner = f"{step} {{ {inner} }}"
        document = f"""query ($from: Date!, $until: Date!) {{
          statistics(from: $from, until: $until) {{ {inner} }} }}"""
        answer = await voice.ask(document, **DAYS)
        return thing(answer.body, "statistics", *path)

    return read


async def explanation(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"query ($id: ID!) {{ whyNotBookable(slotId: $id) {{ {whole('Explanation')} }} }}"
    answer = await voice.ask(document, id=home.id(f"slot.of.{kind}"))
    return thing(answer.body, "whyNotBookable")


async def opening(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"""query ($search: OpeningSearch!) {{
      openings(search: $search) {{ edges {{ node {{ {whole("Opening")} }} }} }} }}"""
    search = {"from": DAY["from"], "doctorIds": [home.id(f"doctor.{kind}")]}
    answer = await voice.ask(document, search=search)
    return thing(answer.body, "openings", "edges", 0, "node")


async def external(voice: Voice, home: Realm, kind: str) -> Thing:
    inner = f"externalCalendar {{ {whole('ExternalCalendar')} }}"
    document = f"query ($id: ID!) {{ calendar(id: $id) {{ {inner} }} }}"
    answer = await voice.ask(document, id=home.id(f"calendar.{kind}"))
    return thing(answer.body, "calendar", "externalCalendar")


async def calendar_update(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"""subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {{
      calendarChanges(calendarId: $id, from: $from, to: $to) {{ {whole("CalendarUpdate")} }} }}"""
    body = await voice.ask_on_a_socket(document, id=home.id(f"calendar.{kind}"), **DAY)
    return thing(body, "calendarChanges")


async def appointment_update(voice: Voice, home: Realm, kind: str) -> Thing:
    document = f"subscription {{ appointmentChanges {{ {whole('AppointmentUpdate')} }} }}"
    return thing(await voice.ask_on_a_socket(document), "appointmentChanges")


async def session(voice: Voice, home: Realm, kind: str) -> Thing:
    """Whoever has a good refresh token gets the session of its owner."""
    role = voice.role or Role.PATIENT
    claims = tokens.read_access_token(home.factory.config, home.tokens[role])
    secret = tokens.new_secret()
    refresh = RefreshToken(
        organization_id=claims.organization_id,
        sign_in_id=claims.sign_in_id,
        token_hash=tokens.hashed(secret),
        created_at=datetime.now(UTC),
    )
    await home.factory.add(refresh)
    document = f"""mutation ($token: String!) {{ refreshSession(input: {{refreshToken: $token}}) {{
      session {{ {whole("Session")} }} }} }}"""
    answer = await voice.ask(document, token=secret)
    return thing(answer.body, "refreshSession", "session")


OTHERWISE: dict[str, Reader] = {
    "BookingPolicy": policy,
    "AppointmentEvent": event,
    "AvailabilityPreview": preview,
    "Statistics": of_report("Statistics"),
    "StatusCount": of_report("StatusCount", "appointmentsByStatus", 0),
    "DayCount": of_report("DayCount", "appointmentsByDay", 0),
    "DoctorUtilization": of_report("DoctorUtilization", "byDoctor", 0),
    "Opening": opening,
    "Explanation": explanation,
    "ExternalCalendar": external,
    "CalendarUpdate": calendar_update,
    "AppointmentUpdate": appointment_update,
    "Session": session,
    "Guest": of_booking("guest"),
    "Attendee": of_booking("attendee"),
}
# Null in the first update, and told to nobody else.
FIRST = {"CalendarUpdate.previousCursor", "AppointmentUpdate.previousCursor"}
# Empty unless a visit was moved away, and null unless the account is a doctor's: see
# `test_treatment`. Null with a doctor: see `test_events`; and while something is offered: see
# `test_lines`.
LATER = {
    *("AppointmentUpdate.removedIds", "User.doctor"),
    *("Appointment.event", "Appointment.guest", "Appointment.attendee"),
    *("WaitlistEntry.department", "WaitlistEntry.position"),
}
# For the viewer, whoever is asked about.
OWN = {"Session", "AppointmentUpdate"}
OWN |= {"Statistics", "StatusCount", "DayCount", "DoctorUtilization"}
# What refusals bring along is asked for in `test_treatment`, and in `test_lines`.
REFUSALS = {"SlotTaken", "TimeTaken", "PatientBusy", "AlreadyWaiting", "SeriesNotBookable"}
# What acts on series answer: see `test_series`.
REFUSALS |= {"SeriesOccurrence", "KeptAppointment"}
THINGS = sorted({name.partition(".")[0] for name in CELLS} - REFUSALS)


def is_there(value: Any) -> bool:
    """Whether a field shows something."""
    if isinstance(value, dict) and "edges" in value:
        return bool(value["edges"]) and value["totalCount"] > 0
    return value is not None and value != []


def expected(cell: str, role: Role | None, type_name: str, kind: str) -> str:
    """What a field shows: `+` something, `-` nothing, or the letter of an error."""
    if cell != "o" or type_name in OWN:
        return "+" if cell == "o" else cell
    if kind == "mine":
        return "+"
    # Acts say that there is no such thing; things, and what hangs on them, are not shown.
    return "N" if type_name == "AvailabilityPreview" else "-"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("type_name", THINGS)
async def test_a_field_is_shown_to_those_who_may_see_it(
    type_name: str, kind: str, voices: list[Voice], home: Realm
) -> None:
    wrong = []
    for voice in (voice for voice in voices if voice.is_home):
        read = OTHERWISE.get(type_name)
        shown = await (read(voice, home, kind) if read else by_id(voice, home, type_name, kind))
        for name, cells in fields_of(type_name).items():
            field = f"{type_name}.{name}"
            if field in FIRST | LATER and shown and "" not in shown:
                continue
            found = (shown or {}).get("") or ("+" if is_there((shown or {}).get(name)) else "-")
            should = expected(cells[voice.role], voice.role, type_name, kind)
            if found != should:
                wrong.append(f"{voice}: {field} of {kind} is {found} and not {should}")
    assert wrong == []


@pytest.mark.parametrize("type_name", THINGS)
async def test_strangers_are_shown_nothing_of_it(
    type_name: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """Not one field of a thing of the clinic; of what they need not name they are shown theirs."""
    for voice in (voice for voice in voices if not voice.is_home):
        if type_name in OWN | {"BookingPolicy"}:
            continue
        read = OTHERWISE.get(type_name)
        shown = await (read(voice, home, "mine") if read else by_id(voice, home, type_name, "mine"))
        assert shown is None or shown.keys() == {""}, (str(voice), shown)


@pytest.mark.parametrize("type_name", sorted(NODES))
async def test_what_is_shown_is_what_is_stored(
    type_name: str, voices: list[Voice], home: Realm
) -> None:
    """The fields that are columns, to each role that sees them."""
    for voice in (voice for voice in voices if voice.is_home):
        row = home.rows[row_of(type_name, "mine", voice.role)]
        shown = await by_id(voice, home, type_name, "mine")
        for field, cells in fields_of(type_name).items():
            column = "".join(f"_{c.lower()}" if c.isupper() else c for c in field)
            stored = getattr(row, column, None)
            if isinstance(stored, str | int) and field != "id" and cells[voice.role] in "+o":
                assert shown is not None
                assert shown[field] == stored, (str(voice), field)
