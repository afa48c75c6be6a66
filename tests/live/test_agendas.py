"""The viewer's own appointments, live: a patient's with any doctor, a doctor's with any patient."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from gql import gql
from gql.transport.exceptions import TransportQueryError
from sqlalchemy import text

from models import Agenda as AgendaRow
from models import Role
from tests.api import Api
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.live.event_streams import events
from tests.live.views import PATIENCE, another_server, token_for
from tests.rivals import held, line_up
from tests.rows import across, kept
from tests.visits import let_begin

CHANGES = """
subscription ($after: Cursor) {
  appointmentChanges(after: $after) {
    reset cursor previousCursor removedIds
    appointments { id status version startsAt reason staffNotes doctor { id } patient { id } }
  }
}
"""
LIST = """
query { appointments(first: 50) { edges { node {
  id status version startsAt reason staffNotes doctor { id } patient { id } } } } }
"""


class Agenda:
    """What a client shows: appointments by id, and no gaps."""

    def __init__(self, updates: AsyncIterator[dict[str, Any]]) -> None:
        self.updates = updates
        self.shown: dict[str, dict[str, Any]] = {}
        self.cursor: str | None = None

    async def next(self) -> dict[str, Any]:
        """The next update, applied."""
        answer = await asyncio.wait_for(anext(self.updates), PATIENCE)
        update: dict[str, Any] = answer["appointmentChanges"]
        if update["reset"]:
            self.shown = {}
            assert (update["previousCursor"], update["removedIds"]) == (None, [])
        elif self.cursor is not None:
            assert update["previousCursor"] == self.cursor
        for appointment in update["appointments"]:
            known = self.shown.get(appointment["id"])
            assert known is None or known["version"] < appointment["version"]
            self.shown[appointment["id"]] = appointment
        for id in update["removedIds"]:
            self.shown.pop(id, None)
        self.cursor = update["cursor"]
        return update


@asynccontextmanager
async def agenda(api: Api, after: str | None = None) -> AsyncIterator[Agenda]:
    """The live view of somebody's appointments."""
    async with api.socket() as session:
        request = gql(CHANGES)
        request.variable_values = {"after": after}
        updates = session.subscribe(request)
        try:
            yield Agenda(updates)
        finally:
            await updates.aclose()


async def listed(api: Api) -> dict[str, dict[str, Any]]:
    """What a query shows of the same."""
    found = await api.ask(LIST)
    return {edge["node"]["id"]: edge["node"] for edge in found["appointments"]["edges"]}


async def change(api: Api, mutation: str, appointment: dict[str, Any], **values: Any) -> None:
    """Do something to an appointment, which must succeed."""
    await api.done(mutation, "appointment { id }", appointmentId=appointment["id"], **values)


async def test_patient_and_doctor_see_every_step(clinic: Clinic) -> None:
    calendar = calendar_of(clinic)
    slots = [await clinic.factory.slot(calendar, tomorrow(hour)) for hour in (9, 10)]
    async with agenda(clinic.patient) as patient, agenda(clinic.doctor) as doctor:
        for view in (patient, doctor):
            first = await view.next()
            assert (first["reset"], first["appointments"]) == (True, [])
        booked = await book(clinic.patient, slots[0], reason="A cough")
        for step, api, values in (
            ("", clinic.patient, {}),
            ("rescheduleAppointment", clinic.patient, {"slotId": id_of(slots[1])}),
            ("updateAppointment", clinic.reception, {"staffNotes": "Bring the file"}),
            ("checkInAppointment", clinic.reception, {}),
            ("completeAppointment", clinic.doctor, {}),
        ):
            if step == "completeAppointment":
                await let_begin(clinic.factory, booked["id"])
            if step:
                await change(api, step, booked, **values)
            for view, person in ((patient, clinic.patient), (doctor, clinic.doctor)):
                update = await view.next()
                assert len(update["appointments"]) == 1
                assert view.shown == await listed(person)
        # Each is shown what they may read, and no more.
        assert patient.shown[booked["id"]]["staffNotes"] is None
        assert doctor.shown[booked["id"]]["staffNotes"] == "Bring the file"


