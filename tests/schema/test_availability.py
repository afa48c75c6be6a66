"""Working hours: setting them, what is refused and where, and previews that keep their word."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta

from models import Role, Slot, Weekday
from tests.api import Api
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.hours import MADRID, NUMBERS, generate, on, set_hours, slots_of
from tests.rows import kept, unchanged

HOURS = {"weekdays": ["MONDAY"], "startTime": "09:00", "endTime": "17:00", "slotMinutes": 30}
EVERY_DAY = [day.name for day in Weekday]
PREVIEW = f"""
query ($id: ID!, $from: Date!, $until: Date!, $templates: [AvailabilityTemplateInput!]) {{
  availabilityPreview(calendarId: $id, from: $from, until: $until, templates: $templates) {{
    {NUMBERS}
  }}
}}
"""
TEMPLATES = """
query ($id: ID!) { calendar(id: $id) { templates {
  weekdays startTime endTime slotMinutes bufferMinutes capacity validFrom validUntil } } }
"""


def day(days: int) -> str:
    """A day from today on, as it is sent."""
    return on(days).isoformat()


async def preview(clinic: Clinic, first: int, last: int, **values: Any) -> Any:
    """What generating the slots of some days would do."""
    answer = await clinic.reception.ask(
        PREVIEW, id=id_of(calendar_of(clinic)), **{"from": day(first)}, until=day(last), **values
    )
    return answer["availabilityPreview"]


# ------------------------------------------------------------ setting hours


async def test_working_hours_are_kept_as_they_were_given(clinic: Clinic) -> None:
    afternoon = {
        "weekdays": ["TUESDAY", "MONDAY", "TUESDAY"],
        "startTime": "14:30:00",
        "endTime": "00:00",
        "slotMinutes": 45,
        "bufferMinutes": 15,
        "capacity": 3,
        "validFrom": "2027-01-01",
        "validUntil": "2027-12-31",
    }
    morning = {**HOURS, "weekdays": ["SUNDAY"]}
    await set_hours(clinic, afternoon, morning)
    found = await clinic.public.ask(TEMPLATES, id=id_of(calendar_of(clinic)))
    assert found["calendar"]["templates"] == [
        {
            **morning,
            "startTime": "09:00:00",
            "endTime": "17:00:00",
            "bufferMinutes": 0,
            "capacity": 1,
            "validFrom": None,
            "validUntil": None,
        },
        {
            **afternoon,
            "weekdays": ["MONDAY", "TUESDAY"],
            "endTime": "00:00:00",
        },
    ]


async def test_what_is_null_is_as_what_is_left_out(clinic: Clinic) -> None:
    nothing = dict.fromkeys(("bufferMinutes", "capacity", "validFrom", "validUntil"))
    await set_hours(clinic, {**HOURS, **nothing})
    (template,) = (await clinic.public.ask(TEMPLATES, id=id_of(calendar_of(clinic))))["calendar"][
        "templates"
    ]
    assert {name: template[name] for name in nothing} == {
        "bufferMinutes": 0,
        "capacity": 1,
        "validFrom": None,
        "validUntil": None,
    }


async def test_new_hours_replace_the_old_ones_and_touch_no_slot(clinic: Clinic) -> None:
    await clinic.factory.template(calendar_of(clinic))
    await generate(clinic, on(1), on(7))
    slots = await kept(clinic.factory, Slot)
    await set_hours(clinic, HOURS, {**HOURS, "weekdays": ["FRIDAY"]})
    found = await clinic.public.ask(TEMPLATES, id=id_of(calendar_of(clinic)))
    weekdays = [template["weekdays"] for template in found["calendar"]["templates"]]
    assert sorted(weekdays) == [["FRIDAY"], ["MONDAY"]]
    await set_hours(clinic)
    found = await clinic.public.ask(TEMPLATES, id=id_of(calendar_of(clinic)))
    assert found["calendar"]["templates"] == []
    assert await kept(clinic.factory, Slot) == slots


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weekdays", []),
        ("endTime", "09:00"),
        ("endTime", "08:59:59"),
        ("slotMinutes", 0),
        ("slotMinutes", -30),
        ("slotMinutes", 1441),
        ("bufferMinutes", -1),
        ("bufferMinutes", 1441),
        ("capacity", 0),
        ("capacity", -1),
        ("capacity", 1001),
        ("validUntil", "2026-12-31"),
    ],
)
async def test_hours_that_cannot_be_say_where(clinic: Clinic, field: str, value: Any) -> None:
    odd = {**HOURS, "weekdays": ["TUESDAY"], "validFrom": "2027-01-01", field: value}
    calendar_id = id_of(calendar_of(clinic))
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "setAvailability", "calendar { id }", calendarId=calendar_id, templates=[HOURS, odd]
        )
        assert refusal["code"] == "INVALID_INPUT"
        assert refusal["path"] == ["input", "templates", "1", field]
        answer = await clinic.reception.send(
            PREVIEW, id=calendar_id, until=day(1), templates=[HOURS, odd], **{"from": day(1)}
        )
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["message"] == f"templates.1.{field}: {refusal['message']}"


@pytest.mark.parametrize(
    "change",
    [
        {"slotMinutes": 1, "bufferMinutes": 1440, "capacity": 1000},
        {"startTime": "00:00", "endTime": "00:00", "slotMinutes": 1440},
        {"startTime": "23:59:59", "endTime": "00:00"},
        {"validFrom": "2027-01-01", "validUntil": "2027-01-01"},
    ],
)
async def test_hours_at_the_bounds_can_be(clinic: Clinic, change: dict[str, Any]) -> None:
    await set_hours(clinic, {**HOURS, **change})


async def test_a_calendar_has_at_most_fifty_ranges(clinic: Clinic) -> None:
    ranges = [
        {**HOURS, "startTime": f"{hour:02}:{minute:02}", "endTime": f"{hour:02}:{minute + 5:02}"}
        for hour in range(9)
        for minute in range(0, 30, 5)
    ]
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "setAvailability",
            "calendar { id }",
            calendarId=id_of(calendar_of(clinic)),
            templates=ranges[:51],
        )
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "templates"])
    await set_hours(clinic, *ranges[:50])


async def test_hours_that_open_a_time_twice_are_refused(clinic: Clinic) -> None:
    fine = {**HOURS, "startTime": "17:00", "endTime": "18:00"}
    clash = {**HOURS, "weekdays": EVERY_DAY, "startTime": "16:59", "endTime": "17:30"}
    calendar_id = id_of(calendar_of(clinic))
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "setAvailability",
            "calendar { id }",
            calendarId=calendar_id,
            templates=[HOURS, fine, clash],
        )
        assert refusal["code"] == "OVERLAPPING_TEMPLATES"
        assert refusal["path"] == ["input", "templates", "2"]
        code = await clinic.reception.error_code(
            PREVIEW, id=calendar_id, until=day(1), templates=[HOURS, clash], **{"from": day(1)}
        )
    assert code == "BAD_INPUT"
    await set_hours(clinic, HOURS, fine, {**clash, "weekdays": ["TUESDAY"]})


# ------------------------------------------------------------ who may


ACTS: dict[str, dict[str, Any]] = {
    "setAvailability": {"templates": []},
    "generateSlots": {"from": day(1), "until": day(1)},
    "blockTime": {"startsAt": wire(tomorrow()), "endsAt": wire(tomorrow(10))},
    "unblockTime": {"startsAt": wire(tomorrow()), "endsAt": wire(tomorrow(10))},
}


@pytest.mark.parametrize("act", [*ACTS, "availabilityPreview"])
async def test_staff_run_calendars_and_doctors_their_own(clinic: Clinic, act: str) -> None:
    await clinic.factory.template(calendar_of(clinic), weekdays=list(Weekday))
    colleague = await clinic.factory.person(Role.DOCTOR)
    other = await elsewhere(clinic)
    stranger = (await other.person(Role.ADMIN)).token
    for api in (clinic.admin, clinic.reception, clinic.doctor):
        assert await outcome(clinic, api, act) == "DONE"
    async with unchanged(clinic.factory):
        for api, code in (
            (clinic.public, "UNAUTHENTICATED"),
            (clinic.patient, "FORBIDDEN"),
            (clinic.public.signed_in(colleague.token), "NOT_FOUND"),
            (clinic.public.signed_in(stranger), "NOT_FOUND"),
        ):
            assert await outcome(clinic, api, act) == code


@pytest.mark.parametrize("act", [*ACTS, "availabilityPreview"])
async def test_nobody_runs_the_calendar_of_a_doctor_who_has_left(clinic: Clinic, act: str) -> None:
    await clinic.factory.template(calendar_of(clinic), weekdays=list(Weekday))
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=doctor)
    async with unchanged(clinic.factory):
        for api in (clinic.admin, clinic.reception):
            assert await outcome(clinic, api, act) == "NOT_FOUND"
    found = await clinic.public.ask(TEMPLATES, id=id_of(calendar_of(clinic)))
    assert found == {"calendar": {"templates": []}}


async def outcome(clinic: Clinic, api: Api, act: str) -> str:
    """How an act on the doctor's calendar ends for somebody, wherever the error stands."""
    calendar_id = id_of(calendar_of(clinic))
    if act == "availabilityPreview":
        answer = await api.send(PREVIEW, id=calendar_id, until=day(1), **{"from": day(1)})
        payload: dict[str, Any] = {"errors": []}
    else:
        name = act[0].upper() + act[1:]
        document = f"""mutation ($input: {name}Input!) {{
          {act}(input: $input) {{ errors {{ ... on UserError {{ code path }} }} }} }}"""
        answer = await api.send(document, input={"calendarId": calendar_id, **ACTS[act]})
        payload = (answer["data"] or {}).get(act) or {"errors": []}
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    assert all(error["path"] == ["input", "calendarId"] for error in payload["errors"])
    return str(payload["errors"][0]["code"]) if payload["errors"] else "DONE"


