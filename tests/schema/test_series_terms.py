"""On what terms series are booked: for whom, how many, how often, and once for each key."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from models import AppointmentSeries, IdempotencyKey, Role, SeriesOccurrence
from tests.booking import book, calendar_of, elsewhere, patient_id, treat
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rows import across, kept, unchanged
from tests.series import a_series, book_series, obstacles, refused, weekly
from tests.trails import trail
from tests.waiting import overdue

KEY = "0123456789abcdef"


async def denied(clinic: Clinic, api: Any, slot_id: str, **values: Any) -> tuple[str, list[str]]:
    """Code and path of the refusal of what is no series, which must change nothing."""
    given = {"recurrence": {"count": 2}, **values}
    async with unchanged(clinic.factory):
        refusal = await api.refusal("bookSeries", "series { id }", slotId=slot_id, **given)
    return refusal["code"], refusal["path"]


# --------------------------------------------------------------------- the patient's own limits


async def test_a_limit_of_open_appointments_counts_all_of_a_series(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=3)
    slots = await weekly(clinic, 4)
    await book(clinic.patient, await clinic.factory.slot(calendar_of(clinic), tomorrow(20)))
    found = await refused(clinic, clinic.patient, slots[0], 4, onConflict="SUGGEST")
    assert obstacles(found) == [None, None, "BOOKING_LIMIT_REACHED", "BOOKING_LIMIT_REACHED"]
    assert all(one["alternatives"] == [] for one in found)
    payload = await book_series(clinic.patient, slots[0], 4, onConflict="SKIP")
    assert len(payload["series"]["appointments"]) == 2
    assert obstacles(payload["occurrences"]) == obstacles(found)
    # Staff are not bound by it.
    await a_series(clinic.reception, slots[2], 2, patientId=patient_id(clinic))


async def test_what_cannot_be_booked_anyway_does_not_count(clinic: Clinic) -> None:
    await clinic.factory.policy(max_open_appointments_per_patient=3)
    slots = await weekly(clinic, 4)
    await book(clinic.reception, slots[0], patientId=id_of(await clinic.factory.patient()))
    other = await clinic.factory.person(Role.DOCTOR)
    away = await clinic.factory.slot(other.calendar, slots[1].starts_at)
    await book(clinic.reception, away, patientId=patient_id(clinic))
    payload = await book_series(clinic.patient, slots[0], 4, onConflict="SKIP")
    assert obstacles(payload["occurrences"]) == ["BOOKED", "PATIENT_BUSY", None, None]


async def test_a_doctor_who_takes_no_patients_is_closed_at_each_time(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    doctor_id = id_of(clinic.person(Role.DOCTOR).doctor)
    await clinic.admin.done(
        "updateDoctor", "doctor { id }", doctorId=doctor_id, isAcceptingPatients=False
    )
    found = await refused(clinic, clinic.patient, slots[0], 2, onConflict="SKIP")
    assert obstacles(found) == ["NOT_ACCEPTING", "NOT_ACCEPTING"]


async def test_what_the_patient_holds_becomes_the_first_of_a_series(clinic: Clinic) -> None:
    slots = await weekly(clinic, 3)
    rival = clinic.public.signed_in((await clinic.factory.person(Role.PATIENT)).token)
    await rival.done("holdSlot", "slot { id }", slotId=id_of(slots[1]))
    await overdue(clinic.factory)
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slots[0]))
    ids = await a_series(clinic.patient, slots[0], 3)
    async with across(clinic.factory) as connection:
        query = "SELECT kind::text, count(*) FROM claims WHERE organization_id = :id GROUP BY 1"
        claims = await connection.execute(text(query), {"id": clinic.factory.organization.id})
    assert claims.all() == [("APPOINTMENT", len(ids))]


async def test_a_refused_series_keeps_what_is_held(clinic: Clinic) -> None:
    slots = await weekly(clinic, 1)
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slots[0]))
    assert obstacles(await refused(clinic, clinic.patient, slots[0], 2)) == [None, "NO_SLOT"]


# --------------------------------------------------------------------- who, for whom, what


async def test_who_books_a_series_for_whom(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    slot_id, whom = id_of(slots[0]), {"patientId": patient_id(clinic)}
    not_found = "NOT_FOUND", ["input", "patientId"]
    for staff in (clinic.admin, clinic.reception, clinic.doctor):
        assert await denied(clinic, staff, slot_id) == ("INVALID_INPUT", ["input", "patientId"])
    assert await denied(clinic, clinic.doctor, slot_id, **whom) == not_found
    stranger = id_of(await clinic.factory.patient())
    assert await denied(clinic, clinic.patient, slot_id, patientId=stranger) == not_found
    archived = id_of(await clinic.factory.patient(archived_at=tomorrow(days=-1)))
    assert await denied(clinic, clinic.reception, slot_id, patientId=archived) == not_found
    await treat(clinic, patient_id(clinic))
    await a_series(clinic.doctor, slots[0], 2, **whom)


async def test_the_first_slot_must_be_there(clinic: Clinic) -> None:
    other = await elsewhere(clinic)
    foreign = await other.slot((await other.person(Role.DOCTOR)).calendar, tomorrow())
    for slot_id in (id_of(foreign), f"slot_{uuid4().hex}", id_of(calendar_of(clinic))):
        assert await denied(clinic, clinic.patient, slot_id) == ("NOT_FOUND", ["input", "slotId"])
    gone = await clinic.factory.slot(calendar_of(clinic), tomorrow(), status="REMOVED")
    assert obstacles(await refused(clinic, clinic.patient, gone, 2)) == ["REMOVED", "NO_SLOT"]


async def test_a_slot_that_was_made_anew_is_the_one_that_is_booked(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    gone = await clinic.factory.slot(calendar_of(clinic), slots[1].ends_at, status="REMOVED")
    async with across(clinic.factory) as connection:
        same = text("UPDATE slots SET starts_at = :at WHERE id = :id")
        await connection.execute(same, {"at": slots[1].starts_at, "id": gone.id})
    await a_series(clinic.patient, slots[0], 2)


NO_SERIES: list[tuple[dict[str, Any], str]] = [
    ({"recurrence": {}}, "recurrence"),
    ({"recurrence": {"count": 2, "until": "2099-01-01"}}, "recurrence"),
    ({"recurrence": {"count": 1}}, "recurrence count"),
    ({"recurrence": {"count": 53}}, "recurrence count"),
    ({"recurrence": {"count": 2, "everyWeeks": 13}}, "recurrence everyWeeks"),
    ({"recurrence": {"until": "2020-01-01"}}, "recurrence until"),
    ({"recurrence": {"until": "9999-12-31"}}, "recurrence until"),
    ({"reason": "bell \a"}, "reason"),
    ({"idempotencyKey": "k" * 15}, "idempotencyKey"),
]


async def test_what_is_no_series_is_named(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    for values, path in NO_SERIES:
        found = await denied(clinic, clinic.patient, id_of(slots[0]), **values)
        assert found == ("INVALID_INPUT", ["input", *path.split()]), values


# --------------------------------------------------------------------- once, and on record


async def test_a_series_that_is_sent_twice_is_booked_once_and_answered_alike(
    clinic: Clinic,
) -> None:
    slots = await weekly(clinic, 3)
    await book(clinic.reception, slots[1], patientId=id_of(await clinic.factory.patient()))
    sent = {"onConflict": "SKIP", "idempotencyKey": KEY}
    first = await book_series(clinic.patient, slots[0], 3, **sent)
    assert obstacles(first["occurrences"]) == [None, "BOOKED", None]
    async with unchanged(clinic.factory):
        assert await book_series(clinic.patient, slots[0], 3, **sent) == first
        for other in ({"onConflict": "FAIL_ALL"}, {"recurrence": {"count": 2}}):
            again = await book_series(clinic.patient, slots[0], 3, **{**sent, **other})
            assert [error["code"] for error in again["errors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_a_refused_series_leaves_no_key(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    taken = await book(clinic.reception, slots[1], patientId=id_of(await clinic.factory.patient()))
    await refused(clinic, clinic.patient, slots[0], 2, idempotencyKey=KEY)
    assert await kept(clinic.factory, IdempotencyKey, AppointmentSeries, SeriesOccurrence) == []
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=taken["id"]
    )
    await a_series(clinic.patient, slots[0], 2, idempotencyKey=KEY)


async def test_a_series_is_on_record_with_each_of_its_appointments(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    ids = await a_series(clinic.reception, slots[0], 2, patientId=patient_id(clinic))
    await clinic.reception.done(
        "cancelSeries", "cancelled { id }", appointmentId=ids[0], scope="ALL"
    )
    noted = [one for one in await trail(clinic) if not one[1].startswith("read_")]
    booked = (Role.RECEPTIONIST, "book_series", "DONE")
    cancelled = (Role.RECEPTIONIST, "cancel_series", "DONE", "Appointment", 1)
    what = "cancellation_reason, cancelled_at, status"
    assert sorted(noted, key=str) == sorted(
        [
            (*booked, "AppointmentSeries", 1, None),
            *[(*booked, "Appointment", 1, None)] * 2,
            *[(*cancelled, what.removeprefix("cancellation_reason, "))] * 2,
        ],
        key=str,
    )


async def test_a_series_is_there_for_those_who_see_an_appointment_of_it(clinic: Clinic) -> None:
    slots = await weekly(clinic, 2)
    other = await clinic.factory.person(Role.DOCTOR)
    colleague = clinic.public.signed_in(other.token)
    ids = await a_series(clinic.patient, slots[0], 2)
    moved = await clinic.factory.slot(other.calendar, slots[0].starts_at - timedelta(hours=3))
    document = """query ($id: ID!) { node(id: $id) {
      ... on Appointment { series { id recurrence appointments { id startsAt } } } } }"""
    series = (await clinic.doctor.ask(document, id=ids[1]))["node"]["series"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await colleague.ask(node, id=series["id"]) == {"node": None}
    await clinic.reception.done(
        "rescheduleAppointment", "appointment { id }", appointmentId=ids[1], slotId=id_of(moved)
    )
    # It stays in its series, of which each of the doctors sees their part; now it is the first.
    first, last = (
        {"id": ids[1], "startsAt": wire(moved.starts_at)},
        {"id": ids[0], "startsAt": wire(slots[0].starts_at)},
    )
    for api, id, appointments in (
        (clinic.patient, ids[0], [first, last]),
        (clinic.reception, ids[1], [first, last]),
        (clinic.doctor, ids[0], [last]),
        (colleague, ids[1], [first]),
    ):
        seen = (await api.ask(document, id=id))["node"]["series"]
        assert seen == {**series, "appointments": appointments}
    assert await colleague.ask(node, id=series["id"]) == {"node": {"id": series["id"]}}
    alone = await book(clinic.patient, await clinic.factory.slot(calendar_of(clinic), tomorrow(20)))
    assert await clinic.patient.ask(document, id=alone["id"]) == {"node": {"series": None}}
