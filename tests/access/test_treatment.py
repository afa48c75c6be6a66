"""What patients and doctors write about a visit is for the patient and the doctor of the visit:
null for the others, and never among the bytes that they are sent, not in what acts answer, nor in
refusals, nor in live updates."""

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from models import Appointment, Role
from tests.access.making import slot, visit
from tests.access.realm import STAFF, Realm
from tests.access.test_allowed import AHEAD
from tests.access.voices import Answer, Voice
from tests.access.words import word
from tests.factories import id_of, wire

TEXTS = "id reason staffNotes"
SHOWN = f"{{ appointment {{ {TEXTS} }} errors {{ __typename ... on UserError {{ code }} }} }}"
WITH_HISTORY = f"{{ appointment {{ {TEXTS} history {{ note }} }} errors {{ __typename }} }}"
NOTHING: dict[str, Any] = {"reason": None, "staffNotes": None, "history": []}
REASON = {Role.PATIENT, Role.DOCTOR}
NOTES = {Role.DOCTOR, Role.RECEPTIONIST, Role.ADMIN}


def of_role(voices: list[Voice], *roles: Role | None) -> list[Voice]:
    return [v for role in roles for v in voices if v.is_home and v.role is role]


async def a_visit(realm: Realm, patient: str = "mine", doctor: str = "mine") -> Appointment:
    """A visit of its own, with texts in it."""
    before = set(realm.rows)
    name = f"{patient if patient == doctor else 'shared'}.{secrets.token_hex(4)}"
    visit(realm, name, f"patient.{patient}", doctor, next(AHEAD))
    await realm.factory.add(*(realm.rows[name] for name in realm.rows if name not in before))
    made: Appointment = realm.rows[f"appointment.{name}"]
    return made


async def free_slot(realm: Realm, whose: str, at: Appointment | None = None) -> str:
    """A free slot in a doctor's calendar; at the time of a visit, or of its own."""
    made = slot(realm, f"slot.{secrets.token_hex(4)}", whose, next(AHEAD))
    if at is not None:
        made.starts_at, made.ends_at = at.starts_at, at.ends_at
    await realm.factory.add(made)
    return id_of(made)


def texts(visit: Appointment, role: Role | None) -> dict[str, Any]:
    """What of a visit somebody of a role is shown, who may see it."""
    return {
        "id": id_of(visit),
        "reason": visit.reason if role in REASON else None,
        "staffNotes": visit.staff_notes if role in NOTES else None,
    }


async def acted(voice: Voice, act: str, inside: str, **given: Any) -> Answer:
    kind = f"{act[0].upper()}{act[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ {act}(input: $input) {inside} }}"
    return await voice.ask(document, input=given)


# ------------------------------------------------------------------------- acts and refusals


async def test_an_act_shows_of_a_visit_what_a_question_would(
    workers: list[Voice], workshop: Realm
) -> None:
    for voice in of_role(workers, *Role):
        visit = await a_visit(workshop)
        answer = await acted(voice, "cancelAppointment", SHOWN, appointmentId=id_of(visit))
        shown = {"appointment": texts(visit, voice.role), "errors": []}
        assert answer.body == {"data": {"cancelAppointment": shown}}, str(voice)


async def test_a_refused_closing_shows_of_visits_what_a_question_would(
    workers: list[Voice], workshop: Realm
) -> None:
    visit = await a_visit(workshop)
    when = {"startsAt": wire(visit.starts_at), "endsAt": wire(visit.ends_at)}
    inside = f"{{ errors {{ ... on TimeTaken {{ appointments {{ {TEXTS} }} }} }} }}"
    for voice in of_role(workers, Role.DOCTOR, Role.RECEPTIONIST, Role.ADMIN):
        calendar = workshop.id("calendar.mine")
        answer = await acted(voice, "blockTime", inside, calendarId=calendar, **when)
        (error,) = answer.body["data"]["blockTime"]["errors"]
        assert error == {"appointments": [texts(visit, voice.role)]}, str(voice)


