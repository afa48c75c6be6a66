"""What pages ask, of a real clinic: the answer is to the byte what it is with nothing compiled."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models import Role
from schema.root import schema
from schema.slices import InSlices
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import tomorrow, wire
from tests.schema.plausible import world_of

ROOT = Path(__file__).parent.parent.parent
# At most one root of each may be refused: of several, either is told.
DOCUMENTS = (
    """query ($calendar: ID!, $from: DateTime!, $to: DateTime!) { calendar(id: $calendar) {
      id timeZone cursor owner { __typename ... on Doctor { name calendar { id } } }
      slots(from: $from, to: $to) { __typename id startsAt endsAt status capacity bookedCount
        version isBookable heldUntil isHeldByViewer calendar { id cursor }
        appointments { id reference } }
      templates { id } exceptions(from: $from, to: $to) { id } } }""",
    """{ doctors { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { ...D office { name doctors { edges { node { ...D } } } } } } } }
    fragment D on Doctor { id name title languages isAcceptingPatients user { id }
      department { name doctorCount } nextAvailableSlot { id startsAt } }""",
    """{ appointments(first: 10) { edges { node { id reference status startsAt reason staffNotes
      slot { id status } slots { id } doctor { name user { email } } patient { name notes }
      visitType { name } room { name } bookedBy { name } history { at status by { name } note }
      series { id } event { title } guest { name } attendee { name } } } } }""",
    """query ($calendar: ID!, $x: Boolean = true) { nodes(ids: [$calendar, $calendar]) { id
      ... on Calendar { timeZone @skip(if: $x) zone: timeZone @include(if: $x) } } }""",
    """{ departments { edges { node { id name doctors(first: 2) { edges { node { name } } } } } }
      offices { totalCount edges { node { id name timeZone } } } visitTypes { id doctors { name } }
      patients { edges { node { id name email birthDate createdAt user { id } } } } }""",
    "{ waitlist { edges { node { id position patient { name } doctor { name } } } } }",
    """{ viewer { id name role doctor { name } patient { name } } signIns { id isCurrent } }""",
    "{ users { edges { node { id email role doctor { name } } } } }",
    "{ notifications { totalCount } }",
)


@contextmanager
def nothing_compiled() -> Iterator[None]:
    compiled = schema.execution_context_class
    schema.execution_context_class = InSlices
    try:
        yield
    finally:
        schema.execution_context_class = compiled


async def told(api: Api, document: str, variables: dict[str, str]) -> str:
    """The body of the answer, but for what is another one in each answer."""
    body = {"query": document, "variables": variables}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        return re.sub('"requestId":"[^"]*"', "", await response.text())


async def test_pages_are_told_the_same(clinic: Clinic) -> None:
    world = await world_of(clinic)
    given = {"from": wire(tomorrow()), "to": wire(tomorrow(23))}
    variables = {"calendar": world.ids["calendarId"], **given}
    everybody = [clinic.public, clinic.admin, clinic.reception, clinic.doctor, clinic.patient]
    lengths = []
    for document in DOCUMENTS:
        asked = {name: value for name, value in variables.items() if f"${name}" in document}
        for api in everybody:
            found = await told(api, document, asked)
            with nothing_compiled():
                assert found == await told(api, document, asked)
            lengths.append(len(found))
    assert sum(lengths) > 15_000


def examples() -> list[str]:
    """The queries of the README."""
    text = (ROOT / "README.md").read_text()
    (query,) = re.findall(r'"query":\s*"(\{.*?\})"\}', text, re.DOTALL)
    return [query]


@pytest.mark.parametrize("document", examples())
async def test_the_examples_are_told_the_same(clinic: Clinic, document: str) -> None:
    await clinic.factory.slots(clinic.person(Role.DOCTOR).calendar, tomorrow(9), 2)
    found = await told(clinic.public, document, {})
    assert '"errors"' not in found
    with nothing_compiled():
        assert found == await told(clinic.public, document, {})
