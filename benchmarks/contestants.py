"""The servers that are compared, each a process of its own, and the processor time they take."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.dialects import Dialect, GraphQL, Query, Rest

CHECKOUT = Path(__file__).parent.parent
READY_SECONDS = 60
STOP_SECONDS = 20
OURS, BARE, STOCK, REST, MERCURIUS = "ours", "bare", "stock", "rest", "mercurius"
MERCURIUS_FOLDER = CHECKOUT / "benchmarks" / "peers" / "mercurius"
COMMANDS = {
    OURS: (sys.executable, "main.py", "serve"),
    BARE: (sys.executable, "-m", "benchmarks.bare"),
    STOCK: (sys.executable, "-m", "benchmarks.stock"),
    REST: (sys.executable, "-m", "benchmarks.peers.rest"),
    MERCURIUS: ("node", str(MERCURIUS_FOLDER / "server.js")),
}
# One address and one account ask for everybody.
PLENTY = {
    "EXECUTIONS_WAITING": "1000000",
    "POINTS_PER_USER": "1000000000",
    "POINTS_PER_ADDRESS": "1000000000",
    "POINTS_PER_ORGANIZATION": "1000000000",
}
# Where each keeps its PORT from the others; 0 is not understood by all of them.
FIRST_PORT = 18080


@dataclass(frozen=True)
class Cores:
    """Which core the servers run on, and which the load generator; None: wherever they like."""

    servers: int | None = None
    load: int | None = None

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """Two different cores where there are two and the system can be asked for them."""
        if not hasattr(os, "sched_getaffinity"):
            return cls()
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1]) if len(usable) > 1 else cls()


def taking_part() -> list[str]:
    """Who is there to be compared: Mercurius only where `make bench` could install it."""
    has_node = shutil.which("node") and (MERCURIUS_FOLDER / "node_modules").is_dir()
    return [name for name in COMMANDS if name != MERCURIUS or has_node]


class Contestant:
    """A server process."""

    def __init__(self, name: str, port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.port = port
        self.process = process
        self.log = log
        self.dialect: Dialect = Rest() if name == REST else GraphQL()

    def ask(self, query: Query, token: str = "") -> Any:
        """One answer, read whole; for looking at, not for measuring."""
        request = self.dialect.request(query, token)
        with socket.create_connection(("127.0.0.1", self.port), READY_SECONDS) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return self.dialect.read(query, orjson.loads(response.read()))

    def wait_until_ready(self, query: Query) -> None:
        """Return when the server answers `query`.

        Raises:
            RuntimeError: it ended, or does not begin to answer.

        """
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(ConnectionError, http.client.HTTPException):
                self.ask(query)
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not answer:\n{self.log.read_text()[-2000:]}")

    @property
    def cpu_seconds(self) -> float | None:
        """The processor time it has taken; None where the system does not tell."""
        return cpu_seconds(self.process.pid)


@contextmanager
def contestants(
    database_url: str, secret_key: str, core: int | None
) -> Iterator[dict[str, Contestant]]:
    """All servers on one database, ended at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        settings = {"DATABASE_URL": database_url, "SECRET_KEY": secret_key}
        yield {
            name: stack.enter_context(
                running(name, COMMANDS[name], FIRST_PORT + place, settings, core, folder)
            )
            for place, name in enumerate(taking_part())
        }


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    port: int,
    settings: Mapping[str, str],
    core: int | None,
    folder: Path,
) -> Iterator[Contestant]:
    """A server, ended at the end; its log is in `folder`."""
    environment = {
        **os.environ,
        **PLENTY,
        **settings,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "DEVELOPMENT": "",
    }
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [*command],
            env=environment,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        yield Contestant(name, port, process, path)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


def cpu_seconds(*process_ids: int) -> float | None:
    """The processor time, user's and system's, of processes and of their ended children."""
    try:
        ticks = sum(sum(_times(process_id)) for process_id in process_ids)
    except OSError:
        return None
    return ticks / os.sysconf("SC_CLK_TCK")


def _times(process_id: int) -> list[int]:
    return [int(word) for word in _status(process_id)[11:15]]


def _status(process_id: int) -> list[str]:
    """The words of /proc/PID/stat that follow the command's name."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()


def database_cpu_seconds(data: Path) -> float | None:
    """The processor time of a PostgreSQL server with all its processes."""
    try:
        postmaster = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    total = cpu_seconds(postmaster)
    for process_id in running:
        with suppress(OSError, TypeError):
            if int(_status(process_id)[1]) == postmaster:
                total += cpu_seconds(process_id)
    return total
