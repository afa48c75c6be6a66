"""Instants, days, times, zones and cursors: what is read, what is refused, what is written."""

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from models import Role
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rows import unchanged

INSTANT = "query ($x: DateTime) { appointments(filter: {from: $x}) { totalCount } }"
DAY = """query ($id: ID!, $x: Date!) {
  availabilityPreview(calendarId: $id, from: $x, until: $x) { created }
}"""
TIME = """query ($id: ID!, $day: Date!, $x: Time!) {
  availabilityPreview(calendarId: $id, from: $day, until: $day, templates: [
    {weekdays: [MONDAY], startTime: "00:00", endTime: $x, slotMinutes: 30}
  ]) { created }
}"""

INSTANTS = {
    "2027-03-28T09:00:00Z": "2027-03-28T09:00:00Z",
    "2027-03-28T09:00Z": "2027-03-28T09:00:00Z",
    "2027-03-28T09:00:00.000Z": "2027-03-28T09:00:00Z",
    "2027-03-28T09:00:00.123456789Z": "2027-03-28T09:00:00.123456Z",
    "2027-03-28T00:30:00+02:00": "2027-03-27T22:30:00Z",
    "2027-03-28T09:00:00-03:30": "2027-03-28T12:30:00Z",
    "2027-03-28T09:00:00-00:00": "2027-03-28T09:00:00Z",
    "2028-02-29T23:59:59+23:59": "2028-02-29T00:00:59Z",
}
# With an offset that carries them out of the years that there are.
FAR_EDGES = ("0001-01-01T00:00:00+23", "9999-12-31T23:59:59-23")
NO_INSTANTS: tuple[Any, ...] = (
    "",
    " ",
    "now",
    "2027-03-28",
    "2027-03-28T09:00:00",
    "2027-03-28 09:00:00Z",
    " 2027-03-28T09:00:00Z",
    "2027-03-28T09:00:00Z\n",
    "2027-03-28T09:00:00Z\0",
    "2027-03-28T09Z",
    "2027-3-28T09:00:00Z",
    "20270328T090000Z",
    "2027-W13-7T09:00:00Z",
    "2027-087T09:00:00Z",
    "27-03-28T09:00:00Z",
    "+12027-03-28T09:00:00Z",
    "-2027-03-28T09:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "2027-02-29T09:00:00Z",
    "2027-02-30T09:00:00Z",
    "2027-04-31T09:00:00Z",
    "2027-13-01T09:00:00Z",
    "2027-00-01T09:00:00Z",
    "2027-01-00T09:00:00Z",
    "2027-03-28T24:00:00Z",
    "2027-03-28T25:00:00Z",
    "2027-03-28T09:60:00Z",
    "2026-12-31T23:59:60Z",
    "2027-03-28T09:00:00+24:00",
    "2027-03-28T09:00:00+02:60",
    "2027-03-28T09:00:00+2",
    "2027-03-28T09:00:00+02",
    "2027-03-28T09:00:00+0200",
    "2027-03-28T09:00:00 +02:00",
    "2027-03-28T09:00:00+02:00[Europe/Madrid]",
    "2027-03-28T09:00:00 Europe/Madrid",
    "2027-03-28T09:00:00CET",
    "2027-03-28T09:00:00,5Z",
    "2027-03-28T09:00:00.Z",
    "2027-03-28T09:00:00\u2212" + "02:00",
    "2027\u201103\u201128T09:00:00Z",
    "\uff12\uff10\uff12\uff17-03-28T09:00:00Z",
    "2027-03-28T\u0660\u0669:00:00Z",
    "2027-03-28\xe909:00:00Z",
    "2027-03-28T09:00:00." + "0" * 100_000 + "Z",
    "9" * 100_000,
    0,
    1_800_000_000,
    1.5,
    True,
    [],
    ["2027-03-28T09:00:00Z", "2027-03-28T09:00:00Z"],
    {},
)
NO_DAYS: tuple[Any, ...] = (
    "",
    "2027-03-28T00:00:00Z",
    "2027-03-28T00:00:00",
    "2027-02-29",
    "2027-02-30",
    "2027-00-10",
    "2027-10-00",
    "0000-01-01",
    "10000-01-01",
    "2027-3-28",
    "20270328",
    "2027-W13-7",
    "28.03.2027",
    " 2027-03-28",
    "2027-03-28\n",
    "\uff12\uff10\uff12\uff17-03-28",
    "\u0662\u0660\u0662\u0667-\u0660\u0663-\u0662\u0668",
    20270328,
    1.5,
    True,
    {},
)
NO_TIMES: tuple[Any, ...] = (
    "",
    "24:00",
    "24:00:00",
    "23:60",
    "23:59:60",
    "9:00",
    "09",
    "0900",
    "09:00Z",
    "09:00+02:00",
    "09:00:00.5",
    "T09:00",
    "9 am",
    "09:00 ",
    "09:00\n",
    "-1:00",
    "0\uff19:00",
    "09:0\u0660",
    "\u0660\u0669:\u0660\u0660",
    9,
    900,
    9.5,
    True,
    {},
)
NO_ZONES: tuple[Any, ...] = (
    "",
    " ",
    "Europe",
    "Europe/",
    "Europe/Madird",
    "europe/madrid",
    "Europe/Madrid ",
    "Europe\\Madrid",
    "Europe//Madrid",
    "./Europe/Madrid",
    "Europe/../Europe/Madrid",
    "../etc/passwd",
    "../../../../etc/passwd",
    "/etc/passwd",
    "/usr/share/zoneinfo/Europe/Madrid",
    "posixrules",
    "posix/Europe/Madrid",
    "right/Europe/Madrid",
    "localtime",
    "Factory",
    "tzdata.zi",
    "zone.tab",
    "__init__.py",
    "+02:00",
    "GMT+02:00",
    "Europe/Madrid\0",
    "\0",
    "\u202eEurope/Madrid",
    "x" * 100_000,
    0,
    True,
    {},
)


