"""What is measured of requests and of the process, for Prometheus, and where it is shown.

What is measured of live views: `services/live/meters`.
"""

import asyncio
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from services.config import ConfigurationError

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# How often it is looked whether the loop is late, and how many looks are remembered: a minute.
LOOK_SECONDS, LOOKS = 0.25, 240


class RequestMeters:
    """The meters of one server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "http_requests", "Requests that were answered.", ["status"], registry=registry
        )
        self.operations = Counter(
            "graphql_operations",
            "Operations by kind and outcome: OK, or the code of the first error.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "graphql_operation_seconds",
            "From the arrival of an operation until its answer; of a live view, until it begins.",
            ["kind"],
            registry=registry,
            buckets=SECONDS,
        )
        self._lags: deque[float] = deque([0.0], maxlen=LOOKS)
        lag = Gauge(
            "event_loop_lag_seconds",
            "The longest that others had to wait for one, within the last minute.",
            registry=registry,
        )
        lag.set_function(lambda: max(self._lags))

    async def watch_loop(self) -> None:
        """Look again and again how late this is called."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._lags.append(max(0.0, loop.time() - due))


def show(registry: CollectorRegistry, where: str) -> None:
    """Show the meters to Prometheus at an address of their own; nowhere where it is empty.

    Raises:
        ConfigurationError: it is no address, or nothing can listen there.

    """
    if not where:
        return
    host, _, port = where.rpartition(":")
    try:
        start_http_server(int(port), host, registry)
    except (OSError, OverflowError, ValueError) as error:
        raise ConfigurationError(
            f"METRICS_ADDRESS must be a host and a free port, such as 127.0.0.1:9464: {error}"
        ) from error
