"""What the signed-in hold their live views by. Whether it is still good is known in `accounts`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from models import Role


class Right(NamedTuple):
    """Where somebody is signed in, and as what."""

    sign_in_id: UUID
    role: Role
    doctor_id: UUID | None
    patient_id: UUID | None


class Rights:
    """The rights by which views of this process are held, and how to end these views."""

    def __init__(self) -> None:
        self._ends: dict[Right, set[Callable[[Exception], None]]] = {}

    @property
    def held(self) -> frozenset[Right]:
        """All of them."""
        return frozenset(self._ends)

    @contextmanager
    def holding(self, right: Right | None, end: Callable[[Exception], None]) -> Iterator[None]:
        """Hold a view by a right for as long as the block lasts; the public holds it by none."""
        if right is None:
            yield
            return
        self._ends.setdefault(right, set()).add(end)
        try:
            yield
        finally:
            self._ends[right].discard(end)
            if not self._ends[right]:
                del self._ends[right]

    def lost(self, right: Right, error: Exception) -> None:
        """End all views that are held by a right."""
        for end in tuple(self._ends.get(right, ())):
            end(error)
