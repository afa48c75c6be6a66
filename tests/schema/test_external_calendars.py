"""External calendars through the API: what is busy elsewhere is busy here, and how staff see it.

How files are fetched and looked through is proved in `tests/services/external`.
"""

from datetime import timedelta
from typing import Any

import pytest

from models import Claim, Role
from tests.access.acts import CHANGED
from tests.booking import ALTERNATIVES, REASON, book, calendar_of, kind, patient_id
from tests.conftest import Clinic
from tests.connected import (
    busy_claims,
    busy_elsewhere,
    connect,
    cursor,
    half_hours,
    nine,
    read_again,
    shown,
    slots_seen,
    statuses,
    stored,
)
from tests.elsewhere import Elsewhere, event, file
from tests.factories import id_of, tomorrow, wire
from tests.hours import at, generate, on, work
from tests.rows import kept, unchanged, world

CONNECT = "connectExternalCalendar"
OVERBOOK = "overbookAppointment"
DISCONNECT = "disconnectExternalCalendar"
REFRESH = "refreshExternalCalendar"
HOST = "externalCalendar { host }"


async def refused(api: Any, slot: Any, **values: Any) -> dict[str, Any]:
    """The refusal of a booking."""
    found: dict[str, Any] = await api.refusal(
        "bookAppointment",
        f"appointment {{ id }} {ALTERNATIVES} {REASON}",
        slotId=id_of(slot),
        **values,
    )
    return found


# ------------------------------------------------------------------------- what it blocks


async def test_what_is_busy_elsewhere_is_busy_here(clinic: Clinic, elsewhere: Elsewhere) -> None:
    slots = await half_hours(clinic)
    elsewhere.data = file(event(nine(45), nine(60)))
    found = await connect(clinic, elsewhere)
    assert found["host"] == "127.0.0.1"
    assert found["lastReadAt"] == found["lastOkAt"]
    assert (found["problem"], found["conflicts"]) == (None, [])
    expected = ["AVAILABLE", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    for api in (clinic.public, clinic.patient, clinic.reception, clinic.doctor):
        seen = await slots_seen(clinic, api)
        assert [slot["status"] for slot in seen] == expected
        assert [slot["isBookable"] for slot in seen] == [s == "AVAILABLE" for s in expected]
    async with unchanged(clinic.factory):
        for api in (clinic.patient, clinic.reception):
            refusal = await refused(api, slots[1], patientId=patient_id(clinic))
            assert refusal["code"] == "SLOT_TAKEN"
            assert [near["id"] for near in refusal["alternatives"]] == [
                id_of(slots[place]) for place in (0, 2, 3)
            ]
    # What it says besides, nobody has.
    assert "private" not in str(await world(clinic.factory))
    assert "secret-of-the-calendar" not in str([await stored(clinic), await world(clinic.factory)])


async def test_each_day_of_a_series_is_busy(clinic: Clinic, elsewhere: Elsewhere) -> None:
    days = [tomorrow(9) + timedelta(days=7 * week) for week in range(4)]
    slots = [await clinic.factory.slot(calendar_of(clinic), day) for day in days]
    series = event(nine() - timedelta(days=70), nine(30) - timedelta(days=70), "RRULE:FREQ=WEEKLY")
    elsewhere.data = file(series)
    await connect(clinic, elsewhere)
    found = await clinic.public.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { status } } }",
        ids=[id_of(slot) for slot in slots],
    )
    assert [node["status"] for node in found["nodes"]] == ["BLOCKED"] * 4


