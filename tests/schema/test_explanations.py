"""Why a slot cannot be booked: what is said is what booking would say, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from dateutil.relativedelta import relativedelta

from models import Role, Slot
from tests.api import Api
from tests.booking import book, calendar_of, kind
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.occasions import an_event, booked, slots_of
from tests.rows import unchanged

WHY = """
query ($slot: ID!, $type: ID) {
  whyNotBookable(slotId: $slot, visitTypeId: $type) { reason message until } }
"""


async def why(api: Api, slot: Slot, visit_type: str | None = None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await api.ask(WHY, slot=id_of(slot), type=visit_type))[
        "whyNotBookable"
    ]
    return found


async def reason(api: Api, slot: Slot, visit_type: str | None = None) -> str | None:
    found = await why(api, slot, visit_type)
    return found and str(found["reason"])


async def test_nothing_stands_in_the_way_of_what_can_be_booked(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    for api in (clinic.public, clinic.patient, clinic.reception):
        assert await why(api, slot) is None


async def test_what_is_held_is_so_until_the_hold_ends(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    until = (await clinic.patient.done("holdSlot", "slot { heldUntil }", slotId=id_of(slot)))[
        "heldUntil"
    ]
    assert await why(clinic.public, slot) == {
        "reason": "HELD",
        "message": "Somebody is booking this time.",
        "until": until,
    }
    assert await why(clinic.patient, slot) is None


async def test_what_is_too_far_ahead_is_so_until_it_comes_near(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=1)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(days=60))
    assert await why(clinic.public, slot) == {
        "reason": "BEYOND_HORIZON",
        "message": "This time cannot be booked yet.",
        "until": wire(slot.starts_at - relativedelta(months=1)),
    }
    assert await why(clinic.reception, slot) is None


async def test_each_rule_is_named(clinic: Clinic) -> None:
    await clinic.factory.policy(minimum_notice_minutes=60)
    calendar = calendar_of(clinic)
    past = await clinic.factory.slot(calendar, datetime.now(UTC) - timedelta(hours=2))
    soon = await clinic.factory.slot(calendar, datetime.now(UTC) + timedelta(minutes=20))
    slots = await clinic.factory.slots(calendar, tomorrow(), 6)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[1], patientId=other, visitTypeId=await kind(clinic, 30, 10))
    await clinic.reception.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(calendar),
        startsAt=wire(slots[4].starts_at),
        endsAt=wire(slots[4].ends_at),
    )
    hour, day = await kind(clinic, 60), await kind(clinic, 1440)
    found = [
        await reason(clinic.patient, slot, visit_type)
        for slot, visit_type in (
            (past, None),
            (soon, None),
            (slots[0], None),
            (slots[0], hour),
            (slots[0], day),
            (slots[1], None),
            (slots[2], None),
            (slots[3], hour),
            (slots[4], None),
        )
    ]
    assert found == [
        "PAST",
        "TOO_SOON",
        None,
        "PARTLY_TAKEN",
        "VISIT_TOO_LONG",
        "BOOKED",
        "KEPT_CLEAR",
        "PARTLY_TAKEN",
        "BLOCKED",
    ]


async def test_what_a_doctor_does_not_do_is_named(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    slot = await clinic.factory.slot(other.calendar, tomorrow())
    assert await reason(clinic.reception, slot, await kind(clinic, 30)) == "NOT_OFFERED"
    await clinic.admin.done(
        "updateDoctor", "doctor { id }", doctorId=id_of(other.doctor), isAcceptingPatients=False
    )
    assert await reason(clinic.public, slot) == "NOT_ACCEPTING"
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(other.doctor))
    assert await reason(clinic.reception, slot) == "REMOVED"


@pytest.mark.parametrize("minutes", [30, 60])
async def test_what_is_explained_is_what_booking_does(clinic: Clinic, minutes: int) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 8)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, slots[3], patientId=other, visitTypeId=await kind(clinic, 30, 20))
    visit_type = await kind(clinic, minutes)
    for slot in slots:
        said = await reason(clinic.patient, slot, visit_type)
        payload = await clinic.patient.act(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), visitTypeId=visit_type
        )
        assert (payload["errors"] == []) == (said is None), said
        if said is None:
            made = payload["appointment"]["id"]
            await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=made)


async def test_what_is_not_there_is_not_found(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    async with unchanged(clinic.factory):
        for values in (
            {"slot": f"slot_{uuid4().hex}"},
            {"slot": id_of(slot), "type": f"visit_type_{uuid4().hex}"},
        ):
            assert await clinic.public.error_code(WHY, **values) == "NOT_FOUND"


async def test_of_a_seat_at_an_event_what_booking_it_would_say(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False)
    slot, single = slots_of(event)

    async def says(api: Api, slot_id: str = slot, visit_type: str | None = None) -> str | None:
        found = (await api.ask(WHY, slot=slot_id, type=visit_type))["whyNotBookable"]
        return found and str(found["reason"])

    assert await says(clinic.doctor) == "NOT_PUBLISHED"
    for api in (clinic.public, clinic.patient, clinic.reception):
        assert await api.error_code(WHY, slot=slot) == "NOT_FOUND"
    await clinic.doctor.done("publishEvent", "event { id }", eventId=event["id"])
    for api in (clinic.public, clinic.patient, clinic.doctor):
        assert await says(api) is None
    assert await says(clinic.public, visit_type=await kind(clinic, 30)) == "NOT_OFFERED"
    await booked(clinic.public, single)
    assert await says(clinic.public, single) == "BOOKED"
    await clinic.factory.policy(minimum_notice_minutes=60 * 24 * 7)
    assert [await says(clinic.public), await says(clinic.doctor)] == ["TOO_SOON", None]
