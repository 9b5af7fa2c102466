"""A built-in algorithm over a data set: a forecasting job of contract 000, begun and followed for a version."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from agents.forecast_versions.refusals import refusals_of
from agents.forecast_versions.results import ForecastResults
from agents.forecast_versions.settings import forecast_settings, unknown_labels
from agents.versions.config import RunConfig
from agents.versions.data_places import place_key
from agents.versions.log import VersionLog
from agents.versions.outcomes import VersionOutcomes
from agents.versions.report import RunReport
from agents.versions.run import RunFailedError, VersionRun, finished, to_its_end
from agents.versions.system_watch import SystemWatch, process_sampler
from agents.versions.telling import now
from agents.versions.version import Version
from connectors.kafka.publisher import Record
from connectors.kafka.topic_follower import TopicFollower
from connectors.objects.layout import named
from schemas.coding.wire import UndecodableError
from schemas.forecasting import CreateJob, DeleteJob, SeriesConfig, StopJob, SubmitJob
from schemas.series import SeriesResult
from schemas.training import TrainingStatus
from streams.engine.ids import IdMinter
from streams.forecasting.state import ForecastingTrainer
from streams.forecasting.submissions import Limits
from streams.runtime import TrainerRuntime
from streams.training.jobs import TrainingState

if TYPE_CHECKING:  # loads pandas
    from agents.forecast_versions.data import SeriesToForecast

__all__ = ["ForecastRun", "forget_forecasts"]

_CONFIGURED_WITHIN_S: Final = 120.0  # a state worker that is started again takes some seconds
_ASK_AGAIN_S: Final = (0.3, 1.0, 3.0, 10.0)  # a repeat of a command tells the job's status again
_MARGIN_MS: Final = 60_000  # the broker's clock and ours
_NOTE: Final = "forecast.json"


@dataclass(frozen=True, slots=True)
class _Note:
    """Which job is this version's: kept before it is begun, so that whoever runs the version again follows the same."""

    job_id: int
    data_id: int
    since: int
    project: str = ""


