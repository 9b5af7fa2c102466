"""What the log has of a job: its commands and what came of them, read from the beginning, in no consumer group."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.topic_reader import StoredRecord, TopicMissingError, read_key, read_topic
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import JobRecord
from schemas.series import Forecast, SeriesResult, TrainSeries, TrainTogether
from schemas.workloads import MetricPoint
from streams.cli.console.failure import CommandError
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["JobCommands", "LogReader", "LoggedMessage"]


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A record of the log as agents see it; it has the time of the log, in seconds, and passes no trace on."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, record: StoredRecord) -> "LoggedMessage":
        """The message of a record."""
        return cls(record.topic, record.partition, record.offset, record.timestamp_ms / 1000, record.key, record.value)


@dataclass(slots=True)
class JobCommands:
    """The job's row, None where there is none (any more), and its commands to trainers that are still in the log."""

    job_id: int
    record: JobRecord | None
    series: list[tuple[LoggedMessage, TrainSeries]] = field(default_factory=list)
    together: list[tuple[LoggedMessage, TrainTogether]] = field(default_factory=list)

    @property
    def numbers(self) -> set[int]:
        """Numbers of the submissions whose commands are there."""
        return {command.n for _, command in self.series} | {n for _, command in self.together for n in command.ns}

    @property
    def ts_ids(self) -> set[int]:
        """The series that are spoken of."""
        known = {command.ts_id for _, command in self.series} | {
            i for _, command in self.together for i in command.ts_ids
        }
        return known if self.record is None else known | set(self.record.ts_ids)

    @property
    def gone(self) -> int:
        """Submissions of the job whose commands are not in the log any more, as far as the row tells."""
        return 0 if self.record is None else len(set(range(self.record.submitted)) - self.numbers)

    def asking(self, model: str, codec: Codec, *, learns_together: bool) -> "JobCommands":
        """These commands, asking another model with its defaults.

        Series without a command of their own are left out, unless the model too learns from all series together.
        """
        series = [
            (message, replace(command, model_name=model, config={}, search=None)) for message, command in self.series
        ]
        together = [(message, replace(command, model_name=model, config={})) for message, command in self.together]
        return JobCommands(
            self.job_id,
            self.record,
            [(replace(message, value=codec.encode(command)), command) for message, command in series],
            together if learns_together else [],
        )


class LogReader:
    """Reads the topics of an installation."""

    def __init__(self, settings: Settings, bootstrap: str, codec: Codec) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self._topics = Topics(settings)
        self._codec = codec

    def commands(self, job_id: int) -> JobCommands:
        """Everything that asked trainers to do something for the job."""
        key = b"%d" % job_id
        with self._errors():
            rows = [row.value for row in read_key(self._bootstrap, self._topics.jobs_changelog, key)]
            found = JobCommands(job_id, self._codec.decode(rows[-1]) if rows and rows[-1] is not None else None)
            ts_ids = None if found.record is None else {b"%d" % ts_id for ts_id in found.record.ts_ids}
            for record in read_topic(self._bootstrap, self._topics.series_commands):
                if ts_ids is not None and record.key not in ts_ids:
                    continue
                command = self._event(record)
                if isinstance(command, TrainSeries) and command.job_id == job_id:
                    found.series.append((LoggedMessage.of(record), command))
            for record in read_key(self._bootstrap, self._topics.training_runs, key):
                command = self._event(record)
                if isinstance(command, TrainTogether) and command.job_id == job_id:
                    found.together.append((LoggedMessage.of(record), command))
        return found

    def outputs(self, commands: JobCommands) -> Iterator[tuple[Any, bytes]]:
        """What was published for the job, decoded and as it is: results, forecasts, metric points."""
        job_id, ts_ids = commands.job_id, {b"%d" % ts_id for ts_id in commands.ts_ids}
        prefix = b"fj-%d-" % job_id
        topics, bootstrap = self._topics, self._bootstrap
        with self._errors():
            for record in read_key(bootstrap, topics.job_results, b"%d" % job_id):
                event = self._event(record)
                if isinstance(event, SeriesResult) and record.value is not None:
                    yield event, record.value
            for record in read_topic(bootstrap, topics.forecasts):
                event = self._event(record) if record.key in ts_ids else None
                if isinstance(event, Forecast) and event.job_id == job_id and record.value is not None:
                    yield event, record.value
            for record in read_topic(bootstrap, topics.metrics):
                event = self._event(record) if (record.key or b"").startswith(prefix) else None
                if isinstance(event, MetricPoint) and record.value is not None:
                    yield event, record.value

    def _event(self, record: StoredRecord) -> Any:
        """None for what cannot be read: it is a dead letter, not a command or an output."""
        try:
            return None if record.value is None else self._codec.decode(record.value)
        except UndecodableError:
            return None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BrokerUnreachableError as error:
            raise CommandError(str(error), status=2) from error
        except TopicMissingError as error:
            prefix = self._settings.topic_prefix
            raise CommandError(
                f"{error}: compare TIDECAST_TOPIC_PREFIX ({prefix}) with the service's", status=2
            ) from error
