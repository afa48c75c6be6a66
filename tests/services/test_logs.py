"""The log: one line for each event, in which nobody but us writes, and no values."""

import io
import json
import logging
import re
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from services import logs
from services.live.meters import Meters
from services.meters import RequestMeters
from services.traces import Traces

ROOT = Path(__file__).parent.parent.parent
SECRET = "canary-5f2c"
# Whatever ends a line, moves the cursor or turns text around, for somebody who reads it.
FORGED = "a\r\nERROR forged\x1b[2J\x07\x00\u2028b\u2029c\x85d\u202ee\x0bf\x0c"


def written(formatter: logging.Formatter, message: str, *args: object, **more: object) -> str:
    """What a formatter makes of a line with more to say."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    error = more.pop("error", None)
    exc_info = (type(error), error, error.__traceback__) if isinstance(error, Exception) else None
    record = logging.LogRecord("graphql", logging.ERROR, "x", 1, message, args, exc_info)
    record.__dict__.update(more)
    handler.handle(record)
    return out.getvalue()


@pytest.mark.parametrize("formatter", [logs.Json(), logs.Text()])
def test_nobody_writes_a_line_but_us(formatter: logging.Formatter) -> None:
    line = written(formatter, "said %s", FORGED, operation=FORGED)
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert line.isascii()
    assert "forged" in line


def test_a_line_of_json_is_an_object() -> None:
    line = json.loads(written(logs.Json(), "request", request_id="1", status=200, ms=1.5))
    at = line.pop("at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00", at)
    assert line == {
        "level": "ERROR",
        "logger": "graphql",
        "event": "request",
        "request_id": "1",
        "status": 200,
        "ms": 1.5,
    }


def failure() -> Exception:
    """An exception that says what somebody typed, and so do its causes."""
    try:
        try:
            try:
                int(SECRET)
            except ValueError as error:
                raise KeyError(SECRET) from error
        except KeyError as error:
            raise ExceptionGroup(SECRET, [OSError(SECRET)]) from error
    except ExceptionGroup as error:
        cause = error
    database = Exception(SECRET)
    database.sqlstate = "23505"  # type: ignore[attr-defined]
    database.constraint_name = "uq_users_email"  # type: ignore[attr-defined]
    database.__cause__ = cause
    failed = DBAPIError("SELECT 1 WHERE a = $1", {"a": SECRET}, database, hide_parameters=True)
    failed.__cause__ = database
    return failed


@pytest.mark.parametrize("formatter", [logs.Json(), logs.Text()])
def test_an_exception_says_where_and_what_kind_and_no_more(formatter: logging.Formatter) -> None:
    line = written(formatter, "Internal error", error=failure())
    assert SECRET not in line
    for told in (
        "test_logs.py",
        "int(SECRET)",
        "builtins.ValueError",
        "builtins.KeyError",
        "ExceptionGroup",
        "builtins.OSError",
        "sqlstate=23505",
        "constraint_name=uq_users_email",
        "statement=SELECT 1 WHERE a = $1",
    ):
        assert told in line, told
    if isinstance(formatter, logs.Json):
        assert line.count("\n") == 1
    else:
        assert all(part.startswith("    ") for part in line.splitlines()[1:])


def test_every_logger_of_ours_is_known_as_ours() -> None:
    used = {
        name
        for room in ("", "schema", "resolvers", "services", "models")
        for path in (ROOT / room).glob("**/*.py" if room else "*.py")
        for name in re.findall(r'getLogger\("([a-z.]+)"\)', path.read_text())
    }
    assert used == set(logs.OURS)


def test_what_is_written_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    meters = Meters()
    traces = Traces(RequestMeters(meters.registry))
    with caplog.at_level(logging.INFO, "access"), traces.tracing("from-a-proxy-1") as trace:
        trace.kind, trace.operation, trace.outcome = "query", "Doctors", "FORBIDDEN"
        trace.status, trace.role, trace.organization = 200, "PATIENT", "riverside"
    (record,) = caplog.records
    said = {name: getattr(record, name, None) for name in ("request_id", "operation", "role")}
    assert said == {"request_id": "from-a-proxy-1", "operation": "Doctors", "role": "PATIENT"}
    count = meters.registry.get_sample_value(
        "graphql_operations_total", {"kind": "query", "outcome": "FORBIDDEN"}
    )
    assert count == 1
    assert meters.registry.get_sample_value("http_requests_total", {"status": "200"}) == 1
    assert (
        meters.registry.get_sample_value("graphql_operation_seconds_count", {"kind": "query"}) == 1
    )
