"""A plugin for pytest: each query that any test has carried out is carried out once more without
what is compiled, and a difference fails the run.

`python -m pytest -n 0 -p tests.execution.both tests/schema` asks both ways. Queries that leave
traces, such as denials in the audit trail, leave two.
"""

from typing import Any

import orjson
import pytest
from graphql import OperationType, execute, get_operation_ast
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.utils.await_maybe import await_maybe

from schema.operations import Schema
from schema.slices import InSlices

ORDINARY = Schema._execute_operation
differences: list[str] = []
compared = 0


def told(result: Any) -> Any:
    errors = sorted((error.message, str(error.path)) for error in result.errors or ())
    return orjson.dumps(result.data), errors


async def both(self: Schema, asked: Any, *rest: Any) -> Any:
    """Carry out an operation, and if it is a query, once more."""
    global compared  # noqa: PLW0603
    result = await ORDINARY(self, asked, *rest)
    node = get_operation_ast(asked.graphql_document, asked.operation_name)
    if node is None or node.operation is not OperationType.QUERY:
        return result
    again = await await_maybe(
        execute(
            self._schema,
            asked.graphql_document,
            root_value=asked.root_value,
            context_value=asked.context.for_operation(),
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            is_awaitable=optimized_is_awaitable,
            executor_class=InSlices,
        )
    )
    compared += 1
    if told(result) != told(again):
        differences.append(f"{asked.query}\n{asked.variables}\n{told(result)}\n{told(again)}")
    return result


def pytest_configure() -> None:
    """Put it around every operation."""
    Schema._execute_operation = both  # type: ignore[method-assign]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where something was different."""
    print(f"\n{compared} queries were answered both ways, {len(differences)} differently.")
    print("\n\n".join(differences))
    if differences:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
