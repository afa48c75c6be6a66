"""Changes in a live view: the window first, then every act that changes slots, in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models import Calendar, Role, Weekday
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import View, asked, book, doctors_calendar, revision_of, shown, viewing
from tests.visits import let_begin

STATUS_OF_VISITS = "id status version appointments { status }"


async def test_the_first_update_is_exactly_the_window(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    night = await clinic.factory.slot(calendar, tomorrow(0) - timedelta(minutes=10))
    inside = await clinic.factory.slot(calendar, tomorrow(9))
    last = await clinic.factory.slot(calendar, tomorrow(23), minutes=60)
    await clinic.factory.slot(calendar, tomorrow(0) - timedelta(minutes=40))
    await clinic.factory.slot(calendar, tomorrow(0, days=2))
    async with viewing(clinic.public, calendar) as view:
        first = await view.next()
    _, cursor = await asked(clinic.public, calendar)
    assert first == {
        "reset": True,
        "cursor": cursor,
        "previousCursor": None,
        "slots": [shown(slot, "AVAILABLE", version=0) for slot in (night, inside, last)],
    }


async def test_a_removed_slot_is_not_in_the_first_update(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    await clinic.factory.slot(calendar, tomorrow(9))
    doctor = clinic.person(Role.DOCTOR).doctor
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
    async with viewing(clinic.public, calendar) as view:
        assert (await view.next())["slots"] == []


async def test_booking_and_cancelling_come_in_order_each_with_the_cursor_before(
    clinic: Clinic,
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with viewing(clinic.public, calendar) as view:
        first = await view.next()
        made = await book(clinic.patient, slot)
        booked = await view.next()
        await clinic.patient.done(
            "cancelAppointment", "appointment { id }", appointmentId=made["id"]
        )
        cancelled = await view.next()
        assert booked == {
            "reset": False,
            "cursor": booked["cursor"],
            "previousCursor": first["cursor"],
            "slots": [shown(slot, "BOOKED", version=1, booked=1)],
        }
        assert cancelled == {
            "reset": False,
            "cursor": (await asked(clinic.public, calendar))[1],
            "previousCursor": booked["cursor"],
            "slots": [shown(slot, "AVAILABLE", version=2)],
        }
    assert len({first["cursor"], booked["cursor"], cancelled["cursor"]}) == 3


async def test_a_move_within_a_calendar_is_one_update_of_both_slots(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    left, entered = await clinic.factory.slots(calendar, tomorrow(), 2)
    made = await book(clinic.patient, left)
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        await _move(clinic, made, entered)
        assert (await view.next())["slots"] == [
            shown(left, "AVAILABLE", version=2),
            shown(entered, "BOOKED", version=2, booked=1),
        ]


async def test_a_move_to_another_calendar_shows_in_both(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    other = (await clinic.factory.person(Role.DOCTOR)).calendar
    assert other is not None
    left = await clinic.factory.slot(calendar, tomorrow())
    entered = await clinic.factory.slot(other, tomorrow(11))
    made = await book(clinic.patient, left)
    async with viewing(clinic.public, calendar) as here, viewing(clinic.public, other) as there:
        await here.next()
        await there.next()
        await _move(clinic, made, entered)
        assert (await here.next())["slots"] == [shown(left, "AVAILABLE", version=2)]
        assert (await there.next())["slots"] == [shown(entered, "BOOKED", version=1, booked=1)]


async def test_check_in_and_completion_change_the_slot_of_the_visit(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    made = await book(clinic.patient, slot)
    async with viewing(clinic.doctor, calendar, fields=STATUS_OF_VISITS) as view:
        await view.next()
        await _step(clinic, "checkInAppointment", made)
        assert (await view.next())["slots"] == [_visit(slot, 2, "CHECKED_IN")]
        await let_begin(clinic.factory, made["id"])
        await _step(clinic, "completeAppointment", made)
        assert (await view.next())["slots"] == [_visit(slot, 3, "COMPLETED")]


async def test_a_no_show_changes_the_slot_of_the_visit(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    begun = datetime.now(UTC) - timedelta(minutes=5)
    slot = await clinic.factory.slot(calendar, begun)
    patient = clinic.person(Role.PATIENT).patient
    made = await book(clinic.reception, slot, patientId=id_of(patient))
    window = {"start": begun - timedelta(hours=1), "end": begun + timedelta(hours=1)}
    async with viewing(clinic.doctor, calendar, fields=STATUS_OF_VISITS, **window) as view:
        await view.next()
        await _step(clinic, "markNoShow", made)
        assert (await view.next())["slots"] == [_visit(slot, 2, "NO_SHOW")]


async def test_what_the_patient_wrote_changes_the_slot_of_the_visit(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    made = await book(clinic.patient, slot, reason="Knee")
    fields = "id status version appointments { reason }"
    async with viewing(clinic.doctor, calendar, fields=fields) as view:
        await view.next()
        await clinic.patient.done(
            "updateAppointment", "appointment { id }", appointmentId=made["id"], reason="Elbow"
        )
        (slot_now,) = (await view.next())["slots"]
    assert slot_now == {
        "id": id_of(slot),
        "status": "BOOKED",
        "version": 2,
        "appointments": [{"reason": "Elbow"}],
    }


async def test_closing_and_opening_a_time_are_one_update_each(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    touched, also, free = await clinic.factory.slots(calendar, tomorrow(), 3)
    time = {"calendarId": id_of(calendar), "startsAt": wire(touched.starts_at)}
    time["endsAt"] = wire(also.starts_at + timedelta(minutes=1))
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        await clinic.doctor.done("blockTime", "slots { id }", **time)
        assert (await view.next())["slots"] == [
            shown(slot, "BLOCKED", version=1) for slot in (touched, also)
        ]
        await clinic.doctor.done("unblockTime", "slots { id }", **time)
        assert (await view.next())["slots"] == [
            shown(slot, "AVAILABLE", version=2) for slot in (touched, also)
        ]
        assert view.slots[id_of(free)] == shown(free, "AVAILABLE", version=0)


async def test_generating_is_one_update_and_setting_the_hours_is_none(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    week = {"start": tomorrow(0), "end": tomorrow(0, days=8)}
    async with viewing(clinic.public, calendar, **week) as view:
        first = await view.next()
        await _keep_hours(clinic, calendar, "09:00", "11:00")
        made = await _generate(clinic, calendar)
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert len(update["slots"]) == made["created"] == 28
        assert {(slot["status"], slot["version"]) for slot in update["slots"]} == {("AVAILABLE", 2)}
        assert view.slots == (await asked(clinic.public, calendar, **week))[0]


async def test_slots_that_the_hours_no_longer_have_arrive_as_removed(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    week = {"start": tomorrow(0), "end": tomorrow(0, days=8)}
    await _keep_hours(clinic, calendar, "09:00", "11:00")
    await _generate(clinic, calendar)
    async with viewing(clinic.public, calendar, **week) as view:
        await view.next()
        await _keep_hours(clinic, calendar, "10:00", "12:00")
        made = await _generate(clinic, calendar)
        update = await view.next()
        of_status = [slot["status"] for slot in update["slots"]]
        assert (made["created"], made["kept"], made["removed"]) == (14, 14, 14)
        # The others are told as well: the hours around them end later, and longer visits fit.
        assert (of_status.count("REMOVED"), of_status.count("AVAILABLE")) == (14, 28)
        assert view.slots == (await asked(clinic.public, calendar, **week))[0]
        assert len(view.slots) == 28


async def test_the_free_slots_of_a_doctor_who_leaves_are_removed(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        doctor = clinic.person(Role.DOCTOR).doctor
        await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(doctor))
        assert (await view.next())["slots"] == [shown(s, "REMOVED", version=1) for s in slots]
        assert view.slots == {}


async def test_a_refused_act_changes_nothing(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    taken, free = await clinic.factory.slots(calendar, tomorrow(), 2)
    await book(clinic.patient, taken)
    async with viewing(clinic.public, calendar) as view:
        first = await view.next()
        patient = await clinic.factory.person(Role.PATIENT)
        other = clinic.public.signed_in(patient.token)
        refused = await other.refusal("bookAppointment", "appointment { id }", slotId=id_of(taken))
        assert refused["code"] == "SLOT_TAKEN"
        await book(other, free)
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert update["slots"] == [shown(free, "BOOKED", version=2, booked=1)]
        assert await revision_of(clinic.factory.database, calendar.id) == 2


async def test_changes_outside_of_the_window_are_not_sent(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    inside = await clinic.factory.slot(calendar, tomorrow())
    before = await clinic.factory.slot(calendar, tomorrow(0) - timedelta(minutes=30))
    after = await clinic.factory.slot(calendar, tomorrow(0, days=2))
    async with viewing(clinic.public, calendar) as view:
        first = await view.next()
        await book(clinic.patient, before)
        await book(clinic.patient, after)
        await book(clinic.patient, inside)
        update = await view.next()
    assert update["previousCursor"] == first["cursor"]
    assert update["slots"] == [shown(inside, "BOOKED", version=3, booked=1)]
    await _comes_back_to_nothing(clinic, calendar, view)


async def _comes_back_to_nothing(clinic: Clinic, calendar: Calendar, view: View) -> None:
    async with viewing(clinic.public, calendar, back=view) as again:
        assert (await again.next())["slots"] == []
        assert again.slots == (await asked(clinic.public, calendar))[0]


async def _move(clinic: Clinic, made: dict[str, Any], entered: Any) -> None:
    await clinic.patient.done(
        "rescheduleAppointment",
        "appointment { id }",
        appointmentId=made["id"],
        slotId=id_of(entered),
    )


async def _step(clinic: Clinic, act: str, made: dict[str, Any]) -> None:
    await clinic.doctor.done(act, "appointment { id }", appointmentId=made["id"])


def _visit(slot: Any, version: int, status: str) -> dict[str, Any]:
    return {
        "id": id_of(slot),
        "status": "BOOKED",
        "version": version,
        "appointments": [{"status": status}],
    }


async def _keep_hours(clinic: Clinic, calendar: Calendar, start: str, end: str) -> None:
    hours = {
        "weekdays": [day.name for day in Weekday],
        "startTime": start,
        "endTime": end,
        "slotMinutes": 30,
    }
    await clinic.doctor.done(
        "setAvailability", "calendar { id }", calendarId=id_of(calendar), templates=[hours]
    )


async def _generate(clinic: Clinic, calendar: Calendar) -> dict[str, int]:
    days = {"from": str(tomorrow().date()), "until": str(tomorrow(days=7).date())}
    made: dict[str, int] = await clinic.doctor.done(
        "generateSlots", "preview { created kept removed }", calendarId=id_of(calendar), **days
    )
    return made
