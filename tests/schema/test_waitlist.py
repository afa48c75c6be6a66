"""The waitlist: what opens is held for the first in line whom it fits, and what they answer."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from models import Claim, ClaimKind, Role
from tests.booking import book, calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.mails import Mails
from tests.rows import across, unchanged
from tests.waiting import (
    ENTRY,
    WAITING,
    WINDOW,
    Waiter,
    cancel,
    offered,
    overdue,
    status,
    taken,
    waiter,
)

HELD = "query ($id: ID!) { node(id: $id) { ... on Slot { heldUntil isHeldByViewer isBookable } } }"


async def freed(clinic: Clinic, *waiters: Waiter, hour: int = 9) -> Waiter:
    """One time opens: who was offered it."""
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(hour))
    await cancel(clinic, await taken(clinic, slot))
    (got,) = [one for one in waiters if await one.seen() == offered(slot)]
    return got


# ------------------------------------------------------------------------- what is offered


async def test_the_first_in_line_gets_what_is_cancelled(clinic: Clinic, mails: Mails) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second = await waiter(clinic), await waiter(clinic)
    assert [(await one.entry())["position"] for one in (first, second)] == [1, 2]
    before = datetime.now(UTC)
    await cancel(clinic, appointment)
    assert await first.seen() == offered(slot)
    assert (await second.entry())["position"] == 1
    until = datetime.fromisoformat((await first.entry())["offerExpiresAt"])
    assert before <= until - timedelta(minutes=60) <= datetime.now(UTC)
    for api, is_theirs in ((first.api, True), (second.api, False), (clinic.reception, False)):
        shown = (await api.ask(HELD, id=id_of(slot)))["node"]
        assert shown == {
            "heldUntil": wire(until),
            "isHeldByViewer": is_theirs,
            "isBookable": is_theirs,
        }
    assert await status(clinic, slot) == "HELD"
    mail = await mails.last(first.person.user.email)
    assert mail.subject == "A Clinic: a time has become free"
    assert f"{slot.starts_at.astimezone():%B %Y}" in mail.body
    assert clinic.person(Role.DOCTOR).doctor.name in mail.body
    assert mail.body.endswith("/waitlist")
    assert await mails.rows(second.person.user.email) == []


async def test_what_is_accepted_is_an_appointment_in_its_place(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    one = await waiter(clinic)
    await cancel(clinic, appointment)
    async with clinic.factory.database.reading(clinic.factory.organization.id) as session:
        (claim,) = await session.rows(select(Claim))
    made = await one.done("acceptOffer", reason="Knee")
    assert made == {
        "id": made["id"],
        "status": "BOOKED",
        "reason": "Knee",
        "slot": {"id": id_of(slot)},
    }
    assert await status(clinic, slot) == "BOOKED"
    assert await one.seen() == ("ACCEPTED", None)
    async with clinic.factory.database.reading(clinic.factory.organization.id) as session:
        (kept,) = await session.rows(select(Claim))
    assert (kept.id, kept.kind, kept.waitlist_entry_id, kept.expires_at) == (
        claim.id,
        ClaimKind.APPOINTMENT,
        None,
        None,
    )


async def test_no_view_shows_it_free_in_between(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second = await waiter(clinic), await waiter(clinic)
    window = (id_of(calendar_of(clinic)), wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.public.watching(*window) as watcher:
        seen = [(await watcher.next())["slots"]]
        await cancel(clinic, appointment)
        seen.append((await watcher.next())["slots"])
        await first.done("declineOffer")
        seen.append((await watcher.next())["slots"])
        await second.done("acceptOffer")
        seen.append((await watcher.next())["slots"])
    statuses = [[one["status"] for one in slots] for slots in seen]
    assert statuses == [["BOOKED"], ["HELD"], ["HELD"], ["BOOKED"]]
    versions = [slots[0]["version"] for slots in seen]
    assert versions == list(range(versions[0], versions[0] + 4))


async def test_who_declines_keeps_the_place_and_is_not_asked_again(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    declined = await first.done("declineOffer")
    assert (declined["status"], declined["position"]) == ("WAITING", 1)
    assert await second.seen() == offered(slot)
    await second.done("declineOffer")
    # Both have: it is everybody's.
    assert await status(clinic, slot) == "AVAILABLE"
    await cancel(clinic, await taken(clinic, slot))
    assert await status(clinic, slot) == "AVAILABLE"
    assert await freed(clinic, first, second, hour=12) is first


async def test_who_leaves_makes_room_for_the_next(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second, third = [await waiter(clinic) for _ in range(3)]
    assert (await second.done("leaveWaitlist"))["status"] == "LEFT"
    assert (await third.entry())["position"] == 2
    await cancel(clinic, appointment)
    await first.done("leaveWaitlist")
    assert await third.seen() == offered(slot)
    async with unchanged(clinic.factory):
        for one in (first, second):
            assert (await one.done("leaveWaitlist"))["status"] == "LEFT"


async def test_an_offer_that_is_left_unanswered_goes_on_by_itself(
    clinic: Clinic, mails: Mails
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    # What is over before the mail is written is not mailed.
    await mails.last(first.person.user.email)
    await overdue(clinic.factory)
    await second.until(offered(slot))
    await mails.last(second.person.user.email)
    assert await first.seen() == ("EXPIRED", None)
    assert await status(clinic, slot) == "HELD"
    await overdue(clinic.factory)
    await second.until(("EXPIRED", None))
    assert await status(clinic, slot) == "AVAILABLE"
    for one in (first, second):
        assert (await one.refused("acceptOffer"))["code"] == "OFFER_EXPIRED"


async def test_nothing_brings_back_what_is_closed(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    appointment = await taken(clinic, slot)
    first, second, third = [await waiter(clinic) for _ in range(3)]
    await cancel(clinic, appointment)
    accepted = await first.done("acceptOffer")
    await second.done("leaveWaitlist")
    await cancel(clinic, accepted["id"])
    assert [await one.seen() for one in (first, second)] == [("ACCEPTED", None), ("LEFT", None)]
    assert await third.seen() == offered(slot)
    # They may join anew, at the end.
    await first.join()
    assert (await first.entry())["position"] == 1
    assert (await third.entry())["position"] is None


async def test_the_front_desk_and_the_doctor_answer_for_patients(clinic: Clinic) -> None:
    for api in (clinic.reception, clinic.doctor):
        patient = id_of(await clinic.factory.patient())
        doctor = id_of(clinic.person(Role.DOCTOR).doctor)
        given = {**WINDOW, "doctorId": doctor, "patientId": patient}
        made = await clinic.reception.done("joinWaitlist", ENTRY, **given)
        slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(9 + (api is clinic.doctor)))
        await cancel(clinic, await taken(clinic, slot))
        fields = "appointment { id slot { id } patient { id } }"
        booked = await api.done("acceptOffer", fields, waitlistEntryId=made["id"])
        assert (booked["slot"]["id"], booked["patient"]["id"]) == (id_of(slot), patient)
        assert await status(clinic, slot) == "BOOKED"


async def test_booking_what_is_offered_accepts_it(clinic: Clinic) -> None:
    one = await waiter(clinic)
    await freed(clinic, one)
    slot_id = (await one.seen())[1]
    await one.api.done("bookAppointment", "appointment { id }", slotId=slot_id)
    assert await one.seen() == ("ACCEPTED", None)


async def test_what_is_offered_is_no_hold_of_ones_own(clinic: Clinic) -> None:
    """It is not released, replaced or counted as one."""
    other = await clinic.factory.slot(calendar_of(clinic), tomorrow(15))
    one = await waiter(clinic)
    await freed(clinic, one)
    before = await one.entry()
    slot_id = before["offeredSlot"]["id"]
    for name, named in (("releaseHold", slot_id), ("holdSlot", id_of(other))):
        await one.api.done(name, "slot { id }", slotId=named)
        assert await one.entry() == before
    refusal = await one.api.refusal("holdSlot", "slot { id }", slotId=slot_id)
    assert refusal["code"] == "SLOT_TAKEN"
    await one.done("acceptOffer")


# ------------------------------------------------------------------------- whom it fits


async def test_a_long_visit_is_offered_where_all_of_it_fits(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    made = await clinic.admin.done("createVisitType", "visitType { id }", name="Long", minutes=60)
    middle = await taken(clinic, slots[1])
    long, short = await waiter(clinic, visitTypeId=made["id"]), await waiter(clinic)
    await cancel(clinic, middle)
    # It begins before what has opened.
    assert await long.seen() == offered(slots[0])
    assert await short.seen() == WAITING
    assert [await status(clinic, slot) for slot in slots] == ["HELD", "HELD", "AVAILABLE"]
    booked = await long.done("acceptOffer")
    assert booked["slot"] == {"id": id_of(slots[0])}
    assert [await status(clinic, slot) for slot in slots] == ["BOOKED", "BOOKED", "AVAILABLE"]


async def test_a_long_visit_is_not_offered_where_it_does_not_fit(clinic: Clinic) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    made = await clinic.admin.done("createVisitType", "visitType { id }", name="Long", minutes=60)
    first, middle, last = [await taken(clinic, slot) for slot in slots]
    long = await waiter(clinic, visitTypeId=made["id"])
    # The working hours end before it would; then a visit is in its way; then it fits.
    for appointment, expected in (
        (last, WAITING),
        (first, WAITING),
        (middle, offered(slots[0])),
    ):
        await cancel(clinic, appointment)
        assert await long.seen() == expected


async def test_whoever_waits_for_a_department_gets_any_doctor_of_it(clinic: Clinic) -> None:
    department = await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    one = await waiter(clinic, departmentId=department["id"])
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await cancel(clinic, await taken(clinic, slot))
    assert await one.seen() == WAITING
    values = {"doctorId": doctor, "departmentId": department["id"]}
    await clinic.admin.done("updateDoctor", "doctor { id }", **values)
    await cancel(clinic, await taken(clinic, slot))
    assert await one.seen() == offered(slot)


async def test_whom_a_time_does_not_fit_is_passed_over_and_stays(clinic: Clinic) -> None:
    nine, ten = tomorrow(9), tomorrow(10)
    other = (await clinic.factory.person(Role.DOCTOR)).calendar
    visit = await clinic.factory.slot(other, nine)
    made = await clinic.admin.done(
        "createVisitType", "visitType { id }", name="Rare", minutes=30, doctorIds=[]
    )
    busy = await waiter(clinic)
    await book(busy.api, visit)
    too_early = await waiter(clinic, **{"from": wire(nine + timedelta(minutes=1))})
    too_late = await waiter(clinic, to=wire(nine + timedelta(minutes=29)))
    gone, other_kind, fits = [await waiter(clinic) for _ in range(3)]
    async with across(clinic.factory) as connection:
        archive = text("UPDATE patients SET archived_at = now() WHERE id = :id")
        await connection.execute(archive, {"id": gone.person.patient.id})
        kind = text(
            "UPDATE waitlist_entries SET visit_type_id = (SELECT id FROM visit_types"
            " WHERE organization_id = :organization) WHERE patient_id = :id"
        )
        values = {"organization": clinic.factory.organization.id}
        await connection.execute(kind, {**values, "id": other_kind.person.patient.id})
    assert made["id"]
    slot = await clinic.factory.slot(calendar_of(clinic), nine)
    await cancel(clinic, await taken(clinic, slot))
    assert await fits.seen() == offered(slot)
    for one in (busy, too_early, too_late, other_kind):
        assert await one.seen() == WAITING
    # At another time the one who was busy has as many appointments as are allowed.
    await clinic.factory.policy(max_open_appointments_per_patient=1)
    later = await clinic.factory.slot(calendar_of(clinic), ten)
    await cancel(clinic, await taken(clinic, later))
    assert await busy.seen() == WAITING
    assert await too_early.seen() == offered(later)


async def test_notice_and_horizon_leave_a_time_to_everybody(clinic: Clinic) -> None:
    await clinic.factory.policy(minimum_notice_minutes=120, horizon_months=1, offer_minutes=1440)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    calendar = calendar_of(clinic)
    near = await clinic.factory.slot(calendar, now + timedelta(minutes=110))
    far = await clinic.factory.slot(calendar, tomorrow(days=45))
    fits = await clinic.factory.slot(calendar, now + timedelta(minutes=180))
    one = await waiter(clinic, **{"from": wire(now)})
    for slot in (near, far):
        await cancel(clinic, await taken(clinic, slot))
        assert (await one.seen(), await status(clinic, slot)) == (WAITING, "AVAILABLE")
    await cancel(clinic, await taken(clinic, fits))
    assert await one.seen() == offered(fits)
    expires_at = (await one.entry())["offerExpiresAt"]
    assert expires_at == wire(fits.starts_at - timedelta(minutes=120))


async def test_an_offer_in_closed_time_is_taken_back(clinic: Clinic) -> None:
    """Whoever it was offered to has not lost their place."""
    first, second = await waiter(clinic), await waiter(clinic)
    assert await freed(clinic, first, second) is first
    times = {"startsAt": wire(tomorrow(8)), "endsAt": wire(tomorrow(12))}
    calendar = {"calendarId": id_of(calendar_of(clinic))}
    await clinic.doctor.done("blockTime", "slots { id status }", **calendar, **times)
    assert (await first.seen(), await second.seen()) == (WAITING, WAITING)
    assert (await first.refused("acceptOffer"))["code"] == "OFFER_EXPIRED"
    (slot,) = await clinic.doctor.done("unblockTime", "slots { id status }", **calendar, **times)
    # What is answered is what is true after it was offered.
    assert slot["status"] == "HELD"
    assert (await first.seen(), await second.seen()) == (("OFFERED", slot["id"]), WAITING)
    exception = {"kind": "CLOSED", **times}
    await clinic.doctor.done(
        "addAvailabilityException", "exception { id }", **calendar, **exception
    )
    assert (await first.seen(), await second.seen()) == (WAITING, WAITING)
