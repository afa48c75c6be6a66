"""Public holidays: which days are closed, what they are called, and that each comes once."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from models import AvailabilityException
from tests.api import Api
from tests.conftest import Clinic
from tests.exceptions import remove
from tests.factories import wire
from tests.hours import MADRID, at, clocks, generate, on, slots_of, work
from tests.rows import kept, unchanged

NEXT_YEAR = on(0).year + 1
IMPORTED = "exceptions { id kind startsAt endsAt reason calendar { id } } uncovered { id }"
LABOR_DAY = date(NEXT_YEAR, 5, 1)


async def imported(api: Api, country: str = "DE", year: int = NEXT_YEAR, **values: Any) -> Any:
    """The payload of an import, which must not be refused."""
    payload = await api.act("importPublicHolidays", IMPORTED, country=country, year=year, **values)
    assert payload["errors"] == []
    return payload


def names(payload: dict[str, Any]) -> dict[date, str]:
    """What the holidays are called, by the clinic's days."""
    return {
        datetime.fromisoformat(one["startsAt"]).astimezone(MADRID).date(): one["reason"]
        for one in payload["exceptions"]
    }


async def test_holidays_are_whole_days_of_the_organization(clinic: Clinic) -> None:
    payload = await imported(clinic.reception)
    found = {one["reason"]: one for one in payload["exceptions"]}
    assert [*found] == [one["reason"] for one in payload["exceptions"]]
    unity = found["German Unity Day"]
    assert unity == {
        "id": unity["id"],
        "kind": "CLOSED",
        "startsAt": wire(at(date(NEXT_YEAR, 10, 3), "00:00")),
        "endsAt": wire(at(date(NEXT_YEAR, 10, 4), "00:00")),
        "reason": "German Unity Day",
        "calendar": None,
    }
    # What all parts of the country have: six days that stay where they are, or move with Easter.
    assert len(found) == 9
    assert names(payload)[LABOR_DAY] == "Labor Day"
    part = await imported(clinic.admin, subdivision="de-by", year=NEXT_YEAR)
    assert names(part)[date(NEXT_YEAR, 1, 6)] == "Epiphany"
    assert (await imported(clinic.admin, subdivision="BY"))["exceptions"] == part["exceptions"]


@pytest.mark.parametrize(
    ("locale", "name"),
    [("de", "Erster Mai"), ("de-CH", "Erster Mai"), ("en-GB", "Labor Day"), ("eu", "Erster Mai")],
)
async def test_holidays_are_called_as_the_organization_speaks(
    clinic: Clinic, locale: str, name: str
) -> None:
    await clinic.admin.done("updateOrganization", "organization { id }", locale=locale)
    assert names(await imported(clinic.reception))[LABOR_DAY] == name


async def test_holidays_close_the_days_that_have_been_made(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=24)
    await work(clinic)
    await generate(clinic, LABOR_DAY)
    slot = (await slots_of(clinic, LABOR_DAY))[0]["id"]
    visit = await clinic.patient.done("bookAppointment", "appointment { id }", slotId=slot)
    assert (await imported(clinic.reception))["uncovered"] == [visit]
    assert await clocks(clinic, LABOR_DAY) == ["09:00-09:30 BOOKED"]


async def test_what_is_imported_again_comes_once_and_what_was_removed_not_at_all(
    clinic: Clinic,
) -> None:
    await clinic.factory.policy(horizon_months=24)
    await work(clinic)
    await generate(clinic, LABOR_DAY)
    first = await imported(clinic.reception)
    async with unchanged(clinic.factory):
        assert await imported(clinic.admin) == first
    (id,) = [one["id"] for one in first["exceptions"] if one["reason"] == "Labor Day"]
    assert await clocks(clinic, LABOR_DAY) == []
    await remove(clinic.reception, id)
    assert len(await clocks(clinic, LABOR_DAY)) == 4
    async with unchanged(clinic.factory):
        again = await imported(clinic.reception)
        refusal = await clinic.reception.refusal(
            "removeAvailabilityException", "deletedId", exceptionId=id
        )
    assert refusal["code"] == "NOT_FOUND"
    assert {**names(again), LABOR_DAY: "Labor Day"} == names(first)
    assert LABOR_DAY not in names(again)
    answer = await clinic.public.ask("query ($id: ID!) { node(id: $id) { id } }", id=id)
    assert answer == {"node": None}


async def test_two_countries_may_close_the_same_day(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=24)
    await work(clinic)
    await generate(clinic, LABOR_DAY)
    await imported(clinic.reception, "AT")
    german = await imported(clinic.reception)
    (id,) = [one["id"] for one in german["exceptions"] if one["reason"] == "Labor Day"]
    await remove(clinic.reception, id)
    assert await clocks(clinic, LABOR_DAY) == []


async def test_of_this_year_only_days_to_come_are_imported(clinic: Clinic) -> None:
    payload = await imported(clinic.reception, year=on(0).year)
    assert all(one["endsAt"] > wire(datetime.now(UTC)) for one in payload["exceptions"])


async def test_two_who_import_at_once_import_each_once(clinic: Clinic) -> None:
    payloads = await asyncio.gather(*(imported(clinic.reception) for _ in range(4)))
    assert payloads == [payloads[0]] * 4
    assert len(await kept(clinic.factory, AvailabilityException)) == 9


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"country": "QQ"}, "country"),
        ({"country": "Germany"}, "country"),
        ({"country": "OS"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "__DOC__"}, "country"),
        ({"subdivision": "QQ"}, "subdivision"),
        ({"subdivision": "ES-MD"}, "subdivision"),
        ({"year": on(0).year - 1}, "year"),
        ({"year": on(0).year + 3}, "year"),
    ],
)
async def test_what_nobody_knows_is_refused(
    clinic: Clinic, values: dict[str, Any], field: str
) -> None:
    given = {"country": "DE", "year": NEXT_YEAR, **values}
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal("importPublicHolidays", IMPORTED, **given)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", field])
