"""Refusals as data, and everything else that goes wrong as a GraphQL error with a code.

A refusal that a mutation declares becomes a member of its payload's `errors`; the types that carry
facts of a domain are declared beside that domain. What is not declared is our bug: it is logged
whole and shown masked.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.utils.str_converters import to_camel_case

from schema.scalars import Unreadable, write_instant
from services import errors
from services.errors import RateLimited, Refusal, ServiceError
from services.traces import current

if TYPE_CHECKING:
    from services.context import Context

log = logging.getLogger("graphql")
Cls = TypeVar("Cls", bound=type)

# Every refusal that some mutation may end in, and the type that shows it.
TYPES: dict[type[Refusal], type] = {}

CODES: dict[type[ServiceError], str] = {
    errors.NotSignedIn: "UNAUTHENTICATED",
    errors.Forbidden: "FORBIDDEN",
    errors.Unavailable: "UNAVAILABLE",
    errors.TooManyConnections: "RATE_LIMITED",
    errors.RateLimited: "RATE_LIMITED",
    errors.NotFound: "NOT_FOUND",
    errors.Refusal: "BAD_INPUT",
}


@strawberry.interface(
    description="Why an act that was understood could not be carried out; nothing was changed."
)
class UserError:
    """The fields that every refusal has."""

    message: str = strawberry.field(description="For people.")
    code: str = strawberry.field(
        description="Machine-readable and stable: the type's name in UPPER_CASE, such as "
        "SLOT_TAKEN."
    )
    path: list[str] = strawberry.field(
        description='Path into the input, such as ["input", "email"]; empty where no one field '
        "is at fault."
    )


def shows(refusal: type[Refusal]) -> Any:
    """Declare a type that shows a refusal; its description is the refusal's docstring."""

    def decorate(cls: Cls) -> Cls:
        described: Any = strawberry.type(cls, description=refusal.__doc__)
        TYPES[refusal] = described
        return described  # type: ignore[no-any-return]

    return decorate


for _plain in (
    errors.InvalidInput,
    errors.NotFound,
    errors.IdempotencyMismatch,
    errors.EmailTaken,
    errors.UsernameTaken,
    errors.WeakPassword,
    errors.InvalidCredentials,
    errors.InvalidToken,
    errors.LastAdmin,
    errors.InvitationAccepted,
    errors.AlreadySent,
    errors.NameTaken,
    errors.InUse,
    errors.OverlappingTemplates,
    errors.BeyondHorizon,
    errors.NoAvailability,
    errors.NoSlots,
):
    shows(_plain)(type(_plain.__name__, (UserError,), {"__annotations__": {}}))


@shows(errors.StaleVersion)
class StaleVersion(UserError):
    """See the refusal."""

    current_version: int = strawberry.field(description="The version that the thing has now.")


@shows(errors.TooManyAttempts)
class TooManyAttempts(UserError):
    """See the refusal."""

    retry_at: datetime = strawberry.field(description="When the next attempt is accepted.")


def as_data(refusal: Refusal) -> Any:
    """The refusal as the value of its type: built from its facts, never the exception itself."""
    shown = TYPES[type(refusal)]
    own = [f.name for f in shown.__dataclass_fields__.values()]  # type: ignore[attr-defined]
    facts = {name: getattr(refusal, name) for name in own if hasattr(refusal, name)}
    return shown(**{**facts, **_common(refusal)})


def _common(refusal: Refusal) -> dict[str, Any]:
    path = [to_camel_case(part) if isinstance(part, str) else str(part) for part in refusal.path]
    name = type(refusal).__name__
    code = "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()
    return {"message": str(refusal), "code": code, "path": ["input", *path] if path else []}


