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
# How many documents of an operation, and how many people ask each: of what is asked by many paths
# and with many arguments more.
EXAMPLES = {"Query": 10, "Mutation": 3, "Subscription": 3}
ASKED_BY = {"Query": 2, "Mutation": 3, "Subscription": 3}
# After these the sender is somebody else, or nobody.
LAST = ("Mutation.signOut", "Mutation.changePassword")
MOMENTS = [wire(tomorrow(hour)) for hour in (0, 9, 12)]
TEXTS = {
    # In a document they are numbers; who sends it puts ids there that mean something.
    "ID": [f"id {number}" for number in range(100)],
    "DateTime": MOMENTS,
    "Date": [moment[:10] for moment in MOMENTS],
    "Time": ["09:00", "12:30", "25:00"],
    "TimeZone": ["Europe/Madrid", "Mars/Olympus"],
    "Cursor": ["", "AAAA"],
}
AN_ID = re.compile(r'(?:(\w+)\(\s*)?(?:(\w+): )?"id (\d+)"')


def documents() -> list[tuple[str, str]]:
    """Some documents for each operation, each with the name of its root type."""
    for name, texts in TEXTS.items():
        schemathesis.graphql.scalar(name, st.sampled_from(texts).map(nodes.String))
    found = schemathesis.graphql.from_path(str(SDL)).get_all_operations()
    operations = sorted((each.ok() for each in found), key=lambda each: each.label in LAST)
    made = []
    for operation in operations:
        root = operation.label.partition(".")[0]
        made += [(root, text) for text in drawn(operation.as_strategy(), EXAMPLES[root])]
    return made


def drawn(strategy: Any, count: int) -> list[str]:
    """So many documents of an operation."""
    made: list[str] = []

    @seed(NUMBER)
    @settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(strategy)
    def keep(case: Any) -> None:
        made.append(str(case.body))

    keep()
    return made


def with_ids(document: str, world: World) -> str:
    """A document with ids in it: the kind that is wanted there, another one, or none."""
    every = list(world.ids.values())

    def id_for(match: re.Match[str]) -> str:
        field, name, number = match[1], match[2], int(match[3])
        any_kind = every[number % len(every)]
        # Of anything, for `node` and `nodes`.
        wanted = any_kind if field != "calendar" and name == "id" else world.ids.get(name, any_kind)
        id = (wanted, wanted, wanted, any_kind, "none")[number // len(every) % 5]
        return match[0].replace(f"id {number}", id)

    return AN_ID.sub(id_for, document)


async def test_nothing_that_is_asked_fails_on_our_side(clinic: Clinic) -> None:
    print(f"SEED={NUMBER}")
    world = await world_of(clinic)
    asked = documents()
    chance = random.Random(NUMBER)
    everybody = (None, *Role)
    who_asks = [chance.sample(everybody, ASKED_BY[root]) for root, _ in asked]
    for role in everybody:
        api = clinic.public.signed_in(clinic.person(role).token) if role else clinic.public
        codes: Counter[str] = Counter()
        documents_of_theirs = [
            document for (_, document), who in zip(asked, who_asks, strict=True) if role in who
        ]
        for document in documents_of_theirs:
            codes.update(await answered(api, document, world))
        print(role, dict(codes))
        assert codes["NONE"] > len(documents_of_theirs) / 8


async def answered(api: Api, document: str, world: World) -> list[str]:
    """The codes of the errors in the answer; none of them our fault."""
    body = {"query": with_ids(document, world)}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        answer = await response.json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert response.status < 500, (body, answer)
    assert not {"INTERNAL", "UNAVAILABLE"}.intersection(codes), (body, answer)
    return codes or ["NONE"]
