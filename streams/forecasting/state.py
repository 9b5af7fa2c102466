"""What the processes have for forecasting jobs: the state its tables and stores, a trainer what it need not compute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric

from connectors.kafka.topic_ends import TopicEnds
from streams.access.visibility import visible
from streams.codes.forecasting import ForecastingCode
from streams.engine.ids import SeriesIdMinter
from streams.errors import NotFoundError
from streams.forecasting.forecast_table import ForecastTable
from streams.forecasting.submissions import Limits
from streams.forecasting.tables import JobTable, ResultTable
from streams.forecasting.training_stops import TrainingStops
from streams.rows.ownership import owned_offsets
from streams.runtime import Part, StateRuntime, TrainerRuntime
from streams.standing.news import DatasetNews

if TYPE_CHECKING:  # pandas and Redis are loaded by who needs them
    from schemas.forecasting import JobRecord
    from streams.forecasting.online_forecasts import OnlineForecasts
    from streams.forecasting.split_store import SplitStore

__all__ = ["ForecastingState", "ForecastingTrainer", "known_job", "open_state", "open_trainer"]


@dataclass(frozen=True, kw_only=True)
class ForecastingState(Part):
    """Rows of jobs, results and forecasts, the splits of their files, and the copy of forecasts in Redis, if any.

    `news` are of data sets that have grown.
    """

    jobs: JobTable
    results: ResultTable
    forecasts: ForecastTable
    online: OnlineForecasts | None
    splits: SplitStore
    series_ids: SeriesIdMinter
    limits: Limits
    news: DatasetNews = field(default_factory=DatasetNews)

    def figures(self) -> Iterable[Metric]:
        """What Prometheus is told of it."""
        if self.online is not None:
            yield GaugeMetricFamily(
                "tidecast_online_store_behind", "Forecasts that Redis lacks.", value=self.online.behind
            )


@dataclass(frozen=True, kw_only=True)
class ForecastingTrainer(Part):
    """Which training was stopped or deleted."""

    stops: TrainingStops


def known_job(state: StateRuntime, job_id: int) -> JobRecord:
    """The row of the caller's job; NotFoundError where there is none."""
    job = ForecastingState.of(state).jobs.get(job_id)
    if job is None or not visible(job):
        raise NotFoundError(ForecastingCode.UNKNOWN_JOB, f"there is no job {job_id}")
    return job


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    from streams.forecasting.split_store import SplitStore  # noqa: PLC0415 - pandas

    settings, topics = runtime.settings, runtime.topics
    forecasts = ForecastTable(runtime.app, topics.forecasts_changelog, **runtime.table_options)
    return ForecastingState(
        jobs=JobTable(runtime.app, topics.jobs_changelog, **runtime.table_options),
        results=ResultTable(runtime.app, topics.results_changelog, **runtime.table_options),
        forecasts=forecasts,
        online=_online(runtime, forecasts),
        splits=SplitStore(
            runtime.store,
            settings.max_series_per_job,
            runtime.files,
            max_points=settings.max_series_points,
            record_limit=settings.record_limit,
        ),
        series_ids=SeriesIdMinter(),
        limits=Limits(settings.max_elements, settings.max_next_k_prediction, settings.max_max_eval),
    )


def open_trainer(_: TrainerRuntime) -> Part:
    """A trainer's part."""
    return ForecastingTrainer(stops=TrainingStops())


def _online(runtime: StateRuntime, forecasts: ForecastTable) -> OnlineForecasts | None:
    settings, topic = runtime.settings, runtime.topics.forecasts
    if settings.redis_url is None:
        return None
    from connectors.online_store import OnlineStore  # noqa: PLC0415 - Redis' client
    from streams.forecasting.online_forecasts import OnlineForecasts  # noqa: PLC0415 - Redis' client

    return OnlineForecasts(
        OnlineStore(settings.redis_url.get_secret_value()),
        forecasts,
        owned=partial(owned_offsets, runtime.app, topic),
        end=partial(TopicEnds(runtime.bootstrap).end, topic),
        partitions=runtime.topics.partitions,
    )
