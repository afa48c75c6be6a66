"""Starting, lasting, and the databases inside."""

import asyncio
import os
import threading
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from models.embedded import (
    DatabaseUnavailable,
    EmbeddedPostgres,
)
from tests.models.embedded.servers import (
    ask,
    ended,
    server_number,
    sockets_of,
)


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
