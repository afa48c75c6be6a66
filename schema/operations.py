"""What each operation gets of its own before it runs, and the parsed documents that all share; what
it costs, and that it waits for its turn.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from schema.points import points
from services.traces import current

MOST_DOCUMENTS = 1000
# Longer ones are not what a client sends again and again, and parsed they take much memory.
LONGEST_DOCUMENT = 10_000


class OwnMemory(SchemaExtension):
    """Gives every operation a memory of its own.

    Strawberry makes one context for a whole WebSocket; loaders kept in it would serve rows as old
    as the connection.
    """

    def on_operation(self) -> Iterator[None]:
        """Replace the context of the connection by one of the operation."""
        self.execution_context.context = self.execution_context.context.for_operation()
        yield


class ParsedDocuments(SchemaExtension):
    """Parses each document once.

    Strawberry's own cache parses in its hook, where a syntax error escapes the presentation of
    errors; this one only remembers what was parsed in the ordinary place.
    """

    _parsed: ClassVar[OrderedDict[str, DocumentNode]] = OrderedDict()

    def on_parse(self) -> Iterator[None]:
        """Hand in the document that is known, or remember the one that was parsed."""
        query = self.execution_context.query or ""
        known = self._parsed.get(query)
        if known is not None:
            self._parsed.move_to_end(query)
            self.execution_context.graphql_document = known
        yield
        document = self.execution_context.graphql_document
        if known is None and document is not None and len(query) <= LONGEST_DOCUMENT:
            self._parsed[query] = document
            if len(self._parsed) > MOST_DOCUMENTS:
                self._parsed.popitem(last=False)


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
        document, context = execution.graphql_document, execution.context
        if document is None:
            raise RuntimeError("Without a document, nothing is carried out.")
        operation = get_operation_ast(document, execution.operation_name)
        if operation is None:
            # Without a name for several: `NamedOperation` has refused that.
            raise RuntimeError("Without an operation, nothing is carried out.")
        trace = current()
        trace.kind = operation.operation.value
        trace.operation = operation.name.value if operation.name else ""
        if (more := points(document, operation) - 1) > 0:
            await context.spend(more)
        if operation.operation is OperationType.SUBSCRIPTION:
            yield
        else:
            async with context.turn():
                yield
