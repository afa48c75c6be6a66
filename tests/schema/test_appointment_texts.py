"""What is written about appointments: who reads it, who writes it, and how it is cleared."""

import pytest

from tests.booking import book, calendar_of
from tests.conftest import Clinic
from tests.factories import tomorrow, wire
from tests.visits import CANCEL, CHECK_IN, COMPLETE, NO_SHOW, UPDATE, a_visit, begun, refused, step

LEADS_TO = {CHECK_IN: "CHECKED_IN", COMPLETE: "COMPLETED", NO_SHOW: "NO_SHOW"}
# role: whether it reads what the patient wrote, and whether it reads the notes of staff.
READS = {
    "admin": (False, True),
    "reception": (False, True),
    "doctor": (True, True),
    "patient": (True, False),
}


@pytest.mark.parametrize("role", READS)
async def test_who_reads_what_was_written(clinic: Clinic, role: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    booked = await book(clinic.patient, slot, reason="A private matter")
    notes = await step(
        clinic, clinic.reception, UPDATE, booked, "appointment { reason }", staffNotes="Be kind"
    )
    assert notes["appointment"] == {"reason": None}
    document = "query ($id: ID!) { node(id: $id) { ... on Appointment { reason staffNotes } } }"
    found = (await getattr(clinic, role).ask(document, id=booked["id"]))["node"]
    reason, staff_notes = READS[role]
    assert found == {
        "reason": "A private matter" if reason else None,
        "staffNotes": "Be kind" if staff_notes else None,
    }


async def test_an_update_changes_what_is_given_and_leaves_the_rest(clinic: Clinic) -> None:
    booked = await a_visit(clinic)
    fields = "appointment { reason staffNotes status version startsAt }"
    await step(clinic, clinic.patient, UPDATE, booked, reason="Knee")
    await step(clinic, clinic.doctor, UPDATE, booked, staffNotes="X-ray")
    payload = await step(clinic, clinic.doctor, UPDATE, booked, fields, reason="Left knee")
    assert payload["appointment"] == {
        "reason": "Left knee",
        "staffNotes": "X-ray",
        "status": "BOOKED",
        "version": 4,
        "startsAt": wire(tomorrow()),
    }


@pytest.mark.parametrize("field", ["reason", "staffNotes"])
@pytest.mark.parametrize("nothing", [None, " "])
async def test_null_clears_and_what_is_left_out_stays(
    clinic: Clinic, field: str, nothing: str | None
) -> None:
    booked = await a_visit(clinic)
    await step(clinic, clinic.doctor, UPDATE, booked, reason="Knee", staffNotes="X-ray")
    fields = "appointment { reason staffNotes }"
    payload = await step(clinic, clinic.doctor, UPDATE, booked, fields, **{field: nothing})
    both = {"reason": "Knee", "staffNotes": "X-ray"}
    assert payload["appointment"] == {**both, field: None}


@pytest.mark.parametrize("notes", ["Treat me first", None])
async def test_a_patient_does_not_write_notes_of_staff(clinic: Clinic, notes: str | None) -> None:
    booked = await a_visit(clinic)
    refusal = await refused(clinic, clinic.patient, UPDATE, booked, reason="Mine", staffNotes=notes)
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "staffNotes"])


@pytest.mark.parametrize("role", ["admin", "reception"])
@pytest.mark.parametrize("text", ["Other", None])
async def test_who_does_not_read_why_the_patient_comes_does_not_write_over_it(
    clinic: Clinic, role: str, text: str | None
) -> None:
    booked, api = await a_visit(clinic), getattr(clinic, role)
    assert (await step(clinic, api, UPDATE, booked, reason="By telephone"))["errors"] == []
    refusal = await refused(clinic, api, UPDATE, booked, reason=text)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "reason"])
    # Where nothing is written any more, it may again.
    await step(clinic, clinic.patient, UPDATE, booked, reason=None)
    assert (await step(clinic, api, UPDATE, booked, reason=text))["errors"] == []


@pytest.mark.parametrize("act", [CHECK_IN, COMPLETE, NO_SHOW])
@pytest.mark.parametrize("given", [None, "After"])
async def test_notes_may_come_with_a_step_and_stay_without(
    clinic: Clinic, act: str, given: str | None
) -> None:
    booked = await a_visit(clinic, await begun(clinic))
    await step(clinic, clinic.doctor, UPDATE, booked, staffNotes="Before")
    fields = "appointment { staffNotes history { status note } }"
    payload = await step(clinic, clinic.doctor, act, booked, fields, staffNotes=given)
    assert payload["appointment"] == {
        "staffNotes": given or "Before",
        "history": [
            *({"status": "BOOKED", "note": None} for _ in range(2)),
            {"status": LEADS_TO[act], "note": None},
        ],
    }


@pytest.mark.parametrize(
    ("act", "field"),
    [(CANCEL, "reason"), (UPDATE, "reason"), (UPDATE, "staffNotes"), (CHECK_IN, "staffNotes")],
)
async def test_a_text_that_cannot_be_is_refused(clinic: Clinic, act: str, field: str) -> None:
    booked = await a_visit(clinic)
    for value in ("x" * 20_001, "nul \0"):
        refusal = await refused(clinic, clinic.doctor, act, booked, **{field: value})
        assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", field])
