"""The busy times in iCalendar files: as calendars write them, and as strangers may."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from models import ExternalProblem
from services.external import programs
from services.external.busy import TooMuch, busy_times, merged
from services.external.fetching import Unread
from tests.elsewhere import file

MADRID = ZoneInfo("Europe/Madrid")
# March and October of this year have a night in which the clocks change.
BEGIN, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
HERE = Path(__file__).parent


def vevent(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def busy(*events: str, begin: datetime = BEGIN, end: datetime = END) -> list[str]:
    """The busy times, as short texts in UTC."""
    found = busy_times(file(*events), MADRID, begin, end)
    return [f"{lower:%m-%d %H:%M}/{upper:%m-%d %H:%M}" for lower, upper in found]


def test_a_time_with_an_end_and_one_with_a_length() -> None:
    assert busy(
        vevent("UID:1", "DTSTART:20270301T090000Z", "DTEND:20270301T093000Z"),
        vevent("UID:2", "DTSTART:20270302T090000Z", "DURATION:PT1H30M"),
    ) == ["03-01 09:00/03-01 09:30", "03-02 09:00/03-02 10:30"]


def test_what_has_no_zone_is_on_the_clock_of_the_calendar() -> None:
    summer = vevent("UID:1", "DTSTART:20270701T090000", "DTEND:20270701T100000")
    winter = vevent("UID:2", "DTSTART:20270201T090000", "DTEND:20270201T100000")
    assert busy(summer, winter) == ["02-01 08:00/02-01 09:00", "07-01 07:00/07-01 08:00"]


def test_whole_days_are_days_of_the_calendar() -> None:
    assert busy(
        vevent("UID:1", "DTSTART;VALUE=DATE:20270701"),
        vevent("UID:2", "DTSTART;VALUE=DATE:20270801", "DTEND;VALUE=DATE:20270803"),
        # A day of 23 hours.
        vevent("UID:3", "DTSTART;VALUE=DATE:20270328", "RRULE:FREQ=DAILY;COUNT=1"),
    ) == ["03-27 23:00/03-28 22:00", "06-30 22:00/07-01 22:00", "07-31 22:00/08-02 22:00"]


def test_zones_are_found_by_any_of_their_names() -> None:
    names = ["Europe/Berlin", "W. Europe Standard Time", "Nowhere that anybody knows"]
    events = [
        vevent(f"UID:{n}", f"DTSTART;TZID={name}:202707{n:02}T090000", "DURATION:PT1H")
        for n, name in enumerate(names, start=1)
    ]
    # What nobody knows is on the clock of the calendar, which is the same.
    assert busy(*events) == [f"07-0{n} 07:00/07-0{n} 08:00" for n in (1, 2, 3)]
    tokyo = vevent("UID:1", "DTSTART;TZID=Asia/Tokyo:20270701T090000", "DURATION:PT1H")
    assert busy(tokyo) == ["07-01 00:00/07-01 01:00"]


OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Clock of the practice
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:-0200
TZOFFSETTO:-0300
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:-0300
TZOFFSETTO:-0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE""".replace("\n", "\r\n")


def test_a_zone_that_the_file_brings_along() -> None:
    weekly = vevent(
        "UID:1",
        "DTSTART;TZID=Clock of the practice:20270323T090000",
        "DTEND;TZID=Clock of the practice:20270323T100000",
        "RRULE:FREQ=WEEKLY;COUNT=2",
    )
    assert busy(OWN_ZONE, weekly) == ["03-23 12:00/03-23 13:00", "03-30 11:00/03-30 12:00"]


def test_a_series_keeps_to_the_clock_on_the_wall_when_clocks_change() -> None:
    weekly = vevent(
        "UID:1",
        "DTSTART;TZID=Europe/Madrid:20270323T090000",
        "DTEND;TZID=Europe/Madrid:20270323T100000",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "EXDATE;TZID=Europe/Madrid:20270330T090000",
    )
    assert busy(weekly) == ["03-23 08:00/03-23 09:00", "04-06 07:00/04-06 08:00"]


