"""What an operation costs of what may be asked in a minute.

Each root field counts, however many names it is given in one document, and so do many rows.
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

# What a plain question is not charged for: a page of a hundred with something of each.
ROWS_OF_A_POINT = 1_000
POINTS = {OperationType.QUERY: 1, OperationType.MUTATION: 5, OperationType.SUBSCRIPTION: 1}


def points(document: DocumentNode, operation: OperationDefinitionNode, price: int) -> int:
    """What an operation of a valid document costs, whose price in rows is known."""
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

    return POINTS[operation.operation] * count(operation.selection_set) + price // ROWS_OF_A_POINT