# ------------------------------------------------------------ previews


async def test_a_preview_is_what_generating_does_then(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    await clinic.factory.template(calendar, weekdays=list(Weekday))
    await generate(clinic, on(2), on(4))
    visit = (await slots_of(clinic, on(2)))[0]
    booked = await clinic.patient.done(
        "bookAppointment", "appointment { id status }", slotId=visit["id"]
    )
    afternoon = {**HOURS, "weekdays": EVERY_DAY, "startTime": "13:00", "slotMinutes": 60}
    async with unchanged(clinic.factory):
        tried = await preview(clinic, 2, 5, templates=[afternoon])
        without = await preview(clinic, 2, 5)
    # Four hours on four days, on three of which there were sixteen slots before.
    assert tried == {
        "created": 16,
        "kept": 1,
        "removed": 3 * 16 - 1,
        "uncovered": [booked],
    }
    assert without == {"created": 16, "kept": 48, "removed": 0, "uncovered": []}
    await set_hours(clinic, afternoon)
    assert await preview(clinic, 2, 5) == tried
    assert await generate(clinic, on(2), on(5)) == tried
    again = {"created": 0, "kept": 17, "removed": 0, "uncovered": [booked]}
    assert await preview(clinic, 2, 5) == again
    assert await generate(clinic, on(2), on(5)) == again


async def test_setting_hours_previews_up_to_the_horizon(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=1)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(3, days=3))
    booked = await book(clinic.reception, slot, patientId=patient_id(clinic))
    noon = {**HOURS, "weekdays": EVERY_DAY, "startTime": "12:00", "endTime": "12:30"}
    found = await set_hours(clinic, noon)
    horizon = (datetime.now(UTC) + relativedelta(months=1)).astimezone(MADRID).date()
    asked = (
        await clinic.reception.ask(
            PREVIEW,
            id=id_of(calendar_of(clinic)),
            until=horizon.isoformat(),
            **{"from": day(0)},
        )
    )["availabilityPreview"]
    assert found == asked
    assert found["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    days = (horizon - on(0)).days
    is_before_noon = datetime.now(MADRID).time() < time(12)
    assert (found["created"], found["kept"]) == (days + is_before_noon, 1)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(2, 1, "BAD_INPUT"), (1, 40, "BAD_INPUT"), (-367, 1, "BAD_INPUT")],
)
async def test_days_that_cannot_be_previewed(
    clinic: Clinic, first: int, last: int, code: str
) -> None:
    await clinic.factory.policy(horizon_months=1)
    values = {"id": id_of(calendar_of(clinic)), "from": day(first), "until": day(last)}
    assert await clinic.reception.error_code(PREVIEW, **values) == code
