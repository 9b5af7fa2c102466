"""What is answered to a request: a series' forecast with its scores, or in plain words why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from math import isnan

import numpy as np

from models.arrays.columns import FloatArray
from models.errors import RejectedInputError
from models.holdout import HoldOutForecast
from models.hyper_parameters import ConfigValue

__all__ = ["INFINITE", "NOTHING_OBSERVED", "SeriesAnswer", "answers_of", "failure", "raised"]

NOTHING_OBSERVED = "the series has no observed values; give it at least one number"
INFINITE = "the series has an infinite value; replace it with a finite number or mark it as missing"
_NOT_FINITE = "{} gives no finite forecast for this series: its values are too large; divide them all by a constant"


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """One series' forecast, or why there is none.

    If `error` is None: `predictions` has prediction_length finite numbers; `metrics` has a value, or None where
    undefined, for each metric asked for; `backtest` is None without refit, the hold-out's forecast with it, and empty
    when the series was too short for a hold-out. `quantiles`, `answered_by`, `saved` and `note` are those of
    `models.forecasts.Forecasts`. `config` is the complete configuration used (J-136), whole numbers as int and options
    as their value (J-141). `trials` are those of `models.tuning.search.Outcome`, empty without a search;
    `mase_insample` and `windows` are those of `models.holdout.HoldOutForecast`; `took_s`, seconds of a core, is noted
    by who has a clock. Otherwise `error` is a text for the user and the rest is empty; `short_of_memory` says that
    memory was what was wrong.

    Answers may share `config` and empty `quantiles`, so do not change them. Two answers are equal if they forecast the
    same, whatever the `config`.
    """

    predictions: list[float]
    backtest: list[float] | None
    metrics: dict[str, float | None]
    error: str | None
    quantiles: Mapping[str, list[float]] = field(default_factory=dict)
    answered_by: str | None = None
    saved: bytes | None = None
    note: str = ""
    config: Mapping[str, ConfigValue] | None = field(default=None, compare=False)
    trials: tuple[float | None, ...] = ()
    short_of_memory: bool = False
    mase_insample: float | None = field(default=None, compare=False)
    windows: int = field(default=1, compare=False)
    took_s: float | None = field(default=None, compare=False)


def answers_of(
    result: HoldOutForecast, config: Mapping[str, ConfigValue] | None, *, refit: bool, model_name: str
) -> Iterator[SeriesAnswer]:
    """Yield the answers, row by row. Arrays become lists whole: one numpy call per series would cost the most."""
    series = len(result.scored)
    finite = np.isfinite(result.predictions).all(axis=1)
    finite &= np.isfinite(result.backtest).all(axis=1) | ~result.scored
    names = tuple(result.scores)
    columns = [_nullable(values) for values in result.scores.values()]
    scores = zip(*columns, strict=True) if columns else iter([()] * series)
    backtests: list[list[float] | None] = [None] * series
    if refit:
        rows = zip(result.backtest.tolist(), result.scored.tolist(), strict=True)
        backtests = [row if is_scored else [] for row, is_scored in rows]
    scaled = zip(_nullable(result.mase_insample), result.windows.tolist(), strict=True)
    more = zip(_extras(result), scaled, strict=False)
    rows_of_answers = zip(result.predictions.tolist(), backtests, scores, finite.tolist(), more, strict=True)
    for predictions, backtest, values, is_finite, (extra, (mase_insample, windows)) in rows_of_answers:
        if is_finite:
            yield SeriesAnswer(
                predictions,
                backtest,
                dict(zip(names, values, strict=True)),
                None,
                *extra,
                config,
                mase_insample=mase_insample,
                windows=windows,
            )
        else:
            yield failure(_NOT_FINITE.format(model_name))


_Extras = tuple[dict[str, list[float]], str | None, bytes | None, str]


def _extras(result: HoldOutForecast) -> Iterator[_Extras]:
    """Yield, row by row, what only some models have; nothing at all for the others, which answer by the thousand."""
    if not (result.quantiles or any(result.answered_by) or any(result.saved) or any(result.notes)):
        yield from repeat(({}, None, None, ""), len(result.scored))
        return
    levels = tuple(result.quantiles)
    finite = [np.logical_and.reduce(np.isfinite(values), axis=1) for values in result.quantiles.values()]
    rows = [values.tolist() for values in result.quantiles.values()]
    for place in range(len(result.scored)):
        known = {level: rows[i][place] for i, level in enumerate(levels) if finite[i][place]}
        yield known, result.answered_by[place], result.saved[place], result.notes[place]


def _nullable(values: FloatArray) -> list[float | None]:
    """NaN, the arrays' sign for undefined, becomes None."""
    if not np.isnan(values).any():
        plain: list[float | None] = values.tolist()
        return plain
    return [None if isnan(value) else value for value in values.tolist()]


def raised(error: Exception, model_name: str) -> SeriesAnswer:
    """The answer where an error was raised while a series was forecast."""
    if isinstance(error, RejectedInputError):
        return failure(error.message)
    kind = type(error).__name__
    text = f"{model_name} could not forecast this series ({kind}); check its values or choose another model"
    return failure(text, short_of_memory=isinstance(error, MemoryError))


def failure(message: str, *, short_of_memory: bool = False) -> SeriesAnswer:
    """The answer that is an error."""
    return SeriesAnswer(predictions=[], backtest=None, metrics={}, error=message, short_of_memory=short_of_memory)
