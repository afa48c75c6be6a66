"""What guests do with their bookings: seeing, moving and cancelling them by a secret, what every
other secret opens, and what they are told by mail."""

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from models import Appointment, Claim, NotificationKind, Role
from services.accounts import tokens
from tests.api import Api
from tests.booking import ALTERNATIVES, REASON
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.mails import Mails
from tests.occasions import (
    SLOTS,
    WINDOW,
    a_guest,
    an_event,
    booked,
    calendar_of_event,
    over,
    slots_of,
)
from tests.rivals import codes, held, line_up
from tests.rows import across, kept, unchanged

SEEN = """
query ($token: String!) { guestBooking(manageToken: $token) {
  id status version reason staffNotes bookedBy { id } patient { id } doctor { id } visitType { id }
  guest { name } attendee { name } event { title organizer { id } bookings { totalCount } }
  slot { id appointments { id } calendar { id } } slots { id } history { status note by { id } }
  rescheduledFrom { id } } }
"""
MOVED = f"appointment {{ id version slot {{ id }} }} {ALTERNATIVES} {REASON}"
CANCELLED = "appointment { id status cancellationReason }"
ACTS = {"rescheduleGuestBooking": MOVED, "cancelGuestBooking": CANCELLED}


async def seen(api: Api, token: str) -> dict[str, Any] | None:
    """The booking that a secret opens."""
    found: dict[str, Any] | None = (await api.ask(SEEN, token=token))["guestBooking"]
    return found


def given(act: str, token: str, slot: str) -> dict[str, str]:
    """What an act is given."""
    return {"manageToken": token} | ({"slotId": slot} if act == "rescheduleGuestBooking" else {})


async def told(clinic: Clinic, mails: Mails, slot: str) -> dict[str, Any]:
    """A guest's booking, of which they have been told."""
    guest = a_guest()
    made = await booked(clinic.public, slot, **guest)
    await mails.last(guest["email"])
    return made


async def moved(api: Api, token: str, slot: str) -> dict[str, Any]:
    """A booking after it was moved, or the refusal."""
    payload = await api.act("rescheduleGuestBooking", MOVED, manageToken=token, slotId=slot)
    shown: dict[str, Any] = (payload["errors"] or [payload["appointment"]])[0]
    return shown


# ------------------------------------------------------------------------------- with the secret


