"""What a view shows is true: nothing uncommitted, nothing skipped, nothing older than it says."""

import asyncio

from gql import gql

from models import Role
from models.database import Database
from schema.groups import shareable
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.views import (
    CHANGES,
    WITH_APPOINTMENTS,
    View,
    another_server,
    asked,
    book,
    change,
    change_behind_the_api,
    doctors_calendar,
    revision_of,
    shown,
    viewing,
)
from tests.scratch import connected
from tests.visits import let_begin


class RolledBack(Exception):
    """Ends a transaction of a test without a commit."""


async def rolled_back(coroutine: object) -> None:
    """Run what ends in `RolledBack`."""
    try:
        await coroutine  # type: ignore[misc]
    except RolledBack:
        return
    raise AssertionError("The transaction was committed.")


async def test_nothing_uncommitted_is_shown_and_a_rollback_leaves_no_trace(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot, free = await clinic.factory.slots(calendar, tomorrow(), 2)
    other = (await clinic.factory.person(Role.DOCTOR)).calendar
    elsewhere = await clinic.factory.slots(other, tomorrow(), 2)

    async def change_and_roll_back() -> None:
        async with database.crossing_organizations() as session:
            await change(session, slot, "BOOKED")
            # Two sweeps have looked at both calendars by the time that these have arrived.
            for version, neighbour in enumerate(elsewhere, start=1):
                await change_behind_the_api(database, neighbour, "BLOCKED")
                update = await fence.next()
                assert update["slots"] == [shown(neighbour, "BLOCKED", version=version)]
            picture, _ = await asked(clinic.public, calendar)
            assert picture[id_of(slot)]["status"] == "AVAILABLE"
            raise RolledBack

    async with (
        another_server(clinic.public, database_url, sweep_seconds=0.1) as here,
        viewing(here, calendar) as view,
        viewing(here, other) as fence,
    ):
        first = await view.next()
        await fence.next()
        await rolled_back(change_and_roll_back())
        await book(clinic.patient, free)
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert update["slots"] == [shown(free, "BOOKED", version=1, booked=1)]
        assert view.slots == (await asked(clinic.public, calendar))[0]


async def test_a_late_committer_is_not_skipped(clinic: Clinic, database: Database) -> None:
    """Who changes later in the same calendar commits later: no revision appears behind another."""
    calendar = doctors_calendar(clinic)
    early, late = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with viewing(clinic.public, calendar) as view:
        await view.next()
        async with database.crossing_organizations() as session:
            await change(session, early, "BLOCKED")
            booking = asyncio.create_task(book(clinic.patient, late))
            await waits_for_a_lock(database)
            assert not booking.done()
        await booking
        seen = [*(await view.next())["slots"]]
        if len(seen) == 1:
            seen += (await view.next())["slots"]
        assert seen == [
            shown(early, "BLOCKED", version=1),
            shown(late, "BOOKED", version=2, booked=1),
        ]


async def waits_for_a_lock(database: Database) -> None:
    """Return when some transaction of this database waits for another one."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    # The roles of the application do not see what others wait for.
    async with asyncio.timeout(10), connected(database.dsn) as superuser:
        while not await superuser.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_revisions_have_no_gaps(clinic: Clinic, database: Database) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 4)
    await asyncio.gather(*(book(clinic.patient, slot) for slot in slots))
    assert await revision_of(database, calendar.id) == 4
    picture, _ = await asked(clinic.public, calendar)
    assert sorted(slot["version"] for slot in picture.values()) == [1, 2, 3, 4]


async def test_rows_inside_of_an_update_are_as_new_as_the_update(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    fields = "id status version appointments { id status reason staffNotes version }"
    async with viewing(clinic.doctor, calendar, fields=fields) as view:
        await view.next()
        made = await book(clinic.patient, slot, reason="Knee")
        seen = [(await view.next())["slots"][0]["appointments"]]
        for act, values in (
            ("checkInAppointment", {"staffNotes": "arrived"}),
            ("completeAppointment", {"staffNotes": "seen"}),
        ):
            await let_begin(clinic.factory, made["id"])
            await clinic.doctor.done(act, "appointment { id }", appointmentId=made["id"], **values)
            seen.append((await view.next())["slots"][0]["appointments"])
    assert [
        [(a["status"], a["reason"], a["staffNotes"], a["version"]) for a in each] for each in seen
    ] == [
        [("BOOKED", "Knee", None, 1)],
        [("CHECKED_IN", "Knee", "arrived", 2)],
        [("COMPLETED", "Knee", "seen", 3)],
    ]


async def test_what_stands_around_the_slots_is_read_again_for_each_update(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    doctor = clinic.person(Role.DOCTOR).doctor
    fields = "id status version calendar { cursor owner { ... on Doctor { title } } }"
    async with viewing(clinic.public, calendar, fields=fields) as view:
        await view.next()
        titles = []
        for title, slot in (("Dr.", slots[0]), ("Prof.", slots[1])):
            await clinic.admin.done(
                "updateDoctor", "doctor { id }", doctorId=id_of(doctor), title=title
            )
            await book(clinic.patient, slot)
            update = await view.next()
            (shown_slot,) = update["slots"]
            titles.append(shown_slot["calendar"]["owner"]["title"])
            assert shown_slot["calendar"]["cursor"] == update["cursor"]
    assert titles == ["Dr.", "Prof."]


async def test_what_a_role_is_shown_is_read_again_for_each_update(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    doctor = clinic.person(Role.DOCTOR).doctor
    shown_as = {}
    async with viewing(clinic.patient, calendar, fields="id status version isBookable") as view:
        await view.next()
        for accepts, slot in ((True, slots[0]), (False, slots[1])):
            await clinic.admin.done(
                "updateDoctor", "doctor { id }", doctorId=id_of(doctor), isAcceptingPatients=accepts
            )
            # Closed and open again: the slot is free, and has changed.
            time = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
            for act in ("blockTime", "unblockTime"):
                await clinic.doctor.done(act, "slots { id }", calendarId=id_of(calendar), **time)
                update = await view.next()
            shown_as[accepts] = [(one["status"], one["isBookable"]) for one in update["slots"]]
    assert shown_as == {True: [("AVAILABLE", True)], False: [("AVAILABLE", False)]}


async def test_a_view_that_shares_with_nobody_reads_again_for_each_update(clinic: Clinic) -> None:
    """What is unusual about an operation takes it out of all groups: here a fragment."""
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    fields = "id status version appointments { status staffNotes } calendar { cursor }"
    head, body = (CHANGES % fields).split("{", 1)
    document = f"{head} {{ ... on Subscription {{ {body} }}"
    values = {"id": id_of(calendar), "from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    assert shareable(document, values, None) is None
    assert shareable(CHANGES % fields, values, None) is not None
    request = gql(document)
    request.variable_values = values
    async with clinic.doctor.socket() as socket:
        view = View(socket.subscribe(request))
        await view.next()
        made = await book(clinic.patient, slot)
        updates = [await view.next()]
        for act, notes in (("checkInAppointment", "arrived"), ("completeAppointment", "seen")):
            await let_begin(clinic.factory, made["id"])
            await clinic.doctor.done(
                act, "appointment { id }", appointmentId=made["id"], staffNotes=notes
            )
            updates.append(await view.next())
        await view.updates.aclose()
    assert [update["slots"][0]["appointments"] for update in updates] == [
        [{"status": "BOOKED", "staffNotes": None}],
        [{"status": "CHECKED_IN", "staffNotes": "arrived"}],
        [{"status": "COMPLETED", "staffNotes": "seen"}],
    ]
    assert all(u["slots"][0]["calendar"] == {"cursor": u["cursor"]} for u in updates)


async def test_operations_on_one_socket_share_no_rows(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    query = """
        query ($id: ID!, $calendar: ID!) {
          node(id: $id) { ... on Slot { status appointments { status } } }
          calendar(id: $calendar) { cursor }
        }"""
    request = gql(query)
    request.variable_values = {"id": id_of(slot), "calendar": id_of(calendar)}
    async with clinic.doctor.socket() as socket:
        before = await socket.execute(request)
        await book(clinic.patient, slot)
        after = await socket.execute(request)
    assert before["node"] == {"status": "AVAILABLE", "appointments": []}
    assert after["node"] == {"status": "BOOKED", "appointments": [{"status": "BOOKED"}]}
    assert after["calendar"]["cursor"] == (await asked(clinic.public, calendar))[1]
    assert before["calendar"]["cursor"] != after["calendar"]["cursor"]


async def test_a_query_beside_a_stream_on_one_socket_sees_what_is_now(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    request = gql("query ($id: ID!) { node(id: $id) { ... on Slot { version status } } }")
    request.variable_values = {"id": id_of(slot)}
    stream = gql(
        "subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {"
        " calendarChanges(calendarId: $id, from: $from, to: $to) {"
        f" slots {{ {WITH_APPOINTMENTS} }} }} }}"
    )
    stream.variable_values = {
        "id": id_of(calendar),
        "from": tomorrow(0).isoformat(),
        "to": tomorrow(0, days=2).isoformat(),
    }
    async with clinic.doctor.socket() as socket:
        updates = socket.subscribe(stream)
        await anext(updates)
        assert (await socket.execute(request))["node"] == {"version": 0, "status": "AVAILABLE"}
        made = await book(clinic.patient, slot)
        ((visit,),) = [
            s["appointments"] for s in (await anext(updates))["calendarChanges"]["slots"]
        ]
        assert visit["reference"] == made["reference"]
        assert (await socket.execute(request))["node"] == {"version": 1, "status": "BOOKED"}
        await updates.aclose()
