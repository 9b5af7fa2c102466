"""DeepAR for a forecasting job: one model learns from all of its series and forecasts those asked for (D-073).

What `models.holdout` does with a model per series, for all of them with one training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.answers import INFINITE, NOTHING_OBSERVED, SeriesAnswer, answers_of, failure
from models.arrays.columns import FloatArray
from models.arrays.filling import filled
from models.arrays.levels import chosen_levels
from models.arrays.published_values import ValueKinds, publishable, value_kinds
from models.deepar.frequency import Frequency
from models.deepar.jobs.grid import History, LaidOut, common_frequency, frequency_of, lay_out
from models.deepar.jobs.settings import LARGEST, TOO_LARGE, mean_and_quantiles, model_config
from models.deepar.learning.training import Progress, resolved, train
from models.deepar.series import Series
from models.deepar.specs import DEEPAR
from models.errors import RejectedInputError
from models.holdout import HoldOutForecast, hold_out_length, scorable
from models.hyper_parameters import ConfigValue
from models.options import PLAIN, Options
from models.scores.names import IN_SAMPLE, metric_names
from models.scores.windows import Windows, in_sample_scale

__all__ = ["Asked", "TogetherAnswer", "forecast_together"]

_DAY_MS: Final = 86_400_000  # the step where no series shows one
# With refit the model is trained for this share of its epochs again, from the weights that it has: what it learnt of
# the series stays true, and only the steps of the hold-out and of the validation window are new to it. On three
# fortnights of the flights in `examples/` neither half of the epochs nor all of them were better each time.
_REFIT_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked of all series alike: as `models.batch.SeriesRequest` has it. `seed` is that of the training."""

    config: Mapping[str, ConfigValue]
    prediction_length: int
    refit: bool
    eval_metrics: tuple[str, ...]
    seed: int
    allow_negative: bool = False
    options: Options = PLAIN


@dataclass(frozen=True, slots=True, eq=False)
class TogetherAnswer:
    """A series' answer, the length of a step, and the times of the last ones, as many as the hold-out has if there are.

    All in milliseconds. The step is the series' own, or where that is not the grid's, the grid's. `freq` is the text of
    the calendar that the series goes on by, empty where it follows none.
    """

    answer: SeriesAnswer
    step: int
    times: tuple[int, ...]
    freq: str = ""


def forecast_together(
    series: Sequence[tuple[History, tuple[int, ...]]],
    wanted: Sequence[int],
    asked: Asked,
    report: Callable[[Progress], None] | None = None,
) -> list[TogetherAnswer]:
    """Answer for the series `wanted`, by their places among all, each of which comes with its categories' codes.

    1. The series are laid on the time grid that most of them have; one that does not fit, or that no model can use, has
       an error of its own and takes no part.
    2. One model is trained on all others, without the last h steps of those that have a hold-out (J-119), and forecasts
       h steps of each: the hold-out, or what follows a series that is too short for one.
    3. With `refit` it is trained further on everything, and forecasts from the true end of each series.

    The same series and settings give the same answers, whichever of them are wanted. `report` is told of each epoch.
    """
    asked = replace(asked, config=DEEPAR.resolve(asked.config), eval_metrics=metric_names(asked.eval_metrics))
    grid, laid, errors = _laid_out([history for history, _ in series])
    answers = {place: failure(error) for place, error in errors.items()}
    rows = [place for place in dict.fromkeys(wanted) if place in laid]
    if rows:
        try:
            run = _Run(asked, grid.frequency, laid, [cat for _, cat in series], report)
            found = answers_of(run.result(rows), asked.config, refit=asked.refit, model_name=DEEPAR.name)
        except RejectedInputError as error:
            found = iter([failure(error.message)] * len(rows))
        answers |= dict(zip(rows, found, strict=True))
    kept = hold_out_length(asked.prediction_length)
    return [
        TogetherAnswer(
            answers[place],
            grid.steps.get(place, grid.step),
            tuple((laid[place] if place in laid else series[place][0]).times[-kept:].tolist()),
            _text(laid.get(place)),
        )
        for place in wanted
    ]


def _text(laid: LaidOut | None) -> str:
    return "" if laid is None or laid.calendar is None else laid.calendar.text


@dataclass(frozen=True, slots=True)
class _Grid:
    """What most series have; `steps` in milliseconds are those of the series that have it, `step` of the first."""

    frequency: Frequency
    step: int
    steps: Mapping[int, int]


def _laid_out(histories: Sequence[History]) -> tuple[_Grid, dict[int, LaidOut], dict[int, str]]:
    """The grid, the series that lie on it, and why others do not."""
    frequencies: dict[int, Frequency | None] = {}
    errors: dict[int, str] = {}
    for place, history in enumerate(histories):
        try:
            _check(history.target)
            frequencies[place] = frequency_of(history)
        except RejectedInputError as error:
            errors[place] = error.message
    common = common_frequency(frequencies.values())
    laid: dict[int, LaidOut] = {}
    for place in frequencies:
        try:
            laid[place] = lay_out(histories[place], common)
        except RejectedInputError as error:
            errors[place] = error.message
    steps = {place: histories[place].step_ms for place, own in frequencies.items() if own == common}
    return _Grid(common, next(iter(steps.values()), _DAY_MS), steps), laid, errors


