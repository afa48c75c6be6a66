"""How much a document may ask for, counted before it is validated: what is too much is refused
after one look at each of its nodes.

Only the form counts here; what the rows cost is the business of `prices`. Fragments are counted
wherever they are spread, and looked into once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    parse,
)

LONGEST = 16 * 1024
TOKENS = 1_000
OPERATIONS = 5
FRAGMENTS = 20
DIRECTIVES = 20
DIRECTIVES_ON_ONE = 3
# Each of these holds for an operation with its fragments put in their places.
DEPTH = 10
INTROSPECTION_DEPTH = 15
ALIASES = 30
ROOT_FIELDS = 25
SELECTIONS = 1_000
# Fields of the same name in the same place are compared with each other when a document is
# validated, each with each, and that is what validation takes longest for.
EQUAL_PAIRS = 2_000
# So deep no accepted document goes, with its inline fragments; deeper is not even looked at.
NESTING = 60

META = frozenset({"__schema", "__type"})
Fragments = dict[str, FragmentDefinitionNode]


def parsed(text: str) -> DocumentNode:
    """The document in a text, if it is no longer than documents may be.

    Raises:
        GraphQLError: it is too long, or no document.

    """
    size = len(text.encode())
    if size > LONGEST:
        raise GraphQLError(
            f"At most {LONGEST:,} bytes are accepted of a document, besides its variables; this "
            f"one has {size:,}."
        )
    try:
        return parse(text, max_tokens=TOKENS)
    except GraphQLSyntaxError as error:
        if f"more than {TOKENS} tokens" not in error.message:
            raise
        sentence = f"At most {TOKENS:,} tokens are accepted; this document has more."
        raise GraphQLError(sentence) from error


def fragments_of(document: DocumentNode) -> Fragments:
    """The fragments of a document by name."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    """The operations of a document."""
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def check(document: DocumentNode, sensitive: frozenset[str]) -> None:
    """Refuse a document that asks for more than is accepted, with one sentence that says of what.

    Args:
        sensitive: the mutations of which an operation may hold one.

    Raises:
        GraphQLError: it does.

    """
    fragments, operations = fragments_of(document), operations_of(document)
    _at_most(OPERATIONS, "operations", len(operations))
    _at_most(FRAGMENTS, "fragments", len(fragments))
    measures = _Measures(fragments, sensitive)
    for operation in operations:
        measures.directives_on([operation, *(operation.variable_definitions or ())])
        measured = measures.of(operation.selection_set, 0)
        _at_most(DEPTH, "levels of fields", measured.depth)
        _at_most(INTROSPECTION_DEPTH, "levels of introspection", measured.introspection_depth)
        _check_selections(measured)
        _at_most(ROOT_FIELDS, "fields at the root", measured.top)
        if operation.operation is OperationType.MUTATION and measured.sensitive > 1:
            raise GraphQLError(
                "At most one act that takes a secret is accepted in an operation; this one has "
                f"{measured.sensitive:,}."
            )
    for fragment in fragments.values():
        # Of a fragment that is not used it is validation that says so, after it has gone through.
        measures.directives_on([fragment])
        _check_selections(measures.of_fragment(fragment.name.value, 0))
    _at_most(DIRECTIVES, "directives", measures.directives)
    pairs = 0
    for definition in (*operations, *fragments.values()):
        pairs += _equal_pairs([definition.selection_set], fragments)
    _at_most(EQUAL_PAIRS, "pairs of fields with the same name in the same place", pairs)


def root_fields(operation: OperationDefinitionNode, fragments: Fragments) -> int:
    """How many fields stand at the root of an operation whose document was let in, by whatever
    names.
    """
    return _Measures(fragments, frozenset()).of(operation.selection_set, 0).top


def merged(
    selection_sets: Iterable[SelectionSetNode], fragments: Fragments
) -> dict[str, list[tuple[str | None, FieldNode]]]:
    """The fields that stand in one place, under their names in the response; each with the type
    that its fragment is for, or None where it is in none.
    """
    found: dict[str, list[tuple[str | None, FieldNode]]] = {}
    for condition, field in _fields(selection_sets, fragments):
        name = field.alias.value if field.alias else field.name.value
        found.setdefault(name, []).append((condition, field))
    return found


def _fields(
    selection_sets: Iterable[SelectionSetNode], fragments: Fragments
) -> Iterator[tuple[str | None, FieldNode]]:
    seen: set[str] = set()
    open_sets: list[tuple[str | None, SelectionSetNode]] = [(None, s) for s in selection_sets]
    for condition, selections in open_sets:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield condition, selection
            elif isinstance(selection, InlineFragmentNode):
                on = selection.type_condition
                open_sets.append((on.name.value if on else condition, selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                fragment = fragments.get(selection.name.value)
                if fragment:
                    on = fragment.type_condition
                    open_sets.append((on.name.value, fragment.selection_set))


class _Measure(NamedTuple):
    """What there is of something in a set of selections, and in all that is below it."""

    selections: int = 0
    aliases: int = 0
    depth: int = 0
    introspection_depth: int = 0
    # Fields of the set itself, and how many of them are sensitive.
    top: int = 0
    sensitive: int = 0

    def beside(self, other: "_Measure") -> "_Measure":
        """Both in one set."""
        return _Measure(
            self.selections + other.selections,
            self.aliases + other.aliases,
            max(self.depth, other.depth),
            max(self.introspection_depth, other.introspection_depth),
            self.top + other.top,
            self.sensitive + other.sensitive,
        )


NOTHING = _Measure()


@dataclass
class _Measures:
    """The measures of one document's selections; each fragment is looked through once."""

    fragments: Fragments
    sensitive: frozenset[str]
    directives: int = 0

    def __post_init__(self) -> None:
        self._known: dict[str, _Measure | None] = {}

    def of(self, selection_set: SelectionSetNode, level: int) -> _Measure:
        """The measure of a set of selections."""
        if level > NESTING:
            raise GraphQLError(
                f"At most {DEPTH} levels of fields are accepted; this document has more."
            )
        self.directives_on(selection_set.selections)
        measured = NOTHING
        for selection in selection_set.selections:
            measured = measured.beside(self._of_one(selection, level))
        return measured

    def of_fragment(self, name: str, level: int) -> _Measure:
        """The measure of a fragment, wherever it is spread."""
        if name not in self._known:
            fragment = self.fragments.get(name)
            self._known[name] = None
            self._known[name] = self.of(fragment.selection_set, level) if fragment else NOTHING
        known = self._known[name]
        if known is None:
            raise GraphQLError(f"The fragment {name} contains itself.")
        return known

    def directives_on(self, nodes: Iterable["_Directed"]) -> None:
        """Count the directives on some nodes."""
        for node in nodes:
            if node.directives:
                _at_most(DIRECTIVES_ON_ONE, "directives in one place", len(node.directives))
                self.directives += len(node.directives)

    def _of_one(self, selection: SelectionNode, level: int) -> _Measure:
        if isinstance(selection, FieldNode):
            return self._of_field(selection, level)
        if isinstance(selection, FragmentSpreadNode):
            inside = self.of_fragment(selection.name.value, level + 1)
        elif isinstance(selection, InlineFragmentNode):
            inside = self.of(selection.selection_set, level + 1)
        return inside._replace(selections=inside.selections + 1)

    def _of_field(self, field: FieldNode, level: int) -> _Measure:
        inside = self.of(field.selection_set, level + 1) if field.selection_set else NOTHING
        is_meta = field.name.value in META
        return _Measure(
            selections=inside.selections + 1,
            aliases=inside.aliases + bool(field.alias),
            depth=1 if is_meta else inside.depth + 1,
            introspection_depth=inside.depth + 1 if is_meta else inside.introspection_depth,
            top=1,
            sensitive=int(field.name.value in self.sensitive),
        )


_Directed = (
    SelectionNode | OperationDefinitionNode | VariableDefinitionNode | FragmentDefinitionNode
)


def _check_selections(measured: _Measure) -> None:
    _at_most(ALIASES, "aliases", measured.aliases)
    _at_most(SELECTIONS, "selections, its fragments put in their places,", measured.selections)


def _equal_pairs(selection_sets: Sequence[SelectionSetNode], fragments: Fragments) -> int:
    """How many pairs of fields stand in one place under one name."""
    pairs = 0
    for found in merged(selection_sets, fragments).values():
        pairs += len(found) * (len(found) - 1) // 2
        if pairs > EQUAL_PAIRS:
            return pairs
        inside = [field.selection_set for _, field in found if field.selection_set]
        if inside:
            pairs += _equal_pairs(inside, fragments)
    return pairs


def _at_most(limit: int, of_what: str, count: int) -> None:
    if count > limit:
        raise GraphQLError(
            f"At most {limit:,} {of_what} are accepted; this document has {count:,}."
        )