class PresentErrors(SchemaExtension):
    """Gives every GraphQL error its code and the request's id, and masks what is our bug."""

    # Strawberry calls it an error before execution where the variables of a subscription are wrong.
    _is_executed = False

    def on_execute(self) -> Iterator[None]:
        """See that the document was good: what is wrong from now on is wrong with its values."""
        self._is_executed = True
        yield

    def on_operation(self) -> Iterator[None]:
        """Present the errors of a query or mutation."""
        yield
        self._present(self.execution_context.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """Present the errors of each result of a stream before it is sent."""
        self._present(result)
        yield

    def _present(self, result: Any) -> None:
        found = getattr(result, "errors", None)
        if found:
            rejected = isinstance(result, PreExecutionError) and not self._is_executed
            context = self.execution_context.context
            result.errors = [presented(error, context, rejected=rejected) for error in found]
            current().outcome = result.errors[0].extensions["code"]


def presented(error: GraphQLError, context: "Context", *, rejected: bool = False) -> GraphQLError:
    """An error with its code and the request's id; what is our bug is logged and masked."""
    if (error.extensions or {}).get("code"):
        return error
    request_id = context.request_id
    code, message = _shown(error, request_id, rejected=rejected)
    facts = facts_of(origin(error))
    if code == "BAD_INPUT" and not context.server.config.shows_schema:
        message = _without_names(error, message)
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code, "requestId": request_id, **facts},
    )


def _without_names(error: GraphQLError, message: str) -> str:
    """What is wrong with a value, without the names of types and of what would be right."""
    said = _innermost(error)
    if isinstance(said, Unreadable) or isinstance(said.original_error, ServiceError):
        return message
    where, is_variable, _ = message.partition(": ")
    if is_variable and where.startswith("Variable '$"):
        return f"{where}."
    return "A value does not fit its place."


def origin(error: GraphQLError) -> Exception | None:
    """What a resolver, or whoever ran it, raised; None where graphql-core itself refused."""
    return _innermost(error).original_error


def _innermost(error: GraphQLError) -> GraphQLError:
    """The first of the errors that were wrapped in one another."""
    while isinstance(error.original_error, GraphQLError):
        error = error.original_error
    return error


def facts_of(error: Exception | None) -> dict[str, str]:
    """What a top-level error says besides its code, such as when to ask again."""
    if isinstance(error, RateLimited):
        return {"retryAt": write_instant(error.retry_at)}
    return {}


def _shown(error: GraphQLError, request_id: str, *, rejected: bool) -> tuple[str, str]:
    original = origin(error)
    if isinstance(original, ServiceError):
        return code_and_message(original)
    if original is None:
        return ("QUERY_REJECTED" if rejected else "BAD_INPUT"), error.message
    if rejected and isinstance(original, CannotGetOperationTypeError):
        return "QUERY_REJECTED", original.as_http_error_reason()
    if rejected and error.nodes:
        # graphql-core could not read a value of the document, such as 5,000 digits.
        return "QUERY_REJECTED", "This value cannot be read."
    return _masked(original, request_id)


def _masked(error: Exception, request_id: str) -> tuple[str, str]:
    """What is said of our bug, which is logged whole."""
    log.error("Internal error in request %s", request_id, exc_info=error)
    return "INTERNAL", "Something went wrong on our side."


def rejected(reason: str) -> GraphQLError:
    """What is said of a request that is not carried out."""
    return GraphQLError(reason, extensions={"code": "QUERY_REJECTED"})


def as_graphql_error(error: Exception) -> GraphQLError:
    """What is said of something that went wrong outside of an operation."""
    if isinstance(error, GraphQLError):
        return error
    if isinstance(error, ServiceError):
        code, message = code_and_message(error)
        return GraphQLError(message, extensions={"code": code, **facts_of(error)})
    request_id = current().request_id
    code, message = _masked(error, request_id)
    return GraphQLError(message, extensions={"code": code, "requestId": request_id})


def code_and_message(error: ServiceError) -> tuple[str, str]:
    """What a top-level error says where a service ended without doing what was asked."""
    kind = next(kind for kind in CODES if isinstance(error, kind))
    return CODES[kind], _sentence(error)


def _sentence(error: ServiceError) -> str:
    """The message, with the argument at fault where there is one."""
    path = error.path if isinstance(error, Refusal) else ()
    where = ".".join(to_camel_case(part) if isinstance(part, str) else str(part) for part in path)
    return f"{where}: {error}" if where else str(error)
