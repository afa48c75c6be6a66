"""Closing time and opening it again: partly, over several blocks, and around appointments."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models import Role, Slot
from tests.api import Api
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rivals import codes, held, line_up
from tests.rows import across, unchanged

SHOWN = "slots { id status bookedCount version }"


async def morning(clinic: Clinic, count: int = 4, **values: Any) -> list[Slot]:
    """Half hours from nine on tomorrow."""
    return [
        await clinic.factory.slot(calendar_of(clinic), nine(30 * place), **values)
        for place in range(count)
    ]


def nine(minutes: int = 0) -> datetime:
    """Nine o'clock tomorrow, and some minutes."""
    return tomorrow(9) + timedelta(minutes=minutes)


async def change(
    clinic: Clinic, act: str, begin: int, end: int, *, api: Api | None = None, **values: Any
) -> dict[str, Any]:
    """The payload of closing or opening a time, in minutes from nine."""
    return await (api or clinic.doctor).act(
        act,
        SHOWN + " errors { ... on TimeTaken { appointments { id } } }"
        if act == "blockTime"
        else SHOWN,
        calendarId=id_of(calendar_of(clinic)),
        startsAt=wire(nine(begin)),
        endsAt=wire(nine(end)),
        **values,
    )


async def block(clinic: Clinic, begin: int, end: int, **values: Any) -> list[dict[str, Any]]:
    """Close a time, which must succeed: the slots that it touched."""
    payload = await change(clinic, "blockTime", begin, end, **values)
    assert payload["errors"] == []
    slots: list[dict[str, Any]] = payload["slots"]
    return slots


async def unblock(clinic: Clinic, begin: int, end: int) -> list[dict[str, Any]]:
    payload = await change(clinic, "unblockTime", begin, end)
    assert payload["errors"] == []
    slots: list[dict[str, Any]] = payload["slots"]
    return slots


async def statuses(clinic: Clinic) -> list[str]:
    """What the slots of the calendar show, one letter each: A available, B blocked, X booked."""
    query = text("SELECT status::text FROM slots WHERE calendar_id = :id ORDER BY starts_at")
    async with across(clinic.factory) as connection:
        found = await connection.execute(query, {"id": calendar_of(clinic).id})
        return ["X" if status == "BOOKED" else status[0] for status in found.scalars()]


