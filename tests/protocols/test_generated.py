"""Documents that Schemathesis makes from the exported schema: as each role, whatever is asked, and
with whichever ids, nothing fails on our side.
"""

import os
import random
import re
from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from models import Role
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import tomorrow, wire
from tests.schema.plausible import SDL, World, world_of

NUMBER = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
EXAMPLES = 3
# After these the sender is somebody else, or nobody.
LAST = ("Mutation.signOut", "Mutation.changePassword")
MOMENTS = [wire(tomorrow(hour)) for hour in (0, 9, 12)]
TEXTS = {
    # In a document they are numbers; who sends it puts ids there that mean something.
    "ID": [f"id {number}" for number in range(8)],
    "DateTime": MOMENTS,
    "Date": [moment[:10] for moment in MOMENTS],
    "Time": ["09:00", "12:30", "25:00"],
    "TimeZone": ["Europe/Madrid", "Mars/Olympus"],
    "Cursor": ["", "AAAA"],
}
AN_ID = re.compile(r'(?:(\w+): \[?)?"id (\d+)"')


def documents() -> list[str]:
    """Some documents for each operation."""
    for name, texts in TEXTS.items():
        schemathesis.graphql.scalar(name, st.sampled_from(texts).map(nodes.String))
    found = schemathesis.graphql.from_path(str(SDL)).get_all_operations()
    operations = sorted((each.ok() for each in found), key=lambda each: each.label in LAST)
    made: list[str] = []

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(st.data())
    def keep(data: Any) -> None:
        made.append(str(data.draw(strategy).body))

    for operation in operations:
        strategy = operation.as_strategy()
        seed(NUMBER)(keep)()
    return made


def with_ids(document: str, world: World) -> str:
    """A document with ids in it: the kind that is wanted there, another one, or none."""
    every = list(world.ids.values())

    def id_for(match: re.Match[str]) -> str:
        name, number = match[1] or "", int(match[2])
        wanted = world.ids.get(name, every[number % len(every)])
        id = wanted if number < 5 else every[-number] if number < 7 else "none"
        return match[0].replace(f"id {number}", id)

    return AN_ID.sub(id_for, document)


async def test_nothing_that_is_asked_fails_on_our_side(clinic: Clinic) -> None:
    print(f"SEED={NUMBER}")
    world = await world_of(clinic)
    asked = documents()
    for role in (None, *Role):
        api = clinic.public.signed_in(clinic.person(role).token) if role else clinic.public
        codes: Counter[str] = Counter()
        for document in asked:
            codes.update(await answered(api, document, world))
        print(role, dict(codes))
        assert codes["NONE"] > len(asked) / 8


async def answered(api: Api, document: str, world: World) -> list[str]:
    """The codes of the errors in the answer; none of them our fault."""
    body = {"query": with_ids(document, world)}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        answer = await response.json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert response.status < 500, (body, answer)
    assert not {"INTERNAL", "UNAVAILABLE"}.intersection(codes), (body, answer)
    return codes or ["NONE"]