def with_literal(document: str, value: Any) -> str:
    """The document with the value written into it, and without its variable."""
    without = re.sub(r"(, )?\$x: \w+!?", "", document, count=1).replace("()", "")
    return without.replace("$x", json.dumps(value))


async def check_accepted(api: Api, document: str, value: Any, **others: Any) -> None:
    """The value is read, as a variable and as a literal."""
    await api.ask(document, x=value, **others)
    await api.ask(with_literal(document, value), **others)


async def check_refused(api: Api, document: str, value: Any, **others: Any) -> None:
    """The value is refused as a variable, and where it can be one, as a literal."""
    answer = await api.send(document, x=value, **others)
    assert "errors" in answer, repr(value)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT", repr(value)
    assert len(error["extensions"]["requestId"]) == 32
    if isinstance(value, list | dict | bool):
        return
    literal = with_literal(document, value)
    (error, *_) = (await api.send(literal, **others))["errors"]
    assert error["extensions"]["code"] == "QUERY_REJECTED", repr(value)


async def test_what_is_no_instant_is_refused(clinic: Clinic) -> None:
    await check_accepted(clinic.admin, INSTANT, "2027-03-28T09:00:00+02:00")
    for value in NO_INSTANTS:
        await check_refused(clinic.admin, INSTANT, value)


async def test_what_is_no_day_is_refused(clinic: Clinic) -> None:
    calendar_id = id_of(clinic.person(Role.DOCTOR).calendar)
    await check_accepted(clinic.admin, DAY, wire(tomorrow())[:10], id=calendar_id)
    for value in NO_DAYS:
        await check_refused(clinic.admin, DAY, value, id=calendar_id)


async def test_what_is_no_time_is_refused(clinic: Clinic) -> None:
    calendar_id = id_of(clinic.person(Role.DOCTOR).calendar)
    day = wire(tomorrow())[:10]
    await check_accepted(clinic.admin, TIME, "23:59:59", id=calendar_id, day=day)
    for value in NO_TIMES:
        await check_refused(clinic.admin, TIME, value, id=calendar_id, day=day)


async def test_what_is_no_zone_is_refused_and_nothing_changed(clinic: Clinic) -> None:
    document = """mutation ($x: TimeZone) { updateOrganization(input: {timeZone: $x}) {
      organization { timeZone } } }"""
    await check_accepted(clinic.admin, document, "Europe/Madrid")
    async with unchanged(clinic.factory):
        for value in NO_ZONES:
            await check_refused(clinic.admin, document, value)
    found = await clinic.admin.ask("{ organization { timeZone } }")
    assert found == {"organization": {"timeZone": "Europe/Madrid"}}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Argentina/Ushuaia", "EST5EDT"])
async def test_zones_of_the_database_are_accepted(clinic: Clinic, zone: str) -> None:
    changed = await clinic.admin.done(
        "updateOrganization", "organization { timeZone }", timeZone=zone
    )
    assert changed == {"timeZone": zone}


