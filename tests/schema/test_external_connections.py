"""Connecting a calendar with one elsewhere: how reading it goes, as staff see it, and how it ends.

What it blocks is proved in `test_external_calendars`.
"""

import pytest

from models import Role
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.connected import (
    busy_claims,
    connect,
    connections,
    half_hours,
    nine,
    read_again,
    slots_seen,
    statuses,
)
from tests.elsewhere import Elsewhere, event, file, saying, serving_elsewhere
from tests.factories import id_of, tomorrow, wire
from tests.live.views import another_server
from tests.rows import unchanged

CONNECT = "connectExternalCalendar"
OVERBOOK = "overbookAppointment"
DISCONNECT = "disconnectExternalCalendar"
REFRESH = "refreshExternalCalendar"
HOST = "externalCalendar { host }"


# ------------------------------------------------------------------------- how it goes


async def test_while_the_other_side_is_away_what_was_read_last_stays_in_force(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    await half_hours(clinic)
    elsewhere.data = file(event(nine(), nine(30)))
    before = await connect(clinic, elsewhere)
    seen = await slots_seen(clinic)
    for answer, problem in (
        (saying(410), "NOT_FOUND"),
        (saying(200, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"), "NOT_A_CALENDAR"),
        (saying(302, Location="http://169.254.169.254/"), "REFUSED_ADDRESS"),
    ):
        elsewhere.answer = answer
        found = await read_again(clinic)
        assert (found["problem"], found["lastOkAt"]) == (problem, before["lastOkAt"])
        assert await slots_seen(clinic) == seen
    elsewhere.answer, elsewhere.data = None, file()
    found = await read_again(clinic)
    assert (found["problem"], found["lastOkAt"]) == (None, found["lastReadAt"])
    assert await statuses(clinic) == ["AVAILABLE"] * 4


async def test_another_calendar_takes_the_place_of_the_one_before(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    await half_hours(clinic)
    elsewhere.data = file(event(nine(), nine(30)))
    await connect(clinic, elsewhere)
    async with serving_elsewhere() as other:
        other.answer = saying(500)
        found = await connect(clinic, other, clinic.reception)
        # Until it has been read, what is known is in force.
        assert (found["problem"], found["lastOkAt"]) == ("UNREACHABLE", None)
        assert await statuses(clinic) == ["BLOCKED", "AVAILABLE", "AVAILABLE", "AVAILABLE"]
        other.answer, other.data = None, file(event(nine(30), nine(60)))
        await read_again(clinic)
    assert await statuses(clinic) == ["AVAILABLE", "BLOCKED", "AVAILABLE", "AVAILABLE"]
    assert await connections(clinic) == 1
    assert len(elsewhere.asked) == 1


async def test_a_calendar_that_is_forgotten_gives_its_times_back(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    slots = await half_hours(clinic)
    elsewhere.data = file(event(nine(), nine(60)))
    await connect(clinic, elsewhere)
    ids = {"calendarId": id_of(calendar_of(clinic))}
    window = (wire(tomorrow(0)), wire(tomorrow(23)))
    async with clinic.public.watching(ids["calendarId"], *window) as view:
        await view.next()
        done = await clinic.doctor.done(
            DISCONNECT, "calendar { id externalCalendar { host } }", **ids
        )
        assert done == {"id": ids["calendarId"], "externalCalendar": None}
        await view.until(id_of(slots[0]), "AVAILABLE")
    assert await statuses(clinic) == ["AVAILABLE"] * 4
    assert (await busy_claims(clinic), await connections(clinic)) == ({}, 0)
    async with unchanged(clinic.factory):
        await clinic.doctor.done(DISCONNECT, "calendar { id }", **ids)
        refusal = await clinic.doctor.refusal(REFRESH, HOST, **ids)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "calendarId"])


async def test_with_the_doctor_goes_what_leads_elsewhere(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    await half_hours(clinic)
    await connect(clinic, elsewhere)
    doctor_id = id_of(clinic.person(Role.DOCTOR).doctor)
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=doctor_id)
    assert await connections(clinic) == 0


async def test_who_connects_and_who_disconnects_is_noted_and_not_where(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    await connect(clinic, elsewhere)
    ids = {"calendarId": id_of(calendar_of(clinic))}
    await clinic.reception.done(DISCONNECT, "calendar { id }", **ids)
    found = await clinic.admin.ask(
        "{ auditEvents { edges { node { action actor { id } subject { id } details } } } }"
    )
    noted = [edge["node"] for edge in found["auditEvents"]["edges"]]
    people = clinic.person(Role.RECEPTIONIST).user, clinic.person(Role.DOCTOR).user
    assert [event for event in noted if "External" in event["action"]] == [
        {
            "action": action,
            "actor": {"id": id_of(who)},
            "subject": {"id": ids["calendarId"]},
            "details": None,
        }
        for action, who in zip((DISCONNECT, CONNECT), people, strict=True)
    ]


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "url",
    [
        "",
        "calendar",
        "ftp://calendar.example/a.ics",
        "https://user:password@calendar.example/a.ics",
        "https://10.0.0.1/a.ics",
        "https://169.254.169.254/latest",
        "https://calendar.example/\x00",
    ],
)
async def test_what_is_no_address_is_refused(clinic: Clinic, url: str) -> None:
    ids = {"calendarId": id_of(calendar_of(clinic))}
    async with unchanged(clinic.factory):
        refusal = await clinic.doctor.refusal(CONNECT, HOST, **ids, url=url)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "url"])


async def test_in_production_the_own_machine_is_out_of_reach(
    clinic: Clinic, database_url: str, elsewhere: Elsewhere
) -> None:
    ids = {"calendarId": id_of(calendar_of(clinic))}
    changes = {"development": False, "external_readings_per_user": 3}
    async with another_server(clinic.doctor, database_url, **changes) as strict:
        async with unchanged(clinic.factory):
            for url in (elsewhere.url, "https://127.0.0.1/a.ics", "https://[::1]/a.ics"):
                refusal = await strict.refusal(CONNECT, HOST, **ids, url=url)
                assert refusal["path"] == ["input", "url"]
        # What is refused costs nothing; what is asked of others is counted.
        for _ in range(3):
            await strict.done(CONNECT, HOST, **ids, url="https://localhost/a.ics")
        document = f"mutation ($id: ID!) {{ {REFRESH}(input: {{calendarId: $id}}) {{ {HOST} }} }}"
        assert await strict.error_code(document, id=ids["calendarId"]) == "RATE_LIMITED"
    assert not elsewhere.asked
