"""The executor: graphql-core's, which takes what is compiled where it would complete a list or an
object field by field.

What is compiled has no side effects, and either gives a whole result or raises. Then the ordinary
way is taken from the same place on, and finds out what is null and which errors there are.
"""

from typing import Any

from graphql import GraphQLError, GraphQLObjectType
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, GroupedFieldSet

from schema.execution.compiler import COMPILER, Compiler
from schema.execution.plans import Entry, Plan
from schema.execution.readings import Left
from schema.execution.selections import LISTS, Rows, Shape
from schema.execution.waiting import Begun, begun
from schema.slices import SLICE, InSlices

# Of a list: the type of its items, the places of its field, what is known of it, its path.
Place = tuple[Any, Any, Any, Any]
# A compiled row is done in less than a tenth of the time.
TIMES = 10
AT_ONCE = SLICE * TIMES


class Compiled(InSlices):
    """graphql-core's executor, with what is compiled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compiler: Compiler | None = self.schema.extensions.get(COMPILER)
        self._plan: Plan | None = None
        if self._compiler is not None and self._is_usual():
            variables = self.variable_values.coerced
            self._plan = self._compiler.plan(self.operation, self.fragment_definitions, variables)

    def _is_usual(self) -> bool:
        """Whether nothing stands around resolvers, or may end them, but what the schema says."""
        middleware = getattr(self.middleware_manager, "middlewares", ())
        has_own_variables = any(part.variable_signatures for part in self.fragments.values())
        return not middleware and self.abort_signal is None and not has_own_variables

    def entry(self, kind: GraphQLObjectType, places: FieldDetailsList) -> Entry | None:
        """What is selected of things of a type at the places of a field, if that is known here."""
        plan, compiler = self._plan, self._compiler
        if plan is None or compiler is None:
            return None
        key = kind.name, *(id(place.node) for place in places)
        entry = plan.entries.get(key)
        if entry is None:
            try:
                collected = super().collect_subfields(kind, places)
            except GraphQLError:
                # Raised once more where it is met, if it is met.
                return None
            entry = compiler.entry(self.schema, kind, collected, self.entry)
            compiler.plans.add(plan, key, entry)
        return entry

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList
    ) -> CollectedFields:
        """The fields that are selected, collected once for all executions."""
        entry = self.entry(return_type, field_details_list)
        if entry is None:
            return super().collect_subfields(return_type, field_details_list)
        return entry.collected

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """What is selected of one object."""
        place = (return_type, field_details_list, path, result, position_context)
        entry = self.entry(return_type, field_details_list)
        if entry is None or entry.selection is None:
            return super().collect_and_execute_subfields(*place)
        try:
            done = begun(entry.selection.of([result], self))
        except Exception:  # noqa: BLE001 - whatever it is, the ordinary way finds out
            return super().collect_and_execute_subfields(*place)
        return self._object(done, place) if isinstance(done, Begun) else done[0]

    async def _object(self, completing: Begun, place: Any) -> Any:
        try:
            return (await completing)[0]
        except Exception:  # noqa: BLE001
            completed = super().collect_and_execute_subfields(*place)
        return await completed if self.is_awaitable(completed) else completed

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        """The items of a list."""
        place = (item_type, field_details_list, info, path)
        shape = self._item(item_type, field_details_list) if type(items) in LISTS else None
        if shape is None or not items:
            return super().complete_iterable_value(*place, items, position_context)
        if len(items) > AT_ONCE:
            return self._in_parts(shape, place, items, position_context)
        try:
            done = begun(self.paced(shape, items))
        except Exception:  # noqa: BLE001
            return super().complete_iterable_value(*place, items, position_context)
        if isinstance(done, Begun):
            return self._list(done, place, items, position_context)
        return done

    async def _list(
        self, completing: Begun, place: Place, items: Rows, position_context: Any
    ) -> Any:
        try:
            return await completing
        except Exception:  # noqa: BLE001
            completed = super().complete_iterable_value(*place, items, position_context)
        return await completed if self.is_awaitable(completed) else completed

    async def _in_parts(
        self, shape: Shape, place: Place, items: Rows, position_context: Any
    ) -> list[Any]:
        """The items of a long list: only the parts in which something is unusual go the ordinary
        way.
        """
        done: list[Any] = []
        for begin in range(0, len(items), AT_ONCE):
            part = items[begin : begin + AT_ONCE]
            try:
                done += await self.paced(shape, part)
            except Exception:  # noqa: BLE001
                done += await self._in_slices(*place, part, position_context, begin)
        return done

    def _item(self, item_type: Any, places: FieldDetailsList) -> Shape | None:
        """What the items of a list become; None where they are left to graphql-core."""
        plan, compiler = self._plan, self._compiler
        if plan is None or compiler is None:
            return None
        key = id(item_type), *(id(place.node) for place in places)
        shape = plan.items.get(key)
        if shape is None:
            shape = plan.items[key] = compiler.shape(item_type, places, self.entry)
        return None if isinstance(shape, Left) else shape

    async def paced(self, shape: Shape, values: Rows) -> list[Any]:
        """The values completed, with a rest after each so many."""
        done: list[Any] = []
        for begin in range(0, len(values), AT_ONCE):
            part = values[begin : begin + AT_ONCE]
            if self._is_tired(len(part) / TIMES):
                await self._rest(len(part) / TIMES)
            done += await shape.complete(part, self)
        return done

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> Any:
        """Fields of an object of which some are left: the plain values among them at once."""
        place = (parent_type, source_value, path)
        entry = self._plan.mixed.get(id(grouped_field_set)) if self._plan else None
        done: dict[str, Any] = {}
        for key, column in entry.plain.items() if entry else ():
            try:
                (done[key],) = begun(column.of([source_value], self))
            except Exception:  # noqa: BLE001, S112 - it is among those that are left
                continue
        if not done:
            return super().execute_fields(*place, grouped_field_set, position_context)
        left = {key: found for key, found in grouped_field_set.items() if key not in done}
        executed: Any = super().execute_fields(*place, left, position_context)
        if self.is_awaitable(executed):
            return _merged_later(grouped_field_set, done, executed)
        return _merged(grouped_field_set, done, executed)


def _merged(keys: GroupedFieldSet, done: dict[str, Any], executed: dict[str, Any]) -> Any:
    both = done | executed
    return {key: both[key] for key in keys if key in both}


async def _merged_later(keys: GroupedFieldSet, done: dict[str, Any], executed: Any) -> Any:
    return _merged(keys, done, await executed)
