"""Live views of what is held: the holder is shown that it is theirs, nobody else is, and all but
the holder are sent the same bytes."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from models import Calendar, Role, Slot
from tests.api import Api
from tests.booking import book
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.test_groups import Raw, raw, statements
from tests.live.views import PICTURE, doctors_calendar, viewing

HELD = "id status version heldUntil isHeldByViewer isBookable"
PUBLIC = "id status version heldUntil isHeldByViewer"


async def crowd(clinic: Clinic, count: int) -> list[Api]:
    """Patients."""
    people = [await clinic.factory.person(Role.PATIENT) for _ in range(count)]
    return [clinic.public.signed_in(person.token) for person in people]


async def hold(api: Api, slot: Slot, act: str = "holdSlot") -> None:
    await api.done(act, "slot { id }", slotId=id_of(slot))


def slots_in(payload: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(payload)["data"]["calendarChanges"]["slots"]
    return found


async def opened(
    stack: AsyncExitStack, apis: list[Api], calendar: Calendar, fields: str
) -> list[Raw]:
    """Live views, each past its first picture."""
    views = [await stack.enter_async_context(raw(api, calendar, fields)) for api in apis]
    for view in views:
        await view.next()
    return views


@pytest.mark.parametrize("fields", [HELD, PUBLIC])
async def test_the_holder_is_sent_their_own_update_and_all_others_the_same(
    clinic: Clinic, fields: str
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    others = await crowd(clinic, 6)
    async with AsyncExitStack() as stack:
        views = await opened(stack, [clinic.patient, *others], calendar, fields)
        await hold(clinic.patient, slot)
        own, *rest = [await view.next() for view in views]
        assert len(set(rest)) == 1
        (mine,), (theirs,) = slots_in(own), slots_in(rest[0])
        assert (mine["status"], mine["isHeldByViewer"]) == ("HELD", True)
        assert (theirs["status"], theirs["isHeldByViewer"]) == ("HELD", False)
        assert {k: v for k, v in mine.items() if k not in {"isHeldByViewer", "isBookable"}} == {
            k: v for k, v in theirs.items() if k not in {"isHeldByViewer", "isBookable"}
        }
        if "isBookable" in mine:
            assert (mine["isBookable"], theirs["isBookable"]) == (True, False)
        await hold(clinic.patient, slot, "releaseHold")
        updates = [await view.next() for view in views]
        assert len(set(updates)) == 1
        (free,) = slots_in(updates[0])
        assert (free["status"], free["isHeldByViewer"], free["heldUntil"]) == (
            "AVAILABLE",
            False,
            None,
        )


async def test_an_update_is_rendered_once_for_the_crowd_and_once_for_the_holder(
    clinic: Clinic,
) -> None:
    calendar = doctors_calendar(clinic)
    first, second = await clinic.factory.slots(calendar, tomorrow(), 2)
    others = await crowd(clinic, 5)
    of_acceptance = "doctors.is_accepting_patients"
    async with AsyncExitStack() as stack:
        views = await opened(stack, [clinic.patient, *others], calendar, HELD)
        counts = []
        for act in (hold(clinic.patient, first), book(others[0], second)):
            with statements() as seen:
                await act
                for view in views:
                    await view.next()
            counts.append(sum(of_acceptance in s and "FROM doctors" in s for s in seen))
    # Whether the doctor accepts patients is asked once for each rendering.
    assert counts == [2, 1]


async def test_the_first_picture_shows_each_what_they_hold(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await hold(clinic.patient, slot)
    others = await crowd(clinic, 2)
    shown = []
    # The first picture of one is kept for a moment for the next.
    for api in (others[0], clinic.patient, others[1], clinic.reception, clinic.public):
        async with raw(api, calendar, HELD) as view:
            (held,) = slots_in(await view.next())
            shown.append((held["status"], held["isHeldByViewer"], held["isBookable"]))
    nothing = ("HELD", False, False)
    assert shown == [nothing, ("HELD", True, True), nothing, nothing, nothing]


async def test_who_comes_back_with_a_cursor_is_shown_what_they_hold(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with viewing(clinic.patient, calendar, fields=HELD) as view:
        await view.next()
    await hold(clinic.patient, slot)
    async with viewing(clinic.patient, calendar, back=view, fields=HELD) as view:
        update = await view.next()
        assert update["reset"] is False
        assert [s["isHeldByViewer"] for s in update["slots"]] == [True]


async def test_the_same_person_sees_it_on_every_device(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    async with AsyncExitStack() as stack:
        views = await opened(stack, [clinic.patient] * 3 + [clinic.public], calendar, HELD)
        await hold(clinic.patient, slot)
        mine = [slots_in(await view.next())[0]["isHeldByViewer"] for view in views]
    assert mine == [True, True, True, False]


async def test_two_holders_of_one_group_see_each_their_own(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow(), capacity=3)
    one, other, third = await crowd(clinic, 3)
    async with AsyncExitStack() as stack:
        views = await opened(stack, [one, other, third], calendar, HELD)
        for api, expected in ((one, [True, False, False]), (other, [True, True, False])):
            await hold(api, slot)
            mine = [slots_in(await view.next())[0]["isHeldByViewer"] for view in views]
            assert mine == expected


async def test_what_a_question_shows_is_what_the_view_shows(clinic: Clinic) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    for api in (clinic.patient, clinic.public):
        async with raw(api, calendar, HELD) as view:
            await view.next()
            if api is clinic.patient:
                await hold(api, slot)
            else:
                await hold(clinic.patient, slot)
            shown = slots_in(await view.next())
        answer = await api.ask(PICTURE % HELD, id=id_of(calendar), **window)
        assert answer["calendar"]["slots"] == shown
