"""Reading slots: windows, order, what can be booked by whom, what is free next; group slots."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import Role, Slot, SlotStatus
from tests.api import Api
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rivals import codes
from tests.rows import unchanged

WINDOW = """
query ($id: ID!, $from: DateTime!, $to: DateTime!, $status: [SlotStatus!]) {
  calendar(id: $id) { slots(from: $from, to: $to, status: $status) {
    id startsAt endsAt status capacity bookedCount isBookable } } }
"""
ONE = """
query ($id: ID!) { node(id: $id) { ... on Slot {
  status capacity bookedCount version isBookable calendar { id owner { ... on Doctor { id } } }
  } } }
"""
NEXT = "query ($id: ID!) { node(id: $id) { ... on Doctor { nextAvailableSlot { id } } } }"


async def window(clinic: Clinic, begin: datetime, end: datetime, **values: Any) -> list[str]:
    """The ids of the slots in a window, in the order in which they come."""
    answer = await clinic.public.ask(
        WINDOW,
        id=id_of(calendar_of(clinic)),
        to=wire(end),
        **{"from": wire(begin)},
        **values,
    )
    return [slot["id"] for slot in answer["calendar"]["slots"]]


async def one(api: Api, slot: Slot) -> dict[str, Any]:
    """A slot as somebody sees it."""
    found: dict[str, Any] = (await api.ask(ONE, id=id_of(slot)))["node"]
    return found


def ids(*slots: Slot) -> list[str]:
    return [id_of(slot) for slot in slots]


# ------------------------------------------------------------ windows


async def test_a_window_holds_what_overlaps_it_and_not_what_touches_it(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(9), 4)
    second, third = slots[1].starts_at, slots[2].starts_at
    a_moment = timedelta(microseconds=1)
    assert await window(clinic, second, third) == ids(slots[1])
    assert await window(clinic, second - a_moment, third) == ids(*slots[:2])
    assert await window(clinic, second, third + a_moment) == ids(*slots[1:3])
    assert await window(clinic, second + a_moment, second + 2 * a_moment) == ids(slots[1])
    assert await window(clinic, tomorrow(0), tomorrow(9)) == []
    assert await window(clinic, tomorrow(11), tomorrow(12)) == []


async def test_a_window_finds_the_longest_slot_from_its_last_moment(clinic: Clinic) -> None:
    day = await clinic.factory.slot(calendar_of(clinic), tomorrow(9), minutes=1440)
    last = day.ends_at - timedelta(seconds=1)
    assert await window(clinic, last, last + timedelta(days=1)) == ids(day)
    assert await window(clinic, day.ends_at, last + timedelta(days=1)) == []


async def test_slots_come_in_order_of_start_whatever_the_offset(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    late = await clinic.factory.slot(calendar, tomorrow(15))
    early = await clinic.factory.slot(calendar, tomorrow(8))
    noon = await clinic.factory.slot(calendar, tomorrow(12))
    answer = await clinic.public.ask(
        WINDOW,
        id=id_of(calendar),
        to=tomorrow(16).isoformat(),
        **{"from": tomorrow(8).isoformat().replace("T08:00:00+00:00", "T18:00:00+10:00")},
    )
    assert [slot["id"] for slot in answer["calendar"]["slots"]] == ids(early, noon, late)
    assert answer["calendar"]["slots"][0] == {
        "id": id_of(early),
        "startsAt": wire(early.starts_at),
        "endsAt": wire(early.ends_at),
        "status": "AVAILABLE",
        "capacity": 1,
        "bookedCount": 0,
        "isBookable": True,
    }


async def test_a_window_may_be_narrowed_by_status_and_never_shows_removed_slots(
    clinic: Clinic,
) -> None:
    slots = {
        status.name: await clinic.factory.slot(
            calendar_of(clinic), tomorrow(9 + place), status=status
        )
        for place, status in enumerate(SlotStatus)
    }
    del slots["REMOVED"]
    begin, end = tomorrow(0), tomorrow(23)
    assert await window(clinic, begin, end) == ids(*slots.values())
    assert await window(clinic, begin, end, status=None) == ids(*slots.values())
    for name, slot in slots.items():
        assert await window(clinic, begin, end, status=[name]) == ids(slot)
    both = await window(clinic, begin, end, status=["BLOCKED", "AVAILABLE"])
    assert both == ids(slots["AVAILABLE"], slots["BLOCKED"])
    assert await window(clinic, begin, end, status=["REMOVED"]) == []
    assert await window(clinic, begin, end, status=[]) == []


async def test_a_window_has_at_most_92_days(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    begin = tomorrow(0)
    # An hour more than 92 times 24: clocks may have been set back in between.
    for length in (timedelta(days=92), timedelta(days=92, hours=1)):
        assert await window(clinic, begin, begin + length) == ids(slot)
    for length in (
        timedelta(days=92, hours=1, seconds=1),
        timedelta(days=93),
        timedelta(0),
        timedelta(seconds=-1),
    ):
        values = {"from": wire(begin), "to": wire(begin + length)}
        code = await clinic.public.error_code(WINDOW, id=id_of(calendar_of(clinic)), **values)
        assert code == "BAD_INPUT"


async def test_a_calendar_of_others_or_of_nobody_is_null(clinic: Clinic) -> None:
    other = await elsewhere(clinic)
    foreign = (await other.person(Role.DOCTOR)).calendar
    assert foreign
    slot = await other.slot(foreign, tomorrow())
    values = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    for calendar_id in (id_of(foreign), "calendar_" + "0" * 32):
        for api in (clinic.public, clinic.admin):
            assert await api.ask(WINDOW, id=calendar_id, **values) == {"calendar": None}
    assert await clinic.public.ask(ONE, id=id_of(slot)) == {"node": None}
    patient = patient_id(clinic)
    assert await clinic.public.error_code(WINDOW, id=patient, **values) == "NOT_FOUND"
    assert await clinic.public.error_code(WINDOW, id="calendar", **values) == "BAD_INPUT"


# ------------------------------------------------------------ what can be booked


EVERYBODY = ("public", "patient", "admin", "reception", "doctor")
STAFF = {"admin", "reception", "doctor"}


@pytest.mark.parametrize(
    ("minutes", "policy", "accepting", "may"),
    [
        (180, {}, True, set(EVERYBODY)),
        (-10, {}, True, STAFF),
        (-60, {}, True, set()),
        (180, {"minimum_notice_minutes": 240}, True, STAFF),
        (40 * 24 * 60, {"horizon_months": 1}, True, STAFF),
        (180, {}, False, STAFF),
    ],
)
async def test_a_slot_says_to_everybody_whether_they_may_book_it(
    clinic: Clinic, minutes: int, policy: dict[str, int], accepting: bool, may: set[str]
) -> None:
    await clinic.factory.policy(**policy)
    if not accepting:
        doctor = id_of(clinic.person(Role.DOCTOR).doctor)
        await clinic.admin.done(
            "updateDoctor", "doctor { id }", doctorId=doctor, isAcceptingPatients=False
        )
    starts_at = datetime.now(UTC) + timedelta(minutes=minutes)
    slot = await clinic.factory.slot(calendar_of(clinic), starts_at)
    found = {role for role in EVERYBODY if (await one(getattr(clinic, role), slot))["isBookable"]}
    assert found == may


@pytest.mark.parametrize("status", [status for status in SlotStatus if status.name != "AVAILABLE"])
async def test_only_a_free_slot_can_be_booked_by_anybody(
    clinic: Clinic, status: SlotStatus
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), status=status)
    for role in EVERYBODY:
        assert not (await one(getattr(clinic, role), slot))["isBookable"]


async def test_a_slot_names_its_calendar_and_whose_it_is(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    assert (await one(clinic.public, slot))["calendar"] == {
        "id": id_of(calendar_of(clinic)),
        "owner": {"id": id_of(clinic.person(Role.DOCTOR).doctor)},
    }


async def next_free(clinic: Clinic, api: Api | None = None) -> dict[str, str] | None:
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    found = await (api or clinic.public).ask(NEXT, id=doctor)
    slot: dict[str, str] | None = found["node"]["nextAvailableSlot"]
    return slot


async def test_the_next_free_slot_is_the_first_that_patients_can_book(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    assert await next_free(clinic) is None
    now = datetime.now(UTC)
    await clinic.factory.slot(calendar, now - timedelta(minutes=10))
    await clinic.factory.slot(calendar, now + timedelta(hours=1))
    await clinic.factory.slot(calendar, now + timedelta(hours=3), status=SlotStatus.BLOCKED)
    far = await clinic.factory.slot(calendar, tomorrow(days=20))
    near = await clinic.factory.slot(calendar, tomorrow(days=3))
    beyond = await clinic.factory.slot(calendar, tomorrow(days=45))
    await clinic.factory.policy(minimum_notice_minutes=120, horizon_months=1)
    assert await next_free(clinic) == {"id": id_of(near)}
    await book(clinic.patient, near)
    assert await next_free(clinic) == {"id": id_of(far)}
    await book(clinic.reception, far, patientId=patient_id(clinic))
    assert await next_free(clinic) is None
    await clinic.factory.policy(horizon_months=3)
    assert await next_free(clinic) == {"id": id_of(beyond)}
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    await clinic.admin.done(
        "updateDoctor", "doctor { id }", doctorId=doctor, isAcceptingPatients=False
    )
    assert await next_free(clinic) is None
    assert await next_free(clinic, clinic.reception) is None


# ------------------------------------------------------------ versions


async def test_every_change_of_a_slot_raises_its_version(clinic: Clinic) -> None:
    slot, neighbor = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    times = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
    calendar = {"calendarId": id_of(calendar_of(clinic))}
    seen = [(await one(clinic.public, slot))["version"]]

    async def saw(status: str) -> None:
        found = await one(clinic.public, slot)
        assert found["status"] == status
        seen.append(found["version"])

    booked = await book(clinic.patient, slot)
    await saw("BOOKED")
    target = {"appointmentId": booked["id"]}
    await clinic.doctor.done("updateAppointment", "appointment { id }", **target, reason="Knee")
    await saw("BOOKED")
    await clinic.patient.done("cancelAppointment", "appointment { id }", **target)
    await saw("AVAILABLE")
    await clinic.doctor.done("blockTime", "slots { id }", **calendar, **times)
    await saw("BLOCKED")
    await clinic.doctor.done("unblockTime", "slots { id }", **calendar, **times)
    await saw("AVAILABLE")
    assert seen == [0, 1, 2, 3, 4, 5]
    assert (await one(clinic.public, neighbor))["version"] == 0


# ------------------------------------------------------------ group slots


async def test_a_group_slot_takes_as_many_as_it_has_places(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=3)
    patients = [id_of(await clinic.factory.patient()) for _ in range(4)]
    booked = []
    for place, patient in enumerate(patients[:3], start=1):
        booked.append(await book(clinic.reception, slot, patientId=patient))
        found = await one(clinic.public, slot)
        status = "BOOKED" if place == 3 else "AVAILABLE"
        assert (found["status"], found["bookedCount"], found["version"]) == (status, place, place)
        assert found["isBookable"] is (place < 3)
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=patients[3]
        )
    assert refusal["code"] == "SLOT_TAKEN"
    # The place in the middle is free again, and goes to the next.
    await clinic.admin.done(
        "cancelAppointment", "appointment { id }", appointmentId=booked[1]["id"]
    )
    assert (await one(clinic.public, slot))["bookedCount"] == 2
    await book(clinic.reception, slot, patientId=patients[3])
    assert (await one(clinic.public, slot))["status"] == "BOOKED"


async def test_nobody_has_two_places_in_a_group(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=2)
    await book(clinic.patient, slot)
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slot)
        )
    assert refusal["code"] == "PATIENT_BUSY"


async def test_of_many_who_want_a_place_as_many_as_there_are_get_one(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=5)
    patients = [id_of(await clinic.factory.patient()) for _ in range(12)]
    payloads = await asyncio.gather(
        *(
            clinic.reception.act(
                "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=patient
            )
            for patient in patients
        )
    )
    assert codes(payloads) == [*["DONE"] * 5, *["SLOT_TAKEN"] * 7]
    found = await one(clinic.public, slot)
    assert (found["status"], found["bookedCount"], found["version"]) == ("BOOKED", 5, 5)