async def closed(clinic: Clinic) -> list[tuple[int, int, int, str | None]]:
    """The blocks of the calendar: lane, begin and end in minutes from nine, reason."""
    query = text(
        "SELECT lane, lower(during), upper(during), reason FROM claims "
        "WHERE calendar_id = :id AND kind = 'BLOCK' ORDER BY lane, during"
    )
    async with across(clinic.factory) as connection:
        found = await connection.execute(query, {"id": calendar_of(clinic).id})
        return [
            (lane, *((at - nine()) // timedelta(minutes=1) for at in (begin, end)), reason)
            for lane, begin, end, reason in found
        ]


# ------------------------------------------------------------ closing


async def test_a_closed_time_closes_every_slot_that_it_touches(clinic: Clinic) -> None:
    slots = await morning(clinic)
    touched = await block(clinic, 15, 61, reason="  Staff meeting ")
    assert touched == [
        {"id": id_of(slot), "status": "BLOCKED", "bookedCount": 0, "version": 1}
        for slot in slots[:3]
    ]
    assert await statuses(clinic) == ["B", "B", "B", "A"]
    assert await closed(clinic) == [(0, 15, 61, "Staff meeting")]
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=id_of(slots[0])
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_closed_time_that_only_touches_a_slot_leaves_it_open(clinic: Clinic) -> None:
    await morning(clinic)
    assert len(await block(clinic, 30, 60)) == 1
    assert await statuses(clinic) == ["A", "B", "A", "A"]


async def test_a_time_without_slots_can_be_closed(clinic: Clinic) -> None:
    assert await block(clinic, 0, 60) == []
    assert await closed(clinic) == [(0, 0, 60, None)]


async def test_blocks_that_overlap_become_one(clinic: Clinic) -> None:
    await morning(clinic, 6)
    await block(clinic, 0, 45, reason="First")
    await block(clinic, 105, 150, reason="Second")
    await block(clinic, 160, 180, reason="Apart")
    assert len(await block(clinic, 30, 120, reason="Both")) == 3
    assert await closed(clinic) == [(0, 0, 150, "Both"), (0, 160, 180, "Apart")]
    assert await statuses(clinic) == ["B"] * 6


async def test_a_block_inside_of_a_block_makes_it_no_smaller(clinic: Clinic) -> None:
    await morning(clinic)
    await block(clinic, 0, 120)
    await block(clinic, 30, 60)
    assert await closed(clinic) == [(0, 0, 120, None)]
    assert await statuses(clinic) == ["B"] * 4


async def test_blocks_that_touch_stay_two(clinic: Clinic) -> None:
    await block(clinic, 0, 30, reason="First")
    await block(clinic, 30, 60, reason="Second")
    assert await closed(clinic) == [(0, 0, 30, "First"), (0, 30, 60, "Second")]


# ------------------------------------------------------------ opening


async def test_opening_the_middle_leaves_both_rests_closed(clinic: Clinic) -> None:
    slots = await morning(clinic)
    await block(clinic, 0, 120, reason="Holiday")
    touched = await unblock(clinic, 30, 75)
    # The third slot is open only in part, so it stays closed.
    assert touched == [
        {"id": id_of(slots[1]), "status": "AVAILABLE", "bookedCount": 0, "version": 2},
        {"id": id_of(slots[2]), "status": "BLOCKED", "bookedCount": 0, "version": 2},
    ]
    assert await statuses(clinic) == ["B", "A", "B", "B"]
    assert await closed(clinic) == [(0, 0, 30, "Holiday"), (0, 75, 120, "Holiday")]


async def test_opening_reaches_over_several_blocks(clinic: Clinic) -> None:
    await morning(clinic)
    await block(clinic, 0, 40, reason="First")
    await block(clinic, 80, 120, reason="Second")
    await unblock(clinic, 30, 90)
    assert await closed(clinic) == [(0, 0, 30, "First"), (0, 90, 120, "Second")]
    assert await statuses(clinic) == ["B", "A", "A", "B"]
    await unblock(clinic, -60, 600)
    assert await closed(clinic) == []
    assert await statuses(clinic) == ["A"] * 4


async def test_opening_what_is_open_changes_no_status(clinic: Clinic) -> None:
    slots = await morning(clinic)
    await book(clinic.patient, slots[0])
    touched = await unblock(clinic, 0, 60)
    assert [slot["status"] for slot in touched] == ["BOOKED", "AVAILABLE"]
    assert await statuses(clinic) == ["X", "A", "A", "A"]
    refusal = await clinic.reception.refusal(
        "bookAppointment",
        "appointment { id }",
        slotId=id_of(slots[0]),
        patientId=id_of(await clinic.factory.patient()),
    )
    assert refusal["code"] == "SLOT_TAKEN"


# ------------------------------------------------------------ appointments


async def test_a_time_with_appointments_cannot_be_closed(clinic: Clinic) -> None:
    slots = await morning(clinic)
    first = await book(clinic.patient, slots[1])
    second = await book(clinic.reception, slots[2], patientId=id_of(await clinic.factory.patient()))
    await block(clinic, 0, 30)
    async with unchanged(clinic.factory):
        payload = await change(clinic, "blockTime", 15, 75)
    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("TIME_TAKEN", ["input", "startsAt"])
    assert error["appointments"] == [{"id": first["id"]}, {"id": second["id"]}]
    # What only touches the appointments can be closed.
    await block(clinic, 90, 120)
    for booked in (first, second):
        await clinic.doctor.done(
            "cancelAppointment", "appointment { id }", appointmentId=booked["id"]
        )
    await block(clinic, 15, 75)
    assert await statuses(clinic) == ["B", "B", "B", "B"]


async def test_a_group_slot_is_closed_in_every_lane(clinic: Clinic) -> None:
    slots = await morning(clinic, 2, capacity=3)
    booked = await book(clinic.patient, slots[0])
    async with unchanged(clinic.factory):
        payload = await change(clinic, "blockTime", 0, 60)
    assert codes([payload]) == ["TIME_TAKEN"]
    await block(clinic, 30, 60)
    assert await closed(clinic) == [(lane, 30, 60, None) for lane in range(3)]
    assert await statuses(clinic) == ["A", "B"]
    await clinic.doctor.done("cancelAppointment", "appointment { id }", appointmentId=booked["id"])
    await block(clinic, 15, 45)
    assert await closed(clinic) == [(lane, 15, 60, None) for lane in range(3)]
    await unblock(clinic, 20, 50)
    assert await closed(clinic) == [
        (lane, *rest, None) for lane in range(3) for rest in ((15, 20), (50, 60))
    ]


async def test_a_slot_that_grew_under_a_block_stays_closed(clinic: Clinic) -> None:
    (slot,) = await morning(clinic, 1)
    await block(clinic, 0, 30)
    async with across(clinic.factory) as connection:
        await connection.execute(
            text("UPDATE slots SET capacity = 2 WHERE id = :id"), {"id": slot.id}
        )
    (shown,) = await block(clinic, 0, 30)
    assert shown["status"] == "BLOCKED"
    assert await closed(clinic) == [(lane, 0, 30, None) for lane in range(2)]


# ------------------------------------------------------------ what cannot be


@pytest.mark.parametrize("act", ["blockTime", "unblockTime"])
async def test_a_time_that_cannot_be_is_refused(clinic: Clinic, act: str) -> None:
    await morning(clinic)
    await block(clinic, 0, 30)
    for begin, end in ((30, 30), (60, 30), (0, 93 * 24 * 60)):
        async with unchanged(clinic.factory):
            payload = await change(clinic, act, begin, end)
        (error,) = payload["errors"]
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "endsAt"])


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines"])
async def test_a_reason_is_one_line(clinic: Clinic, reason: str) -> None:
    async with unchanged(clinic.factory):
        payload = await change(clinic, "blockTime", 0, 30, reason=reason)
    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "reason"])


