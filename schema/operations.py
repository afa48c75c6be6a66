"""What happens around an operation: it is let in or refused before it runs, costs something, waits
for its turn, gets what is its own, and ends when its time is over.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any, cast

import strawberry
from graphql import GraphQLError, OperationDefinitionNode, OperationType
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionContext, PreExecutionError

from resolvers.audit import write_readings
from schema.documents import Document, Documents, Rejected, check_nesting, check_price
from schema.execution.compiler import Compiler
from schema.points import DEAR, points
from schema.prices import MOST_POINTS
from services.errors import Unavailable
from services.traces import current


class OwnMemory(SchemaExtension):
    """Gives every operation a memory of its own.

    Strawberry makes one context for a whole WebSocket; loaders kept in it would serve rows as old
    as the connection.
    """

    def on_operation(self) -> Iterator[None]:
        """Replace the context of the connection by one of the operation."""
        self.execution_context.context = self.execution_context.context.for_operation()
        yield


class Audited(SchemaExtension):
    """Lets no answer leave before what was read for it is noted."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Note what a query or mutation has read."""
        yield
        await self._note(self.execution_context.result)

    async def on_stream_result(self, result: Any) -> AsyncIterator[None]:
        """Note what was read for one result of a stream."""
        await self._note(result)
        yield

    async def _note(self, result: Any) -> None:
        try:
            await write_readings(self.execution_context.context)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is shown
            result.data = None
            result.errors = [GraphQLError(str(error), original_error=error)]


class NamedOperation(SchemaExtension):
    """Refuses to guess which of several operations is meant; Strawberry takes the first."""

    def on_validate(self) -> Iterator[None]:
        """Reject a document of several operations where the request names none."""
        context = self.execution_context
        document = context.graphql_document
        operations = [
            definition
            for definition in (document.definitions if document else ())
            if isinstance(definition, OperationDefinitionNode)
        ]
        is_named = context._provided_operation_name is not None  # noqa: SLF001 - the only way
        if len(operations) > 1 and not is_named and not context.pre_execution_errors:
            context.pre_execution_errors = [GraphQLError("Say which operation: `operationName`.")]
        yield


class InTurn(SchemaExtension):
    """Counts what a valid operation costs more than the one point that was counted when it came,
    and lets only so many run at once. A live view waits for others, and keeps nobody waiting.
    """

    async def on_execute(self) -> AsyncIterator[None]:
        """Begin when it may.

        Raises:
            RateLimited: more was asked than may be.
            Unavailable: too many wait already.

        """
        execution = self.execution_context
        context = execution.context
        documents = cast("Schema", execution.schema).documents
        # It is known by now, and has been let in.
        document = documents.admitted(execution.query or "", is_open=True)
        operation = document.operation(execution.operation_name)
        if operation is None:
            # Without a name for several: `NamedOperation` has refused that.
            raise RuntimeError("Without an operation, nothing is carried out.")
        node = operation.node
        trace = current()
        trace.kind = node.operation.value
        trace.operation = node.name.value if node.name else ""
        price = operation.price.of(execution.variables or {})
        if (more := points(node.operation, operation.root_fields, price) - 1) > 0:
            await context.spend(more)
        if node.operation is OperationType.SUBSCRIPTION:
            yield
        else:
            async with context.lane() if price >= DEAR else nullcontext(), context.turn():
                yield


class Schema(strawberry.Schema):
    """Strawberry's schema, which lets in what `documents` admits, and gives it so much time.

    It is silent about refused requests: `PresentErrors` logs what is our bug.
    """

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.documents = Documents(self._schema)
        Compiler(self._schema)

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Log nothing."""

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: Any
    ) -> PreExecutionError | None:
        """Let an operation in: called by Strawberry for every transport, before anything else."""
        document = None
        try:
            if context.query:
                is_open = context.context.server.config.shows_schema
                document = self.documents.admitted(context.query, is_open=is_open)
                context.graphql_document = document.node
                # It has been validated.
                context.validation_rules = ()
        except Rejected as rejected:
            if rejected.node is None:
                return PreExecutionError(data=None, errors=rejected.errors)
            # Strawberry looks first whether such an operation may come this way at all.
            context.graphql_document = rejected.node
            context.pre_execution_errors = rejected.errors
        refused = await super()._prepare_operation_async(context, extensions_runner)
        if refused is not None or document is None:
            return refused
        try:
            _check_request(context, document)
        except Rejected as rejected:
            return PreExecutionError(data=None, errors=rejected.errors)
        return None

    async def _execute_operation(self, execution_context: ExecutionContext, *rest: Any) -> Any:
        """Carry out a query or a mutation: what it has not done in its time it leaves undone."""
        try:
            async with asyncio.timeout(execution_context.context.server.config.operation_seconds):
                return await super()._execute_operation(execution_context, *rest)
        except TimeoutError:
            # Returned: what is raised here passes by the presentation of errors.
            error = GraphQLError(Unavailable.message, original_error=Unavailable())
            refused = PreExecutionError(data=None, errors=[error])
            execution_context.result = refused
            return refused


def _check_request(context: ExecutionContext, document: Document) -> None:
    """Refuse what the variables of a request make of its document.

    Raises:
        Rejected: they go too deep, or make it too dear.

    """
    variables = context.variables or {}
    check_nesting(variables)
    operation = document.operation(context.operation_name)
    if operation is None:
        # Without a name for several: `NamedOperation` has refused that.
        raise RuntimeError("Without an operation, nothing is checked.")
    points = operation.price.of(variables)
    if (context.operation_extensions or {}).get("cost") is True:
        context.extensions_results["cost"] = {"requested": points, "limit": MOST_POINTS}
    check_price(points)
