"""What is measured of live views, for Prometheus.

Names follow its conventions: base units, and `_total` for what only grows. Where the numbers are
shown is decided by the command line.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """The meters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = self._gauge("connections", "Sockets and event streams that are open.")
        self.feeds = self._gauge("feeds", "Calendars that somebody watches.")
        self.audiences = self._gauge(
            "audiences", "Groups of viewers who are sent the same; each costs one execution."
        )
        self.viewers = self._gauge("viewers", "Live views that are open.")
        self.deliveries = self._counter("deliveries", "Updates given to viewers.")
        self.merged = self._counter(
            "merged", "Updates that held several changes, for viewers who could not take each."
        )
        self.resets = self._counter(
            "resets", "Viewers sent everything anew, because their cursor was too old or foreign."
        )
        self.lag = Histogram(
            "live_lag_seconds",
            "From the commit of a change until the last viewer of a group was given it.",
            registry=self.registry,
            buckets=LAG_SECONDS,
        )

    def _gauge(self, name: str, says: str) -> Gauge:
        return Gauge(f"live_{name}", says, registry=self.registry)

    def _counter(self, name: str, says: str) -> Counter:
        return Counter(f"live_{name}", says, registry=self.registry)