async def test_live_views_are_told_and_of_what_stays_the_same_are_not(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    slots = await half_hours(clinic)
    elsewhere.data = file(event(nine(), nine(30)))
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        await view.next()
        await connect(clinic, elsewhere)
        update = await view.next()
        assert [(s["id"], s["status"]) for s in update["slots"]] == [(id_of(slots[0]), "BLOCKED")]
        claims, place = await busy_claims(clinic), await cursor(clinic)
        # The same times, asked for again, in another file.
        elsewhere.data = file(event(nine(), nine(10)), event(nine(10), nine(30), f"X-A:{CHANGED}"))
        assert (await read_again(clinic))["problem"] is None
        assert (await busy_claims(clinic), await cursor(clinic)) == (claims, place)
        elsewhere.data = file(event(nine(), nine(30)), event(nine(95), nine(100)))
        await read_again(clinic)
        update = await view.next()
        assert [(s["id"], s["status"]) for s in update["slots"]] == [(id_of(slots[3]), "BLOCKED")]
        assert claims.items() < (await busy_claims(clinic)).items()


async def test_weeks_elsewhere_are_busy_and_stay_what_they_are(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    slots = await half_hours(clinic)
    last = await clinic.factory.slot(calendar_of(clinic), nine() + timedelta(days=16))
    # It has begun already: each time, a bit more of it is over.
    away = nine() - timedelta(days=3), nine() + timedelta(days=16, minutes=30)
    elsewhere.data = file(event(*away))
    await connect(clinic, elsewhere)
    assert await statuses(clinic) == ["BLOCKED"] * len(slots)
    assert (await refused(clinic.patient, last))["code"] == "SLOT_TAKEN"
    claims, place = await busy_claims(clinic), await cursor(clinic)
    elsewhere.data = file(event(*away, f"X-A:{CHANGED}"))
    assert (await read_again(clinic))["problem"] is None
    assert (await busy_claims(clinic), await cursor(clinic)) == (claims, place)


async def test_what_the_other_side_calls_the_same_is_not_sent_again(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    await half_hours(clinic)
    elsewhere.data, elsewhere.etag = file(event(nine(), nine(30))), '"first"'
    await connect(clinic, elsewhere)
    before = await busy_claims(clinic), await cursor(clinic)
    elsewhere.data = b"This is not looked at."
    found = await read_again(clinic)
    assert (found["problem"], found["lastOkAt"]) == (None, found["lastReadAt"])
    assert (await busy_claims(clinic), await cursor(clinic)) == before
    assert [asked.get("if-none-match") for asked in elsewhere.asked] == [None, '"first"']


async def test_slots_that_are_made_in_a_busy_time_are_blocked_from_the_beginning(
    clinic: Clinic,
) -> None:
    await work(clinic)
    await busy_elsewhere(clinic, (at(on(3), "09:30"), at(on(3), "10:00")))
    await generate(clinic, on(3))
    window = {"from": wire(at(on(3), "00:00")), "to": wire(at(on(3), "23:00"))}
    found = await clinic.public.ask(
        "query ($id: ID!, $from: DateTime!, $to: DateTime!) {"
        " calendar(id: $id) { slots(from: $from, to: $to) { status } } }",
        id=id_of(calendar_of(clinic)),
        **window,
    )
    expected = ["AVAILABLE", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    assert [slot["status"] for slot in found["calendar"]["slots"]] == expected


async def test_a_group_has_no_place_while_its_doctor_is_elsewhere(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), nine(), capacity=5)
    await book(clinic.patient, slot)
    await busy_elsewhere(clinic, (nine(), nine(10)))
    assert await statuses(clinic) == ["BLOCKED"]


@pytest.mark.parametrize("capacity", [1, 3])
async def test_a_long_visit_and_its_buffer_are_clear_of_busy_times(
    clinic: Clinic, capacity: int
) -> None:
    slots = await half_hours(clinic, capacity=capacity)
    await busy_elsewhere(clinic, (nine(60), nine(90)))
    whole, kept_clear, long = [await kind(clinic, *m) for m in ((60, 0), (60, 30), (90, 0))]
    asked = """query ($id: ID!, $type: ID) {
      node(id: $id) { ... on Slot { isBookable(visitTypeId: $type) } } }"""
    for visit_type, code, reason in (
        (long, "SLOT_TAKEN", None),
        (kept_clear, "NOT_BOOKABLE", "KEPT_CLEAR"),
    ):
        refusal = await refused(clinic.patient, slots[0], visitTypeId=visit_type)
        assert (refusal["code"], refusal.get("reason")) == (code, reason)
        found = await clinic.patient.ask(asked, id=id_of(slots[0]), type=visit_type)
        assert found["node"]["isBookable"] is False
    found = await clinic.patient.ask(asked, id=id_of(slots[0]), type=whole)
    assert found["node"]["isBookable"] is True
    await book(clinic.patient, slots[0], visitTypeId=whole)


async def test_whoever_holds_a_time_does_so_no_longer(clinic: Clinic) -> None:
    slots = await half_hours(clinic)
    hour = await kind(clinic, 60)
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slots[0]), visitTypeId=hour)
    await busy_elsewhere(clinic, (nine(30), nine(45)))
    assert await statuses(clinic) == ["AVAILABLE", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slots[0], visitTypeId=hour)
        assert refusal["code"] == "SLOT_TAKEN"


async def test_closing_time_and_opening_it_leave_it_alone(clinic: Clinic) -> None:
    await half_hours(clinic)
    await busy_elsewhere(clinic, (nine(30), nine(60)))
    claims = await busy_claims(clinic)
    when = {"startsAt": wire(nine()), "endsAt": wire(nine(90))}
    ids = {"calendarId": id_of(calendar_of(clinic))}
    await clinic.doctor.done("blockTime", "slots { id }", **ids, **when)
    assert await statuses(clinic) == ["BLOCKED", "BLOCKED", "BLOCKED", "AVAILABLE"]
    await clinic.doctor.done("unblockTime", "slots { id }", **ids, **when)
    assert await statuses(clinic) == ["AVAILABLE", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    assert await busy_claims(clinic) == claims


# ------------------------------------------------------------------------- what stands there


async def test_a_conflict_is_reported_and_never_cancelled(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    slots = await half_hours(clinic)
    first, second = [await book(clinic.patient, slots[place]) for place in (0, 2)]
    elsewhere.data = file(event(nine(-30), nine(15)), event(nine(30), nine(60)))
    found = await connect(clinic, elsewhere)
    assert found["conflicts"] == [{"id": first["id"]}]
    # To whom the calendar is none of theirs, nothing is.
    stranger = await clinic.factory.person(Role.DOCTOR)
    for api in (clinic.public, clinic.patient, clinic.public.signed_in(stranger.token)):
        assert await shown(clinic, api) is None
    for api in (clinic.doctor, clinic.admin):
        assert await shown(clinic, api) == found
    assert await statuses(clinic) == ["BOOKED", "BLOCKED", "BOOKED", "AVAILABLE"]
    reading = "query ($id: ID!) { node(id: $id) { ... on Appointment { status version } } }"
    for booked in (first, second):
        answer = await clinic.patient.ask(reading, id=booked["id"])
        assert answer["node"] == {"status": "BOOKED", "version": 1}
    # Once it is solved, the time is what it is elsewhere.
    done = await clinic.doctor.done(
        "cancelAppointment", "appointment { status }", appointmentId=first["id"]
    )
    assert done == {"status": "CANCELLED"}
    found = await shown(clinic, clinic.doctor) or {}
    assert found["conflicts"] == []
    assert await statuses(clinic) == ["BLOCKED", "BLOCKED", "BOOKED", "AVAILABLE"]


async def test_staff_may_overbook_what_is_busy_elsewhere_and_not_what_is_closed(
    clinic: Clinic,
) -> None:
    slots = await half_hours(clinic)
    await busy_elsewhere(clinic, (nine(), nine(60)))
    values = {"patientId": patient_id(clinic), "overbookingReason": "In pain"}
    await clinic.reception.done(OVERBOOK, "appointment { id }", slotId=id_of(slots[0]), **values)
    assert await statuses(clinic) == ["BOOKED", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    claims = await kept(clinic.factory, Claim)
    assert [c["lane"] for c in claims if c["kind"] == "APPOINTMENT"] == [0]
    when = {"startsAt": wire(nine(30)), "endsAt": wire(nine(60))}
    ids = {"calendarId": id_of(calendar_of(clinic))}
    await clinic.doctor.done("blockTime", "slots { id }", **ids, **when)
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            OVERBOOK, "appointment { id }", slotId=id_of(slots[1]), **values
        )
    assert refusal["code"] == "SLOT_TAKEN"
