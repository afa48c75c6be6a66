"""Who sees the bookings of an event, checking in, and the list of those who come."""

import csv
import io

from models import Role
from tests.conftest import Clinic
from tests.factories import id_of
from tests.occasions import BOOKED, DAY, SLOTS, a_guest, an_event, booked, slots_of
from tests.rivals import codes
from tests.rows import unchanged

BOOKINGS = """
query ($id: ID!) { node(id: $id) { ... on Event {
  bookings { totalCount edges { node { id guest { email } attendee { name email phone } } } }
  attendanceCsv } } }
"""


async def test_the_bookings_are_for_the_organizer_and_administrators(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    guest = a_guest(phone="+34612345678")
    made = await booked(clinic.public, slots_of(event)[0], **guest)
    another = clinic.public.signed_in((await clinic.factory.person(Role.DOCTOR)).token)
    attendee = {"name": guest["name"], "email": guest["email"], "phone": guest["phone"]}
    for api in (clinic.doctor, clinic.admin):
        shown = (await api.ask(BOOKINGS, id=event["id"]))["node"]
        assert shown["bookings"] == {
            "totalCount": 1,
            "edges": [
                {
                    "node": {
                        "id": made["id"],
                        "guest": {"email": guest["email"]},
                        "attendee": attendee,
                    }
                }
            ],
        }
        assert made["reference"] in shown["attendanceCsv"]
    for api in (clinic.public, clinic.patient, clinic.reception, another):
        shown = (await api.ask(BOOKINGS, id=event["id"]))["node"]
        assert shown == {"bookings": {"totalCount": 0, "edges": []}, "attendanceCsv": None}
    listed = """query ($id: ID!) {
      appointments(filter: {eventId: $id, search: "gil"}) { totalCount } }"""
    counts = {clinic.doctor: 1, clinic.admin: 1, clinic.reception: 0, another: 0, clinic.patient: 0}
    for api, count in counts.items():
        found = await api.ask(listed, id=event["id"])
        assert found["appointments"]["totalCount"] == count


async def test_who_organizes_sees_of_a_patient_who_comes_what_is_needed(clinic: Clinic) -> None:
    """Not the record: a doctor sees that of patients whom they treat."""
    event = await an_event(clinic.doctor)
    await clinic.patient.done("bookEventSlot", BOOKED, slotId=slots_of(event)[0])
    patient = clinic.person(Role.PATIENT).patient
    document = """query ($id: ID!) { node(id: $id) { ... on Event { bookings { edges { node {
      patient { id } attendee { name email } } } } } } }"""
    for api, sees in ((clinic.doctor, None), (clinic.admin, {"id": id_of(patient)})):
        (edge,) = (await api.ask(document, id=event["id"]))["node"]["bookings"]["edges"]
        attendee = {"name": patient.name, "email": patient.email}
        assert edge["node"] == {"patient": sees, "attendee": attendee}
    found = await clinic.doctor.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_of(patient))
    assert found["node"] is None


async def test_who_comes_is_checked_in_by_those_who_run_the_event(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    slot, _ = slots_of(event)
    made = [(await booked(clinic.public, slot))["id"] for _ in range(2)]
    act, fields = "checkInAppointment", "appointment { status }"
    async with unchanged(clinic.factory):
        payload = await clinic.reception.act(act, fields, appointmentId=made[0])
        assert codes([payload]) == ["NOT_FOUND"]
    for api, id in zip((clinic.doctor, clinic.admin), made, strict=True):
        assert await api.done(act, fields, appointmentId=id) == {"status": "CHECKED_IN"}


# ------------------------------------------------------------------------------- the list


async def test_the_list_of_those_who_come_is_csv_that_no_program_carries_out(
    clinic: Clinic,
) -> None:
    event = await an_event(clinic.doctor, slots=[{**SLOTS[0], "capacity": 9}])
    (slot,) = slots_of(event)
    names = ["=1+1", "+1", "-1", "@SUM(A1)", 'Gil "the" Guest, of\u2028Madrid', "Zoë ☀"]
    made = [await booked(clinic.public, slot, name=name, phone="+34612345678") for name in names]
    gone = await booked(clinic.public, slot, name="Gone")
    await clinic.public.done(
        "cancelGuestBooking", "appointment { id }", manageToken=gone["manageToken"]
    )
    shown = (await clinic.doctor.ask(BOOKINGS, id=event["id"]))["node"]["attendanceCsv"]
    assert shown.endswith("\r\n")
    header, *lines = csv.reader(io.StringIO(shown, newline=""), strict=True)
    assert header == ["reference", "status", "starts", "ends", "name", "email", "phone", "booked"]
    assert sorted(line[0] for line in lines) == sorted(one["reference"] for one in made)
    cells = {line[0]: line for line in lines}
    for one, name in zip(made, names, strict=True):
        line = cells[one["reference"]]
        assert line[4] == (f"'{name}" if name[0] in "=+-@" else name)
        assert line[6] == "'+34612345678"
        assert line[1] == "BOOKED"
        assert line[2][:16] == f"{DAY}T18:00"
        assert line[3][:16] == f"{DAY}T19:00"


async def test_reading_who_comes_is_noted(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor)
    made = await booked(clinic.public, slots_of(event)[0])
    await clinic.doctor.ask(BOOKINGS, id=event["id"])
    document = """query ($id: ID!) { auditEvents(subjectId: $id) { edges { node {
      action details actor { id } } } } }"""
    found = await clinic.admin.ask(document, id=made["id"])
    noted = [edge["node"] for edge in found["auditEvents"]["edges"]]
    doctor = {"id": id_of(clinic.person(Role.DOCTOR).user)}
    assert noted == [
        {
            "action": "readAppointments",
            "details": "attendance_csv, attendee, guest",
            "actor": doctor,
        },
        {"action": "bookEventSlot", "details": None, "actor": None},
    ]
