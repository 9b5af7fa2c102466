"""What the agents and views of a process work with: built once by `streams.workers.apps`, passed on, never global."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import faust
import structlog

from connectors.kafka.publisher import Publisher, Record, partition_for
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from schemas.inference import TransformRecord
from schemas.training import TrainingJobRecord
from streams.checks import time_of
from streams.engine.command_waiters import CommandWaiters
from streams.engine.dead_letters import dead_letter
from streams.engine.ids import IdMinter, SeriesIdMinter
from streams.engine.tries import Tries
from streams.file_threads import FileThreads
from streams.forecasting.forecast_table import ForecastTable
from streams.forecasting.submissions import Limits
from streams.forecasting.tables import JobTable, ResultTable
from streams.forecasting.training_stops import TrainingStops
from streams.inference.endpoint_cache import Endpoints
from streams.inference.pool import InferencePool
from streams.rows.event_table import RecordTable
from streams.settings import Settings
from streams.telemetry.counters import Metrics
from streams.telemetry.logs import event_fields
from streams.telemetry.tracing import trace_headers
from streams.topics import Topics

if TYPE_CHECKING:  # pandas and Redis: the state's, see streams.workers.apps
    from streams.forecasting.online_forecasts import OnlineForecasts
    from streams.forecasting.split_store import SplitStore

__all__ = ["StateRuntime", "TrainerRuntime"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainerRuntime:
    """The parts of a trainer process: stateless."""

    settings: Settings
    bootstrap: str
    topics: Topics
    codec: Codec
    publisher: Publisher
    app: faust.App
    store: ObjectStore
    inference: InferencePool
    endpoints: Endpoints
    tries: Tries
    metrics: Metrics = field(default_factory=Metrics)
    stops: TrainingStops = field(default_factory=TrainingStops)

    def dead_letter(self, message: Any, error: Exception) -> Record:
        """The record that keeps a consumed message which cannot be read or applied, counted."""
        self.metrics.count_dead_letter(message.topic)
        log.warning("dead letter", **event_fields(message), error_class=type(error).__name__, error=str(error)[:200])
        return dead_letter(self.topics.dead_letters, message, error, max_bytes=self.settings.record_limit)


@dataclass(frozen=True, kw_only=True)
class StateRuntime(TrainerRuntime):
    """The parts of a state process: the tables of its partitions and the senders that wait for them."""

    jobs: JobTable
    results: ResultTable
    training_jobs: RecordTable[TrainingJobRecord]
    transforms: RecordTable[TransformRecord]
    forecasts: ForecastTable
    online: "OnlineForecasts | None"
    splits: "SplitStore"
    files: FileThreads = field(default_factory=FileThreads)
    waiters: CommandWaiters = field(default_factory=CommandWaiters)
    ids: IdMinter = field(default_factory=IdMinter)
    series_ids: SeriesIdMinter = field(default_factory=SeriesIdMinter)

    def moved(self, message: Any) -> Record | None:
        """The record for the partition of its key, where a producer with another partitioner put it elsewhere.

        Only the worker that owns the key's partition has its row, and rows written from two partitions would overtake
        one another in a recovery. Kafka's clients in C and those that build on them do not place keys as its Java
        clients do.
        """
        if message.key is None:  # it has no home
            return None
        home = partition_for(message.key, self.topics.partitions)
        if message.partition == home:
            return None
        at = time_of(message)
        headers = trace_headers(message)
        return Record(message.topic, message.key, message.value, headers, partition=home, timestamp_ms=at)

    @property
    def limits(self) -> Limits:
        """The limits that submissions are held to."""
        return Limits(self.settings.max_elements, self.settings.max_next_k_prediction, self.settings.max_max_eval)
