"""What the matrix allows is not denied: each allowed cell is run, with things made for it."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from models import Role, Weekday
from tests.access.acts import FORMS_OF_VIEWS, arguments, id_places, meaning, send
from tests.access.elsewhere import external
from tests.access.gatherings import booking, event, seat
from tests.access.lines import waiting
from tests.access.making import exception, message, series, sign_in, slot, visit
from tests.access.matrix import OPERATIONS
from tests.access.realm import PLAYERS, Realm, camel, fingerprint
from tests.access.rooms import room
from tests.access.voices import Voice
from tests.factories import id_of
from tests.rows import across

ALLOWED = "+o"
ACTS = [name for name in OPERATIONS if name.startswith("Mutation.")]
QUESTIONS = [name for name in OPERATIONS if name.startswith("Query.")]
VIEWS = [name for name in OPERATIONS if name.startswith("Subscription.")]
# They ask for a secret, and end in a refusal of their own where it is wrong.
PROVING = {
    "signIn",
    "refreshSession",
    "confirmEmail",
    "acceptInvitation",
    "resetPassword",
    "changePassword",
    "requestEmailChange",
    "confirmEmailChange",
    "rescheduleGuestBooking",
    "cancelGuestBooking",
}
OF_EVENTS = {"updateEvent", "publishEvent", "unpublishEvent", "deleteEvent"}
OF_GUESTS = {"rescheduleGuestBooking", "cancelGuestBooking"}
# What can only be deleted while nothing depends on it.
UNUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "deleteDepartment": ("department", {}),
    "deleteOffice": ("office", {"time_zone": "Europe/Madrid"}),
    "deleteVisitType": ("visit_type", {"minutes": 30}),
}
# What is gone, or done with, afterwards.
ONE_MORE: dict[str, tuple[str, Callable[[Realm, str, str], Any]]] = {
    "retryNotification": ("notification", message),
    "removeAvailabilityException": ("exception", exception),
    "deleteRoom": ("room", room),
}
OF_APPOINTMENTS = {
    "rescheduleAppointment",
    "cancelAppointment",
    "updateAppointment",
    "checkInAppointment",
    "completeAppointment",
    "markNoShow",
    "cancelSeries",
}
NEEDING_A_SLOT = {
    *("rescheduleAppointment", "bookAppointment", "overbookAppointment", "bookSeries", "holdSlot"),
}
# Only once the visit has begun.
HAPPENED = {"completeAppointment", "markNoShow"}
# Hours that nobody else uses, counted from midnight.
AHEAD, BEHIND = count(24 * 10), count(24 * 10)


def kinds(operation: str, cell: str) -> tuple[str, ...]:
    """Whose things it is tried with: somebody else's too, where it is about things."""
    is_about_any = cell == "+" and id_places(operation)
    return ("mine", "theirs") if is_about_any else ("mine",)


async def fresh(realm: Realm, act: str, kind: str, role: Role | None) -> dict[str, str]:
    """Ids of things that an act of somebody of this role may change, some made for it alone."""
    ids, before = realm.ids(kind), set(realm.rows)
    mark = secrets.token_hex(4)
    if act in OF_APPOINTMENTS:
        hour = -next(BEHIND) if act in HAPPENED else next(AHEAD)
        visit(realm, f"{kind}.{mark}", f"patient.{kind}", kind, hour)
        ids["appointmentId"] = realm.id(f"appointment.{kind}.{mark}")
        # The front desk writes what it does not read only where nothing is written.
        realm.rows[f"appointment.{kind}.{mark}"].reason = None
        if act == "cancelSeries":
            series(realm, f"series.{mark}", f"appointment.{kind}.{mark}")
    if act in NEEDING_A_SLOT:
        ids["slotId"] = id_of(slot(realm, f"slot.{mark}", kind, next(AHEAD)))
    if act in UNUSED:
        name, values = UNUSED[act]
        made = realm.put(f"{name}.{mark}", type(realm.rows[f"{name}.mine"]), name=mark, **values)
        ids[f"{camel(name)}Id"] = id_of(made)
    if act == "endSignIn" and role:
        ids["signInId"] = id_of(sign_in(realm, f"sign_in.{PLAYERS[role]}.{mark}", PLAYERS[role]))
    if act in ONE_MORE:
        thing, one_more = ONE_MORE[act]
        ids[f"{thing}Id"] = id_of(one_more(realm, f"{thing}.{mark}", kind))
    if act in {"leaveWaitlist", "acceptOffer", "declineOffer"}:
        slot(realm, f"slot.of.entry.{mark}", kind, next(AHEAD))
        ids["waitlistEntryId"] = id_of(waiting(realm, f"entry.{mark}", kind))
    ids |= at_events(realm, act, kind, role, mark)
    await realm.factory.add(*(realm.rows[name] for name in realm.rows if name not in before))
    await make_way(realm, act, kind, mark)
    return ids | await somebody_for(realm, act)