async def test_a_refused_booking_shows_the_other_visit_to_those_who_may_see_it(
    workers: list[Voice], workshop: Realm
) -> None:
    """A doctor is told that the patient is busy, and not with whom."""
    visit = await a_visit(workshop, "mine", "theirs")
    free = await free_slot(workshop, "mine", visit)
    inside = f"{{ errors {{ ... on PatientBusy {{ conflicting {{ {TEXTS} }} }} }} }}"
    for voice in of_role(workers, *Role):
        patient = workshop.id("patient.mine")
        answer = await acted(voice, "bookAppointment", inside, slotId=free, patientId=patient)
        (error,) = answer.body["data"]["bookAppointment"]["errors"]
        seen = None if voice.role is Role.DOCTOR else texts(visit, voice.role)
        assert error == {"conflicting": seen}, str(voice)


async def test_a_taken_slot_brings_free_ones_for_everybody(
    workers: list[Voice], workshop: Realm
) -> None:
    visit = await a_visit(workshop)
    taken = f"slot_{visit.slot_id.hex}"
    inside = "{ errors { ... on SlotTaken { alternatives { status appointments { id } } } } }"
    for voice in of_role(workers, *Role):
        patient = workshop.id("patient.mine")
        answer = await acted(voice, "bookAppointment", inside, slotId=taken, patientId=patient)
        (error,) = answer.body["data"]["bookAppointment"]["errors"]
        assert error["alternatives"], str(voice)
        free = {"status": "AVAILABLE", "appointments": []}
        assert all(one == free for one in error["alternatives"])


# ------------------------------------------------------------------ visits with another doctor


async def noted(realm: Realm, visit: str, **values: str) -> None:
    """Write something about a visit behind the API, as the other doctor or the patient would."""
    async with realm.factory.database.writing(realm.factory.organization.id) as session:
        statement = update(Appointment).where(Appointment.id == key(visit))
        await session.execute(statement.values(**values))


def key(id: str) -> str:
    return id.rpartition("_")[2]


async def test_a_doctor_who_gives_a_visit_away_reads_no_more_of_it(
    workers: list[Voice], workshop: Realm
) -> None:
    """Not in the answer, nor in the same answer once more, and it leaves their view."""
    (doctor,) = of_role(workers, Role.DOCTOR)
    visit = await a_visit(workshop)
    given = {
        "appointmentId": id_of(visit),
        "slotId": await free_slot(workshop, "theirs"),
        "idempotencyKey": secrets.token_hex(16),
    }
    view = "subscription { appointmentChanges { reset removedIds appointments { id } } }"
    async with doctor.watching(view) as next_update:
        first = (await next_update())["data"]["appointmentChanges"]
        assert first["reset"]
        assert {"id": id_of(visit)} in first["appointments"]
        await given_away(doctor, given)
        gone = (await next_update())["data"]["appointmentChanges"]
        assert gone == {"reset": False, "removedIds": [id_of(visit)], "appointments": []}
    later = {"reason": word("later"), "staff_notes": word("later")}
    await noted(workshop, id_of(visit), **later)
    secret = tuple(text.encode() for text in later.values())
    await given_away(replace(doctor, also_never=secret), given)
    answer = await doctor.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_of(visit))
    assert answer.body == {"data": {"node": None}}


async def given_away(doctor: Voice, given: dict[str, str]) -> None:
    answer = await acted(doctor, "rescheduleAppointment", WITH_HISTORY, **given)
    shown = {"id": given["appointmentId"], **NOTHING}
    payload = {"appointment": shown, "errors": []}
    assert answer.body == {"data": {"rescheduleAppointment": payload}}


