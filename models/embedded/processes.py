"""Child processes: as another user, tied to the life of ours, and recognised by number later."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

NAME = "appointment-server"

# No PG* variable of the caller may lead a child elsewhere.
ENVIRONMENT: Mapping[str, str] = MappingProxyType({"PATH": "/usr/bin:/bin", "LC_ALL": "C"})

# Runs in a fresh interpreter between us and PostgreSQL, and becomes PostgreSQL by exec. Not a
# `preexec_fn`: that runs after a fork of a threaded process and may deadlock. The order matters:
# enter the folder while still allowed to; ask for the death signal after the change of user, which
# clears it; look at the parent last, for it may have died before the signal was asked for.
LAUNCHER = """
import os, sys
try: import ctypes
except ImportError: ctypes = None
parent, user, group, folder, *command = sys.argv[1:]
os.chdir(folder)
os.umask(0o077)
if user:
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))
if sys.platform == "linux" and ctypes:
    ctypes.CDLL(None).prctl(1, 2)  # PR_SET_PDEATHSIG, SIGINT
if os.getppid() == int(parent):
    os.execve(command[0], command, {"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
"""


@dataclass(frozen=True)
class User:
    """An account of the machine that a child runs as."""

    number: int
    group: int


def launched(command: Sequence[str], folder: Path, user: User | None) -> list[str]:
    """The command line that runs the command in this folder as this user, tied to our life."""
    identity = ["", ""] if user is None else [str(user.number), str(user.group)]
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid())]
    return [*launcher, *identity, str(folder), *command]


def seen_from_inside(folder: Path, user: User | None) -> str:
    """The name of the folder for a process of this user that works in it.

    Another user may not be able to walk there (a checkout below root's home). Its working folder
    is open to it all the same, put there by the launcher while still root; Linux has a path for it.
    """
    here = "/proc/self/cwd"
    return here if user is not None and Path(here).is_dir() else str(folder)


def keep(command: Sequence[str], log: int) -> tuple[subprocess.Popen[bytes], threading.Thread]:
    """Start the command in a thread that lives as long as it, and reaps it.

    Linux sends the death signal when the *thread* that started the child ends, so a thread of an
    executor will not do. A session of its own keeps the terminal's Ctrl-C from the server: it has
    to outlive our own orderly end.
    """
    started: Future[subprocess.Popen[bytes]] = Future()

    def start_and_wait() -> None:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as reason:
            started.set_exception(reason)
            return
        started.set_result(child)
        child.wait()

    keeper = threading.Thread(target=start_and_wait, name="embedded-postgres", daemon=True)
    keeper.start()
    return started.result(), keeper


def command_of(number: int) -> str | None:
    """The command line of a process, empty for a zombie; None if there is no such process."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
    except FileNotFoundError:  # macOS
        listing = ["/bin/ps", "-p", str(number), "-o", "command="]
        return subprocess.run(listing, check=False, capture_output=True, text=True).stdout
