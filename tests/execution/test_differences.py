"""Whatever is asked, of whatever there is: what is compiled answers as graphql-core does, to the
byte and to the place of each error. SEED repeats a run, EXAMPLES=5000 asks more."""

import asyncio
import os
import re
from random import Random, SystemRandom
from typing import Any, NamedTuple

import orjson
import pytest
from graphql import DocumentNode, execute, parse, validate
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.utils.await_maybe import await_maybe

from schema.execution.executor import Compiled
from tests.execution.documents import Document
from tests.execution.world import Ctx, ThingRow, core

SEED = int(os.environ.get("SEED", SystemRandom().randrange(10**9)))
EXAMPLES = int(os.environ.get("EXAMPLES", "120"))
# How many of a hundred values are not as they should be.
WILDNESS = (0.0, 0.0, 0.01, 0.05, 0.3)
# What is answered later. Of several errors that make the same place null, which one is told depends
# on which comes first.
ADDRESS = re.compile("0x[0-9a-f]+")
LATER = re.compile("many|artner|number|later|slow")


class Answer(NamedTuple):
    """The data as it is sent, the errors in their order, and the places that they made null."""

    data: str
    errors: list[Any]
    nulls: set[str]


async def answered(
    by: type, document: DocumentNode, variables: dict[str, Any], seed: str, wildness: float
) -> Answer:
    result = await await_maybe(
        execute(
            core,
            document,
            root_value=ThingRow(seed, wildness),
            context_value=Ctx(wildness),
            variable_values=variables,
            executor_class=by,
        )
    )
    errors = [
        (ADDRESS.sub("", error.message), error.path, error.locations)
        for error in result.errors or ()
    ]
    nulls = {str(null_on(error.path or [], result.data)) for error in result.errors or ()}
    return Answer(ADDRESS.sub("", orjson.dumps(result.data).decode()), errors, nulls)


def null_on(path: list[Any], data: Any) -> list[Any]:
    """The place on the way to a path at which there is nothing."""
    for length, step in enumerate(path):
        if data is None:
            return path[:length]
        data = data[step]
    return path


# Beside a field that fails graphql-core cancels what others wait for, some of it before it begins.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_is_compiled_answers_as_graphql_core_does() -> None:
    print(f"SEED={SEED}")
    asked = 0
    for number in range(EXAMPLES):
        chance = Random(f"{SEED} {number}")
        made = Document(chance)
        document = parse(made.text)
        if validate(core, document):
            continue
        asked += 1
        wildness = chance.choice(WILDNESS)
        # Twice, as the second time finds what was compiled for the first.
        for seed in (f"{SEED} {number}", f"{number} {SEED}"):
            asking = (document, made.variables, seed, wildness)
            expected = await answered(StrawberryGraphQLCoreExecutionContext, *asking)
            found = await answered(Compiled, *asking)
            told = f"SEED={SEED}, example {number}, wildness {wildness}\n{made.text}"
            assert found.data == expected.data, told
            assert found.nulls == expected.nulls, told
            assert LATER.search(made.text) or found.errors == expected.errors, told
            # What was given up ends in its own time.
            await asyncio.sleep(0)
    assert asked > EXAMPLES / 2
