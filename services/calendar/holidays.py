"""Public holidays: closures of the whole organization, one for each day, as a country has them.

Which days these are, and what they are called in which language, the library `holidays` knows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import uuid4
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import select

from models import Appointment, AvailabilityException, ExceptionKind
from services import checks
from services.access import Permission, act
from services.calendar.following import follow, locked_for_all
from services.calendar.uncovered import uncovered_by
from services.context import Context
from services.errors import InvalidInput
from services.timetable import day_bounds

YEARS_AHEAD = 2
CODE = re.compile("[A-Z]{2}")


@dataclass(frozen=True)
class Imported:
    """The holidays of a year as exceptions, those from earlier imports among them, and the open
    appointments on these days.
    """

    exceptions: Sequence[AvailabilityException]
    uncovered: Sequence[Appointment]


@act(Permission.MANAGE_HOLIDAYS)
async def import_public_holidays(
    context: Context, *, country: str, year: int, subdivision: str | None = None
) -> Imported:
    """Close the whole organization on the public holidays to come of a year. Each is imported once:
    one that somebody has removed does not come back.
    """
    found = _holidays(context, country, subdivision, year)
    mine = AvailabilityException.source.in_([one.source for one in found])
    ordered = select(AvailabilityException).where(mine).order_by(AvailabilityException.starts_at)
    async with context.writing() as session:
        # Others who import wait here until we have done so.
        calendars = await locked_for_all(session, ExceptionKind.CLOSED)
        known = {one.source for one in await session.rows(ordered)}
        new = [one for one in found if one.source not in known and one.ends_at > context.now]
        if new:
            session.add_all(new)
            await session.flush()
            await follow(context, session, calendars, new, closes=True)
    async with context.reading() as reading:
        there = ordered.where(AvailabilityException.removed_at.is_(None))
        exceptions = await reading.rows(there)
        return Imported(exceptions, await uncovered_by(context, reading, exceptions))


def _holidays(
    context: Context, country: str, subdivision: str | None, year: int
) -> list[AvailabilityException]:
    """The holidays of a year as exceptions that nobody has kept yet.

    Raises:
        InvalidInput: a code is not known, or a year too far away.

    """
    organization = context.organization
    zone = ZoneInfo(organization.time_zone)
    code, part = _place(country, subdivision)
    this_year = context.now.astimezone(zone).year
    checks.between(year, this_year, this_year + YEARS_AHEAD, "year")
    days = _days(code, part, year, organization.locale)
    if not days:
        raise InvalidInput("No public holidays are known of this year.", "year")
    where = code if part is None else f"{code}-{part}"
    found = []
    for day, name in sorted(days.items()):
        starts_at, ends_at = day_bounds(day, zone)
        found.append(
            AvailabilityException(
                organization_id=organization.id,
                id=uuid4(),
                kind=ExceptionKind.CLOSED,
                starts_at=starts_at,
                ends_at=ends_at,
                time_zone=zone.key,
                reason=name[: checks.LINE_LENGTH],
                source=f"{where} {day}",
            )
        )
    return found


def _place(country: str, subdivision: str | None) -> tuple[str, str | None]:
    """A country, and perhaps a part of it, as the library calls them.

    Raises:
        InvalidInput: one of them is not known.

    """
    word = country.strip().upper()
    known = getattr(holidays, word, None) if CODE.fullmatch(word) else None
    if known is None:
        raise InvalidInput("This is not the ISO code of a country, such as ES.", "country")
    code: str = known.country
    if not subdivision or not subdivision.strip():
        return code, None
    part = subdivision.strip().upper().removeprefix(f"{code}-")
    for one in known.subdivisions:
        if one.upper() == part:
            return code, one
    raise InvalidInput("This is not the ISO code of a part of the country.", "subdivision")


def _days(code: str, part: str | None, year: int, locale: str) -> Mapping[date, str]:
    """The holidays and their names: in the language of a locale, otherwise in the country's own."""
    known = getattr(holidays, code)
    wanted = locale.replace("-", "_")
    same = [
        one
        for one in known.supported_languages
        if one.partition("_")[0] == wanted.partition("_")[0]
    ]
    # Said in any case: otherwise it would be the language of whoever started the server.
    language = wanted if wanted in same else next(iter(same), known.default_language)
    return holidays.country_holidays(code, subdiv=part, years=year, language=language)
