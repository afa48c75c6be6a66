"""Who owns a data folder: a lock that ends with its process, however that ends."""

import fcntl
import os
from pathlib import Path

_descriptors: set[int] = set()


def _forget_locks() -> None:
    """A forked child must not keep its parent's locks alive after the parent died."""
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


os.register_at_fork(after_in_child=_forget_locks)


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file for reading and writing that only its owner may see, and make it if missing.

    Made in a second step only: Linux refuses O_CREAT, even to root, on a file of somebody else in
    a folder like /tmp. Raises OSError, also for a symbolic link: it may lead anywhere.
    """
    flags |= os.O_RDWR | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o600)


class OwnerLock:
    """A lock file with a note in it, which only the holder of the lock reads and writes.

    The file stays when the lock goes: removing it would let two owners in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __str__(self) -> str:
        return str(self._path)

    @property
    def held(self) -> bool:
        """Whether this process (and not its parent, before a fork) holds the lock."""
        return self._descriptor in _descriptors

    def claim(self) -> bool:
        """Take the lock if nobody holds it; raises OSError where the file may not be opened."""
        descriptor = open_private(self._path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        _descriptors.add(descriptor)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the next one in; nothing happens if the lock is not held."""
        if self.held:
            _descriptors.discard(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = -1

    def give(self, user: int, group: int) -> None:
        """Make this user the owner of the file, so that it may start the server itself one day."""
        os.fchown(self._descriptor, user, group)

    def note(self) -> str:
        """What the last owner wrote."""
        return os.fsdecode(os.pread(self._descriptor, 4096, 0))

    def write(self, note: str) -> None:
        """Leave a note for the next owner."""
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, os.fsencode(note), 0)