async def test_a_patient_sees_all_doctors_and_nobody_sees_what_is_not_theirs(
    clinic: Clinic,
) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    stranger = await clinic.factory.person(Role.PATIENT)
    mine = await clinic.factory.slot(calendar_of(clinic), tomorrow(9))
    theirs = await clinic.factory.slot(other.calendar, tomorrow(10))
    async with (
        agenda(clinic.patient) as patient,
        agenda(clinic.doctor) as doctor,
        agenda(clinic.public.signed_in(stranger.token)) as nobody,
    ):
        for view in (patient, doctor, nobody):
            await view.next()
        first = await book(clinic.reception, mine, patientId=patient_id(clinic))
        assert [a["id"] for a in (await patient.next())["appointments"]] == [first["id"]]
        second = await book(clinic.reception, theirs, patientId=patient_id(clinic))
        assert [a["id"] for a in (await patient.next())["appointments"]] == [second["id"]]
        assert [a["id"] for a in (await doctor.next())["appointments"]] == [first["id"]]
        # Had the other's been told to the doctor, it would come before this one.
        await change(clinic.reception, "cancelAppointment", first)
        assert [a["status"] for a in (await doctor.next())["appointments"]] == ["CANCELLED"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(nobody.updates), 0.3)


async def test_an_appointment_that_moves_to_another_doctor_leaves_one_agenda_for_the_other(
    clinic: Clinic,
) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    here = await clinic.factory.slot(calendar_of(clinic), tomorrow(9))
    there = await clinic.factory.slot(other.calendar, tomorrow(10))
    booked = await book(clinic.patient, here)
    async with (
        agenda(clinic.doctor) as old,
        agenda(clinic.public.signed_in(other.token)) as new,
        agenda(clinic.patient) as patient,
    ):
        for view in (old, new, patient):
            await view.next()
        left_with = old.cursor
        await change(clinic.reception, "rescheduleAppointment", booked, slotId=id_of(there))
        gone = await old.next()
        assert (gone["appointments"], gone["removedIds"]) == ([], [booked["id"]])
        assert [a["id"] for a in (await new.next())["appointments"]] == [booked["id"]]
        moved = await patient.next()
        assert [a["doctor"]["id"] for a in moved["appointments"]] == [id_of(other.doctor)]
        # What happens to it from now on is none of the old doctor's business.
        await change(clinic.reception, "cancelAppointment", booked)
        assert [a["status"] for a in (await new.next())["appointments"]] == ["CANCELLED"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(old.updates), 0.3)
    # Who was away hears that it left, too.
    async with agenda(clinic.doctor, left_with) as back:
        missed = await back.next()
        assert (missed["reset"], missed["appointments"]) == (False, [])
        assert missed["removedIds"] == [booked["id"]]


async def test_who_comes_back_gets_exactly_what_was_missed(clinic: Clinic) -> None:
    slots = [await clinic.factory.slot(calendar_of(clinic), tomorrow(h)) for h in (9, 10, 11)]
    kept = await book(clinic.patient, slots[0])
    changed = await book(clinic.patient, slots[1])
    async with agenda(clinic.patient) as view:
        await view.next()
        assert set(view.shown) == {kept["id"], changed["id"]}
    await change(clinic.reception, "checkInAppointment", changed)
    await change(clinic.reception, "updateAppointment", changed, staffNotes="Late")
    made = await book(clinic.patient, slots[2])
    async with agenda(clinic.patient, view.cursor) as back:
        back.shown, back.cursor = view.shown, view.cursor
        missed = await back.next()
        assert missed["reset"] is False
        assert [a["id"] for a in missed["appointments"]] == [changed["id"], made["id"]]
        assert back.shown == await listed(clinic.patient)
    async with agenda(clinic.patient, back.cursor) as again:
        nothing = await again.next()
        assert (nothing["reset"], nothing["appointments"]) == (False, [])


async def test_a_foreign_cursor_shows_everything(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(9))
    booked = await book(clinic.patient, slot)
    async with agenda(clinic.doctor) as doctor:
        foreign = (await doctor.next())["cursor"]
    async with agenda(clinic.patient, foreign) as patient:
        first = await patient.next()
    assert (first["reset"], [a["id"] for a in first["appointments"]]) == (True, [booked["id"]])
    async with agenda(clinic.patient, "no cursor") as view:
        with pytest.raises(TransportQueryError):
            await view.next()


