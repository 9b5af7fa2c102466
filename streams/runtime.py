"""What the agents and views of a process work with: built once by `streams.workers.apps`, passed on, never global."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self, cast

import faust
import structlog
from prometheus_client.core import Metric

from connectors.kafka.publisher import Publisher, Record, partition_for
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from streams.engine.command_waiters import CommandWaiters
from streams.engine.dead_letters import dead_letter
from streams.engine.ids import IdMinter
from streams.engine.tries import Tries
from streams.errors import RejectedError, class_name
from streams.file_threads import FileThreads
from streams.messages import Message, time_of
from streams.rows.event_table import EventTable
from streams.settings import Settings
from streams.telemetry.counters import Metrics
from streams.telemetry.logs import event_fields
from streams.telemetry.tracing import trace_headers
from streams.topics import Topics

__all__ = ["OnCommand", "Part", "StateRuntime", "TrainerRuntime"]

log = structlog.get_logger(__name__)

OnCommand = Callable[[Message, Any, RejectedError | None], None]


class Part:
    """What a system has in a process: its tables and stores, or whatever its agents and views share there.

    Made by the function that the system's declaration names, found again by its class: `ForecastingState.of(runtime)`.
    """

    @classmethod
    def of(cls, runtime: "TrainerRuntime") -> Self:
        """The part of the process; LookupError where the system is none of the installation's."""
        found = runtime.parts.get(cls)
        if found is None:
            raise LookupError(
                f"{cls.__name__} is no part of this process: its system is not in streams.systems.SYSTEMS"
            )
        return cast("Self", found)

    @property
    def tables(self) -> tuple[EventTable, ...]:
        """The tables among its fields."""
        return tuple(value for value in vars(self).values() if isinstance(value, EventTable))

    async def prepare(self) -> None:
        """Do beforehand what would delay first requests, or what is done all along; cancelled when the process ends."""

    async def close(self) -> None:
        """End what the part has running."""

    def figures(self) -> Iterable[Metric]:
        """What Prometheus is told of it, looked up now; may be called from any thread."""
        return ()


@dataclass(frozen=True, kw_only=True)
class TrainerRuntime:
    """What every process has, and the parts of its systems; a trainer keeps no state."""

    settings: Settings
    bootstrap: str
    topics: Topics
    codec: Codec
    publisher: Publisher
    app: faust.App
    store: ObjectStore
    tries: Tries
    metrics: Metrics = field(default_factory=Metrics)
    parts: dict[type[Part], Part] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """Let agents and views find a part by its class."""
        self.parts[type(part)] = part

    def dead_letter(self, message: Message, error: Exception) -> Record:
        """The record that keeps a consumed message which cannot be read or applied, counted."""
        self.metrics.count_dead_letter(message.topic)
        log.warning("dead_letter", **event_fields(message), error_class=class_name(error), error=str(error)[:200])
        return dead_letter(self.topics.dead_letters, message, error, max_bytes=self.settings.record_limit)


@dataclass(frozen=True, kw_only=True)
class StateRuntime(TrainerRuntime):
    """A state process: it keeps the rows of its partitions, and senders wait for its commands."""

    files: FileThreads = field(default_factory=FileThreads)
    waiters: CommandWaiters = field(default_factory=CommandWaiters)
    ids: IdMinter = field(default_factory=IdMinter)
    on_commands: list[OnCommand] = field(default_factory=list)
    """Told of each command that was applied or refused, and why it was."""

    @property
    def table_options(self) -> dict[str, Any]:
        """What every table is made with, beside the app and its changelog."""
        return {"partitions": self.topics.partitions, "publisher": self.publisher, "codec": self.codec}

    @property
    def tables(self) -> list[EventTable]:
        """The tables of all systems."""
        return [table for part in self.parts.values() for table in part.tables]

    def tell_of(self, message: Message, command: Any, error: RejectedError | None = None) -> None:
        """A command was applied, or refused."""
        for told in self.on_commands:
            told(message, command, error)

    def moved(self, message: Message) -> Record | None:
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