async def test_a_doctor_who_books_with_another_doctor_reads_nothing_that_is_written_there(
    workers: list[Voice], workshop: Realm
) -> None:
    (doctor,) = of_role(workers, Role.DOCTOR)
    given = {
        "slotId": await free_slot(workshop, "theirs"),
        "patientId": workshop.id("patient.mine"),
        "idempotencyKey": secrets.token_hex(16),
    }
    answer = await acted(doctor, "bookAppointment", WITH_HISTORY, **given)
    booked = answer.body["data"]["bookAppointment"]["appointment"]
    later = {"reason": word("later"), "staff_notes": word("later")}
    await noted(workshop, booked["id"], **later)
    secret = tuple(text.encode() for text in later.values())
    again = await acted(
        replace(doctor, also_never=secret), "bookAppointment", WITH_HISTORY, **given
    )
    assert again.body == answer.body
    assert booked == {"id": booked["id"], **NOTHING}


# --------------------------------------------------------------------------------------- live


CALENDAR = f"""
subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {{
  calendarChanges(calendarId: $id, from: $from, to: $to) {{
    slots {{ id appointments {{ {TEXTS} }} }} }} }}"""
AGENDA = f"subscription {{ appointmentChanges {{ appointments {{ {TEXTS} }} }} }}"


async def test_live_updates_show_of_a_visit_what_a_question_would(
    workers: list[Voice], workshop: Realm
) -> None:
    visit = await a_visit(workshop)
    reason, notes = word("reason"), word("notes")
    window = {
        "id": workshop.id("calendar.mine"),
        "from": wire(visit.starts_at),
        "to": wire(visit.ends_at),
    }
    async with AsyncExitStack() as stack:
        views = []
        for voice in of_role(workers, None, *Role):
            hidden = () if voice.role in REASON else (reason.encode(),)
            hidden += () if voice.role in NOTES else (notes.encode(),)
            viewer = replace(voice, also_never=hidden)
            views.append(
                (voice, await stack.enter_async_context(viewer.watching(CALENDAR, **window)))
            )
            if voice.role in REASON:
                views.append((voice, await stack.enter_async_context(viewer.watching(AGENDA))))
        for _, next_update in views:
            await next_update()
        (doctor,) = of_role(workers, Role.DOCTOR)
        changes = {"reason": reason, "staffNotes": notes}
        await acted(doctor, "updateAppointment", SHOWN, appointmentId=id_of(visit), **changes)
        visit.reason, visit.staff_notes = reason, notes
        for voice, next_update in views:
            (data,) = (await next_update())["data"].values()
            holder = data["slots"][0] if "slots" in data else data
            seen = [texts(visit, voice.role)] if voice.role else []
            assert holder["appointments"] == seen, str(voice)


# ---------------------------------------------------------------------------------- accounts


async def test_an_account_leads_to_its_doctor_for_those_who_may_see_the_account(
    voices: list[Voice], home: Realm
) -> None:
    document = "query ($id: ID!) { node(id: $id) { ... on User { doctor { id } } } }"
    for name in sorted(STAFF & {"user.doctor.mine", "user.doctor.theirs"}):
        doctor = {"doctor": {"id": home.id(name.removeprefix("user."))}}
        answers = await asyncio.gather(
            *(voice.ask(document, id=home.id(name)) for voice in of_role(voices, None, *Role))
        )
        shown = [answer.body["data"]["node"] for answer in answers]
        assert shown == [None, doctor, doctor, doctor, None]


async def test_an_account_leads_to_its_patient_for_those_who_may_see_the_patient(
    voices: list[Voice], home: Realm
) -> None:
    """Doctors see a colleague's account, and not that the colleague is a patient."""
    document = "query ($id: ID!) { node(id: $id) { ... on User { patient { id name } } } }"
    record = home.rows["patient.of.staff"]
    shown = {"patient": {"id": id_of(record), "name": record.name}}
    for voice in of_role(voices, None, *Role):
        answer = await voice.ask(document, id=home.id("user.receptionist"))
        unseen = {"patient": None} if voice.role is Role.DOCTOR else None
        sees = voice.role in {Role.ADMIN, Role.RECEPTIONIST}
        assert answer.body == {"data": {"node": shown if sees else unseen}}, str(voice)