def _check(target: FloatArray) -> None:
    if np.isinf(target).any():
        raise RejectedInputError("target", INFINITE)
    if np.isnan(target).all():
        raise RejectedInputError("target", NOTHING_OBSERVED)
    if np.nanmax(np.abs(target)) > LARGEST:
        raise RejectedInputError("target", TOO_LARGE)


class _Run:
    """One job's trainings and forecasts."""

    def __init__(
        self,
        asked: Asked,
        frequency: Frequency,
        laid: Mapping[int, LaidOut],
        codes: Sequence[tuple[int, ...]],
        report: Callable[[Progress], None] | None,
    ) -> None:
        self._asked, self._laid, self._codes, self._report = asked, laid, codes, report
        self._season = max(1, frequency.season_length)
        held_out = self._held_out = hold_out_length(asked.prediction_length)
        self._scored = {place: bool(scorable(one.target[np.newaxis, :-held_out])[0]) for place, one in laid.items()}
        config = model_config(
            asked.config,
            frequency,
            held_out if any(self._scored.values()) else asked.prediction_length,
            seed=asked.seed,
            cardinality=tuple(1 + max(column) for column in zip(*codes, strict=True)),
            allow_negative=asked.allow_negative,
        )
        # The kind of values is told from whole histories, so that both trainings have the same distribution.
        self._complete = {place: self._series(place, whole_history=True) for place in laid}
        self._config = resolved(list(self._complete.values()), config)

    def result(self, rows: Sequence[int]) -> HoldOutForecast:
        """What these series are answered with."""
        asked, horizon = self._asked, self._asked.prediction_length
        seeds = [asked.seed + place for place in rows]
        scored = np.array([self._scored[place] for place in rows])
        kinds = self._kinds(rows)
        begun = {
            place: self._series(place, whole_history=False) if self._scored[place] else complete
            for place, complete in self._complete.items()
        }
        model = train(list(begun.values()), self._config, report=self._report)
        mean, quantiles = mean_and_quantiles(model, [begun[place] for place in rows], seeds)
        backtest = np.full((len(rows), self._held_out), np.nan)
        windows = Windows(len(rows), self._held_out, (*asked.eval_metrics, IN_SAMPLE))
        if scored.any():
            backtest[scored] = publishable(mean[scored], kinds.rows(scored))
            actual = np.stack([self._laid[place].target[-self._held_out :] for place in rows if self._scored[place]])
            windows.take(scored, actual, backtest[scored], self._scales(rows)[scored])
        if asked.refit:
            epochs = max(1, round(_REFIT_SHARE * model.facts["best_epoch"]))
            config = replace(self._config, epochs=epochs, early_stopping_patience=None)
            model = train(list(self._complete.values()), config, start_from=model, report=self._report)
            mean, quantiles = mean_and_quantiles(model, [self._complete[place] for place in rows], seeds)
        predictions = publishable(mean[:, :horizon], kinds)
        own = {level: publishable(values[:, :horizon], kinds) for level, values in quantiles.items()}
        scores = windows.scores()
        mase_insample = scores.pop(IN_SAMPLE)
        return HoldOutForecast(
            predictions=predictions,
            backtest=backtest,
            scored=scored,
            scores=scores,
            quantiles=chosen_levels(predictions, own, windows.errors, asked.options.levels, kinds),
            answered_by=[None] * len(rows),
            saved=[None] * len(rows),
            notes=[""] * len(rows),
            mase_insample=mase_insample,
            windows=windows.counts,
        )

    def _scales(self, rows: Sequence[int]) -> FloatArray:
        """What `mase_insample` divides by, of each series: as of the other models."""
        found = []
        for place in rows:
            history = self._laid[place].target[np.newaxis, : -self._held_out]
            found.append(in_sample_scale(history, self._season))
        return np.concatenate(found)

    def _kinds(self, rows: Sequence[int]) -> ValueKinds:
        """How the forecasts of these series are published."""
        asked = self._asked
        own = [value_kinds(self._laid[place].target[np.newaxis], allow_negative=asked.allow_negative) for place in rows]
        return ValueKinds(
            np.concatenate([one.whole for one in own]),
            np.concatenate([one.floored for one in own]),
            asked.options.lower,
            asked.options.upper,
        )

    def _series(self, place: int, *, whole_history: bool) -> Series:
        laid = self._laid[place]
        target = laid.target if whole_history else laid.target[: -self._held_out]
        target = filled(target[np.newaxis], self._asked.options.fill)[0]
        return Series(laid.start, target.astype(np.float32), self._codes[place])