def test_hours_that_clocks_leave_out_or_show_twice() -> None:
    nights = [
        vevent(
            f"UID:{n}",
            f"DTSTART;TZID=Europe/Madrid:{day}T023000",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=2",
        )
        for n, day in enumerate(("20270327", "20271030"))
    ]
    assert busy(*nights) == [
        "03-27 01:30/03-27 02:30",
        "03-28 01:30/03-28 02:30",
        "10-30 00:30/10-30 01:30",
        "10-31 00:30/10-31 01:30",
    ]


def test_the_end_of_a_rule_counts_in_its_own_zone() -> None:
    head = "DTSTART;TZID=Europe/Madrid:20270701T090000"
    rest = "DURATION:PT1H"
    # Nine o'clock there is seven in UTC: the third is the last, or is not.
    inside = vevent("UID:1", head, rest, "RRULE:FREQ=DAILY;UNTIL=20270703T070000Z")
    before = vevent("UID:1", head, rest, "RRULE:FREQ=DAILY;UNTIL=20270703T065959Z")
    of_day = vevent("UID:1", head, rest, "RRULE:FREQ=DAILY;UNTIL=20270703")
    assert [len(busy(event)) for event in (inside, before, of_day)] == [3, 2, 3]


def test_occurrences_that_differ_are_where_they_are() -> None:
    series = vevent(
        "UID:1",
        "DTSTART;TZID=Europe/Madrid:20270701T090000",
        "DTEND;TZID=Europe/Madrid:20270701T100000",
        "RRULE:FREQ=DAILY;COUNT=5",
    )
    moved = vevent(
        "UID:1",
        "RECURRENCE-ID:20270702T070000Z",
        "DTSTART:20270702T120000Z",
        "DTEND:20270702T130000Z",
    )
    at = "RECURRENCE-ID;TZID=Europe/Madrid:202707{}T090000"
    times = ("DTSTART:20270703T070000Z", "DTEND:20270703T080000Z")
    called_off = vevent("UID:1", at.format("03"), *times, "STATUS:CANCELLED")
    free = vevent("UID:1", at.format("04"), *times, "TRANSP:TRANSPARENT")
    other = vevent("UID:2", at.format("05"), *times)
    expected = [
        "07-01 07:00/07-01 08:00",
        "07-02 12:00/07-02 13:00",
        "07-03 07:00/07-03 08:00",
        "07-05 07:00/07-05 08:00",
    ]
    assert busy(moved, series, called_off, free, other) == expected


def test_what_does_not_take_time_does_not_count() -> None:
    when = ("DTSTART:20270701T090000Z", "DTEND:20270701T100000Z")
    assert (
        busy(
            vevent("UID:1", *when, "TRANSP:TRANSPARENT"),
            vevent("UID:2", *when, "STATUS:CANCELLED"),
            vevent("UID:3", *when, "RRULE:FREQ=DAILY", "STATUS:cancelled"),
            vevent("UID:4", "DTSTART:20270701T090000Z"),
            vevent("UID:5", "DTSTART:20270701T090000Z", "DTEND:20270701T080000Z"),
            "BEGIN:VTODO\r\nUID:6\r\nDTSTART:20270701T090000Z\r\nDUE:20270701T100000Z\r\nEND:VTODO",
        )
        == []
    )
    assert len(busy(vevent("UID:1", *when, "STATUS:TENTATIVE", "TRANSP:OPAQUE"))) == 1


def test_days_that_are_left_out_and_times_that_are_added() -> None:
    event = vevent(
        "UID:1",
        "DTSTART:20270701T090000Z",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY;COUNT=3",
        "EXDATE;VALUE=DATE:20270702",
        "RDATE:20270710T090000Z,20270711T090000Z",
        "RDATE;VALUE=PERIOD:20270712T090000Z/PT30M,20270713T090000Z/20270713T091500Z",
    )
    assert busy(event) == [
        "07-01 09:00/07-01 10:00",
        "07-03 09:00/07-03 10:00",
        "07-10 09:00/07-10 10:00",
        "07-11 09:00/07-11 10:00",
        "07-12 09:00/07-12 09:30",
        "07-13 09:00/07-13 09:15",
    ]


