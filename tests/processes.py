"""Servers as processes of their own: started for real, awaited until ready, ended by their ids."""

import asyncio
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from tests.api import Api

CHECKOUT = Path(__file__).parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
# Every setting there is, so that neither this machine's environment nor a .env has a say.
SETTINGS = {
    "HOST": "127.0.0.1",
    "BASE_URL": "http://127.0.0.1",
    "BASE_DOMAIN": "",
    "BROADCAST_URL": "",
    "METRICS_ADDRESS": "",
    "LOG_FORMAT": "",
    "LOG_LEVEL": "",
    # One address asks for everybody.
    "MESSAGES_AT_ONCE": "1000000",
    "EXECUTIONS_WAITING": "1000000",
    "POINTS_PER_USER": "1000000000",
    "POINTS_PER_ADDRESS": "1000000000",
    "POINTS_PER_ORGANIZATION": "1000000000",
    "SIGN_UPS_PER_ADDRESS": "1000000000",
    "PASSWORD_RESETS_PER_ACCOUNT": "1000000000",
    "HOLDS_PER_PATIENT": "1000000000",
    "EXTERNAL_READINGS_PER_USER": "1000000000",
    "GUEST_BOOKINGS_PER_ADDRESS": "1000000000",
    "RATE_LIMIT_URL": "",
    "ALLOWED_ORIGINS": "",
    "TRUSTED_PROXIES": "",
    "SMTP_URL": "",
    "MAIL_FROM": "",
    "CONFIRM_EMAIL": "",
    "DEMO_PASSWORD": "a quiet morning by the lake",
    "ACCESS_TOKEN_MINUTES": "10",
    "PYTHONUNBUFFERED": "1",
    "COLUMNS": "200",
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
}


def settings(database_url: str, **changes: str) -> dict[str, str]:
    """The whole environment of a command: a database, a secret, and what is changed."""
    secret = secrets.token_urlsafe(48)
    return {
        **SETTINGS,
        "DATABASE_URL": database_url,
        "SECRET_KEY": secret,
        "DEVELOPMENT": "1",
        **changes,
    }


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def command(*words: str) -> Sequence[str]:
    """A command of main.py."""
    return [sys.executable, str(CHECKOUT / "main.py"), *words]


async def run(
    environment: Mapping[str, str], *words: str, typed: str = "", seconds: float = 60
) -> tuple[int, str, str]:
    """Run a command of main.py to its end: exit code, output, error output."""
    process = await asyncio.create_subprocess_exec(
        *command(*words),
        env=environment,
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said = await asyncio.wait_for(process.communicate(typed.encode()), seconds)
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    return process.returncode or 0, said[0].decode(), said[1].decode()


class ServerProcess:
    """`main.py serve` as a process. Started again after its end, it keeps its address.

    Attributes:
        program: what is run instead of it, where that is wanted.

    """

    program: Sequence[str] = command("serve")

    def __init__(self, environment: Mapping[str, str], *options: str) -> None:
        self.port = free_port()
        self.environment = {**environment, "PORT": str(self.port)}
        self.options = options
        self._folder = tempfile.TemporaryDirectory(prefix="appointments-server-")
        self._log = Path(self._folder.name) / "log"
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The GraphQL address."""
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def output(self) -> str:
        """All that it has said, on both outputs."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def number(self) -> int:
        """The id of the process."""
        if self._process is None:
            raise RuntimeError("The server was not started.")
        return self._process.pid

    def api(self, http: aiohttp.ClientSession, slug: str, token: str | None = None) -> Api:
        """A client of this server."""
        return Api(self.url, http, slug, token)

    async def start(self) -> None:
        """Start, and return when it can serve."""
        self.launch()
        async with aiohttp.ClientSession() as http:
            await self.until(lambda: self.is_ready(http))

    def launch(self) -> None:
        """Start, and do not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.program, *self.options],
                env=self.environment,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def until(self, fulfilled: Callable[[], Awaitable[bool]]) -> None:
        """Return when something has come true; the server must live until then."""
        async with asyncio.timeout(READY_SECONDS):
            while not await fulfilled():
                if not self.is_alive:
                    raise RuntimeError(f"The server ended:\n{self.output}")
                await asyncio.sleep(0.05)

    async def says(self, words: str) -> None:
        """Return when it has said something."""

        async def said() -> bool:
            return words in self.output

        await self.until(said)

    async def is_ready(self, http: aiohttp.ClientSession) -> bool:
        """Whether it says that it can serve."""
        try:
            async with http.get(f"http://127.0.0.1:{self.port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self) -> None:
        """End it without a warning, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> int:
        """Ask it to end, as a service manager does; its exit code."""
        if self._process is None:
            raise RuntimeError("The server was not started.")
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, STOP_SECONDS)

    def close(self) -> None:
        """End it if it still runs, and remove its log."""
        self.kill()
        self._folder.cleanup()
