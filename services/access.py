"""Who may do what: one table of permissions, and the decorators that enforce it.

`act` stands above every public act of a service and is its first line: it names the permission,
the refusals the act may end in, has denials noted in the audit trail, and repeats the act when the
database asked for that. What a viewer may see of a permitted kind of thing (their own, or
everyone's) is decided by each domain.
"""

from collections.abc import Callable, Coroutine
from enum import Enum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from models import Role
from models.database import may_succeed_if_repeated
from services import trail
from services.context import Context
from services.errors import Forbidden, NotFound, NotSignedIn, Refusal

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 3
PUBLIC: frozenset[Role | None] = frozenset({None, *Role})
SIGNED_IN: frozenset[Role | None] = frozenset(Role)
STAFF: frozenset[Role | None] = frozenset({Role.ADMIN, Role.RECEPTIONIST, Role.DOCTOR})
FRONT_DESK: frozenset[Role | None] = frozenset({Role.ADMIN, Role.RECEPTIONIST})
ADMIN: frozenset[Role | None] = frozenset({Role.ADMIN})


class Permission(Enum):
    """What can be permitted."""

    SIGN_IN = "sign in"
    SEE_SELF = "see the own account"
    CHANGE_SELF = "change the own account"
    SEE_USERS = "see accounts"
    MANAGE_USERS = "invite people and change their accounts"
    MANAGE_NOTIFICATIONS = "see what is mailed, and have it tried again"
    SEE_DIRECTORY = "see the directory"
    MANAGE_ORGANIZATION = "manage the organization"
    MANAGE_DIRECTORY = "manage departments, offices and doctors"
    EDIT_DOCTOR = "edit a doctor's profile"
    SEE_PATIENTS = "see patients"
    REGISTER_PATIENT = "register patients"
    DELETE_PATIENT = "delete patients"
    EDIT_PATIENT = "edit patients"
    SEE_CALENDAR = "see a calendar"
    MANAGE_CALENDAR = "manage working hours and slots"
    MANAGE_HOLIDAYS = "close and open the whole organization"
    SEE_APPOINTMENTS = "see appointments"
    WATCH_OWN_APPOINTMENTS = "watch the own appointments"
    BOOK = "book, move and cancel"
    OVERBOOK = "book although no place is free"
    RUN_DAY = "mark no-shows"
    COMPLETE = "complete appointments"
    SEE_EVENTS = "see events"
    MANAGE_EVENTS = "organize events"
    BOOK_EVENT = "book events"
    CHECK_IN = "check in"
    WAIT = "stand in line, and see who does"
    SEE_REPORTS = "see reports"
    SEE_AUDIT = "see the audit trail"


TABLE: dict[Permission, frozenset[Role | None]] = {
    Permission.SIGN_IN: PUBLIC,
    Permission.SEE_SELF: PUBLIC,
    Permission.CHANGE_SELF: SIGNED_IN,
    Permission.SEE_USERS: STAFF,
    Permission.MANAGE_USERS: ADMIN,
    Permission.MANAGE_NOTIFICATIONS: ADMIN,
    Permission.SEE_DIRECTORY: PUBLIC,
    Permission.MANAGE_ORGANIZATION: ADMIN,
    Permission.MANAGE_DIRECTORY: ADMIN,
    Permission.EDIT_DOCTOR: frozenset({Role.ADMIN, Role.DOCTOR}),
    Permission.SEE_PATIENTS: SIGNED_IN,
    Permission.REGISTER_PATIENT: FRONT_DESK,
    Permission.DELETE_PATIENT: ADMIN,
    Permission.EDIT_PATIENT: FRONT_DESK | {Role.PATIENT},
    Permission.SEE_CALENDAR: PUBLIC,
    Permission.MANAGE_CALENDAR: STAFF,
    Permission.MANAGE_HOLIDAYS: FRONT_DESK,
    Permission.SEE_APPOINTMENTS: SIGNED_IN,
    Permission.WATCH_OWN_APPOINTMENTS: frozenset({Role.DOCTOR, Role.PATIENT}),
    Permission.BOOK: SIGNED_IN,
    Permission.OVERBOOK: STAFF,
    Permission.RUN_DAY: frozenset({Role.RECEPTIONIST, Role.DOCTOR}),
    Permission.COMPLETE: frozenset({Role.DOCTOR}),
    Permission.SEE_EVENTS: PUBLIC,
    Permission.MANAGE_EVENTS: STAFF,
    Permission.BOOK_EVENT: PUBLIC,
    Permission.CHECK_IN: STAFF,
    Permission.WAIT: SIGNED_IN,
    Permission.SEE_REPORTS: STAFF,
    Permission.SEE_AUDIT: ADMIN,
}


def allows(context: Context, permission: Permission) -> bool:
    """Whether the viewer, or the public, has the permission."""
    return context.role in TABLE[permission]


def require(context: Context, permission: Permission) -> None:
    """Go on only with the permission.

    Raises:
        NotSignedIn: the public does not have it.
        Forbidden: the viewer's role does not have it.

    """
    if allows(context, permission):
        return
    raise NotSignedIn if context.viewer is None else Forbidden


Act = Callable[Concatenate[Context, P], Coroutine[Any, Any, T]]


def act(permission: Permission, *refusals: type[Refusal]) -> Callable[[Act[P, T]], Act[P, T]]:
    """Make a function an act of the service.

    Args:
        permission: what the caller needs.
        refusals: how the act may end undone, besides the refusals any act may end in.

    """

    def decorate(function: Act[P, T]) -> Act[P, T]:
        async def tried(context: Context, *args: P.args, **kwargs: P.kwargs) -> T:
            require(context, permission)
            for _ in range(TRIES - 1):
                try:
                    return await function(context, *args, **kwargs)
                except DBAPIError as error:
                    if not may_succeed_if_repeated(error):
                        raise
            return await function(context, *args, **kwargs)

        @wraps(function)
        async def permitted(context: Context, *args: P.args, **kwargs: P.kwargs) -> T:
            if trail.ACT.get() is not None:
                return await tried(context, *args, **kwargs)
            acting = trail.ACT.set(function.__name__)
            try:
                return await tried(context, *args, **kwargs)
            except (Forbidden, NotFound) as error:
                await trail.note_denial(context, function.__name__, error, kwargs)
                raise
            finally:
                trail.ACT.reset(acting)

        permitted.__dict__.update(permission=permission, refusals=refusals)
        return cast("Act[P, T]", permitted)

    return decorate


async def _denied(context: Context, permission: Permission, name: str) -> Any:
    """Note the denial of a feed, and raise it."""
    try:
        require(context, permission)
    except Forbidden as error:
        await trail.note_denial(context, name, error, {})
        raise


def feed(permission: Permission) -> Callable[[Act[P, T]], Act[P, T]]:
    """Make a function a feed of the service: `act` for what goes on, and is never repeated."""

    def decorate(function: Act[P, T]) -> Act[P, T]:
        @wraps(function)
        def permitted(
            context: Context, *args: P.args, **kwargs: P.kwargs
        ) -> Coroutine[Any, Any, T]:
            if allows(context, permission):
                return function(context, *args, **kwargs)
            return _denied(context, permission, function.__name__)

        permitted.__dict__.update(permission=permission, refusals=())
        return cast("Act[P, T]", permitted)

    return decorate
