"""Live views in groups: one execution and one encoding for all who are sent the same.

What is sent is a payload, the JSON of one result; each transport puts it into its own frame.
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from graphql import ExecutionResult, GraphQLError, execute
from strawberry.utils.await_maybe import await_maybe

from resolvers.audit import write_readings
from resolvers.cursors import cursor_of_update
from resolvers.live import Rendering, watch_appointments, watch_calendar
from schema.errors import presented
from schema.execution.executor import Compiled
from schema.fields import Scope
from schema.root import schema
from schema.sharing import Plans, Shared

if TYPE_CHECKING:
    from resolvers.live import Subscriber
    from services.context import Context


class Payload(NamedTuple):
    """One result as JSON, and the cursor of the live view after it."""

    json: bytes
    cursor: str | None


plans = Plans(schema._schema, schema.documents)  # noqa: SLF001 - Strawberry keeps it there


def shareable(
    query: str, variables: Mapping[str, Any] | None, operation_name: str | None
) -> Shared | None:
    """The subscription, if its updates can be shared; None for whatever else it is."""
    return plans.shared(query, variables, operation_name)


async def watch(shared: Shared, context: "Context", subscriber: "Subscriber[Payload]") -> None:
    """Send a live view to a subscriber until the caller ends it, or until it cannot go on; then
    the failure is the last payload.
    """

    async def render(update: Any) -> Payload:
        return await _executed(shared, _scoped(shared, context), update)

    async def render_own(update: Any) -> Payload:
        return await _executed(shared, context.for_operation(), update)

    whom = shared.plan.whom
    is_shared = whom.but_for_holders and whom.scope is not Scope.VIEWER and context.user_id
    own = render_own if is_shared else None
    rendering = Rendering(render, shared.group(context), own)
    try:
        await _watch(shared, context, rendering, subscriber)
    except Exception as error:  # noqa: BLE001 - whatever it is, the viewer is told so much
        await subscriber.begin(_failure(shared, context, error))


def _watch(
    shared: Shared, context: "Context", rendering: Rendering[Any, Payload], subscriber: Any
) -> Awaitable[None]:
    given = shared.arguments
    after = given.get("after")
    if shared.plan.field.name.value == "appointmentChanges":
        return watch_appointments(context, rendering, subscriber, after)
    return watch_calendar(
        context, rendering, subscriber, given["calendarId"], given["from"], given["to"], after
    )


def _scoped(shared: Shared, context: "Context") -> "Context":
    """The context of a whole group: it knows no more of its viewers than they have in common."""
    if shared.plan.whom.scope is Scope.PUBLIC:
        return context.for_everybody()
    if shared.plan.whom.scope is Scope.ROLE:
        return context.for_role()
    return context.for_operation()


async def _executed(shared: Shared, context: "Context", update: Any) -> Payload:
    plan = shared.plan
    result: ExecutionResult = await await_maybe(
        execute(
            schema._schema,  # noqa: SLF001
            plan.document,
            root_value=update,
            context_value=context,
            variable_values=dict(shared.variables),
            operation_name=plan.key[1],
            executor_class=Compiled,
        )
    )
    await write_readings(context)
    payload: dict[str, Any] = {"data": result.data}
    if result.errors:
        errors = [presented(error, context) for error in result.errors]
        payload["errors"] = [error.formatted for error in errors]
    return Payload(orjson.dumps(payload), cursor_of_update(update))


def _failure(shared: Shared, context: "Context", error: Exception) -> Payload:
    located = GraphQLError(
        str(error),
        nodes=[shared.plan.field],
        path=[shared.response_name],
        original_error=error,
    )
    shown = presented(located, context)
    return Payload(orjson.dumps({"data": None, "errors": [shown.formatted]}), None)
