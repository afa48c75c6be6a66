"""Which viewers of a live view are sent the same: found once for each operation.

Two subscriptions are of one group where organization, document, operation, variables and whom the
selection is for are the same: then one execution and one encoding serve both. Whom it is for is the
narrowest scope of the selected fields, as each says where it is declared; who holds a slot that an
update shows is sent an update of their own. Anything unusual belongs to no group and is executed
for its viewer alone, in the ordinary way.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.execution.values import get_argument_values, get_variable_values
from strawberry.types.field import StrawberryField

from schema.documents import Documents, Rejected, check_nesting, check_price
from schema.fields import OF_HOLDERS, SCOPE, Scope
from schema.prices import Price

if TYPE_CHECKING:
    from services.context import Context

LIVE_FIELDS = frozenset({"calendarChanges", "appointmentChanges"})
AFTER = "after"
# Each keeps its document.
MOST_PLANS = 200


class Whom(NamedTuple):
    """For whom a selection is the same: its scope, and whether holders see something else in it."""

    scope: Scope
    but_for_holders: bool

    def and_for(self, other: "Whom") -> "Whom":
        """For whom this and the other are the same."""
        return Whom(max(self.scope, other.scope), self.but_for_holders or other.but_for_holders)


EVERYBODY = Whom(Scope.PUBLIC, but_for_holders=False)
ONE_VIEWER = Whom(Scope.VIEWER, but_for_holders=False)


@dataclass(frozen=True)
class Plan:
    """What is the same for all subscriptions with one document and operation name."""

    key: tuple[str, str | None]
    document: DocumentNode
    operation: OperationDefinitionNode
    field: FieldNode
    whom: Whom
    # The variable that holds the cursor: viewers with different cursors are one group.
    after_variable: str | None
    price: Price

    @property
    def name(self) -> str:
        """The name of the operation; empty where it has none."""
        return self.operation.name.value if self.operation.name else ""


@dataclass(frozen=True)
class Shared:
    """A subscription that can be shared: its plan, its variables, its arguments."""

    plan: Plan
    variables: Mapping[str, Any]
    coerced: Any
    arguments: Mapping[str, Any]

    @property
    def response_name(self) -> str:
        """The key of the updates in the data."""
        field = self.plan.field
        return field.alias.value if field.alias else field.name.value

    def resumed(self, cursor: str) -> "Shared":
        """The same, from a cursor on."""
        return replace(self, arguments={**self.arguments, AFTER: cursor})

    def group(self, context: "Context") -> Hashable:
        """What viewers who are sent the same have in common."""
        public = {k: v for k, v in self.variables.items() if k != self.plan.after_variable}
        # As text: the bytes keep the whole page that they were written into.
        variables = orjson.dumps(public, option=orjson.OPT_SORT_KEYS).decode()
        whom: Hashable = None
        scope = self.plan.whom.scope
        if scope is Scope.ROLE:
            whom = context.role
        elif scope is Scope.VIEWER:
            whom = context.user_id, context.role
        return context.organization.id, self.plan.key, variables, scope, whom


class Plans:
    """The plans of the documents that are watched, made once each."""

    def __init__(self, schema: GraphQLSchema, documents: Documents) -> None:
        self._schema = schema
        self._documents = documents
        self._plans: OrderedDict[tuple[str, str | None], Plan] = OrderedDict()

    def shared(
        self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> Shared | None:
        """The subscription, if it can be shared; None for whatever the ordinary way is for, and
        for what it refuses.
        """
        plan = self._known(query, operation_name)
        if plan is None:
            return None
        given = dict(variables or {})
        try:
            check_nesting(given)
            check_price(plan.price.of(given))
        except Rejected:
            return None
        definitions = plan.operation.variable_definitions or ()
        coerced = get_variable_values(self._schema, definitions, given)
        if isinstance(coerced, list) or self._schema.subscription_type is None:
            return None
        definition = self._schema.subscription_type.fields[plan.field.name.value]
        try:
            arguments = get_argument_values(definition, plan.field, coerced)
        except GraphQLError:
            return None
        return Shared(plan, given, coerced, arguments)

    def _known(self, query: str, operation_name: str | None) -> Plan | None:
        key = (query, operation_name)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        plan = self._plan(query, operation_name)
        if plan is not None:
            self._plans[key] = plan
            if len(self._plans) > MOST_PLANS:
                self._plans.popitem(last=False)
        return plan

    def _plan(self, query: str, operation_name: str | None) -> Plan | None:
        if not any(name in query for name in LIVE_FIELDS):
            return None
        try:
            # As a stranger: what is wrong is said in the ordinary way.
            document = self._documents.admitted(query, is_open=False)
        except Rejected:
            return None
        found = document.operation(operation_name)
        if found is None or found.node.operation is not OperationType.SUBSCRIPTION:
            return None
        operation = found.node
        if len(operation.selection_set.selections) != 1:
            return None
        (field,) = operation.selection_set.selections
        if not _is_live(field):
            return None
        scopes = _Scopes(self._schema, document.node)
        whom = scopes.of(operation.selection_set, self._schema.subscription_type)
        key = (query, operation_name)
        after_variable = _after_variable(field, query)
        return Plan(key, document.node, operation, field, whom, after_variable, found.price)


class _Scopes:
    """The scopes of the selections of one document; each fragment is looked through once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._types = schema.type_map
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, Whom] = {}

    def of(self, selections: SelectionSetNode, parent: Any) -> Whom:
        """The narrowest scope among the fields. Validation has shown that fragments end."""
        found = (self._of_one(selection, parent) for selection in selections.selections)
        return reduce(Whom.and_for, found, EVERYBODY)

    def _of_one(self, selection: SelectionNode, parent: Any) -> Whom:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            inside = self._types[condition.name.value] if condition else parent
            return self.of(selection.selection_set, inside)
        if not isinstance(selection, FieldNode):
            return ONE_VIEWER
        if selection.name.value.startswith("__"):
            return EVERYBODY
        declared = _declared(parent, selection.name.value)
        if selection.selection_set is None:
            return declared
        kind = get_named_type(parent.fields[selection.name.value].type)
        return declared.and_for(self.of(selection.selection_set, kind))

    def _of_fragment(self, name: str) -> Whom:
        if name not in self._known:
            fragment = self._fragments[name]
            inside = self._types[fragment.type_condition.name.value]
            self._known[name] = self.of(fragment.selection_set, inside)
        return self._known[name]


def _declared(parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> Whom:
    definition = parent.fields[name].extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField):
        return ONE_VIEWER
    declared = definition.metadata
    return Whom(declared.get(SCOPE, Scope.VIEWER), bool(declared.get(OF_HOLDERS)))


def _is_live(selection: SelectionNode) -> TypeGuard[FieldNode]:
    """Whether it is the field of a live view, and always selected."""
    if not isinstance(selection, FieldNode) or selection.directives:
        return False
    return selection.name.value in LIVE_FIELDS


def _after_variable(field: FieldNode, query: str) -> str | None:
    """The variable that is the cursor and nothing else."""
    for argument in field.arguments or ():
        if argument.name.value == AFTER and isinstance(argument.value, VariableNode):
            name = argument.value.name.value
            # Once where it is declared, once where it is used.
            return name if query.count(f"${name}") == 2 else None
    return None
