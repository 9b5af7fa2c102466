"""Errors as the answers of submissions that nobody trains."""

from collections.abc import Iterator

from connectors.kafka.publisher import Record
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.forecasting import jobs
from streams.forecasting.plans import model_names
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime

__all__ = ["refusals", "result_records"]

_TOGETHER = 500  # made in one turn of the event loop: some milliseconds


def refusals(state: StateRuntime, job: JobRecord, numbers: range, error: str) -> Iterator[list[SeriesResult]]:
    """Results with this error for the submissions that have none when they are asked for; some at a time."""
    models = model_names(state.codec, job)
    answered = ForecastingState.of(state).results.progress(job.job_id).finished  # which answers are added to meanwhile
    for first in range(numbers.start, numbers.stop, _TOGETHER):
        found = ((n, jobs.series_of(job, n)) for n in range(first, min(first + _TOGETHER, numbers.stop)))
        yield [
            SeriesResult(
                job_id=job.job_id,
                ts_id=ts_id,
                n=n,
                attempt=1,
                model_name=models.get(n, ""),
                config={},
                timestamps=(),
                predictions=(),
                metrics={},
                error=error,
            )
            for n, ts_id in found
            if ts_id is not None and n not in answered
        ]


def result_records(state: StateRuntime, results: list[SeriesResult]) -> list[Record]:
    """What tells of them."""
    topic = state.topics.job_results
    return [Record(topic, b"%d" % result.job_id, state.codec.encode(result)) for result in results]
