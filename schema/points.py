"""What an operation costs of what may be asked in a minute.

Each root field counts, however many names it is given in one document.
"""

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

POINTS = {OperationType.QUERY: 1, OperationType.MUTATION: 5, OperationType.SUBSCRIPTION: 1}


def points(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """What an operation of a valid document costs."""
    fragments = {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    counted: dict[str, int] = {}

    def count(selections: SelectionSetNode) -> int:
        return sum(map(count_one, selections.selections))

    def count_one(selection: object) -> int:
        if isinstance(selection, FieldNode):
            return 1
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in counted:
                counted[name] = count(fragments[name])
            return counted[name]
        inline: SelectionSetNode = selection.selection_set  # type: ignore[attr-defined]
        return count(inline)

    return POINTS[operation.operation] * count(operation.selection_set)
