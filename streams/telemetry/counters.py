"""Figures of a process for Prometheus. No ids in labels: their number must stay small."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server

from models.catalog import CATALOG

__all__ = ["Metrics"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OUTCOMES = ("forecast", "error")
_UNKNOWN = "unknown"  # the label of models that there are not
_TRAINING_S = (0.01, 0.1, 1, 10, 60, 600, 3600, 21_600, 86_400)  # from a batch of lines to a network's whole day
_INFERENCE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)  # 60: the default limit of an answer


class Metrics:
    """The figures of one process, in a registry of its own, so that two apps in one process do not collide.

    Here is what is counted as it happens; `streams.workers.gauges` adds what is looked up when Prometheus asks.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._events = Counter("tidecast_events_total", "Events consumed, by agent.", ["agent"], registry=self.registry)
        self._batch = Histogram(
            "tidecast_batch_events",
            "Events per batch, by agent.",
            ["agent"],
            buckets=(1, 10, 100, 500, 1000),
            registry=self.registry,
        )
        self._dead_letters = Counter(
            "tidecast_dead_letters_total",
            "Events sent to dead letters, by their topic.",
            ["topic"],
            registry=self.registry,
        )
        self._training = Histogram(
            "tidecast_training_seconds",
            "Time from the begin of a training to its answer: series that were computed together, or a training job.",
            ["model"],
            buckets=_TRAINING_S,
            registry=self.registry,
        )
        self._series = Counter(
            "tidecast_series_total",
            "Submissions of series that were answered.",
            ["model", "outcome"],
            registry=self.registry,
        )
        self._inference = Histogram(
            "tidecast_inference_seconds",
            "Time from a request to an endpoint to its answer, waiting included.",
            ["outcome"],
            buckets=_INFERENCE_S,
            registry=self.registry,
        )
        self._requests = Histogram(
            "tidecast_http_request_seconds",
            "Time to answer HTTP requests.",
            ["method", "status"],
            registry=self.registry,
        )

    def expect_dead_letters(self, topics: Iterable[str]) -> None:
        """Count from 0 for these topics: of a series that begins with 1, Prometheus sees no increase."""
        for topic in topics:
            self._dead_letters.labels(topic)

    def expect_series(self) -> None:
        """Count from 0 for every model and outcome."""
        for model in (*CATALOG, _UNKNOWN):
            for outcome in _OUTCOMES:
                self._series.labels(model, outcome)

    def observe_batch(self, agent: str, events: int) -> None:
        """An agent took a batch."""
        self._events.labels(agent).inc(events)
        self._batch.labels(agent).observe(events)

    def count_dead_letter(self, topic: str) -> None:
        """An event of this topic went to the dead letters."""
        self._dead_letters.labels(topic).inc()

    @contextmanager
    def training(self, *models: str) -> Iterator[None]:
        """Measure a training of these models together; also one that fails."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            names = {_known(model) for model in models}
            if names:
                name = names.pop() if len(names) == 1 else "several"
                self._training.labels(name).observe(time.perf_counter() - begun)

    def count_series(self, model: str, *, answered: int, failed: int) -> None:
        """Submissions of series were answered, with a forecast or with an error."""
        for outcome, count in zip(_OUTCOMES, (answered, failed), strict=True):
            if count:
                self._series.labels(_known(model), outcome).inc(count)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Measure a request to an endpoint; one that raises counts as an error."""
        begun, outcome = time.perf_counter(), "error"
        try:
            yield
            outcome = "answer"
        finally:
            self._inference.labels(outcome).observe(time.perf_counter() - begun)

    def observe_request(self, method: str, status: int, seconds: float) -> None:
        """A request was answered. Methods that are not HTTP's are one, for anybody may send them."""
        self._requests.labels(method if method in _METHODS else "other", str(status)).observe(seconds)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Answer Prometheus at this address from a thread; the port (0: any free one). OSError where it is taken."""
        server, thread = start_http_server(port, addr=host, registry=self.registry)
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _known(model: str) -> str:
    """A label for a model: names that are none's are one, for anybody may send them."""
    return model if model in CATALOG else _UNKNOWN
