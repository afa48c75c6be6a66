"""The server itself: who owns it, its data folder, its start, its end and its addresses."""

import atexit
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import quote

from models.embedded.binaries import Binaries, find_binaries, within_reach
from models.embedded.errors import DatabaseUnavailable
from models.embedded.locks import OwnerLock, open_private
from models.embedded.processes import (
    ENVIRONMENT,
    NAME,
    User,
    command_of,
    keep,
    launched,
    seen_from_inside,
)
from models.embedded.sockets import PORT, answers, make_sockets, remove_sockets

ROLE = "postgres"
START_SECONDS = 60.0  # crash recovery of a big database may need a while
DYING_SECONDS = 15.0
STOP_SECONDS = 60.0
REMOVING_SECONDS = 5.0
LARGEST_LOG = 10_000_000

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        # Rows tell of people and their doctors: keep their values out of the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
)
CARELESS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)

# macOS has no C.UTF-8; the collation stays by code point there too.
LOCALE: Sequence[str] = (
    ("--locale=en_US.UTF-8", "--lc-collate=C")
    if sys.platform == "darwin"
    else ("--locale=C.UTF-8",)
)


class EmbeddedPostgres:
    """One PostgreSQL server on one data folder, alive from `start` until `stop` or our own end.

    `durable=False` is for tests: much faster, and a power cut may destroy the data. `settings` are
    PostgreSQL's own and win over ours, except those that make the server private. Without
    `binaries`, `find_binaries` decides. Not to be started or stopped by two threads at once.
    """

    def __init__(
        self,
        data: Path,
        *,
        durable: bool = True,
        settings: Mapping[str, str] = MappingProxyType({}),
        binaries: Binaries | None = None,
    ) -> None:
        self._data = data.resolve()
        self._lock = OwnerLock(self._data.with_name(f"{self._data.name}.lock"))
        self._log_path = self._data.with_name(f"{self._data.name}.log")
        self._durable = durable
        self._settings = {**SETTINGS, **({} if durable else CARELESS), **settings}
        self._binaries = binaries
        # Shows in the server's command line, and tells it from any other that got its process id.
        self._mark = f"cluster_name={NAME}-{hashlib.sha256(bytes(self._data)).hexdigest()[:16]}"
        self._starter = os.getpid()
        self._sockets: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def joined(self) -> bool:
        """Whether the server belongs to another process, which may end it at any time."""
        return self._sockets is not None and not self._lock.held

    def start(self) -> None:
        """Return when the server accepts connections; make the data folder first if there is none.

        Does nothing when it already runs. Raises DatabaseUnavailable, with the last lines of the
        server's log when it was the server that failed.
        """
        if self._runs():
            return
        self.stop()  # what is left of a server that died under us
        self._starter = os.getpid()
        try:
            self._own_or_join(self._binaries or find_binaries(), time.monotonic() + START_SECONDS)
        except (OSError, subprocess.SubprocessError) as reason:
            self.stop()
            raise DatabaseUnavailable(f"No database could be started: {reason}.") from reason
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server if it is ours (open transactions are rolled back) and wait for its end.

        A forked child only forgets the server: it is the parent's.
        """
        atexit.unregister(self.stop)
        mine = self._starter == os.getpid()
        if mine and self._server is not None and self._keeper is not None:
            # SIGINT is PostgreSQL's fast shutdown; after SIGQUIT the next start has to recover.
            for order, patience in (
                (signal.SIGINT, STOP_SECONDS),
                (signal.SIGQUIT, DYING_SECONDS),
            ):
                self._server.send_signal(order)
                self._keeper.join(patience)
                if not self._keeper.is_alive():
                    break
        if self._sockets is not None and self._lock.held:
            remove_sockets(self._sockets)
        self._lock.release()
        self._sockets = self._server = self._keeper = None

    def url(self, database: str) -> str:
        """The address of a database for SQLAlchemy's create_async_engine; raises if not started."""
        return self.dsn(database).replace("postgresql://", "postgresql+asyncpg://", 1)

    def dsn(self, database: str) -> str:
        """The address of a database for asyncpg.connect; raises if not started."""
        name, folder = quote(database, safe=""), quote(str(self._folder()), safe="")
        return f"postgresql://{ROLE}@/{name}?host={folder}&port={PORT}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create the database unless it is there already; raises DatabaseUnavailable if refused.

        Through psql and not asyncpg, so that it can be called with and without an event loop.
        """
        folder, binaries = self._folder(), self._binaries or find_binaries()
        sql = (
            "SELECT format('CREATE DATABASE %I TEMPLATE %I', :'name', :'template')"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec\n"
        )
        command = [
            str(binaries.folder / "psql"),
            "-XqAt",
            "-h",
            str(folder),
            "-p",
            PORT,
        ]
        command += ["-U", ROLE, "-d", "postgres", "-v", "ON_ERROR_STOP=1"]
        command += ["-v", f"name={name}", "-v", f"template={template or 'template1'}"]
        for _attempt in (
            1,
            2,
        ):  # the second sees what somebody else created during the first
            done = subprocess.run(
                command,
                check=False,
                input=sql,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
            )
            if done.returncode == 0:
                return
        raise DatabaseUnavailable(f"Database {name!r} was not created: {done.stderr.strip()}.")

    def _folder(self) -> Path:
        if self._sockets is None:
            raise DatabaseUnavailable("The embedded PostgreSQL has not been started.")
        return self._sockets

    def _runs(self) -> bool:
        return self._sockets is not None and answers(self._sockets)

    def _own_or_join(self, binaries: Binaries, deadline: float) -> None:
        self._data.parent.mkdir(parents=True, exist_ok=True)
        while not self._lock.claim():
            self._sockets = self._ready_sockets(None)
            if self._sockets is not None:
                return
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Another process holds {self._lock}, but its server does not answer."
                )
            time.sleep(0.02)
        self._serve(binaries, deadline)

    def _serve(self, binaries: Binaries, deadline: float) -> None:
        user = self._user()
        binaries = self._binaries = within_reach(binaries, user)
        self._clear_remains(deadline)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(binaries, user)
        self._sockets = make_sockets(user)
        self._lock.write(str(self._sockets))
        atexit.register(self.stop)
        dying = time.monotonic() + DYING_SECONDS
        while (failure := self._launch(binaries, user, deadline)) is not None:
            # The children of a killed server outlive it for a moment, and hold its memory.
            blocked = 'lock file "postmaster.pid"' in failure or "shared memory block" in failure
            if not blocked or time.monotonic() > dying:
                raise DatabaseUnavailable(f"PostgreSQL did not start. Its log says:\n{failure}\n")
            time.sleep(0.1)

    def _user(self) -> User | None:
        """Whom the server runs as; None: as ourselves."""
        if os.geteuid() != 0:
            return None
        if self._data.exists() and (about := self._data.stat()).st_uid != 0:
            user = User(about.st_uid, about.st_gid)
        else:
            try:
                nobody = pwd.getpwnam("nobody")
            except KeyError:
                reason = "Root may not run PostgreSQL, and there is no user nobody."
                raise DatabaseUnavailable(reason) from None
            user = User(nobody.pw_uid, nobody.pw_gid)
        self._lock.give(user.number, user.group)
        return user

    def _clear_remains(self, deadline: float) -> None:
        """What a killed owner may have left: a server, its socket folder, half a data folder."""
        self._end_unowned_server(deadline)
        remove_sockets(Path(self._lock.note()))
        for unfinished in self._data.parent.glob(f"{self._data.name}.new-*"):
            _remove(unfinished)

    def _end_unowned_server(self, deadline: float) -> None:
        number = self._server_number()
        if number is None:
            return
        command = command_of(number)
        if command is not None and self._mark not in command:
            # PostgreSQL itself only asks whether such a process exists. It may be a zombie by now,
            # a stranger, or part of another cluster. A server started by hand is left to judge it.
            elsewhere = f"cluster_name={NAME}-" in command or command.startswith("postgres:")
            if elsewhere or "postgres" not in command:
                (self._data / "postmaster.pid").unlink(missing_ok=True)
            return
        if command is not None:
            os.kill(number, signal.SIGINT)
        while self._mark in (command_of(number) or ""):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"The old server, process {number}, does not end.")
            time.sleep(0.02)

    def _server_number(self) -> int | None:
        """The process that postmaster.pid names; None if there is none."""
        lines = self._status_lines()
        return int(lines[0]) if lines and lines[0].isdigit() and int(lines[0]) > 0 else None

    def _status_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _ready_sockets(self, number: int | None) -> Path | None:
        """The socket folder of the server (of this process) once it accepts connections."""
        lines = self._status_lines()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        if number is not None and lines[0] != str(number):
            return None
        folder = Path(lines[4])
        return folder if answers(folder) else None

    def _initialise(self, binaries: Binaries, user: User | None) -> None:
        """Make the data folder beside its place and move it there when it is whole."""
        if self._data.is_dir() and any(self._data.iterdir()):
            raise DatabaseUnavailable(f"{self._data} is neither empty nor a database folder.")
        fresh = Path(tempfile.mkdtemp(prefix=f"{self._data.name}.new-", dir=self._data.parent))
        try:
            if user is not None:
                os.chown(fresh, user.number, user.group, follow_symlinks=False)
            command = [
                str(binaries.folder / "initdb"),
                "-D",
                seen_from_inside(fresh, user),
            ]
            command += [f"--username={ROLE}", "--encoding=UTF8", *LOCALE]
            # Trust is for those who reach the socket; a network would find the door shut.
            command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
            command += [] if self._durable else ["--no-sync"]
            done = subprocess.run(
                launched(command, fresh, user),
                check=False,
                capture_output=True,
                text=True,
                timeout=300,
            )
            if done.returncode != 0:
                raise DatabaseUnavailable(f"initdb failed:\n{done.stdout}{done.stderr}\n")
            fresh.rename(self._data)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _launch(self, binaries: Binaries, user: User | None, deadline: float) -> str | None:
        """Start the server and wait until it accepts connections; else the end of its log."""
        settings = {
            **self._settings,
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": str(self._folder()),
            "unix_socket_permissions": "0700",
        }
        command = [
            str(binaries.folder / "postgres"),
            "-D",
            seen_from_inside(self._data, user),
        ]
        for setting in [
            *(f"{name}={value}" for name, value in settings.items()),
            self._mark,
        ]:
            command += ["-c", setting]
        with os.fdopen(open_private(self._log_path, os.O_APPEND), "r+b", buffering=0) as log:
            if user is not None:
                os.fchown(log.fileno(), user.number, user.group)
            if log.seek(0, os.SEEK_END) > LARGEST_LOG:
                log.truncate(0)
            beginning = log.seek(0, os.SEEK_END)
            self._server, self._keeper = keep(launched(command, self._data, user), log.fileno())
            while self._keeper.is_alive() and time.monotonic() < deadline:
                if self._ready_sockets(self._server.pid) is not None:
                    return None
                time.sleep(0.01)
            log.seek(beginning)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-12:])


def _remove(folder: Path) -> None:
    """Remove a folder in which something that is dying may still be writing."""
    until = time.monotonic() + REMOVING_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.02)
        shutil.rmtree(folder, ignore_errors=True)
