"""What has been compiled of the operations that are known, by the document's own nodes.

The documents are kept and come again (`schema/documents.py`), so a node is itself; an operation
that comes as other nodes is another one here.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import CollectedFields

from schema.execution.readings import Left
from schema.execution.selections import Column, Selection, Shape

# With each further variable of @skip and @include there may be twice as many.
MOST_CHOICES = 16
CHOOSING = frozenset({"skip", "include"})

# A type, and the places of a document at which things of that type stand.
Key = tuple[object, ...]


class Entry(NamedTuple):
    """What is selected of things of one type at some places of a document.

    Attributes:
        selection: it compiled; None where something in it is left to graphql-core.
        plain: those of its own fields that are values and could be compiled.
        left: which are not, and why.

    """

    collected: CollectedFields
    selection: Selection | None
    plain: Mapping[str, Column]
    left: Mapping[str, Left]


@dataclass
class Plan:
    """What has been compiled of an operation, for one choice of what it skips and includes."""

    operation: "_Known"
    entries: dict[Key, Entry] = field(default_factory=dict)
    # Those that are not compiled, by the fields that graphql-core collects for them.
    mixed: dict[int, Entry] = field(default_factory=dict)
    # The items of lists, by their type and the places of the list.
    items: dict[tuple[int, ...], Shape | Left] = field(default_factory=dict)


@dataclass
class _Known:
    """An operation, all nodes that it consists of, and its plans."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: tuple[str, ...]
    plans: dict[tuple[Any, ...], Plan] = field(default_factory=dict)
    size: int = 0

    def has(self, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
        """Whether the operation comes with the same fragments."""
        known = self.fragments
        return len(known) == len(fragments) and all(
            known.get(name) is fragment for name, fragment in fragments.items()
        )


class Plans:
    """The plans of the operations of one schema that have been carried out most recently."""

    def __init__(self, most_fields: int) -> None:
        self._most_fields = most_fields
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self.size = 0

    def plan(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> Plan | None:
        """The plan of an operation; None where it is not clear what it skips and includes."""
        known = self._known.get(id(operation))
        if known is None or not known.has(fragments):
            known = self._new(operation, fragments)
        else:
            self._known.move_to_end(id(operation))
        choice = tuple(variables.get(name) for name in known.switches)
        if not all(isinstance(chosen, bool) for chosen in choice):
            return None
        plan = known.plans.get(choice)
        if plan is None:
            if len(known.plans) == MOST_CHOICES:
                known.plans.clear()
            plan = known.plans[choice] = Plan(known)
        return plan

    def add(self, plan: Plan, key: Key, entry: Entry) -> None:
        """Remember what was compiled, and forget what has not come for the longest time."""
        plan.entries[key] = entry
        fields = entry.collected.grouped_field_set
        if entry.selection is None:
            plan.mixed[id(fields)] = entry
        known = plan.operation
        if self._known.get(id(known.node)) is known:
            known.size += len(fields)
            self.size += len(fields)
        while self.size > self._most_fields:
            _, forgotten = self._known.popitem(last=False)
            self.size -= forgotten.size

    def _new(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> _Known:
        sets = [operation.selection_set, *(part.selection_set for part in fragments.values())]
        switches = {name for found in sets for name in _switches(found)}
        replaced = self._known.pop(id(operation), None)
        if replaced is not None:
            self.size -= replaced.size
        # As long as it is kept, no other operation can have its id. It counts for itself as well.
        known = _Known(operation, dict(fragments), tuple(sorted(switches)), size=1)
        self._known[id(operation)] = known
        self.size += 1
        return known


def directives_of(nodes: Iterable[FieldNode]) -> Iterator[str]:
    """The names of the directives on some fields that do more than choose."""
    for node in nodes:
        for directive in node.directives or ():
            if directive.name.value not in CHOOSING:
                yield directive.name.value


def _switches(selections: SelectionSetNode) -> Iterator[str]:
    """The variables by which a selection skips and includes."""
    for selection in selections.selections:
        for directive in selection.directives or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        inside = getattr(selection, "selection_set", None)
        if inside is not None:
            yield from _switches(inside)
