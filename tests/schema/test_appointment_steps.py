"""What happens to booked appointments: the table of states, who may do what, notes and history."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from models import Role
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rivals import codes, held, line_up
from tests.rows import unchanged
from tests.visits import (
    CANCEL,
    CHECK_IN,
    COMPLETE,
    MOVE,
    NO_SHOW,
    STATUS,
    UPDATE,
    a_visit,
    begun,
    let_begin,
    refused,
    somewhere_else,
    step,
)

STEPS = (MOVE, CANCEL, CHECK_IN, COMPLETE, NO_SHOW)

# status: what may follow it, and the status that comes of it; whatever is not here is refused.
STATES: dict[str, dict[str, str]] = {
    "BOOKED": {
        MOVE: "BOOKED",
        CANCEL: "CANCELLED",
        CHECK_IN: "CHECKED_IN",
        COMPLETE: "COMPLETED",
        NO_SHOW: "NO_SHOW",
    },
    "CHECKED_IN": {CANCEL: "CANCELLED", COMPLETE: "COMPLETED"},
    "COMPLETED": {},
    "CANCELLED": {},
    "NO_SHOW": {CHECK_IN: "CHECKED_IN"},
}
LEADS_TO = {
    "CHECKED_IN": CHECK_IN,
    "COMPLETED": COMPLETE,
    "CANCELLED": CANCEL,
    "NO_SHOW": NO_SHOW,
}
# act: who may, of those who see the appointment; everybody else is refused before it is looked at.
MAY: dict[str, set[str]] = {
    MOVE: {"admin", "reception", "doctor", "patient"},
    CANCEL: {"admin", "reception", "doctor", "patient"},
    UPDATE: {"admin", "reception", "doctor", "patient"},
    CHECK_IN: {"admin", "reception", "doctor"},
    NO_SHOW: {"reception", "doctor"},
    COMPLETE: {"doctor"},
}
# ------------------------------------------------------------ the table of states


@pytest.mark.parametrize("act", STEPS)
@pytest.mark.parametrize("status", STATES)
async def test_what_may_follow_what(clinic: Clinic, status: str, act: str) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    if status != "BOOKED":
        booked = (await step(clinic, clinic.doctor, LEADS_TO[status], booked))["appointment"]
    assert booked["status"] == status
    follows = STATES[status].get(act)
    if follows is None:
        facts = "errors { ... on InvalidTransition { status } }"
        refusal = await refused(clinic, clinic.doctor, act, booked, facts)
        assert refusal["code"] == "INVALID_TRANSITION"
        assert refusal["path"] == ["input", "appointmentId"]
        assert refusal["status"] == status
    else:
        payload = await step(clinic, clinic.doctor, act, booked)
        assert payload["errors"] == []
        assert payload["appointment"] == {
            **booked,
            "status": follows,
            "version": booked["version"] + 1,
        }


@pytest.mark.parametrize("status", STATES)
async def test_only_a_cancelled_appointment_gives_its_time_back(
    clinic: Clinic, status: str
) -> None:
    slot = await begun(clinic)
    booked = await a_visit(clinic, slot)
    if status != "BOOKED":
        await step(clinic, clinic.doctor, LEADS_TO[status], booked)
    document = "query ($id: ID!) { node(id: $id) { ... on Slot { status bookedCount } } }"
    found = (await clinic.public.ask(document, id=id_of(slot)))["node"]
    free = {"status": "AVAILABLE", "bookedCount": 0}
    assert found == (free if status == "CANCELLED" else {"status": "BOOKED", "bookedCount": 1})


async def test_no_visit_has_taken_place_or_been_missed_before_it_begins(clinic: Clinic) -> None:
    booked = await a_visit(clinic)
    facts = "errors { ... on InvalidTransition { status } }"
    for act, api in (
        (NO_SHOW, clinic.reception),
        (NO_SHOW, clinic.doctor),
        (COMPLETE, clinic.doctor),
    ):
        refusal = await refused(clinic, api, act, booked, facts)
        assert (refusal["code"], refusal["status"]) == ("INVALID_TRANSITION", "BOOKED")
    # Who has arrived early is seen early, and the visit is over once its time has come.
    await step(clinic, clinic.reception, CHECK_IN, booked)
    refusal = await refused(clinic, clinic.doctor, COMPLETE, booked, facts)
    assert (refusal["code"], refusal["status"]) == ("INVALID_TRANSITION", "CHECKED_IN")
    await let_begin(clinic.factory, booked["id"])
    assert (await step(clinic, clinic.doctor, COMPLETE, booked))["errors"] == []


async def test_a_no_show_who_is_elsewhere_by_now_cannot_check_in(clinic: Clinic) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    await step(clinic, clinic.doctor, NO_SHOW, booked)
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    clash = await clinic.factory.slot(other.calendar, datetime.now(UTC) - timedelta(minutes=5))
    await book(clinic.reception, clash, patientId=patient_id(clinic))
    refusal = await refused(
        clinic, clinic.reception, CHECK_IN, booked, "errors { ... on InvalidTransition { status } }"
    )
    assert (refusal["code"], refusal["status"]) == ("INVALID_TRANSITION", "NO_SHOW")


# ------------------------------------------------------------ who may do what


@pytest.mark.parametrize("act", MAY)
@pytest.mark.parametrize("role", ["public", "admin", "reception", "doctor", "patient"])
async def test_who_may_do_what(clinic: Clinic, role: str, act: str) -> None:
    booked = await a_visit(clinic, await begun(clinic) if act in {NO_SHOW, COMPLETE} else None)
    api = getattr(clinic, role)
    if role in MAY[act]:
        assert (await step(clinic, api, act, booked))["appointment"]["version"] == 2
        return
    name = act[0].upper() + act[1:]
    document = f"mutation ($input: {name}Input!) {{ {act}(input: $input) {{ {STATUS} }} }}"
    values = {"appointmentId": booked["id"]}
    if act == MOVE:
        values["slotId"] = await somewhere_else(clinic)
    async with unchanged(clinic.factory):
        code = await api.error_code(document, input=values)
    assert code == ("UNAUTHENTICATED" if role == "public" else "FORBIDDEN")


@pytest.mark.parametrize("act", MAY)
async def test_the_appointments_of_others_are_not_found(clinic: Clinic, act: str) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    other = await elsewhere(clinic)
    strangers = {
        "doctor": [clinic.factory, other],
        "patient": [clinic.factory, other],
        "reception": [other],
        "admin": [other],
    }
    roles = dict(zip(("admin", "reception", "doctor", "patient"), Role, strict=True))
    for role in sorted(MAY[act]):
        for factory in strangers[role]:
            person = await factory.person(roles[role])
            refusal = await refused(clinic, clinic.public.signed_in(person.token), act, booked)
            assert (refusal["code"], refusal["path"]) == (
                "NOT_FOUND",
                ["input", "appointmentId"],
            )


@pytest.mark.parametrize("act", MAY)
async def test_an_act_on_an_old_copy_is_stale(clinic: Clinic, act: str) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    await step(clinic, clinic.doctor, UPDATE, booked, staffNotes="Fasting")
    facts = "errors { ... on StaleVersion { currentVersion } }"
    refusal = await refused(clinic, clinic.doctor, act, booked, facts, expectedVersion=1)
    assert (refusal["code"], refusal["path"]) == ("STALE_VERSION", ["input", "expectedVersion"])
    assert refusal["currentVersion"] == 2
    done = await step(clinic, clinic.doctor, act, booked, expectedVersion=2)
    assert done["appointment"]["version"] == 3


# ------------------------------------------------------------ cancelling


async def test_a_cancellation_says_when_why_and_by_whom(clinic: Clinic) -> None:
    booked = await a_visit(clinic)
    before = datetime.now(UTC)
    cancelled = await clinic.patient.done(
        CANCEL,
        "appointment { status cancelledAt cancellationReason history { status note by { id } } "
        "slot { status } }",
        appointmentId=booked["id"],
        reason=" I am well again. ",
    )
    at = datetime.fromisoformat(cancelled.pop("cancelledAt"))
    assert before <= at <= datetime.now(UTC)
    people = [id_of(clinic.person(role).user) for role in (Role.RECEPTIONIST, Role.PATIENT)]
    # Patients do not see the accounts of staff.
    assert cancelled == {
        "status": "CANCELLED",
        "cancellationReason": "I am well again.",
        "slot": {"status": "AVAILABLE"},
        "history": [
            {"status": "BOOKED", "note": None, "by": None},
            {"status": "CANCELLED", "note": "I am well again.", "by": {"id": people[1]}},
        ],
    }


async def test_too_late_to_cancel_is_said_to_patients_alone(clinic: Clinic) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=48 * 60)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    booked = await a_visit(clinic, slot)
    facts = "errors { ... on CancellationClosed { closedAt } }"
    refusal = await refused(clinic, clinic.patient, CANCEL, booked, facts)
    assert (refusal["code"], refusal["path"]) == (
        "CANCELLATION_CLOSED",
        ["input", "appointmentId"],
    )
    assert refusal["closedAt"] == wire(slot.starts_at - timedelta(hours=48))
    # The terms are those of the booking: a milder policy does not reopen it, nor a harder close.
    await clinic.factory.policy(cancellation_notice_minutes=0)
    assert (await refused(clinic, clinic.patient, CANCEL, booked))["code"] == refusal["code"]
    assert (await step(clinic, clinic.admin, CANCEL, booked))["errors"] == []
    again = await a_visit(clinic, slot)
    await clinic.factory.policy(cancellation_notice_minutes=48 * 60)
    assert (await step(clinic, clinic.patient, CANCEL, again))["errors"] == []


# ------------------------------------------------------------ steps that meet


async def test_every_step_is_a_change_of_the_slot(clinic: Clinic) -> None:
    slot = await begun(clinic)
    booked = await a_visit(clinic, slot)
    fields = "appointment { slot { version } }"
    for version, act in enumerate((UPDATE, CHECK_IN, COMPLETE, UPDATE), start=2):
        payload = await step(clinic, clinic.doctor, act, booked, fields)
        assert payload["appointment"] == {"slot": {"version": version}}


@pytest.mark.parametrize("first", [CANCEL, COMPLETE])
async def test_of_a_cancellation_and_a_completion_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    second = COMPLETE if first == CANCEL else CANCEL
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(
            clinic.factory,
            step(clinic, clinic.doctor, first, booked),
            step(clinic, clinic.doctor, second, booked),
        )
    won, lost = await asyncio.gather(*tasks)
    assert won["appointment"]["status"] == STATES["BOOKED"][first]
    assert [error["code"] for error in lost["errors"]] == ["INVALID_TRANSITION"]
    assert won["appointment"]["version"] == 2


async def test_of_many_cancellations_one_is_done(clinic: Clinic) -> None:
    booked = await a_visit(clinic)
    acts = [step(clinic, clinic.patient, CANCEL, booked, expectedVersion=1) for _ in range(8)]
    payloads = await asyncio.gather(*acts)
    assert codes(payloads) == ["DONE", *["STALE_VERSION"] * 7]
