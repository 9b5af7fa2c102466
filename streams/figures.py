"""Figures that are looked up when Prometheus asks: what a worker is behind with, what it holds, what it has sent."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from faust.exceptions import ConsumerNotStarted
from faust.types import TP, AppT
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.consumer import SafeConsumer
from streams.ownership import owned_partitions
from streams.runtime import StateRuntime, TrainerRuntime

__all__ = ["Figures"]


class Figures(Collector):
    """Of one worker; `runtime.metrics.registry.register(Figures(runtime))`. May be asked from any thread."""

    def __init__(self, runtime: TrainerRuntime) -> None:
        self._runtime = runtime

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the worker may not have started."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        runtime = self._runtime
        yield from _consumed(runtime.app)
        sent = CounterMetricFamily("tidecast_records_sent", "Records handed to the broker's client.", labels=["topic"])
        for topic, count in Counter(runtime.publisher.sent).items():
            sent.add_metric([topic], count)
        yield sent
        yield GaugeMetricFamily(
            "tidecast_inference_waiting",
            "Requests that wait for an inference process.",
            value=runtime.inference.waiting,
        )
        yield GaugeMetricFamily(
            "tidecast_inference_processes", "Inference processes that run.", value=len(runtime.inference.pids)
        )
        if isinstance(runtime, StateRuntime):
            yield from _held(runtime)


def _consumed(app: AppT) -> Iterator[Metric]:
    """Per partition that the worker owns now, as far as aiokafka has been told where it ends."""
    labels = ["group", "topic", "partition"]
    lag = GaugeMetricFamily(
        "tidecast_consumer_lag",
        "Records of a partition that are not done: its end less what is committed.",
        labels=labels,
    )
    open_ = GaugeMetricFamily(
        "tidecast_consumer_open", "Records that an agent has and that are not done.", labels=labels
    )
    consumer = app._consumer  # noqa: SLF001 - the property would make one
    if isinstance(consumer, SafeConsumer):
        outstanding = consumer.outstanding()
        for tp, behind in _lags(app, consumer):
            names = [app.conf.id, tp.topic, str(tp.partition)]
            lag.add_metric(names, behind)
            open_.add_metric(names, outstanding.get(tp, 0))
    yield lag
    yield open_


def _lags(app: AppT, consumer: SafeConsumer) -> Iterator[tuple[TP, int]]:
    with suppress(ConsumerNotStarted):
        for tp in sorted(consumer.assignment()):
            if app.topics.acks_enabled_for(tp.topic):  # nothing is committed of changelogs
                with suppress(AssertionError, AttributeError):  # it is being revoked
                    end: Any = consumer.highwater(tp)
                    if end is not None:
                        committed = consumer._committed_offset.get(tp)  # noqa: SLF001 - the broker need not be asked
                        yield tp, max(0, end - (committed or 0))


def _held(state: StateRuntime) -> Iterator[Metric]:
    rows = GaugeMetricFamily("tidecast_table_rows", "Rows of the tables of this worker.", labels=["table"])
    for name in state.app.tables:
        rows.add_metric([name], len(getattr(state, name)))
    yield rows
    yield GaugeMetricFamily(
        "tidecast_partitions", "Partitions of the jobs that this worker owns.", value=owned_partitions(state.app)
    )
    yield GaugeMetricFamily(
        "tidecast_writes_waiting", "Requests that wait until their command is applied.", value=len(state.waiters)
    )
    if state.online is not None:
        yield GaugeMetricFamily(
            "tidecast_online_store_behind", "Forecasts that Redis lacks.", value=state.online.behind
        )