def test_a_series_that_began_years_ago_goes_on() -> None:
    old = vevent("UID:1", "DTSTART:19990104T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
    found = busy(old)
    assert (len(found), found[0], found[-1]) == (
        52,
        "01-04 09:00/01-04 10:00",
        "12-27 09:00/12-27 10:00",
    )


def test_what_overlaps_or_touches_is_one_time_and_is_cut_to_what_is_asked_for() -> None:
    assert busy(
        vevent("UID:1", "DTSTART:20261201T000000Z", "DTEND:20270102T000000Z"),
        vevent("UID:2", "DTSTART:20270301T090000Z", "DTEND:20270301T100000Z"),
        vevent("UID:3", "DTSTART:20270301T093000Z", "DTEND:20270301T110000Z"),
        vevent("UID:4", "DTSTART:20270301T110000Z", "DTEND:20270301T113000Z"),
        vevent("UID:5", "DTSTART:20270301T091500Z", "DTEND:20270301T092000Z"),
        vevent("UID:6", "DTSTART:20271231T230000Z", "DTEND:99990101T000000Z"),
        vevent("UID:7", "DTSTART:20280101T000000Z", "DURATION:PT1H"),
        vevent("UID:8", "DTSTART:20261231T230000Z", "DTEND:20270101T000000Z"),
    ) == ["01-01 00:00/01-02 00:00", "03-01 09:00/03-01 11:30", "12-31 23:00/01-01 00:00"]


def test_an_event_that_cannot_be_read_does_not_hide_the_others() -> None:
    good = vevent("UID:good", "DTSTART:20270701T090000Z", "DURATION:PT1H")
    bad = [
        vevent("UID:1", "DTSTART:garbage", "DTEND:20270701T120000Z"),
        vevent("UID:2", "SUMMARY:Without a time"),
        vevent("UID:3", "DTSTART:20270702T090000Z", "DTEND:garbage"),
        vevent("UID:4", "DTSTART:00010101T000000", "DURATION:PT1H"),
    ]
    assert busy(*bad, good) == ["07-01 09:00/07-01 10:00"]
    # Of a rule that nobody understands, the first time counts.
    for rule in ("RRULE:FREQ=BOGUS", "RRULE:FREQ=DAILY;BYSETPOS=1000", "RRULE:X"):
        event = vevent("UID:5", "DTSTART:20270701T090000Z", "DURATION:PT1H", rule)
        assert busy(event) == ["07-01 09:00/07-01 10:00"], rule


def test_files_of_real_calendars() -> None:
    """As three widespread programs write the same fortnight over the change of clocks."""
    for name in ("google", "outlook", "apple"):
        data = (HERE / f"{name}.ics").read_bytes()
        found = busy_times(
            data, MADRID, datetime(2027, 3, 15, tzinfo=UTC), datetime(2027, 4, 12, tzinfo=UTC)
        )
        assert [f"{lower:%m-%d %H:%M}/{upper:%m-%d %H:%M}" for lower, upper in found] == [
            "03-18 08:00/03-18 09:30",
            "03-25 08:00/03-25 09:30",
            "04-01 09:00/04-01 10:30",
            "04-04 22:00/04-06 22:00",
            "04-08 07:00/04-08 08:30",
        ], name


@pytest.mark.parametrize("seed", range(6))
def test_series_at_random_are_what_a_plain_count_says(seed: int) -> None:
    print("seed", seed)
    random = Random(seed)
    rule = ";".join(
        [
            f"FREQ={random.choice(['DAILY', 'WEEKLY', 'MONTHLY'])}",
            f"INTERVAL={random.randint(1, 3)}",
            f"COUNT={random.randint(1, 60)}",
        ]
    )
    first = datetime(  # noqa: DTZ001 - on the wall
        2027, random.randint(1, 12), random.randint(1, 28), random.randint(5, 20)
    )
    gone = random.sample(starts := list(rrulestr(rule, dtstart=first)), k=len(starts) // 3)
    dates = [f"EXDATE;TZID=Europe/Madrid:{at:%Y%m%dT%H%M%S}" for at in gone]
    head = f"DTSTART;TZID=Europe/Madrid:{first:%Y%m%dT%H%M%S}"
    found = busy_times(
        file(vevent("UID:1", head, "DURATION:PT1H", f"RRULE:{rule}", *dates)), MADRID, BEGIN, END
    )
    # It ends an hour later.
    instants = [at.replace(tzinfo=MADRID).astimezone(UTC) for at in starts if at not in gone]
    assert [lower for lower, _ in found] == [at for at in instants if BEGIN <= at < END]


def test_merging_leaves_the_same_time() -> None:
    day = [datetime(2027, 1, 1, hour, tzinfo=UTC) for hour in range(24)]
    for seed in range(50):
        random = Random(seed)
        spans = [tuple(sorted(random.sample(range(24), 2))) for _ in range(random.randint(0, 8))]
        found = merged((day[a], day[z]) for a, z in spans)
        covered = {hour for a, z in spans for hour in range(a, z)}
        assert {h for h in range(24) if any(a <= day[h] < z for a, z in found)} == covered, seed
        assert all(a[1] < b[0] for a, b in pairwise(found)), seed


# ------------------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html></html>",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20270701T090000Z\r\n",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nnothing\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n",
    ],
)
def test_what_is_no_whole_calendar_is_not_taken_for_an_empty_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        busy_times(data, MADRID, BEGIN, END)