@pytest.mark.parametrize(("written", "meant"), INSTANTS.items())
async def test_an_instant_means_what_it_says_and_is_written_in_utc(
    clinic: Clinic, written: str, meant: str
) -> None:
    calendar = clinic.person(Role.DOCTOR).calendar
    instant = datetime.fromisoformat(meant)
    await clinic.factory.slot(calendar, instant)
    document = """query ($id: ID!, $from: DateTime!, $to: DateTime!) {
      calendar(id: $id) { slots(from: $from, to: $to) { startsAt endsAt } } }"""
    window = {"from": written, "to": wire(instant + timedelta(microseconds=1))}
    found = await clinic.public.ask(document, id=id_of(calendar), **window)
    ends_at = wire(instant + timedelta(minutes=30))
    assert found["calendar"]["slots"] == [{"startsAt": meant, "endsAt": ends_at}]


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "problem"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z", "from"),
        ("9999-12-30T00:00:00Z", "9999-12-31T23:59:59Z", "from"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "from"),
        ("2027-03-28T10:00:00Z", "2027-03-28T09:00:00Z", "to"),
        ("2027-03-28T10:00:00Z", "2027-03-28T10:00:00Z", "to"),
        ("2027-03-28T10:00:00+02:00", "2027-03-28T09:00:00+01:00", "to"),
        ("2027-01-01T00:00:00Z", "2027-04-04T00:00:00Z", "to"),
    ],
)
async def test_a_time_that_is_none_is_refused_everywhere(
    clinic: Clinic, starts_at: str, ends_at: str, problem: str
) -> None:
    calendar_id = id_of(clinic.person(Role.DOCTOR).calendar)
    document = """query ($id: ID!, $from: DateTime!, $to: DateTime!) {
      calendar(id: $id) { slots(from: $from, to: $to) { id } } }"""
    async with unchanged(clinic.factory):
        answer = await clinic.admin.send(
            document, id=calendar_id, **{"from": starts_at, "to": ends_at}
        )
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert error["message"].startswith(f"{problem}: ")
        for mutation in ("blockTime", "unblockTime"):
            refused = await clinic.admin.refusal(
                mutation, "slots { id }", calendarId=calendar_id, startsAt=starts_at, endsAt=ends_at
            )
            assert refused["__typename"] == "InvalidInput"


async def test_appointments_from_later_to_earlier_are_none(clinic: Clinic) -> None:
    document = """query ($from: DateTime, $to: DateTime) {
      appointments(filter: {from: $from, to: $to}) { totalCount } }"""
    ends = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    for start, end in (ends, ends[::-1]):
        found = await clinic.admin.ask(document, **{"from": start, "to": end})
        assert found == {"appointments": {"totalCount": 0}}


@pytest.mark.parametrize(
    ("first", "last", "typename", "path"),
    [
        ("2027-01-02", "2027-01-01", "InvalidInput", "until"),
        ("9999-12-31", "0001-01-01", "InvalidInput", "until"),
        ("0001-01-01", "0001-01-01", "InvalidInput", "from"),
        ("0001-01-01", "9999-12-31", "BeyondHorizon", "until"),
        ("9999-12-31", "9999-12-31", "BeyondHorizon", "until"),
    ],
)
async def test_days_out_of_reach_are_refused(
    clinic: Clinic, first: str, last: str, typename: str, path: str
) -> None:
    calendar = clinic.person(Role.DOCTOR).calendar
    await clinic.factory.template(calendar)
    values = {"calendarId": id_of(calendar), "from": first, "until": last}
    document = """query ($id: ID!, $from: Date!, $until: Date!) {
      availabilityPreview(calendarId: $id, from: $from, until: $until) { created } }"""
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal("generateSlots", "calendar { id }", **values)
        assert (refused["__typename"], refused["path"]) == (typename, ["input", path])
        values["id"] = values.pop("calendarId")
        assert await clinic.admin.error_code(document, **values) == "BAD_INPUT"


@pytest.mark.parametrize(
    ("first", "last"), [("0001-01-01", "9999-12-31"), ("9999-12-31", None), (None, "0001-01-01")]
)
async def test_working_hours_may_be_valid_for_ages(
    clinic: Clinic, first: str | None, last: str | None
) -> None:
    hours = {"weekdays": ["MONDAY"], "startTime": "09:00", "endTime": "10:00", "slotMinutes": 30}
    kept = await clinic.admin.done(
        "setAvailability",
        "calendar { templates { validFrom validUntil startTime endTime } }",
        calendarId=id_of(clinic.person(Role.DOCTOR).calendar),
        templates=[{**hours, "validFrom": first, "validUntil": last}],
    )
    assert kept["templates"] == [
        {"validFrom": first, "validUntil": last, "startTime": "09:00:00", "endTime": "10:00:00"}
    ]


async def test_a_forged_place_in_a_list_is_refused(clinic: Clinic) -> None:
    id = str(uuid4())
    forged = (
        *([], {}, 5, None, "doctors", ["doctors"], ["doctors", "A"], ["doctors", "A", "x"]),
        *(["doctors", "A\0", id], ["doctors", {}, id], ["doctors", ["A"], id]),
        *(["doctors", None, id], ["doctors", "A", id, id], ["offices", "A", id]),
        *(["appointments", time, id] for time in ("x", "2027-01-01", "2027-01-01T00:00:00", 5)),
        *(["appointments", f"{edge}:59", id] for edge in FAR_EDGES),
        ["appointments-newest", "2027-01-01T00:00:00Z", id],
    )
    document = "query ($x: String) { %s(after: $x) { edges { cursor } } }"
    for place in forged:
        cursor = base64.urlsafe_b64encode(orjson.dumps(place)).decode()
        for name in ("doctors", "appointments"):
            code = await clinic.admin.error_code(document % name, x=cursor)
            assert code == "BAD_INPUT", (name, place)
    for cursor in ("x", "====", "\0", "%", "\u20ac", "W10", "x" * 100_000):
        assert await clinic.admin.error_code(document % "doctors", x=cursor) == "BAD_INPUT", cursor
    assert await clinic.admin.ask(document % "offices", x="") == {"offices": {"edges": []}}
