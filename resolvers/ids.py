"""Global ids: opaque on the wire, typed and random, such as `slot_9f0c…`.

The prefix is the type's name in snake case, so an id of the wrong type is recognized before
anything is looked up.
"""

import re
from functools import lru_cache
from uuid import UUID

from services.errors import InvalidInput, NotFound

ID = re.compile(r"([a-z]+(?:_[a-z]+)*)_([0-9a-f]{32})")


@lru_cache
def prefix_of(type_name: str) -> str:
    """The prefix of a type's ids: `AvailabilityTemplate` has `availability_template`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type_name).lower()


def global_id(type_name: str, id: UUID) -> str:
    """The id on the wire."""
    return f"{prefix_of(type_name)}_{id.hex}"


def split(global_id: str, *path: str | int) -> tuple[str, UUID]:
    """The prefix and the key of a global id.

    Raises:
        InvalidInput: it is not a global id.

    """
    match = ID.fullmatch(global_id) if len(global_id) <= 100 else None
    if match is None:
        raise InvalidInput("This is not an id.", *path)
    return match[1], UUID(match[2])


def key(global_id: str, type_name: str, *path: str | int) -> UUID:
    """The key of a global id of a certain type.

    Raises:
        InvalidInput: it is not a global id.
        NotFound: it is the id of another type.

    """
    prefix, id = split(global_id, *path)
    if prefix != prefix_of(type_name):
        raise NotFound(*path)
    return id


def optional_key(global_id: str | None, type_name: str, *path: str | int) -> UUID | None:
    """`key`, or None where no id is given."""
    return None if global_id is None else key(global_id, type_name, *path)
