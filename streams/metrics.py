"""Figures of a process for Prometheus. No ids in labels: their number must stay small."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]


class Metrics:
    """The figures of one process, in a registry of its own, so that two apps in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter("tidecast_events_total", "Events consumed, by agent.", ["agent"], registry=self.registry)
        self._batch = Histogram(
            "tidecast_batch_events",
            "Events per batch, by agent.",
            ["agent"],
            buckets=(1, 10, 100, 500, 1000),
            registry=self.registry,
        )
        self._dead_letters = Counter(
            "tidecast_dead_letters_total", "Events sent to dead letters.", registry=self.registry
        )
        self._requests = Histogram(
            "tidecast_http_request_seconds",
            "Time to answer HTTP requests.",
            ["method", "status"],
            registry=self.registry,
        )
        self._rows = Gauge(
            "tidecast_table_rows", "Rows of the tables of this worker.", ["table"], registry=self.registry
        )

        self._partitions = Gauge(
            "tidecast_partitions", "Partitions of the jobs that this worker owns.", registry=self.registry
        )

    def observe_batch(self, agent: str, events: int) -> None:
        """An agent took a batch."""
        self._events.labels(agent).inc(events)
        self._batch.labels(agent).observe(events)

    def count_dead_letter(self) -> None:
        """An event went to the dead letters."""
        self._dead_letters.inc()

    def observe_request(self, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, str(status)).observe(seconds)

    def observe_tables(self, **rows: int) -> None:
        """Rows per table, now."""
        for table, count in rows.items():
            self._rows.labels(table).set(count)

    def observe_partitions(self, owned: int) -> None:
        """Partitions owned, now."""
        self._partitions.set(owned)
