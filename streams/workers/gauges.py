"""Figures that are looked up when Prometheus asks: what a worker is behind with, what it holds, what it has sent."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import structlog
from faust.exceptions import ConsumerNotStarted
from faust.types import TP, AppT
from mode import Service
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.kafka.topic_ends import TopicEnds
from streams.engine.consumer import consumer_of
from streams.rows.ownership import owned_partitions
from streams.runtime import StateRuntime, TrainerRuntime

__all__ = ["Figures", "KnownEnds"]

log = structlog.get_logger(__name__)

_LOOK_S = 0.5  # for partitions that the worker has got
_EVERY_S = 5.0  # one small request; Prometheus asks every 15 s or more seldom
_STALE_S = 30.0  # several answers are lacking: the broker is away, and no figure is better than a wrong one


class KnownEnds(Service):
    """Part of an app: where the partitions end whose records its worker must do, as the broker said just now.

    What aiokafka knows (`highwater`) comes with records: of a partition whose records have not been taken yet, because
    the worker is behind, it asks for no more and so does not see it grow.
    """

    def __init__(self, app: AppT, ends: TopicEnds, **service: Any) -> None:
        super().__init__(**service)
        self._app = app
        self._ends = ends
        self._known: Mapping[TP, tuple[int, float]] = {}  # replaced, never changed: other threads read it

    def end(self, tp: TP) -> int | None:
        """The offset that the next record gets; None where that was not heard lately."""
        end, heard = self._known.get(tp, (0, -_STALE_S))
        return end if time.monotonic() - heard < _STALE_S else None

    async def ask(self) -> None:
        """Ask the broker once. What it does not answer stays as it was."""
        tps = _acked(self._app)
        found = await self._ends.ends(tps)
        now = time.monotonic()
        heard = {tp: (found[tp], now) for tp in tps if tp in found}
        self._known = {tp: known for tp, known in self._known.items() if tp in tps} | heard

    @Service.task
    async def _keep_asking(self) -> None:
        asked, asked_at = set[TP](), 0.0
        while not self.should_stop:
            tps = _acked(self._app)
            if not tps <= asked or time.monotonic() - asked_at >= _EVERY_S:
                try:
                    await self.ask()
                except Exception as error:  # noqa: BLE001 - a figure is no reason to end a worker
                    log.warning("partition_ends_not_known", error=repr(error))
                asked, asked_at = tps, time.monotonic()
            await self.sleep(_LOOK_S)


class Figures(Collector):
    """Of one worker; `runtime.metrics.registry.register(Figures(runtime, ends))`. May be asked from any thread."""

    def __init__(self, runtime: TrainerRuntime, ends: KnownEnds) -> None:
        self._runtime = runtime
        self._ends = ends

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the worker may not have started."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        runtime = self._runtime
        yield from _consumed(runtime.app, self._ends)
        sent = CounterMetricFamily("tidecast_records_sent", "Records handed to the broker's client.", labels=["topic"])
        for topic, count in Counter(runtime.publisher.sent).items():
            sent.add_metric([topic], count)
        yield sent
        for part in list(runtime.parts.values()):
            yield from part.figures()
        if isinstance(runtime, StateRuntime):
            yield from _held(runtime)


def _consumed(app: AppT, ends: KnownEnds) -> Iterator[Metric]:
    """Per partition that the worker owns now; its lag, as far as the broker has said lately where it ends."""
    labels = ["group", "topic", "partition"]
    lag = GaugeMetricFamily(
        "tidecast_consumer_lag",
        "Records of a partition that are not done: its end less what is committed.",
        labels=labels,
    )
    open_ = GaugeMetricFamily(
        "tidecast_consumer_open", "Records that an agent has and that are not done.", labels=labels
    )
    consumer = consumer_of(app)
    if consumer is not None:
        outstanding = consumer.outstanding()
        for tp in sorted(_acked(app)):
            names = [app.conf.id, tp.topic, str(tp.partition)]
            open_.add_metric(names, outstanding.get(tp, 0))
            end = ends.end(tp)
            if end is not None:
                committed = consumer.committed(tp)
                lag.add_metric(names, max(0, end - (committed or 0)))
    yield lag
    yield open_


def _acked(app: AppT) -> set[TP]:
    """The partitions that this worker owns, less those of changelogs: nothing is committed of them."""
    consumer = consumer_of(app)
    if consumer is not None:
        with suppress(ConsumerNotStarted, AssertionError, AttributeError):  # or its partitions are being revoked
            return {tp for tp in consumer.assignment() if app.topics.acks_enabled_for(tp.topic)}
    return set()


def _held(state: StateRuntime) -> Iterator[Metric]:
    rows = GaugeMetricFamily("tidecast_table_rows", "Rows of the tables of this worker.", labels=["table"])
    for table in state.tables:
        rows.add_metric([table.name], len(table))
    yield rows
    yield GaugeMetricFamily(
        "tidecast_partitions", "Partitions of the jobs that this worker owns.", value=owned_partitions(state.app)
    )
    yield GaugeMetricFamily(
        "tidecast_writes_waiting", "Requests that wait until their command is applied.", value=len(state.waiters)
    )
