"""Cancelling a series: what is meant, what stays and why, and who meets whom."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from models import Appointment, Calendar, Role, Slot
from tests.api import Api
from tests.booking import book, calendar_of
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow
from tests.rivals import codes, held, line_up
from tests.rows import across, kept, unchanged
from tests.series import a_series, cancel_series, weekly
from tests.visits import let_begin

MOVE = "rescheduleAppointment"
DONE = "appointment { id }"


async def statuses(clinic: Clinic, ids: list[str]) -> list[str]:
    """Where each appointment stands."""
    rows = {UUID(row["id"]): row["status"] for row in await kept(clinic.factory, Appointment)}
    return [rows[UUID(id.rpartition("_")[2])] for id in ids]


async def revisions(clinic: Clinic, *calendars: Calendar) -> list[int]:
    """How often each calendar has changed."""
    rows = {UUID(row["id"]): row["revision"] for row in await kept(clinic.factory, Calendar)}
    return [rows[calendar.id] for calendar in calendars]


async def refused(
    clinic: Clinic, api: Api, appointment_id: str, scope: str, **values: Any
) -> tuple[str, list[str]]:
    """Code and path of the refusal, which must change nothing."""
    async with unchanged(clinic.factory):
        refusal = await api.refusal(
            "cancelSeries",
            "cancelled { id } kept { reason }",
            appointmentId=appointment_id,
            scope=scope,
            **values,
        )
    return refusal["code"], refusal["path"]


async def moved(clinic: Clinic, id: str, starts_at: datetime) -> tuple[Person, Slot]:
    """Move an appointment to another doctor."""
    other = await clinic.factory.person(Role.DOCTOR)
    slot = await clinic.factory.slot(other.calendar, starts_at)
    await clinic.reception.done(MOVE, DONE, appointmentId=id, slotId=id_of(slot))
    return other, slot


# --------------------------------------------------------------------- what is meant


@pytest.mark.parametrize(
    ("scope", "gone"), [("THIS", {1}), ("FOLLOWING", {1, 2, 3}), ("ALL", {0, 1, 2, 3})]
)
async def test_what_is_meant_is_cancelled_at_once(
    clinic: Clinic, scope: str, gone: set[int]
) -> None:
    slots = await weekly(clinic, 4)
    ids = await a_series(clinic.patient, slots[0], 4)
    payload = await cancel_series(clinic.patient, ids[1], scope, reason="Away", expectedVersion=1)
    said = {"status": "CANCELLED", "version": 2, "cancellationReason": "Away"}
    assert payload == {
        "cancelled": [{"id": ids[n], **said} for n in sorted(gone)],
        "kept": [],
        "errors": [],
    }
    expected = ["CANCELLED" if n in gone else "BOOKED" for n in range(4)]
    assert await statuses(clinic, ids) == expected
    assert await revisions(clinic, calendar_of(clinic)) == [2]
    seen = await clinic.public.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { status version } } }",
        ids=[id_of(slot) for slot in slots],
    )
    free, taken = {"status": "AVAILABLE", "version": 2}, {"status": "BOOKED", "version": 1}
    assert seen["nodes"] == [free if n in gone else taken for n in range(4)]
    notes = await clinic.patient.ask(
        "query ($id: ID!) { node(id: $id) { ... on Appointment { history { status note } } } }",
        id=ids[1],
    )
    assert notes["node"]["history"] == [
        {"status": "BOOKED", "note": None},
        {"status": "CANCELLED", "note": "Away"},
    ]


async def test_an_appointment_that_moved_is_where_it_is_now(clinic: Clinic) -> None:
    slots = await weekly(clinic, 4)
    ids = await a_series(clinic.patient, slots[0], 4)
    # The third is before the second now, with another doctor, and the last is still the last.
    _, early = await moved(clinic, ids[2], slots[1].starts_at - timedelta(days=1))
    other, late = await moved(clinic, ids[3], slots[3].starts_at + timedelta(days=1))
    payload = await cancel_series(clinic.patient, ids[1], "FOLLOWING")
    assert [one["id"] for one in payload["cancelled"]] == [ids[1], ids[3]]
    assert await statuses(clinic, ids) == ["BOOKED", "CANCELLED", "BOOKED", "CANCELLED"]
    # Booked, left twice and changed once; entered and changed once.
    assert await revisions(clinic, calendar_of(clinic), other.calendar) == [4, 2]
    await book(clinic.reception, late, patientId=id_of(await clinic.factory.patient()))
    payload = await cancel_series(clinic.patient, ids[2], "ALL")
    assert [one["id"] for one in payload["cancelled"]] == [ids[0], ids[2]]
    await book(clinic.reception, early, patientId=id_of(await clinic.factory.patient()))


async def test_a_doctor_cancels_of_a_series_what_is_the_doctors(clinic: Clinic) -> None:
    slots = await weekly(clinic, 3)
    ids = await a_series(clinic.patient, slots[0], 3)
    other, _ = await moved(clinic, ids[1], slots[1].starts_at + timedelta(days=1))
    colleague = clinic.public.signed_in(other.token)
    assert await refused(clinic, colleague, ids[0], "ALL") == (
        "NOT_FOUND",
        ["input", "appointmentId"],
    )
    payload = await cancel_series(colleague, ids[1], "ALL")
    assert [one["id"] for one in payload["cancelled"]] == [ids[1]]
    payload = await cancel_series(clinic.doctor, ids[0], "ALL")
    assert [one["id"] for one in payload["cancelled"]] == [ids[0], ids[2]]


async def test_from_one_that_is_cancelled_already_the_following_go(clinic: Clinic) -> None:
    slots = await weekly(clinic, 3)
    ids = await a_series(clinic.patient, slots[0], 3)
    await cancel_series(clinic.patient, ids[0], "THIS")
    payload = await cancel_series(clinic.patient, ids[0], "FOLLOWING")
    assert [one["id"] for one in payload["cancelled"]] == ids[1:]
    assert payload["kept"] == []


# --------------------------------------------------------------------- what stays


async def test_what_is_too_late_for_the_patient_stays_and_is_named(clinic: Clinic) -> None:
    slots = await weekly(clinic, 3)
    await clinic.factory.policy(cancellation_notice_minutes=3 * 24 * 60)
    ids = await a_series(clinic.patient, slots[0], 3)
    refusal = await refused(clinic, clinic.patient, ids[0], "THIS")
    assert refusal == ("CANCELLATION_CLOSED", ["input", "appointmentId"])
    payload = await cancel_series(clinic.patient, ids[0], "ALL")
    assert [one["id"] for one in payload["cancelled"]] == ids[1:]
    late = [{"appointment": {"id": ids[0]}, "reason": "CANCELLATION_CLOSED"}]
    assert payload["kept"] == late
    # Nothing else is left that could be.
    assert (await refused(clinic, clinic.patient, ids[0], "ALL"))[0] == "CANCELLATION_CLOSED"
    payload = await cancel_series(clinic.reception, ids[0], "THIS")
    assert [one["id"] for one in payload["cancelled"]] == [ids[0]]


async def test_what_has_begun_or_is_over_stays(clinic: Clinic) -> None:
    slots = await weekly(clinic, 5)
    ids = await a_series(clinic.patient, slots[0], 5)
    await let_begin(clinic.factory, ids[0])
    await clinic.doctor.done("completeAppointment", DONE, appointmentId=ids[0])
    await let_begin(clinic.factory, ids[1])
    await clinic.reception.done("markNoShow", DONE, appointmentId=ids[1])
    await let_begin(clinic.factory, ids[2])
    payload = await cancel_series(clinic.reception, ids[4], "ALL")
    assert [one["id"] for one in payload["cancelled"]] == ids[3:]
    assert {one["appointment"]["id"]: one["reason"] for one in payload["kept"]} == {
        ids[0]: "NOT_OPEN",
        ids[1]: "NOT_OPEN",
        ids[2]: "BEGUN",
    }
    transition = "INVALID_TRANSITION", ["input", "appointmentId"]
    for id, scope in ((ids[0], "THIS"), (ids[2], "ALL"), (ids[4], "ALL"), (ids[4], "FOLLOWING")):
        assert await refused(clinic, clinic.reception, id, scope) == transition
    # That one alone, staff cancel as any other.
    payload = await cancel_series(clinic.reception, ids[2], "THIS")
    assert [one["id"] for one in payload["cancelled"]] == [ids[2]]


async def test_what_is_no_series_and_what_changed_meanwhile_is_refused(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    ids = await a_series(clinic.patient, slots[0], 2)
    alone = await book(clinic.patient, await clinic.factory.slot(calendar_of(clinic), tomorrow(20)))
    where = ["input", "appointmentId"]
    for scope in ("THIS", "ALL"):
        found = await refused(clinic, clinic.patient, alone["id"], scope)
        assert found == ("INVALID_INPUT", where)
    stranger = clinic.public.signed_in((await clinic.factory.person(Role.PATIENT)).token)
    assert await refused(clinic, stranger, ids[0], "ALL") == ("NOT_FOUND", where)
    await clinic.reception.done(
        "updateAppointment", DONE, appointmentId=ids[0], staffNotes="Call back"
    )
    found = await refused(clinic, clinic.patient, ids[0], "ALL", expectedVersion=1)
    assert found == ("STALE_VERSION", ["input", "expectedVersion"])
    found = await refused(clinic, clinic.patient, ids[0], "ALL", reason="bell \a")
    assert found == ("INVALID_INPUT", ["input", "reason"])


# --------------------------------------------------------------------- who meets whom


async def test_two_who_cancel_one_series_do_not_wait_for_each_other_for_ever(
    clinic: Clinic,
) -> None:
    slots = await weekly(clinic, 6)
    ids = await a_series(clinic.patient, slots[0], 6)
    for n in (1, 4):
        await moved(clinic, ids[n], slots[n].starts_at + timedelta(days=1))
    payloads = await asyncio.gather(
        *(cancel_series(clinic.reception, id, "ALL") for id in ids), return_exceptions=False
    )
    assert codes(payloads) == ["DONE", *["INVALID_TRANSITION"] * 5]
    assert await statuses(clinic, ids) == ["CANCELLED"] * 6


async def test_whoever_cancels_a_series_waits_with_nothing_in_hand(clinic: Clinic) -> None:
    """Whichever appointment is named: they are locked in one order, or two would meet crosswise."""
    slots = await weekly(clinic, 3)
    await a_series(clinic.patient, slots[0], 3)
    async with clinic.factory.database.reading(clinic.factory.organization.id) as session:
        first, *_, last = await session.rows(select(Appointment).order_by(Appointment.id))
    async with held(clinic.factory, first):
        cancel = cancel_series(clinic.patient, id_of(last), "ALL")
        (task,) = await line_up(clinic.factory, cancel)
        async with across(clinic.factory) as connection:
            lock = text("SELECT FROM appointments WHERE id = :id FOR UPDATE NOWAIT")
            await connection.execute(lock, {"id": last.id})
    assert codes([await task]) == ["DONE"]


async def test_of_a_move_and_the_end_of_a_series_both_are_done_in_their_order(
    clinic: Clinic,
) -> None:
    slots = await weekly(clinic, 3)
    ids = await a_series(clinic.patient, slots[0], 3)
    other = await clinic.factory.person(Role.DOCTOR)
    there = await clinic.factory.slot(other.calendar, slots[1].starts_at)
    move = clinic.reception.act(MOVE, DONE, appointmentId=ids[1], slotId=id_of(there))
    async with held(clinic.factory, calendar_of(clinic)):
        # The move holds its appointment while it waits; what follows finds it where it went.
        tasks = await line_up(clinic.factory, move, cancel_series(clinic.patient, ids[0], "ALL"))
    first, second = await asyncio.gather(*tasks)
    assert first["errors"] == []
    assert [one["id"] for one in second["cancelled"]] == ids
    assert await revisions(clinic, calendar_of(clinic), other.calendar) == [3, 2]
    async with across(clinic.factory) as connection:
        claims = "SELECT count(*) FROM claims WHERE organization_id = :id"
        left = await connection.execute(text(claims), {"id": clinic.factory.organization.id})
    assert left.scalar_one() == 0
