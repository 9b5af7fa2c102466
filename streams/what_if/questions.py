"""What is asked of a series: how its forecast was made, and what is changed of its features. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Column, Split
from models.calendars.calendar import Calendar, calendar_of
from models.catalog import CATALOG
from models.errors import RejectedInputError
from schemas.forecasting import JobRecord
from schemas.series import Asked, SeriesResult, TrainSeries
from streams.forecasting.inputs import Features, beside_of
from streams.forecasting.series_grids import OnGrid, step_ms
from streams.forecasting.submissions import Plan
from streams.what_if.asked import HOLIDAYS, AskedChange, FeatureChange, on_steps

__all__ = ["Question", "answering", "columns_of", "question_of"]

_LATER: Final = (
    "its series has grown since its forecast, and the future_features that it was made with are of other steps: "
    "train it again"
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One series: how it is forecast, what is changed, which models Auto had chosen, and its features by name.

    `times` are those of the steps to be forecast, as `calendar` counts them.
    """

    place: int
    result: SeriesResult
    command: TrainSeries
    changes: Sequence[FeatureChange]
    names: Sequence[str]
    calendar: Calendar
    times: NDArray[np.int64]

    @property
    def chosen(self) -> str | None:
        """Which models answered."""
        return self.result.answered_by

    @property
    def is_stored_end(self) -> bool:
        """Whether the stored forecast begins where this one does."""
        return int(self.calendar.shown(self.times[:1])[0]) // 1000 == self.result.timestamps[0]


def answering(results: Sequence[SeriesResult], model_name: str | None) -> SeriesResult | str:
    """The latest forecast with features by a model, as it was asked for; or why there is none.

    Of several models it is the one whose backtest is best, among those that begin latest, as sums have it.
    """
    latest = {one.model_name: one for one in results if model_name in (None, one.model_name)}
    known = [one for one in latest.values() if one.error is None and one.predictions]
    if not known:
        failed = next((one.error for one in reversed(latest.values()) if one.error is not None), None)
        if failed is not None:
            return f"it failed: {failed}"
        return "it has no forecast" if model_name is None else f"it has no forecast by {model_name}"
    featured = [one for one in known if one.asked is not None]
    if not featured:
        return _without(known)
    begins = max(one.timestamps[0] for one in featured)
    newest = [one for one in featured if one.timestamps[0] == begins]
    return min(newest, key=lambda one: (one.mase_insample is None, one.mase_insample or 0.0, -one.n))


def _without(known: Sequence[SeriesResult]) -> str:
    """Why no forecast has features."""
    takers = [name for name, spec in CATALOG.items() if spec.covariates]
    others = [one.model_name for one in known if one.model_name not in takers]
    if len(others) == len(known):
        return f"{', '.join(others)} makes no use of features: train it by {', '.join(takers[:-1])} or {takers[-1]}"
    return (
        "its forecast has no features, or an earlier release made it: train it with feature_indexs, the columns whose "
        "future may be another"
    )


def columns_of(results: Iterable[SeriesResult]) -> list[int]:
    """The columns that any of these forecasts has as features."""
    asked = (one.asked.beside.columns for one in results if one.asked is not None)
    return sorted({index for columns in asked for index in columns})


def question_of(
    job: JobRecord,
    split: Split,
    features: Features,
    result: SeriesResult,
    asked: Sequence[AskedChange],
    about: Sequence[str | Column],
) -> Question:
    """What the pool is asked of a series; RejectedInputError where its features cannot be changed so.

    Both forecasts are fitted to the whole history: what is to come is asked for, whatever the stored one was.
    """
    told = result.asked
    assert told is not None  # the result is one with features
    place, plan = result.ts_id - job.first_ts_id, _plan(result, told)
    grid, beside = beside_of(split, place, plan, features)
    calendar = calendar_of(split.calendar(place))
    times = _times(split, place, calendar, grid, plan.next_k_prediction)
    known: list[str | int] = [*told.beside.columns, *([HOLIDAYS] if told.beside.holidays else [])]
    labels = {column.index: column.label for column in split.features}
    begin = split.series(place).times[:1]
    groups = named_series(split.groupby_key, split.groupby_val[place]).groups
    command = TrainSeries(
        job_id=job.job_id,
        ts_id=result.ts_id,
        n=result.n,
        model_name=plan.model_name,
        config=plan.config,
        next_k_prediction=plan.next_k_prediction,
        eval_metrics=(),
        refit=True,
        start=int(begin[0]) // 1000,
        start_micros=int(begin[0]) % 1000,
        step=step_ms(calendar.text),
        freq=calendar.text,
        timestamps=grid.timestamps,
        target=np.asarray(grid.target),  # type: ignore[arg-type]  # an array is a sequence, but for its class
        feat_dynamic_real=beside,
        allow_negative=plan.allow_negative,
        options=plan.options,
    )
    made = Question(
        place=place,
        result=result,
        command=command,
        changes=on_steps(asked, about, known, groups, calendar.shown(times)),
        names=[name if isinstance(name, str) else labels.get(name, str(name)) for name in known],
        calendar=calendar,
        times=times,
    )
    if told.beside.sent and not made.is_stored_end:
        raise RejectedInputError("changes", _LATER)
    return made


def _plan(result: SeriesResult, told: Asked) -> Plan:
    return Plan(
        model_name=result.model_name,
        config=result.config,
        next_k_prediction=len(result.predictions),
        eval_metrics=(),
        refit=True,
        features=told.beside.columns,
        allow_negative=told.allow_negative,
        options=told.options,
        future=told.beside.sent,
        holidays=told.beside.holidays,
    )


def _times(split: Split, place: int, calendar: Calendar, grid: OnGrid, steps: int) -> NDArray[np.int64]:
    own = split.series(place).times
    if len(grid.timestamps):
        return calendar.next_times(int(own[-1]), steps)
    return calendar.times(int(own[0]), steps, first=len(grid.target))
