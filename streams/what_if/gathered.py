"""What is needed for questions about series of a job: a forecast of each, and the features that it was made with."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.datasets.splits import Split
from models.errors import RejectedInputError
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError
from streams.forecasting.inputs import read_features
from streams.forecasting.split_store import has_table
from streams.forecasting.state import ForecastingState
from streams.forecasting.time_travel import Rows
from streams.runtime import StateRuntime
from streams.standing.shadows import answered
from streams.what_if.asked import AskedChange, checked_changes
from streams.what_if.questions import Question, answering, columns_of, question_of

__all__ = ["Gathered", "gathered", "none_answered"]


class Gathered(NamedTuple):
    """By series: the question, or why there is none; and the forecasts that there are."""

    ready: Mapping[int, Question]
    errors: dict[int, str]
    known: Mapping[int, SeriesResult]


async def gathered(
    state: StateRuntime,
    job: JobRecord,
    split: Split,
    ts_ids: Sequence[int],
    model_name: str | None,
    asked: Sequence[AskedChange] = (),
) -> Gathered:
    """1. check what is asked, 2. choose a forecast of each series, 3. read the features that they have.

    InvalidError for a change that no series of the job can have, ConflictError where the features are behind the job.
    """
    own = ForecastingState.of(state)
    about = checked_changes(split, asked)
    rows = own.results.of_series(job.job_id, ts_ids)
    found = await asyncio.to_thread(_results, state.codec, job, rows, model_name)
    known = {ts_id: one for ts_id, one in found.items() if isinstance(one, SeriesResult)}
    errors = {ts_id: one for ts_id, one in found.items() if isinstance(one, str)}
    if known and not has_table(job):
        text = (
            f"job {job.job_id} has grown since its features were read: train its series again "
            f"(PATCH /job/{job.job_id}/), with refresh to have them follow the data"
        )
        raise ConflictError(ForecastingCode.FEATURES_BEHIND, text)
    features = await read_features(state.store, own.splits, job, columns_of(known.values()))

    def questions() -> dict[int, Question]:
        made = {}
        for ts_id, result in known.items():
            try:
                made[ts_id] = question_of(job, split, features, result, asked, about)
            except RejectedInputError as error:
                errors[ts_id] = f"{error.field}: {error.message}"
        return made

    return Gathered(await asyncio.to_thread(questions), errors, known)


def none_answered(job: JobRecord, errors: Mapping[int, str]) -> ConflictError:
    """What to raise where no series of a page has an answer."""
    first = min(errors)
    others = f" ({len(errors)} series have no answer)" if len(errors) > 1 else ""
    return ConflictError(ForecastingCode.NO_FEATURES, f"series {first} of job {job.job_id}: {errors[first]}{others}")


def _results(codec: Codec, job: JobRecord, rows: Rows, model_name: str | None) -> dict[int, SeriesResult | str]:
    """Of each series that of who answers, and not of its shadow."""
    shown = {ts_id: answered(job, map(codec.decode, encoded)) for ts_id, encoded in rows.items()}
    return {ts_id: answering(list(results), model_name) for ts_id, results in shown.items()}