async def test_what_was_over_a_day_ago_is_not_in_the_picture(clinic: Clinic) -> None:
    slots = [await clinic.factory.slot(calendar_of(clinic), tomorrow(h)) for h in (9, 10, 11)]
    booked = [await book(clinic.patient, slot) for slot in slots]
    began = text("UPDATE appointments SET starts_at = :at, ends_at = :ended WHERE id = :it")
    ended = [datetime.now(UTC) - timedelta(hours=hours) for hours in (23, 25)]
    async with across(clinic.factory) as connection:
        for one, at in zip(booked, ended, strict=False):
            values = {
                "at": at - timedelta(hours=1),
                "ended": at,
                "it": UUID(one["id"].partition("_")[2]),
            }
            await connection.execute(began, values)
    async with agenda(clinic.patient) as view:
        await view.next()
        assert set(view.shown) == {booked[0]["id"], booked[2]["id"]}


async def test_only_who_has_appointments_watches_them(clinic: Clinic) -> None:
    for api, code in (
        (clinic.public, "UNAUTHENTICATED"),
        (clinic.reception, "FORBIDDEN"),
        (clinic.admin, "FORBIDDEN"),
    ):
        async with agenda(api) as view:
            with pytest.raises(TransportQueryError) as refused:
                await view.next()
        (error,) = refused.value.errors or []
        assert error["extensions"]["code"] == code


async def test_it_ends_with_its_token(clinic: Clinic) -> None:
    short = clinic.public.signed_in(token_for(2, str(clinic.patient.token)))
    async with agenda(short) as view:
        await view.next()
        with pytest.raises(TransportQueryError) as ended:
            await view.next()
    (error,) = ended.value.errors or []
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_other_organizations_do_not_meet(clinic: Clinic) -> None:
    other = await elsewhere(clinic)
    doctor, patient = await other.person(Role.DOCTOR), await other.person(Role.PATIENT)
    there = Api(clinic.public.url, clinic.public.http, other.organization.slug, doctor.token)
    slot = await other.slot(doctor.calendar, tomorrow(9))
    async with agenda(there) as view, agenda(clinic.doctor) as mine:
        await view.next()
        await mine.next()
        await book(there.signed_in(patient.token), slot)
        assert len((await view.next())["appointments"]) == 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(mine.updates), 0.3)


async def test_it_is_told_by_another_server_and_as_events(
    clinic: Clinic, database_url: str
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(9))
    async with another_server(clinic.patient, database_url, sweep_seconds=3600.0) as there:
        async with events(there, CHANGES) as stream, agenda(there) as view:
            await view.next()
            first = await stream.next()
            assert first is not None
            assert first.id == view.cursor
            booked = await book(clinic.patient, slot)
            update = await view.next()
            event = await stream.next()
            assert event is not None
            assert event.data["data"]["appointmentChanges"] == update
            assert [a["id"] for a in update["appointments"]] == [booked["id"]]
        again = {"Last-Event-ID": str(first.id)}
        async with events(there, CHANGES, **again) as back:
            missed = await back.next()
            assert missed is not None
            assert missed.data["data"]["appointmentChanges"] == update


async def test_a_change_that_nobody_told_of_is_found(clinic: Clinic, database_url: str) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(9))
    booked = await book(clinic.patient, slot)
    # It hears no hint of the others: memory:// ends at its own process, and this is another's.
    async with (
        another_server(clinic.patient, database_url, broadcast_url="memory://") as alone,
        agenda(alone) as view,
    ):
        await view.next()
        await change(clinic.reception, "cancelAppointment", booked)
        assert [a["status"] for a in (await view.next())["appointments"]] == ["CANCELLED"]


async def test_two_who_meet_in_both_agendas_do_not_wait_for_each_other_for_ever(
    clinic: Clinic,
) -> None:
    other = await clinic.factory.person(Role.DOCTOR)
    patients = [await clinic.factory.patient() for _ in range(2)]
    slots = [await clinic.factory.slot(calendar_of(clinic), tomorrow(h)) for h in (9, 10)]
    there = [await clinic.factory.slot(other.calendar, tomorrow(h)) for h in (11, 12)]
    booked = [
        await book(clinic.reception, slot, patientId=id_of(patient))
        for slot, patient in zip(slots, patients, strict=True)
    ]
    moves = [
        clinic.reception.act(
            "rescheduleAppointment",
            "appointment { id }",
            appointmentId=one["id"],
            slotId=id_of(slot),
        )
        for one, slot in zip(booked, there, strict=True)
    ]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *moves)
    assert [done["errors"] for done in await asyncio.gather(*tasks)] == [[], []]
    kept_agendas = await kept(clinic.factory, AgendaRow)
    assert other.doctor is not None
    assert [a["revision"] for a in kept_agendas if a["id"] == str(other.doctor.id)] == [2]