# ------------------------------------------------------------ rivals


@pytest.mark.parametrize("first", ["book", "block"])
async def test_of_booking_and_closing_a_time_the_first_decides(clinic: Clinic, first: str) -> None:
    slots = await morning(clinic, 2)
    acts = {
        "book": clinic.patient.act("bookAppointment", "appointment { id }", slotId=id_of(slots[0])),
        "block": change(clinic, "blockTime", 0, 60),
    }
    order = [first, *({"book", "block"} - {first})]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *(acts[name] for name in order))
    won, lost = await asyncio.gather(*tasks)
    assert codes([won]) == ["DONE"]
    assert codes([lost]) == ["TIME_TAKEN" if first == "book" else "SLOT_TAKEN"]
    assert await statuses(clinic) == (["X", "A"] if first == "book" else ["B", "B"])
    assert await closed(clinic) == ([] if first == "book" else [(0, 0, 60, None)])


async def test_two_who_close_overlapping_times_at_once_close_both(clinic: Clinic) -> None:
    await morning(clinic)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(
            clinic.factory,
            change(clinic, "blockTime", 0, 60),
            change(clinic, "blockTime", 30, 120, api=clinic.admin),
        )
    assert codes(await asyncio.gather(*tasks)) == ["DONE", "DONE"]
    assert await closed(clinic) == [(0, 0, 120, None)]
    assert await statuses(clinic) == ["B"] * 4


async def test_a_move_into_a_closed_time_is_refused(clinic: Clinic) -> None:
    slots = await morning(clinic, 2)
    booked = await book(clinic.reception, slots[0], patientId=patient_id(clinic))
    await block(clinic, 30, 60)
    async with unchanged(clinic.factory):
        refusal = await clinic.doctor.refusal(
            "rescheduleAppointment",
            "appointment { id }",
            appointmentId=booked["id"],
            slotId=id_of(slots[1]),
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_block_closes_one_calendar_alone(clinic: Clinic) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    slot = await clinic.factory.slot(other.calendar, nine())
    await morning(clinic, 1)
    await block(clinic, 0, 30)
    assert await statuses(clinic) == ["B"]
    assert (await book(clinic.patient, slot))["status"] == "BOOKED"