class ForecastRun(VersionRun):
    """Begins the job, follows its results, keeps them as a table. A repeat follows the same job."""

    def __init__(
        self,
        runtime: TrainerRuntime,
        model_name: str,
        version: Version,
        config: RunConfig,
        log: VersionLog,
        is_ours: Callable[[], bool],
    ) -> None:
        super().__init__(version, log)
        self.what = model_name
        self._runtime = runtime
        self._config = config
        self._outcomes = VersionOutcomes(runtime.store)
        self._report = RunReport(runtime, version, is_ours)
        self._note: _Note | None = None
        self._system: SystemWatch | None = None
        self._results: ForecastResults | None = None
        self._news = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the job has been begun."""
        return self._report.begun

    async def work(self) -> None:
        """Forecast all series. RunFailedError."""
        from agents.forecast_versions import data as forecast_data  # noqa: PLC0415 - pandas

        settings, store = self._runtime.settings, self._runtime.store
        self._note = note = await to_its_end(self._noted)
        dataset = await to_its_end(
            forecast_data.dataset_of, store, settings, self._config, f"{self._id}-data", note.data_id, note.project
        )
        series = await forecast_data.series_of(
            store, settings, dataset, self._config.parameters, command_id=f"{self._id}-columns", job_id=note.job_id
        )
        limits = Limits(settings.max_elements, settings.max_next_k_prediction, settings.max_max_eval)
        element = forecast_settings(
            self.what,
            self._config.parameters,
            limits=limits,
            columns=series.columns,
            column_count=len(dataset.header),
        )
        if self._config.train_url:
            place_key("train_url", self._config.train_url, note.project)
        self._say_what(dataset.header, series)
        self._report.set(forecast_job_id=note.job_id, epochs=len(series.names))
        await self._report.begin()
        # The series are computed by workers that do so for others as well: what is measured is the trainer alone.
        self._system = SystemWatch(process_sampler(os.getpid()), self._report.take)
        self._results = results = ForecastResults(series.names)
        create = CreateJob(
            f"{self._id}-job", note.job_id, dataset.data_id, name=f"tj_{note.job_id}"[:32], project=note.project
        )
        try:
            async with asyncio.timeout(settings.max_training_job_s):
                since = note.since - _MARGIN_MS
                with refusals_of(self._runtime, note.job_id, self._is_ours, since_ms=since) as refusals:
                    first = await refusals.unless_refused(self._first_ts_id(create, series))
                    await refusals.unless_refused(self._follow(element, first, results))
        except TimeoutError:
            await self._send(StopJob(f"{self._id}-stop", note.job_id, note.project))
            most = settings.max_training_job_s
            raise RunFailedError(
                f"the forecasts took longer than {most:g} s: choose fewer series or trials, or raise"
                " TIDECAST_MAX_TRAINING_JOB_S"
            ) from None
        except asyncio.CancelledError:
            if self.for_good:
                await finished(self._send(StopJob(f"{self._id}-stop", note.job_id, note.project)))
            raise
        if self._config.train_url:
            key = f"{place_key('train_url', self._config.train_url, note.project)}/forecasts.csv"
            await to_its_end(lambda: store.put_bytes(key, results.table()))
            self.log.say(f"the forecasts are at /{named(key)[1]}")
        self.log.say(f"GET /job/{note.job_id}/ shows the forecasting job, its results and scores")

    async def finish(self) -> None:
        """Send what is not sent yet; ends when the broker has all."""
        self._end_system()
        await self._report.finish()

    def publish(self) -> TrainingStatus | None:
        """What it came to. RunFailedError where no series could be forecast."""
        assert self._results is not None
        if (error := self._results.failure()) is not None:
            raise RunFailedError(f"no series could be forecast: {error}")
        return self.status(TrainingState.COMPLETED, at=now())

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The version as it is now: its scores are the means over the series."""
        return self._report.status(number, at=at, message=message)

    def close(self) -> None:
        """Send nothing more."""
        self._end_system()
        self._report.close()

    def _end_system(self) -> None:
        if self._system is not None:
            self._system.close()

    @property
    def _id(self) -> str:
        """With which the ids of its commands begin: the same for whoever runs the version."""
        return f"{self.version.workload_uid}-{self.version.command_id}"[:200]

    def _is_ours(self, command_id: str) -> bool:
        return command_id.startswith(f"{self._id}-")

    def _noted(self) -> _Note:
        of = self.version.project_id, self.version.version_id
        kept = self._outcomes.note(*of, _NOTE)
        if kept is None:
            ids = IdMinter()
            now_ms = round(time.time() * 1000)
            kept = asdict(_Note(ids.mint(), ids.mint(), now_ms, self.version.project))
            self._outcomes.write_note(*of, _NOTE, kept)
        return _Note(**kept)

    def _say_what(self, header: Sequence[str], series: "SeriesToForecast") -> None:
        command = series.command
        words = {
            "times": command.timestamp_indexs,
            "targets": command.target_indexs,
            "groups": command.groupby_indexs,
        }
        columns = "; ".join(
            f"{what}: {', '.join(f'{index} {header[index]}' for index in indexs) or 'none'}"
            for what, indexs in words.items()
        )
        self.log.say(f"{self.what} over {len(series.names)} series ({columns})")
        ignored = unknown_labels(self.what, list(self._config.parameters))
        if ignored:
            self.log.say(f"parameters that mean nothing to {self.what} are ignored: {', '.join(ignored)}")

    async def _first_ts_id(self, create: CreateJob, series: "SeriesToForecast") -> int:
        """Create the job and choose its columns; ends when the state has told which series it has."""
        stops, job_id = ForecastingTrainer.of(self._runtime).stops, create.job_id
        begun, pauses = asyncio.get_running_loop().time(), list(_ASK_AGAIN_S)
        with stops.following(job_id) as status_of:
            await self._send(create)
            while asyncio.get_running_loop().time() - begun < _CONFIGURED_WITHIN_S:
                await self._send(series.command)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pauses[0] if len(pauses) == 1 else pauses.pop(0)):
                        while (status := status_of()) is None or not status.first_ts_id:
                            await stops.news()
                        return status.first_ts_id
        raise RunFailedError(
            f"the service has not taken the forecasting job {job_id} within {_CONFIGURED_WITHIN_S:g} s, nor refused it:"
            " no state worker answers"
        )

    async def _follow(self, element: SeriesConfig, first: int, results: ForecastResults) -> None:
        """Submit all series, and take their results until all have one. RunFailedError where the job is deleted."""
        assert self._note is not None
        note, topics, count = self._note, self._runtime.topics, results.count
        key, loop = b"%d" % note.job_id, asyncio.get_running_loop()

        def read(records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
            found = [result for _, value in records if (result := self._decoded(value)) is not None]
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._take, found)

        since = key, note.since - _MARGIN_MS
        follower = TopicFollower(self._runtime.bootstrap, topics.job_results, topics.partitions, read, since=since)
        follower.start()
        stops = ForecastingTrainer.of(self._runtime).stops
        deleted = asyncio.ensure_future(stops.until_covered(note.job_id, count))
        try:
            most = self._runtime.settings.max_elements
            for start in range(0, count, most):
                part = range(start, min(count, start + most))
                elements = tuple(replace(element, ts_id=first + place) for place in part)
                await self._send(SubmitJob(f"{self._id}-submit-{start}", note.job_id, elements, note.project))
            while results.done < count:
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait([news, deleted], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if deleted.done() and results.done < count:
                    raise RunFailedError(f"the forecasting job {note.job_id} was stopped or deleted elsewhere")
        finally:
            deleted.cancel()
            follower.close()

    def _decoded(self, value: bytes | None) -> SeriesResult | None:
        try:
            result = self._runtime.codec.decode(value)
        except UndecodableError:
            return None
        return result if isinstance(result, SeriesResult) else None

    def _take(self, found: Sequence[SeriesResult]) -> None:
        assert self._results is not None
        for result in found:
            points = self._results.take(result)
            if points is None:
                continue
            self._report.add(points, "log")
            if (line := self._results.line_of(result)) is not None:
                self.log.say(line)
        self._report.set(epoch=self._results.done, metrics=self._results.means())
        self._news.set()

    async def _send(self, command: object) -> None:
        assert self._note is not None
        record = Record(
            self._runtime.topics.job_commands, b"%d" % self._note.job_id, self._runtime.codec.encode(command)
        )
        await self._runtime.publisher.send([record])


def forget_forecasts(runtime: TrainerRuntime, project_id: str, version_id: int) -> list[Record]:
    """What removes the job of a version that is deleted; its data set stays, for others may use it. Blocks."""
    kept = VersionOutcomes(runtime.store).note(project_id, version_id, _NOTE)
    if kept is None:
        return []
    note = _Note(**kept)
    command = DeleteJob(f"tj-{version_id}-delete", note.job_id, note.project)
    return [Record(runtime.topics.job_commands, b"%d" % note.job_id, runtime.codec.encode(command))]
