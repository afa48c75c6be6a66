"""What is denied is denied in every form, says the same as of a thing that does not exist, and
leaves nothing behind: no row of any table of either organization, no hint, no mail."""

import pytest

from models import Role
from tests.access.acts import (
    AT_EVENTS,
    FORMS,
    FORMS_OF_VIEWS,
    NAMES,
    NO_IDS,
    Path,
    arguments,
    id_places,
    meaning,
    random_ids,
    said,
    send,
)
from tests.access.matrix import COLUMNS, OPERATIONS
from tests.access.realm import Realm, fingerprint
from tests.access.voices import Voice

DENIED = ("U", "F", "N", "-")
# What a cell `o` is about; slots, departments and offices are everybody's.
ASSIGNED = {
    *("patientId", "doctorId", "calendarId", "appointmentId", "reference", "signInId", "eventId"),
    *("exceptionId", "waitlistEntryId"),
}
# Patients wait for whomever they like.
ANYBODYS = ("Mutation.joinWaitlist", Role.PATIENT, "doctorId")
ARCHIVED = {
    *("patientId", "doctorId", "calendarId", "exceptionId", "eventId", "eventSlotId", "slug"),
}
# They show a calendar to everybody, and that of somebody who has left.
SHOWING_ALL = {"Query.calendar", "Subscription.calendarChanges"}
NULLABLE = {
    *("Query.calendar", "Query.appointmentByReference", "Query.event", "Query.guestBooking"),
}
# `node` answers by the type of what is named: see `test_nodes`.
BY_TYPE = {"Query.node", "Query.nodes"}
TRIED = [name for name in OPERATIONS if name not in BY_TYPE]


class Trial:
    """One operation tried by one voice; what went otherwise than the matrix says is kept."""

    def __init__(self, operation: str, voice: Voice, home: Realm, abroad: Realm) -> None:
        self.operation = operation
        self.voice = voice
        self.home = home
        self.own = home if voice.is_home else abroad
        self.strange = abroad if voice.is_home else home
        self.cell = voice.cell(OPERATIONS[operation])
        self.forms = forms(operation, voice)
        self.wrong: list[str] = []

    async def run(self) -> list[str]:
        """Everything that may be found wrong."""
        if self.cell in DENIED:
            await self._denied()
        if self.cell not in {"U", "F"}:
            for place in id_places(self.operation):
                await self._hidden(place)
        return self.wrong

    async def _denied(self) -> None:
        """Whatever is named, the answer is that of ids that name nothing."""
        mine = self.home.ids("mine")
        is_about_something = self.voice.is_home and id_places(self.operation)
        named = [self.home.ids("theirs")] if is_about_something else []
        tries = [arguments(self.operation, ids) for ids in (mine, *named)]
        nothing = arguments(self.operation, random_ids(mine))
        await self._all_as(nothing, tries, self.cell)

    async def _hidden(self, place: Path) -> None:
        """What is not there for this voice is not there at any place, whatever else is named."""
        name = "calendarId" if place == ("id",) else place[-1]
        if self.operation in AT_EVENTS and name == "slotId":
            name = "eventSlotId"
        own = self.own.ids("mine")
        hidden = [self.strange.ids("mine")]
        is_anybodys = (self.operation, self.voice.role, name) == ANYBODYS
        if self.cell == "o" and name in ASSIGNED and not is_anybodys:
            hidden.insert(0, self.own.ids("theirs"))
        if self.operation not in SHOWING_ALL and name in ARCHIVED:
            hidden.append(self.own.ids("gone"))
        tries = [
            arguments(self.operation, own, (place, ids[name])) for ids in hidden if name in ids
        ]
        nothing = arguments(self.operation, own, (place, random_ids(own)[name]))
        await self._all_as(nothing, tries, "-" if self.operation in NULLABLE else "N")

    async def _all_as(
        self, of_nothing: dict[str, object], tries: list[dict[str, object]], expected: str
    ) -> None:
        """Every try is answered as the one that names nothing; the first of them in every form."""
        control = await send(self.voice, self.operation, "plain", of_nothing)
        if (found := meaning(self.operation, control.body)) != expected:
            self.wrong.append(f"{self.voice}: {found} and not {expected}: {control.raw!r}")
        for given in tries:
            answer = await send(self.voice, self.operation, "plain", given)
            if answer.shape != control.shape:
                self.wrong.append(f"{self.voice}: {answer.raw!r} and not {control.raw!r}")
        while self.forms:
            form = self.forms.pop()
            answer = await send(self.voice, self.operation, form, tries[0])
            if said(answer.body) != said(control.body):
                self.wrong.append(f"{self.voice}, {form}: {answer.raw!r} and not {control.raw!r}")


def forms(operation: str, voice: Voice) -> list[str]:
    """The forms besides the plain one. People of the clinic try two of them at each operation, the
    next role and the next operation the other two; strangers one of them, in turn.
    """
    all_of_them = (FORMS_OF_VIEWS if operation.startswith("Subscription.") else FORMS)[1:]
    turn = list(OPERATIONS).index(operation) + COLUMNS.index(voice.role)
    turns = (2 * turn, 2 * turn + 1) if voice.is_home else (turn,)
    return [all_of_them[turn % len(all_of_them)] for turn in turns]


@pytest.mark.parametrize("operation", TRIED)
@pytest.mark.usefixtures("quiet")
async def test_what_is_denied_is_denied_in_every_form_and_changes_nothing(
    operation: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    wrong = []
    before = await fingerprint(home, abroad)
    for voice in voices:
        wrong += await Trial(operation, voice, home, abroad).run()
        after = await fingerprint(home, abroad)
        if after != before:
            wrong.append(f"{voice}: something was changed")
        before = after
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("operation", [name for name in TRIED if id_places(name)])
async def test_what_is_no_id_opens_nothing(
    operation: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """Nor does an id of another type; for somebody who may do it with a good one."""
    voice = next(v for v in voices if v.is_home and v.cell(OPERATIONS[operation]) in "o+")
    before = await fingerprint(home, abroad)
    for place in id_places(operation):
        other = "department.mine" if place[-1] != "departmentId" else "slot.mine"
        expected = dict.fromkeys(NO_IDS, "BAD_INPUT") | {home.id(other): "N"}
        if place in NAMES:
            expected = dict.fromkeys(expected, "-")
        for value, cell in expected.items():
            given = arguments(operation, home.ids("mine"), (place, value))
            answer = await send(voice, operation, "plain", given)
            assert meaning(operation, answer.body) == cell, (place, value[:40])
    assert await fingerprint(home, abroad) == before
