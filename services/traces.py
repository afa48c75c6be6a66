"""What is written down of each request and operation: one line of the log, and the meters.

Never what was asked or answered: no variables, no query, no names of people, no addresses.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

from services.meters import RequestMeters

# What a proxy may call a request.
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Names in documents have no other bound.
LONGEST_NAME = 80

log = logging.getLogger("access")


@dataclass(slots=True)
class Trace:
    """One request, or one operation on a socket.

    Attributes:
        kind: query, mutation, subscription, connection; empty for what is none of them.
        operation: its name in the document.
        outcome: OK, or the code of the first error.
        status: of the answer over HTTP.

    """

    request_id: str
    kind: str = ""
    operation: str = ""
    outcome: str = "OK"
    method: str = ""
    path: str = ""
    status: int = 0
    role: str = ""
    organization: str = ""
    began: float = field(default_factory=time.perf_counter)


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace:
    """The request that is answered now; outside of any, one that nobody writes down."""
    return _current.get() or Trace(uuid4().hex)


def current_request_id() -> str:
    """The id of the request that is answered now; empty outside of any."""
    trace = _current.get()
    return trace.request_id if trace else ""


class Traces:
    """Writes down what has been answered."""

    def __init__(self, meters: RequestMeters) -> None:
        self._meters = meters

    @contextmanager
    def tracing(self, request_id: str = "") -> Iterator[Trace]:
        """A request, for as long as the block lasts.

        Args:
            request_id: what a proxy calls it; it gets another where that is no good name.

        """
        is_good = REQUEST_ID.fullmatch(request_id)
        trace = Trace(request_id if is_good else uuid4().hex)
        token = _current.set(trace)
        try:
            yield trace
        finally:
            _current.reset(token)
            self._write(trace)

    def _write(self, trace: Trace) -> None:
        seconds = time.perf_counter() - trace.began
        if trace.status:
            self._meters.requests.labels(str(trace.status)).inc()
        if trace.kind:
            self._meters.operations.labels(trace.kind, trace.outcome).inc()
            self._meters.seconds.labels(trace.kind).observe(seconds)
        if log.isEnabledFor(logging.INFO):
            told = {name: getattr(trace, name) for name in FIELDS}
            given = {name: value for name, value in told.items() if value}
            log.info("request", extra={**given, "ms": round(seconds * 1000, 1)})


FIELDS = tuple(name for name in Trace.__slots__ if name != "began")
