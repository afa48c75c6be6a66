"""Documents on their way to be carried out: read, counted, validated and priced, once each.

Every transport takes its documents from here. Which documents are known says nothing about who may
send them: what depends on the server's settings or on variables is asked each time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.field import StrawberryField

from schema import limits
from schema.fields import SENSITIVE
from schema.prices import MOST_POINTS, Price, price_of

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
# Parsed, a document takes some 400 bytes for each token: all that are kept, 40 MB at most.
MOST_DOCUMENTS = 1_000
MOST_TOKENS = 100_000
# What a stranger is told in place of names that they may not know.
DOES_NOT_FIT = "The document does not fit the schema of this API."
# Each is searched a word that may have been meant.
MOST_ERRORS = 5
# Deeper than any input of the schema.
DEEPEST = 32


class Rejected(Exception):
    """A document that is not carried out, and why.

    Attributes:
        node: the document, where it is one that is no larger than is accepted.

    """

    def __init__(self, *errors: GraphQLError, node: DocumentNode | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)
        self.node = node


class Operation(NamedTuple):
    """One operation of a document, with what it asks for."""

    node: OperationDefinitionNode
    root_fields: int
    price: Price


@dataclass(frozen=True)
class Document:
    """A document that is valid and no larger than is accepted.

    Attributes:
        introspection: the first field that asks about the schema itself.

    """

    node: DocumentNode
    operations: Sequence[Operation]
    introspection: FieldNode | None

    def operation(self, name: str | None) -> Operation | None:
        """The operation of a name, or the only one."""
        wanted = get_operation_ast(self.node, name)
        return next((one for one in self.operations if one.node is wanted), None)


class Documents:
    """The documents that are known; those that are sent again and again are looked at once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._sensitive = _sensitive(schema)
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._tokens = 0

    def admitted(self, text: str, *, is_open: bool) -> Document:
        """The document in a text.

        Args:
            is_open: whether the schema is no secret: then what is wrong is said with its names,
                and the document may ask about the schema.

        Raises:
            Rejected: it is none, too large, not valid, or asks what it must not.

        """
        document = self._known.get(text)
        if document is None:
            document = self._read(text, is_open=is_open)
            self._remember(text, document)
        else:
            self._known.move_to_end(text)
        if document.introspection and not is_open:
            error = GraphQLError(DOES_NOT_FIT, document.introspection)
            raise Rejected(error, node=document.node)
        return document

    def _read(self, text: str, *, is_open: bool) -> Document:
        try:
            node = limits.parsed(text)
            limits.check(node, self._sensitive)
        except GraphQLError as error:
            raise Rejected(error) from error
        errors = self._errors(node, is_open=is_open)
        if errors:
            raise Rejected(*errors, node=node)
        fragments = limits.fragments_of(node)
        nodes = limits.operations_of(node)
        operations = [
            Operation(
                one, limits.root_fields(one, fragments), price_of(one, fragments, self._schema)
            )
            for one in nodes
        ]
        return Document(node, operations, _introspection(nodes, fragments))

    def _errors(self, node: DocumentNode, *, is_open: bool) -> list[GraphQLError]:
        if is_open:
            return validate(self._schema, node, RULES, max_errors=MOST_ERRORS)
        errors = validate(self._schema, node, RULES, max_errors=1, hide_suggestions=True)
        return [GraphQLError(DOES_NOT_FIT, errors[0].nodes)] if errors else []

    def _remember(self, text: str, document: Document) -> None:
        self._known[text] = document
        self._tokens += document.node.token_count
        while self._tokens > MOST_TOKENS or len(self._known) > MOST_DOCUMENTS:
            _, forgotten = self._known.popitem(last=False)
            self._tokens -= forgotten.node.token_count


def check_price(points: int) -> None:
    """Refuse what costs too much.

    Raises:
        Rejected: it does.

    """
    if points > MOST_POINTS:
        raise Rejected(
            GraphQLError(
                f"At most {MOST_POINTS:,} points are accepted; this operation costs {points:,}. "
                "Ask for smaller pages, a shorter time, or less of each row."
            )
        )


def check_nesting(value: Any, *, level: int = 0) -> None:
    """Refuse variables of lists in lists and objects in objects that go too deep.

    Raises:
        Rejected: they do.

    """
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    if level > DEEPEST:
        raise Rejected(GraphQLError(f"At most {DEEPEST} levels of variables are accepted."))
    for item in value:
        check_nesting(item, level=level + 1)


def _sensitive(schema: GraphQLSchema) -> frozenset[str]:
    """The mutations that are declared to be sensitive."""
    fields = schema.mutation_type.fields if schema.mutation_type else {}
    found = set()
    for name, field in fields.items():
        declared = field.extensions.get("strawberry-definition")
        if isinstance(declared, StrawberryField) and declared.metadata.get(SENSITIVE):
            found.add(name)
    return frozenset(found)


def _introspection(
    operations: Sequence[OperationDefinitionNode], fragments: limits.Fragments
) -> FieldNode | None:
    for operation in operations:
        for found in limits.merged([operation.selection_set], fragments).values():
            for _, field in found:
                if field.name.value in limits.META:
                    return field
    return None
