"""Cursors of live views: what a client keeps to come back with, and what it stands for."""

import base64
import binascii
from typing import NewType, Protocol
from uuid import UUID

from services.errors import InvalidInput


class Update(Protocol):
    """A step of a live view."""

    @property
    def watched_id(self) -> UUID:
        """What is watched."""

    @property
    def revision(self) -> int:
        """Where the step leads to."""

    @property
    def previous_revision(self) -> int | None:
        """Where it leads from; None after a reset."""


Cursor = NewType("Cursor", str)
REVISION_BYTES = 8
# A forged cursor may say more than the column holds; it is one of the future all the same.
LARGEST_REVISION = 2**63 - 1


def cursor(watched_id: UUID, revision: int) -> Cursor:
    """The resume token for a revision of something that is watched. Forging one opens nothing: it
    only says from where on the changes are wanted.
    """
    place = watched_id.bytes + revision.to_bytes(REVISION_BYTES)
    return Cursor(base64.urlsafe_b64encode(place).decode())


def revision_in(after: str | None, watched_id: UUID) -> int | None:
    """The revision in a resume token; None without one, or where it is that of another thing.

    Raises:
        InvalidInput: it is no resume token.

    """
    if after is None:
        return None
    try:
        place = base64.b64decode(after.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise InvalidInput("This is not a cursor.", "after") from error
    if len(place) != len(watched_id.bytes) + REVISION_BYTES:
        raise InvalidInput("This is not a cursor.", "after")
    if place[: len(watched_id.bytes)] != watched_id.bytes:
        return None
    return min(int.from_bytes(place[len(watched_id.bytes) :]), LARGEST_REVISION)


def cursor_of_update(root: Update) -> Cursor:
    """Where what is watched stands after an update."""
    return cursor(root.watched_id, root.revision)


def previous_cursor_of_update(root: Update) -> Cursor | None:
    """Where it stood before."""
    if root.previous_revision is None:
        return None
    return cursor(root.watched_id, root.previous_revision)
