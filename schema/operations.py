"""What each operation gets of its own before it runs, and the parsed documents that all share."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import ClassVar

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension

MOST_DOCUMENTS = 1000


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
        if known is None and document is not None:
            self._parsed[query] = document
            if len(self._parsed) > MOST_DOCUMENTS:
                self._parsed.popitem(last=False)