async def test_a_guest_sees_the_booking_and_nothing_around_it(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    slot, _ = slots_of(event)
    mine = await booked(clinic.public, slot, name="Gil")
    await booked(clinic.public, slot, name="Somebody else")
    note = {"appointmentId": mine["id"], "staffNotes": "Be kind"}
    await clinic.admin.done("checkInAppointment", "appointment { id }", **note)
    assert await seen(clinic.public, mine["manageToken"]) == {
        "id": mine["id"],
        "status": "CHECKED_IN",
        "version": 2,
        "reason": None,
        "staffNotes": None,
        "bookedBy": None,
        "patient": None,
        "doctor": None,
        "visitType": None,
        "guest": {"name": "Gil"},
        "attendee": {"name": "Gil"},
        "event": {"title": "An evening", "organizer": None, "bookings": {"totalCount": 0}},
        "slot": {"id": slot, "appointments": [], "calendar": {"id": event["calendar"]["id"]}},
        "slots": [{"id": slot}],
        "history": [
            {"status": "BOOKED", "note": None, "by": None},
            {"status": "CHECKED_IN", "note": None, "by": None},
        ],
        "rescheduledFrom": None,
    }
    # To somebody signed in who has the secret it opens the same, and none of the others.
    found = await seen(clinic.patient, mine["manageToken"])
    assert found is not None
    assert found["slot"]["appointments"] == [{"id": mine["id"]}]


async def test_a_guest_moves_and_cancels(clinic: Clinic, mails: Mails) -> None:
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    guest = a_guest(name="Gil\u2028Guest")
    mine = await booked(clinic.public, first, **guest)
    token = mine["manageToken"]
    await mails.last(guest["email"])
    assert await moved(clinic.public, token, second) == {
        "id": mine["id"],
        "version": 2,
        "slot": {"id": second},
    }
    (row,) = await kept(clinic.factory, Claim)
    assert row["lane"] == 0
    await mails.last(guest["email"], 2)
    reason = "My words"
    done = await clinic.public.done(
        "cancelGuestBooking", CANCELLED, manageToken=token, reason=reason
    )
    assert done == {"id": mine["id"], "status": "CANCELLED", "cancellationReason": reason}
    assert await kept(clinic.factory, Claim) == []
    found = await seen(clinic.public, token)
    assert found is not None
    assert [line["status"] for line in found["history"]] == ["BOOKED", "BOOKED", "CANCELLED"]
    sent = await mails.to(guest["email"], 3)
    title, link = "An evening", f"http://127.0.0.1:8000/e/{event['slug']}#booking={token}"
    assert [mail.subject for mail in sent] == [
        f"{title}: you have a place",
        f"{title}: you have another time",
        f"{title}: your place is cancelled",
    ]
    times = [shown(slot) for slot in event["calendar"]["slots"]]
    for mail, when in zip(sent, (times[0], times[1], times[1]), strict=True):
        assert f"\n{when}\nReference {mine['reference']}" in mail.body
        # What somebody says who books is not sent to whomever they name.
        assert "Gil" not in mail.body
        assert reason not in mail.body
    assert [link in mail.body for mail in sent] == [True, True, False]


def shown(slot: dict[str, Any]) -> str:
    """A time as a mail says it."""
    zone = ZoneInfo("Europe/Madrid")
    starts, ends = (
        datetime.fromisoformat(slot[name]).astimezone(zone) for name in ("startsAt", "endsAt")
    )
    day = f"{starts:%A}, {starts.day} {starts:%B %Y}"
    return f"{day}, {starts:%H:%M} to {ends:%H:%M} (Europe/Madrid)"


async def test_the_organizer_moves_and_cancels_for_a_guest_who_is_told(
    clinic: Clinic, mails: Mails
) -> None:
    first, second = slots_of(await an_event(clinic.doctor))
    guest = a_guest()
    mine = {"appointmentId": (await booked(clinic.public, first, **guest))["id"]}
    async with unchanged(clinic.factory):
        for act, values in (
            ("cancelAppointment", {}),
            ("rescheduleAppointment", {"slotId": second}),
        ):
            payload = await clinic.reception.act(act, "appointment { id }", **mine, **values)
            assert codes([payload]) == ["NOT_FOUND"]
    await clinic.doctor.done("rescheduleAppointment", "appointment { id }", **mine, slotId=second)
    # Cancelled before, it would not be told: that is not so any more.
    await mails.to(guest["email"], 2)
    await clinic.admin.done("cancelAppointment", "appointment { id }", **mine)
    assert (await mails.last(guest["email"], 3)).subject == "An evening: your place is cancelled"


async def test_no_mail_tells_what_is_not_so_any_more(clinic: Clinic, mails: Mails) -> None:
    """A confirmation that is tried again after the booking was cancelled is forgotten."""
    mine = await told(clinic, mails, slots_of(await an_event(clinic.doctor))[0])
    (confirmation,) = await mails.rows()
    await clinic.public.done("cancelGuestBooking", CANCELLED, manageToken=mine["manageToken"])
    await mails.last(confirmation.recipient, 2)
    async with across(clinic.factory) as connection:
        await connection.execute(
            text("UPDATE notifications SET status = 'FAILED' WHERE id = :id"),
            {"id": confirmation.id},
        )
    again = {"notificationId": id_of(confirmation)}
    await clinic.admin.done("retryNotification", "notification { id }", **again)
    async with asyncio.timeout(30):
        while len(await mails.rows()) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await mails.rows())[0].kind is NotificationKind.GUEST_CANCELLED


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("act", ACTS)
async def test_after_the_last_moment_nothing_is_changed(clinic: Clinic, act: str) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=5 * 24 * 60)
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    mine = await booked(clinic.public, first)
    values = given(act, mine["manageToken"], second)
    async with unchanged(clinic.factory):
        facts = f"{ACTS[act]} errors {{ ... on CancellationClosed {{ closedAt }} }}"
        refusal = await clinic.public.refusal(act, facts, **values)
    starts = datetime.fromisoformat(event["calendar"]["slots"][0]["startsAt"])
    assert refusal["code"] == "CANCELLATION_CLOSED"
    assert refusal["closedAt"] < wire(starts)


@pytest.mark.parametrize("act", ACTS)
async def test_what_is_cancelled_is_not_changed_any_more(
    clinic: Clinic, mails: Mails, act: str
) -> None:
    first, second = slots_of(await an_event(clinic.doctor))
    mine = await told(clinic, mails, first)
    await clinic.public.done("cancelGuestBooking", CANCELLED, manageToken=mine["manageToken"])
    async with unchanged(clinic.factory):
        values = given(act, mine["manageToken"], second)
        refusal = await clinic.public.refusal(act, ACTS[act], **values)
        assert refusal["code"] == "INVALID_TRANSITION"


