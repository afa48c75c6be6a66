"""Servers and children of the tests of the embedded PostgreSQL."""

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from models.embedded import (
    find_binaries,
)

CHECKOUT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans by itself")

SERVE = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from models.embedded import Binaries, EmbeddedPostgres
binaries = Binaries(Path(sys.argv[3]), "the test")
server = EmbeddedPostgres(Path(sys.argv[2]), durable=False, binaries=binaries)
server.start()
print(server.dsn("postgres"), flush=True)
"""
SERVE_AND_WAIT = SERVE + "time.sleep(600)"
SERVE_AND_FORK = f"""{SERVE}
import os
if not os.fork():
    server.stop()
    print(os.getpid(), flush=True)
time.sleep(600)
"""
SERVE_UNTIL_TOLD = SERVE + "sys.stdin.readline()"


def ask(address: str, sql: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(address, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def soon(holds: Callable[[], object], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := bool(holds())) and time.monotonic() < deadline:
        time.sleep(0.01)
    return done


def ended(number: int) -> bool:
    """Whether the process is gone; one that only waits to be reaped is."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{number}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:  # gone in between, or a system without /proc
        return Path("/proc/self").exists()


def sockets_of(address: str) -> Path:
    return Path(parse_qs(urlsplit(address).query)["host"][0])


def server_number(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


@contextmanager
def child(script: str, data: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [str(CHECKOUT), str(data), str(find_binaries().folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        number = server_number(data) if (data / "postmaster.pid").exists() else None
        process.kill()
        process.communicate()
        assert number is None or sys.platform != "linux" or soon(lambda: ended(number))
        note = data.with_name("postgres.lock")
        if note.exists():  # what the next start would sweep, had the test one
            shutil.rmtree(note.read_text(), ignore_errors=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def interpreter_for(user: pwd.struct_passwd) -> str:
    """A Python that this user may run: ours may lie below root's home."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", "from typing import Self"],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("there is no Python here that an ordinary user may run")
