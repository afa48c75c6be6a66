"""What the papers show of the API can be asked."""

import re

import pytest
from graphql import parse, validate

from schema.root import schema
from tests.house.rules import ROOT

BLOCK = re.compile(r"```graphql\n(.*?)```", re.DOTALL)
EXAMPLES = [
    (str(paper.relative_to(ROOT)), example)
    for paper in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for example in BLOCK.findall(paper.read_text())
]


@pytest.mark.parametrize(("paper", "example"), EXAMPLES)
def test_an_example_fits_the_schema(paper: str, example: str) -> None:
    assert validate(schema._schema, parse(example)) == [], paper


def test_there_are_examples() -> None:
    assert {"README.md", "docs/scheduling.md"} <= {paper for paper, _ in EXAMPLES}
