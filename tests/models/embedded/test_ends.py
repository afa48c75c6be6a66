"""Sudden ends: of the parent, of the server, of initdb."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from models.embedded import (
    EmbeddedPostgres,
)
from tests.models.embedded.servers import (
    SERVE_AND_FORK,
    SERVE_AND_WAIT,
    ask,
    child,
    ended,
    on_linux,
    said,
    server_number,
    sockets_of,
    soon,
)


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
