"""Booking events: by patients and for guests, every refusal, and limits."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models import Appointment, Calendar, Claim, Role, Slot
from tests.api import Api
from tests.booking import ALTERNATIVES, CONFLICTING, REASON, calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import another_server
from tests.mails import Mails
from tests.occasions import (
    BOOKED,
    SLOTS,
    a_guest,
    an_event,
    booked,
    calendar_of_event,
    over,
    slots_of,
)
from tests.rivals import codes, held, line_up
from tests.rows import across, kept, unchanged

SHOWN = """
appointment {
  doctor { id } patient { id } guest { name email phone } attendee { name email phone }
  event { id } slot { id } slots { id } startsAt endsAt status version bookedBy { id }
  canCancelUntil history { status by { id } }
} manageToken
"""
FACTS = f"appointment {{ id }} {ALTERNATIVES} {REASON} {CONFLICTING}"
LIMIT = "appointment { id } errors { ... on BookingLimitReached { limit } }"


async def refused(api: Api, slot: str, **values: Any) -> dict[str, Any]:
    """The refusal of booking a slot."""
    return await api.refusal("bookEventSlot", FACTS, slotId=slot, **values)


async def test_a_guest_has_a_place_and_a_secret_to_manage_it(clinic: Clinic) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=60)
    event = await an_event(clinic.doctor)
    slot = event["calendar"]["slots"][0]
    guest = {"name": "Gil Guest", "email": "Gil@Mail.Example", "phone": "0612 345 678"}
    guest["phone"] = "+34612345678"
    payload = await clinic.public.act("bookEventSlot", SHOWN, slotId=slot["id"], guest=guest)
    assert payload["errors"] == []
    assert len(payload["manageToken"]) == 43
    kept_as = {**guest, "email": "gil@mail.example"}
    starts = datetime.fromisoformat(slot["startsAt"])
    assert payload["appointment"] == {
        "doctor": None,
        "patient": None,
        "guest": kept_as,
        "attendee": kept_as,
        "event": {"id": event["id"]},
        "slot": {"id": slot["id"]},
        "slots": [{"id": slot["id"]}],
        "startsAt": slot["startsAt"],
        "endsAt": slot["endsAt"],
        "status": "BOOKED",
        "version": 1,
        "bookedBy": None,
        "canCancelUntil": wire(starts - timedelta(hours=1)),
        "history": [{"status": "BOOKED", "by": None}],
    }
    (row,) = await kept(clinic.factory, Appointment)
    assert payload["manageToken"] not in str(row)
    (claim,) = await kept(clinic.factory, Claim)
    assert claim["lane"] == 0


async def test_a_patient_books_as_a_patient(clinic: Clinic) -> None:
    slot, other = slots_of(await an_event(clinic.doctor))
    patient = clinic.person(Role.PATIENT)
    payload = await clinic.patient.act("bookEventSlot", SHOWN, slotId=slot)
    assert (payload["errors"], payload["manageToken"]) == ([], None)
    shown = payload["appointment"]
    assert shown["patient"] == {"id": id_of(patient.patient)}
    assert shown["guest"] is None
    assert shown["attendee"]["email"] == patient.user.email
    assert shown["bookedBy"] == {"id": id_of(patient.user)}
    # Moved and cancelled as any appointment of theirs.
    mine = (await clinic.patient.ask("{ appointments { edges { node { id } } } }"))["appointments"]
    (id,) = (edge["node"]["id"] for edge in mine["edges"])
    moved = await clinic.patient.done(
        "rescheduleAppointment", "appointment { slot { id } }", appointmentId=id, slotId=other
    )
    assert moved == {"slot": {"id": other}}
    done = await clinic.patient.done(
        "cancelAppointment", "appointment { status }", appointmentId=id
    )
    assert done == {"status": "CANCELLED"}
    assert await kept(clinic.factory, Claim) == []


async def test_staff_book_for_a_guest_who_alone_gets_the_secret(
    clinic: Clinic, mails: Mails
) -> None:
    slot, _ = slots_of(await an_event(clinic.doctor))
    guest = a_guest()
    payload = await clinic.reception.act("bookEventSlot", SHOWN, slotId=slot, guest=guest)
    assert (payload["errors"], payload["manageToken"]) == ([], None)
    receptionist = id_of(clinic.person(Role.RECEPTIONIST).user)
    assert payload["appointment"]["bookedBy"] == {"id": receptionist}
    assert "#booking=" in (await mails.last(guest["email"])).body


@pytest.mark.parametrize(
    ("who", "values", "path"),
    [
        ("public", {}, ["guest"]),
        ("doctor", {}, ["guest"]),
        ("patient", {"guest": a_guest()}, ["guest"]),
        ("public", {"guest": a_guest(name=" ")}, ["guest", "name"]),
        ("public", {"guest": a_guest(email="nobody")}, ["guest", "email"]),
        ("public", {"guest": a_guest(phone="1")}, ["guest", "phone"]),
        ("public", {"guest": a_guest(), "idempotencyKey": "k" * 16}, ["idempotencyKey"]),
    ],
)
async def test_who_does_not_say_who_comes_is_refused(
    clinic: Clinic, who: str, values: dict[str, Any], path: list[str]
) -> None:
    slot, _ = slots_of(await an_event(clinic.doctor))
    async with unchanged(clinic.factory):
        refusal = await refused(getattr(clinic, who), slot, **values)
        assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", *path])


# ------------------------------------------------------------------------------- refusals


async def test_a_full_slot_is_taken_and_the_nearest_come_along(clinic: Clinic) -> None:
    """Also of an event that is further ahead than slots are made by themselves."""
    day = wire(tomorrow(days=300))[:10]
    later = {"startTime": "20:00", "endTime": "21:00"}
    event = await clinic.doctor.done(
        "createEvent", "event { id calendar { id } }", title="T", date=day, slots=[*SLOTS, later]
    )
    await clinic.doctor.done("publishEvent", "event { id }", eventId=event["id"])
    window = f'from: "{wire(tomorrow(0, days=299))}", to: "{wire(tomorrow(0, days=302))}"'
    calendar = await clinic.public.ask(
        f"query ($id: ID!) {{ calendar(id: $id) {{ slots({window}) {{ id }} }} }}",
        id=event["calendar"]["id"],
    )
    first, second, third = (slot["id"] for slot in calendar["calendar"]["slots"])
    await booked(clinic.public, second)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.public, second, guest=a_guest())
    assert refusal["code"] == "SLOT_TAKEN"
    assert refusal["alternatives"] == [{"id": first}, {"id": third}]


async def test_the_rules_bind_the_public_and_staff_may_let_late_comers_in(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, date=wire(tomorrow(days=1))[:10])
    slot, _ = slots_of(event)
    await clinic.factory.policy(minimum_notice_minutes=4 * 24 * 60)
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.public, slot, guest=a_guest())
        assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "TOO_SOON")
    await clinic.factory.policy(minimum_notice_minutes=0)
    await begun(clinic, event)
    async with unchanged(clinic.factory):
        for api in (clinic.public, clinic.patient):
            values = {} if api is clinic.patient else {"guest": a_guest()}
            refusal = await refused(api, slot, **values)
            assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "PAST")
    await booked(clinic.reception, slot)
    await over(clinic.factory, event)
    refusal = await refused(clinic.reception, slot, guest=a_guest())
    assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "PAST")


async def begun(clinic: Clinic, event: dict[str, Any]) -> None:
    """Let the first slot of an event have begun a moment ago."""
    async with across(clinic.factory) as connection:
        await connection.execute(
            text(
                "UPDATE slots SET starts_at = now() - interval '1 minute', "
                "ends_at = now() + interval '1 hour', hours_end_at = now() + interval '1 hour' "
                "WHERE id = :id"
            ),
            {"id": slots_of(event)[0].rpartition("_")[2]},
        )


async def test_before_it_is_published_nobody_books_it(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False)
    slot, _ = slots_of(event)
    async with unchanged(clinic.factory):
        for api in (clinic.doctor, clinic.admin):
            refusal = await refused(api, slot, guest=a_guest())
            assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "NOT_PUBLISHED")
        assert (await refused(clinic.public, slot, guest=a_guest()))["code"] == "NOT_FOUND"


async def test_a_patient_is_in_one_place(clinic: Clinic) -> None:
    slot = (await an_event(clinic.doctor))["calendar"]["slots"][0]
    begin = datetime.fromisoformat(slot["startsAt"])
    visit = await clinic.patient.done(
        "bookAppointment",
        "appointment { id }",
        slotId=id_of(await clinic.factory.slot(calendar_of(clinic), begin)),
    )
    async with unchanged(clinic.factory):
        refusal = await refused(clinic.patient, slot["id"])
    assert refusal["code"] == "PATIENT_BUSY"
    assert refusal["conflicting"] == {"id": visit["id"]}


# ------------------------------------------------------------------------------- limits


async def test_one_person_has_so_many_places(clinic: Clinic, mails: Mails) -> None:
    event = await an_event(clinic.doctor, perPersonLimit=2, slots=[{**SLOTS[0], "capacity": 9}])
    (slot,) = slots_of(event)
    guest = a_guest()
    first = await booked(clinic.public, slot, **guest)
    await booked(clinic.public, slot, **{**guest, "email": guest["email"].upper()})
    await mails.to(guest["email"], 2)
    before = await kept(clinic.factory, Appointment, Claim, Slot, Calendar)
    refusal = await clinic.public.refusal("bookEventSlot", LIMIT, slotId=slot, guest=guest)
    assert (refusal["code"], refusal["limit"]) == ("BOOKING_LIMIT_REACHED", 2)
    assert await kept(clinic.factory, Appointment, Claim, Slot, Calendar) == before
    # Whoever has the address is told, and finds both bookings there.
    told = await mails.to(guest["email"], 3)
    assert told[-1].subject == "An evening: you have booked already"
    assert told[-1].body.count("#booking=") == 2
    assert first["manageToken"] in told[-1].body
    await clinic.public.done(
        "cancelGuestBooking", "appointment { id }", manageToken=first["manageToken"]
    )
    await booked(clinic.public, slot, **guest)
    # Somebody else is somebody else, and so is the same address at another event.
    await booked(clinic.public, slot)
    await booked(clinic.public, slots_of(await an_event(clinic.doctor))[0], **guest)


async def test_a_patient_has_so_many_places(clinic: Clinic) -> None:
    slot, other = slots_of(await an_event(clinic.doctor))
    await clinic.patient.done("bookEventSlot", BOOKED, slotId=slot)
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal("bookEventSlot", LIMIT, slotId=other)
        assert (refusal["code"], refusal["limit"]) == ("BOOKING_LIMIT_REACHED", 1)


async def test_one_person_who_comes_twice_at_once_has_one_place(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, slots=[{**SLOTS[0], "capacity": 9}])
    (slot,) = slots_of(event)
    guest = a_guest()
    async with held(clinic.factory, await calendar_of_event(clinic.factory, event)):
        acts = await line_up(
            clinic.factory,
            *(clinic.public.act("bookEventSlot", BOOKED, slotId=slot, guest=guest) for _ in "12"),
        )
    assert codes([await act for act in acts]) == ["BOOKING_LIMIT_REACHED", "DONE"]
    assert len(await kept(clinic.factory, Appointment)) == 1


async def test_guests_book_only_so_often_with_one_address_and_from_one_network_address(
    clinic: Clinic, database_url: str
) -> None:
    slot, _ = slots_of(await an_event(clinic.doctor, slots=[{**SLOTS[0], "capacity": 9}, SLOTS[1]]))
    document = """mutation ($slot: ID!, $guest: GuestInput!) {
      bookEventSlot(input: {slotId: $slot, guest: $guest}) { errors { __typename } } }"""
    async with another_server(clinic.public, database_url, guest_bookings_per_address=2) as strict:
        for _ in range(2):
            answer = await strict.ask(document, slot=slot, guest=a_guest())
            assert answer["bookEventSlot"]["errors"] == []
        async with unchanged(clinic.factory):
            guest = a_guest()
            assert await strict.error_code(document, slot=slot, guest=guest) == "RATE_LIMITED"
        # Staff and patients are known, and not bound by it.
        patient = strict.signed_in(clinic.person(Role.PATIENT).token)
        await patient.done("bookEventSlot", BOOKED, slotId=slot)
        reception = strict.signed_in(clinic.person(Role.RECEPTIONIST).token)
        await booked(reception, slot)