def test_a_rule_without_end_is_given_up() -> None:
    with pytest.raises(TooMuch):
        busy(vevent("UID:1", "DTSTART:20270101T000000Z", "RRULE:FREQ=DAILY;INTERVAL=0"))


# It looks for ever, and never finds a time.
NEVER = vevent(
    "UID:1",
    "DTSTART:19700101T000000Z",
    "DURATION:PT1H",
    "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
)


async def problem_of(data: bytes, **limits: float) -> ExternalProblem:
    """Why the program found no times."""
    with pytest.raises(Unread) as unread:
        await programs.busy_times(data, "Europe/Madrid", BEGIN, END, **limits)
    return unread.value.problem


async def test_the_program_says_times_and_nothing_else() -> None:
    data = file(vevent("UID:1", "SUMMARY:Secret", "DTSTART:20270701T090000Z", "DURATION:PT1H"))
    found = await programs.busy_times(data, "Europe/Madrid", BEGIN, END)
    at = datetime(2027, 7, 1, 9, tzinfo=UTC)
    assert found == [(at, at.replace(hour=10))]


async def test_the_program_says_why_it_found_none() -> None:
    assert await problem_of(b"BEGIN:VCALENDAR\r\n") is ExternalProblem.NOT_A_CALENDAR
    always = vevent("UID:1", "DTSTART:19700101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")
    assert await problem_of(file(always)) is ExternalProblem.TOO_LARGE


async def test_a_program_that_takes_too_long_is_ended() -> None:
    assert await problem_of(file(NEVER), seconds=0.5) is ExternalProblem.TOO_LARGE
    assert not programs_that_run()


def programs_that_run() -> list[Path]:
    """The processes that look through a file for this one."""
    own = f"PPid:\t{os.getpid()}\n"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_own = own in (process / "status").read_text()
            if is_own and b"busy.py" in (process / "cmdline").read_bytes():
                found.append(process)
    return found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
async def test_the_program_has_nothing_to_lose_and_ends_with_who_has_asked() -> None:
    task = asyncio.create_task(problem_of(file(NEVER)))
    async with asyncio.timeout(20):
        # The last of what it does before it reads.
        while not (found := programs_that_run()) or limit(found[0], "Max cpu time")[:2] != "20":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    (process,) = found
    assert (process / "environ").read_bytes() == b""
    assert limit(process, "Max cpu time").split() == ["20", "20", "seconds"]
    assert limit(process, "Max address space").split() == [str(2**29), str(2**29), "bytes"]
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not programs_that_run()


def limit(process: Path, name: str) -> str:
    """A limit of a process."""
    lines = (process / "limits").read_text().splitlines()
    return next(line.removeprefix(name).strip() for line in lines if line.startswith(name))