async def test_a_booking_moves_to_a_free_slot_of_its_event_and_nowhere_else(
    clinic: Clinic,
) -> None:
    event = await an_event(
        clinic.doctor, slots=[*SLOTS, {"startTime": "20:00", "endTime": "21:00"}]
    )
    first, second, third = slots_of(event)
    other = slots_of(await an_event(clinic.doctor))[0]
    free = id_of(await clinic.factory.slot(clinic.person(Role.DOCTOR).calendar, tomorrow()))
    mine = await booked(clinic.public, first)
    await booked(clinic.public, second)
    token = mine["manageToken"]
    async with unchanged(clinic.factory):
        for slot in (other, free):
            assert (await moved(clinic.public, token, slot))["code"] == "NOT_FOUND"
        assert (await moved(clinic.public, token, first))["code"] == "INVALID_INPUT"
        refusal = await moved(clinic.public, token, second)
        assert refusal["code"] == "SLOT_TAKEN"
        assert refusal["alternatives"] == [{"id": first}, {"id": third}]
    await clinic.doctor.done("unpublishEvent", "event { id }", eventId=event["id"])
    async with unchanged(clinic.factory):
        refusal = await moved(clinic.public, token, third)
        assert (refusal["code"], refusal["reason"]) == ("NOT_BOOKABLE", "NOT_PUBLISHED")
    # What is booked stays the guest's own to see and to cancel, and nothing around it.
    assert await seen(clinic.public, token) is not None
    around = f'slots(from: "{WINDOW["from"]}", to: "{WINDOW["to"]}") {{ id }}'
    found = await clinic.public.ask(
        f"query ($token: String!) {{ guestBooking(manageToken: $token) {{ "
        f"slot {{ id calendar {{ {around} }} }} }} }}",
        token=token,
    )
    assert found["guestBooking"]["slot"] == {"id": first, "calendar": {"slots": []}}
    await clinic.public.done("cancelGuestBooking", CANCELLED, manageToken=token)


async def test_of_two_who_move_to_the_last_place_one_gets_it(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    guests = [await booked(clinic.public, first) for _ in range(2)]
    async with held(clinic.factory, await calendar_of_event(clinic.factory, event)):
        acts = await line_up(
            clinic.factory,
            *(
                clinic.public.act(
                    "rescheduleGuestBooking", MOVED, manageToken=one["manageToken"], slotId=second
                )
                for one in guests
            ),
        )
    assert codes([await act for act in acts]) == ["DONE", "SLOT_TAKEN"]
    slots = sorted(row["slot_id"] for row in await kept(clinic.factory, Appointment))
    assert len(slots) == len(set(slots)) == 2


# ------------------------------------------------------------------------------- other secrets


async def test_every_other_secret_is_answered_alike_and_opens_nothing(
    clinic: Clinic, mails: Mails
) -> None:
    """One that was made up, one of a booking whose event is over, one of another kind."""
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    mine = await told(clinic, mails, first)
    past = await an_event(clinic.doctor)
    late = await told(clinic, mails, slots_of(past)[0])
    await over(clinic.factory, past)
    config = clinic.factory.config
    key = (await kept(clinic.factory, Appointment))[0]["id"]
    wrong = [
        tokens.new_secret(),
        late["manageToken"],
        mine["manageToken"][:-1],
        mine["manageToken"] + "A",
        mine["manageToken"].swapcase(),
        "",
        "x" * 20_000,
        "ñ☀",
        tokens.mailed_secret(config, UUID(key)),
    ]
    async with unchanged(clinic.factory):
        answers = {json.dumps(await clinic.public.send(SEEN, token=token)) for token in wrong}
        assert answers == {'{"data": {"guestBooking": null}}'}
        for act, fields in ACTS.items():
            payloads = {
                json.dumps(await clinic.public.act(act, fields, **given(act, token, second)))
                for token in wrong
            }
            (payload,) = payloads
            assert json.loads(payload) == {
                "appointment": None,
                "errors": [
                    {
                        "__typename": "InvalidToken",
                        "message": "This token is not valid, or not any more.",
                        "code": "INVALID_TOKEN",
                        "path": ["input", "manageToken"],
                    }
                ],
            }


async def test_one_secret_to_an_operation(clinic: Clinic) -> None:
    document = """mutation ($token: String!) {
      a: cancelGuestBooking(input: {manageToken: $token}) { errors { __typename } }
      b: cancelGuestBooking(input: {manageToken: $token}) { errors { __typename } } }"""
    answer = await clinic.public.send(document, token=tokens.new_secret())
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_REJECTED"