async def make_way(realm: Realm, act: str, kind: str, mark: str) -> None:
    """Let be what an act needs, and nothing that it does already."""
    if act == "joinWaitlist":
        async with across(realm.factory) as connection:
            leave = text("UPDATE waitlist_entries SET status = 'LEFT' WHERE patient_id = :id")
            patient = realm.rows[f"patient.{kind}"].id
            await connection.execute(text(f"{leave} AND status = 'WAITING'"), {"id": patient})
    if act == "generateSlots":
        hours = {"weekdays": list(Weekday), "start_time": time(20), "end_time": time(21)}
        await realm.factory.template(realm.rows[f"calendar.{kind}"], **hours)
    if act == "refreshExternalCalendar":
        async with across(realm.factory) as connection:
            forget = text("DELETE FROM external_calendars WHERE calendar_id = :id")
            await connection.execute(forget, {"id": realm.rows[f"calendar.{kind}"].id})
        await realm.factory.add(external(realm, kind, f".{mark}"))


async def somebody_for(realm: Realm, act: str) -> dict[str, str]:
    """Ids of somebody who is there for an act alone."""
    if act == "deleteDoctor":
        return {"doctorId": id_of((await realm.factory.person(Role.DOCTOR)).doctor)}
    if act in {"resendInvitation", "updateUser"}:
        return {"userId": id_of((await realm.factory.person(Role.PATIENT)).user)}
    if act == "deletePatient":
        return {"patientId": id_of(await realm.factory.patient())}
    return {}


def at_events(realm: Realm, act: str, kind: str, role: Role | None, mark: str) -> dict[str, str]:
    """What an act on events may change, made for it alone."""
    if act in OF_EVENTS:
        organizer = f"user.doctor.{kind}" if role is Role.ADMIN else f"user.{PLAYERS[role]}"
        made = event(realm, f"event.{mark}", organizer, is_published=False)
        seat(realm, f"seat.{mark}", f"event.{mark}", 12)
        return {"eventId": id_of(made)}
    if act in OF_GUESTS:
        booking(realm, f"open.{mark}", f"event.{kind}", next(AHEAD))
        return {"manageToken": realm.managing[f"open.{mark}"]}
    if act == "bookEventSlot":
        event(realm, f"event.{mark}", f"user.doctor.{kind}", is_published=True)
        return {"eventSlotId": id_of(seat(realm, f"seat.{mark}", f"event.{mark}", next(AHEAD)))}
    return {}


async def with_a_token_to_lose(voice: Voice, realm: Realm) -> Voice:
    """The same person, signed in once more."""
    assert voice.role is not None
    token = await realm.factory.token(realm.rows[f"user.{PLAYERS[voice.role]}"])
    return replace(voice, api=voice.api.signed_in(token))


async def done(voice: Voice, operation: str, given: Mapping[str, Any]) -> str:
    """What is wrong with an answer that must be neither a denial nor a refusal; nothing, if all
    is well.
    """
    answer = await send(voice, operation, "plain", given)
    name = operation.partition(".")[2]
    is_done = meaning(operation, answer.body) == "+"
    if is_done and name not in PROVING and operation.startswith("Mutation."):
        is_done = answer.body["data"][name]["errors"] == []
    return "" if is_done else f"{voice}: {answer.raw!r}"


@pytest.mark.parametrize("operation", ACTS)
async def test_acts_that_are_allowed_are_done(
    operation: str, workers: list[Voice], workshop: Realm, elsewhere: Realm
) -> None:
    act = operation.partition(".")[2]
    wrong = []
    for voice in workers:
        cell = voice.cell(OPERATIONS[operation])
        if cell not in ALLOWED:
            continue
        realm = workshop if voice.is_home else elsewhere
        for kind in kinds(operation, cell) if voice.role else ("mine",):
            given = arguments(operation, await fresh(realm, act, kind, voice.role))
            somebody = voice
            if act == "signOut":
                given["input"]["everywhere"] = False
                somebody = await with_a_token_to_lose(voice, realm)
            before = None if voice.is_home else await fingerprint(workshop)
            wrong.append(await done(somebody, operation, given))
            if before is not None and await fingerprint(workshop) != before:
                wrong.append(f"{voice}: changed something of another organization")
    assert not any(wrong), "\n".join(wrong)


@pytest.mark.parametrize("operation", QUESTIONS)
async def test_questions_that_are_allowed_are_answered(
    operation: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    wrong = []
    for voice in voices:
        cell = voice.cell(OPERATIONS[operation])
        if cell in ALLOWED:
            # Strangers who may ask are answered about what is theirs.
            realm = home if voice.is_home else abroad
            for kind in kinds(operation, cell):
                ids = realm.ids(kind)
                if operation == "Query.whyNotBookable":
                    # Of a free one there is nothing to say.
                    ids["slotId"] = realm.id(f"slot.of.{kind}")
                given = arguments(operation, ids)
                wrong.append(await done(voice, operation, given))
    assert not any(wrong), "\n".join(wrong)


@pytest.mark.parametrize("operation", VIEWS)
async def test_views_that_are_allowed_are_opened(
    operation: str, voices: list[Voice], home: Realm
) -> None:
    wrong = []
    for voice in voices:
        cell = voice.cell(OPERATIONS[operation])
        for kind in kinds(operation, cell) if cell in ALLOWED else ():
            for form in FORMS_OF_VIEWS:
                body = (
                    await send(voice, operation, form, arguments(operation, home.ids(kind)))
                ).body
                if meaning(operation, body) != "+":
                    wrong.append(f"{voice}, {form}: {body}")
    assert wrong == []
