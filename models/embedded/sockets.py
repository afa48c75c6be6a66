"""The private folder of a server's unix socket: its making, its end, and a knock at the door."""

import contextlib
import os
import socket
import tempfile
from pathlib import Path

from models.embedded.errors import DatabaseUnavailable
from models.embedded.processes import NAME, User

PORT = "5432"  # only part of the socket's name: no server here listens on a network
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 100  # Linux allows 107 bytes, macOS 103


def make_sockets(user: User | None) -> Path:
    """A fresh folder for the socket that only the server's user and root may enter."""
    for place in ("/tmp", tempfile.gettempdir()):
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir=place))
        except OSError:
            continue
        if len(bytes(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            if user is not None:
                os.chown(folder, user.number, user.group)
            return folder
        folder.rmdir()
    raise DatabaseUnavailable("There is no temporary folder with a name short enough for a socket.")


def remove_sockets(folder: Path) -> None:
    """Remove a folder that `make_sockets` made, and nothing that PostgreSQL did not put there."""
    if folder.name.startswith(f"{NAME}-"):
        with contextlib.suppress(OSError):  # gone already, or never ours to remove
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()


def answers(folder: Path) -> bool:
    """Whether a server listens behind the socket in this folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(2)
        try:
            door.connect(str(folder / SOCKET_NAME))
        except BlockingIOError:  # the queue is full: it listens, and is busy
            return True
        except OSError:
            return False
        return True
