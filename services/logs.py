"""How the log is written: JSON, one object in a line, or text for people.

No line holds what people typed: of an exception it says where and what kind, and of what the
database refused the statement without its values. Nobody can write a line of the log but us:
whatever is no printable character is escaped.
"""

import asyncio
import logging
import traceback
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from services.traces import current_request_id

FORMATS = ("json", "text")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Ours; what libraries say below a warning is what went over the wire, and into the database.
OURS = (
    "access",
    "database",
    "delivery",
    "external",
    "graphql",
    "horizon",
    "housekeeping",
    "limits",
    "live",
    "mail",
    "server",
)
# What an exception of the database tells without telling values.
FACTS = ("sqlstate", "constraint_name", "table_name", "column_name", "statement")

log = logging.getLogger("server")


def set_up(form: str, level: str) -> None:
    """Write the log to the error output.

    Args:
        form: one of FORMATS.
        level: one of LEVELS, from which on our own lines are written.

    """
    handler = logging.StreamHandler()
    handler.setFormatter(Text() if form == "text" else Json())
    handler.addFilter(_name_the_request)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def log_what_nobody_awaits(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception outside of any request; asyncio itself would show values with it."""
    log.error("Something failed outside of any request", exc_info=context.get("exception"))


def _name_the_request(record: logging.LogRecord) -> bool:
    if not hasattr(record, "request_id") and (request_id := current_request_id()):
        record.request_id = request_id
    return True


class Json(JsonFormatter):
    """One JSON object in a line, in ASCII."""

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger", "message": "event", "exc_info": "error"}
        super().__init__(
            "{levelname}{name}{message}",
            style="{",
            rename_fields=names,
            timestamp="at",
            json_ensure_ascii=True,
        )

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """An exception without its message."""
        return without_values(ei[1])


class Text(logging.Formatter):
    """A line for people; those of an exception are indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line."""
        more = {k: v for k, v in record.__dict__.items() if k not in RESERVED_ATTRS}
        words = [f"{record.levelname} {record.name}: {record.message}"]
        words += [f"{name}={value}" for name, value in more.items()]
        return printable(" ".join(words))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """An exception without its message."""
        return "\n".join(f"    {line}" for line in without_values(ei[1]).splitlines())


def printable(text: str) -> str:
    """A text in which nothing moves the cursor, or ends a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def without_values(error: BaseException | None) -> str:
    """Where an exception and its causes came from and what kind they are, and no message: it may
    hold what somebody typed.
    """
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        facts = {name: getattr(error, name, None) for name in FACTS}
        told = "".join(f" {name}={fact}" for name, fact in facts.items() if fact)
        trace = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback:\n{trace}{type(error).__module__}.{type(error).__name__}{told}")
        parts.extend(map(without_values, getattr(error, "exceptions", ())))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return printable_lines("\n".join(reversed(parts)))


def printable_lines(text: str) -> str:
    """Several lines, each printable."""
    return "\n".join(map(printable, text.split("\n")))
