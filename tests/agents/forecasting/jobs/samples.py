"""Commands and results of a job, and what a state worker has said of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests as datasets
from connectors.kafka.publisher import partition_for
from schemas.forecasting import ConfigureJob, CreateJob, DeleteJob, JobRecord, JobStatus, SeriesConfig, SubmitJob
from schemas.series import SeriesResult, TrainSeries, TrainTogether
from schemas.values import HyperParam
from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker, restarted

__all__ = [
    "CONFIGURE",
    "CREATE",
    "DATA_ID",
    "DAY",
    "DELETE",
    "HOME",
    "JOB_ID",
    "add_dataset",
    "add_sample",
    "asked",
    "job_of",
    "restarted",
    "result",
    "results",
    "statuses",
    "storing",
    "submission",
    "together",
    "training",
]

DATA_ID, JOB_ID = 2, 7
HOME = partition_for(b"7", 4)
CSV = "Region,When,cores,load\n" + "".join(
    f"{region},2020-08-{day:02} 00:00:00,{value + day},{day}\n"
    for day in range(1, 13)
    for region, value in [("west", 100), ("east", 200), ("north", 300)]
)
DAY = 86_400_000

CREATE = CreateJob("create", JOB_ID, DATA_ID, "flights", 5)
CONFIGURE = ConfigureJob("configure", JOB_ID, (1,), (2,), (0,))
DELETE = DeleteJob("delete", JOB_ID)


def add_sample(state: Worker, folder: Path) -> None:
    """Register a data set: three series of twelve days."""
    file = folder / "data.csv"
    file.write_text(CSV)
    add_dataset(state, file)


def add_dataset(state: Worker, file: Path, data_id: int = DATA_ID) -> None:
    """Register a file as a data set."""
    with opened_csv(file) as table:
        datasets.register(
            state.runtime.store,
            table,
            data_id=data_id,
            name="flights",
            file_name="flights.csv",
            related_user=1,
            time_created=datetime(2020, 9, 13, tzinfo=UTC),
        )


def training(ts_id: int, model_name: str | None = "AdaptiveMaxN", **fields: Any) -> SeriesConfig:
    """An element that asks for training."""
    return SeriesConfig(ts_id, model_name, fields.pop("hyper_params", ()), **{"next_k_prediction": 5} | fields)


def storing(ts_id: int, model_name: str, latest_n: int) -> SeriesConfig:
    """An element that stores settings."""
    return SeriesConfig(ts_id, model_name, (HyperParam("latest_n", "int", latest_n),))


def submission(*elements: SeriesConfig, command_id: str = "submit") -> SubmitJob:
    """A submission."""
    return SubmitJob(command_id, JOB_ID, elements)


def asked(state: Worker) -> list[TrainSeries]:
    """The training that was sent out."""
    return state.events(state.runtime.topics.series_commands)


def together(state: Worker) -> list[TrainTogether]:
    """The training of several series with one model that was sent out."""
    return state.events(state.runtime.topics.training_runs)


def statuses(state: Worker) -> list[JobStatus]:
    """What the public topic was told; None is a tombstone."""
    return state.events(state.runtime.topics.job_status)


def job_of(state: Worker) -> JobRecord:
    """The job as the table has it."""
    job: JobRecord | None = ForecastingState.of(state.runtime).jobs.get(JOB_ID)
    assert job is not None
    return job


def result(ts_id: int, n: int, error: str | None = None, **fields: Any) -> SeriesResult:
    """A result, good or bad."""
    made = SeriesResult(JOB_ID, ts_id, n, 1, "AdaptiveMaxN", {"latest_n": 5}, [1], [2.0], {"mse": 1.0}, error=error)
    return replace(made, **fields)


async def results(state: Worker, *made: SeriesResult | bytes | None, key: bytes = b"7", **place: Any) -> list[Any]:
    """Let results arrive as one batch."""
    topic = state.runtime.topics.job_results
    messages = [state.message(topic, key, one, **place) for one in made]
    await state.consume(topic, *messages)
    return messages
