"""Tuning: for every series the configuration with the smallest loss on a hold-out.

1. Without refit the contract's figures require that the hold-out which is reported is also the one tuned on. With refit
   an inner one is used, the h rows before it, so that what is reported was never looked at.
2. A space that can be tried whole is: if it has no more combinations than trials are allowed, or if the model is cheap
   (`ModelSpec.grid`). All series try a combination at once. Otherwise each series is searched by hyperopt's TPE.
3. Of equal losses the first combination wins, in the order of the catalogue and of growing values.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from models.arrays.columns import FloatArray
from models.arrays.published_values import ValueKinds, publishable, value_kinds
from models.errors import RejectedInputError
from models.forecasts import SeriesBatch
from models.holdout import (
    chosen_rows,
    fitted_part,
    hold_out_length,
    scorable,
    without_gaps,
)
from models.hyper_parameters import ConfigValue
from models.model_spec import ForecastFunction, ModelSpec
from models.quick.lines import LINES_ENTRY
from models.scores.metrics import evaluate
from models.scores.names import BEST_AT_ZERO, LARGER_IS_BETTER, metric_names
from models.tuning.factor_search import best_factors
from models.tuning.search_space import Dimension, Search, Space, search_space

__all__ = ["MOST_CELLS", "Dimension", "Outcome", "Search", "is_quick", "loss", "tune"]

MOST_CELLS = 1_000
"""Combinations of a cheap model that are all tried, whatever max_eval says; for more, TPE takes over."""

_LISTED = 100  # losses that an outcome lists when every combination was tried: the contract's max_eval (J-076)


_FACTOR = "add_std_factor"  # of LinearFit, need not be searched: see models.tuning.factor_search

Config = Mapping[str, ConfigValue]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tuning has found for one series.

    `trials` are the losses of TPE's trials in their order, None where one is undefined or the trial failed. If every
    combination was tried, they stand in order as well, or if these are more than `max_eval` or 100, the smallest loss
    of each of so many equal shares. With `error` every trial failed, the last one with it, and `config` is the default.
    """

    config: Config
    trials: tuple[float | None, ...] = ()
    note: str = ""
    error: Exception | None = None


def loss(metric: str, values: FloatArray) -> FloatArray:
    """Turn values of a metric into what is made small (J-087); undefined ones become infinite and lose against all."""
    if metric in LARGER_IS_BETTER:
        values = -values
    elif metric in BEST_AT_ZERO:
        values = np.abs(values)
    return np.where(np.isnan(values), np.inf, values)


def tune(batch: SeriesBatch, spec: ModelSpec, search: Search, *, refit: bool) -> list[Outcome]:
    """Search for each row of a batch on its own; `batch.config` holds what the space leaves out.

    Raises RejectedInputError for a search that makes no sense.
    """
    space = search_space(spec, search, batch.config)
    held_out = hold_out_length(batch.horizon)
    known = fitted_part(batch, held_out) if refit else batch
    fitted = fitted_part(known, held_out)
    tunable = scorable(fitted.history)
    default = Outcome(space.default(), note=_TOO_SHORT.format(held_out * (2 if refit else 1)))
    outcomes = [default] * len(tunable)
    if not tunable.any():
        return outcomes
    history = known.history[tunable]
    objective = _Objective(
        fitted=without_gaps(chosen_rows(fitted, tunable)),
        actual=history[:, history.shape[1] - held_out :],
        kinds=value_kinds(
            history,
            allow_negative=batch.allow_negative,
            lower=batch.options.lower,
            upper=batch.options.upper,
        ),
        metric=metric_names([search.metric])[0],
        model=spec.load(),
    )
    for place, outcome in zip(np.flatnonzero(tunable).tolist(), _outcomes(objective, space, search), strict=True):
        outcomes[place] = outcome
    return outcomes


@dataclass(frozen=True, slots=True, eq=False)
class _Objective:
    """The part before a hold-out, the hold-out, and how a forecast of it is judged."""

    fitted: SeriesBatch
    actual: FloatArray
    kinds: ValueKinds
    metric: str
    model: ForecastFunction

    def row(self, row: int) -> "_Objective":
        rows = np.array([row])
        fitted, kinds = chosen_rows(self.fitted, rows), self.kinds.rows(rows)
        return replace(self, fitted=fitted, actual=self.actual[rows], kinds=kinds)

    def score(self, actual: FloatArray, published: FloatArray) -> FloatArray:
        return loss(self.metric, evaluate(actual, published, (self.metric,))[self.metric])

    def losses(self, config: Config) -> tuple[FloatArray, dict[int, Exception]]:
        """The loss of every row, infinite where undefined, and the errors of the rows that the model failed on."""
        try:
            mean = self.model(replace(self.fitted, config=config)).mean
            return self.score(self.actual, publishable(mean, self.kinds)), {}
        except Exception as error:  # noqa: BLE001 - a trial may fail; others may not
            if len(self.actual) == 1:
                return np.array([np.inf]), {0: error}
        apart = [self.row(row).losses(config) for row in range(len(self.actual))]
        return np.concatenate([part for part, _ in apart]), {row: e[0] for row, (_, e) in enumerate(apart) if e}


def is_quick(spec: ModelSpec, search: Search, config: Config) -> bool:
    """Whether the model is cheap and every combination can be tried at once, so that a search takes no longer.

    A search that makes no sense is quickly refused.
    """
    if not spec.grid:
        return False
    try:
        space = search_space(spec, search, config)
    except RejectedInputError:
        return True
    return _all_at_once(space, search) or _is_factor_search(space)


def _all_at_once(space: Space, search: Search) -> bool:
    return not space.real and space.count <= max(search.max_eval, MOST_CELLS if space.spec.grid else 0)


def _is_factor_search(space: Space) -> bool:
    real = [axis.name for axis in space.real]
    return real == [_FACTOR] and space.spec.entry == LINES_ENTRY and space.count <= MOST_CELLS


def _outcomes(objective: _Objective, space: Space, search: Search) -> list[Outcome]:
    """One outcome for each row of the objective."""
    if _all_at_once(space, search):
        return _every_cell(space, search, len(objective.actual), lambda cell: (*objective.losses(cell), None))
    if _is_factor_search(space):
        return _every_cell(space, search, len(objective.actual), _factor_search(objective, space))
    rows = range(len(objective.actual))
    return [_by_tpe(objective.row(row), space, search) for row in rows]


_Tried = tuple[FloatArray, dict[int, Exception], FloatArray | None]


def _factor_search(objective: _Objective, space: Space) -> Callable[[Config], _Tried]:
    """For LinearFit: the smallest loss that any factor gives, and that factor."""
    factor = space.real[0]

    def losses(cell: Config) -> _Tried:
        found, factors = best_factors(
            objective.fitted.history,
            objective.actual,
            objective.kinds,
            int(cell["latest_n"]),
            span=(factor.low, factor.high),
            metric=objective.metric,
            losses=objective.score,
        )
        return found, {}, factors

    return losses


def _every_cell(space: Space, search: Search, series: int, losses: Callable[[Config], _Tried]) -> list[Outcome]:
    """Try all combinations; the first with the smallest loss wins."""
    shares = min(space.count, search.max_eval, _LISTED)
    smallest = np.full((series, shares), np.inf)
    best = np.full(series, np.inf)
    chosen = np.full(series, -1)
    factors = np.zeros(series)
    failed = np.zeros(series, dtype=np.intp)
    errors: dict[int, Exception] = {}
    cells = list(space.cells())
    for number, cell in enumerate(cells):
        found, failures, chosen_factors = losses(cell)
        errors |= failures
        failed[list(failures)] += 1
        share = number * shares // len(cells)
        smallest[:, share] = np.minimum(smallest[:, share], found)
        better = found < best
        best[better], chosen[better] = found[better], number
        if chosen_factors is not None:
            factors[better] = chosen_factors[better]
    real = space.real
    default = space.default()
    outcomes = []
    rows = zip(chosen.tolist(), factors.tolist(), smallest.tolist(), (failed == len(cells)).tolist(), strict=True)
    for row, (number, factor, trials, all_failed) in enumerate(rows):
        listed = tuple(None if value == np.inf else value for value in trials)
        if all_failed:
            outcomes.append(Outcome(default, listed, error=errors[row]))
        elif number < 0:
            outcomes.append(Outcome(default, listed, note=_UNDEFINED.format(search.metric)))
        else:
            outcomes.append(Outcome(cells[number] | {_FACTOR: factor} if real else cells[number], listed))
    return outcomes


def _by_tpe(objective: _Objective, space: Space, search: Search) -> Outcome:
    """Search for a single row with hyperopt; a combination that comes again is a trial, but not computed again."""
    hyperopt = _hyperopt()
    tried: dict[tuple[ConfigValue, ...], float] = {}
    best: Config | None = None
    smallest = np.inf
    trials: list[float | None] = []
    failures: list[Exception] = []

    def trial(sample: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal best, smallest
        config = space.config({axis.name: _value(axis.options, sample.get(axis.name, 0)) for axis in space.axes})
        key = tuple(config.values())
        if key not in tried:
            losses, errors = objective.losses(config)
            failures.extend(errors.values())
            tried[key] = float(losses[0])
        found = tried[key]
        if found < smallest:
            best, smallest = config, found
        trials.append(None if found == np.inf else found)
        return {"status": "fail"} if found == np.inf else {"status": "ok", "loss": found}

    seeds = objective.fitted.seeds
    try:
        hyperopt.fmin(
            trial,
            _expressions(hyperopt, space),
            algo=hyperopt.tpe.suggest,
            max_evals=int(search.max_eval),
            rstate=np.random.default_rng(0 if seeds is None else int(seeds[0])),
            verbose=False,
            show_progressbar=False,
            return_argmin=False,
        )
    except hyperopt.exceptions.AllTrialsFailed:
        if len(failures) == len(tried):
            return Outcome(space.default(), tuple(trials), error=failures[-1])
    if best is None:
        return Outcome(space.default(), tuple(trials), note=_UNDEFINED.format(search.metric))
    return Outcome(best, tuple(trials))


def _expressions(hyperopt: ModuleType, space: Space) -> dict[str, Any]:
    """The axes that leave a choice, in hyperopt's words: numbers of options instead of options, so any will do."""
    expressions = {}
    for axis in space.axes:
        if axis.options is None:
            expressions[axis.name] = hyperopt.hp.uniform(axis.name, axis.low, axis.high)
        elif isinstance(axis.options, range) and len(axis.options) > 1:
            expressions[axis.name] = hyperopt.hp.uniformint(axis.name, 0, len(axis.options) - 1)
        elif len(axis.options) > 1:
            expressions[axis.name] = hyperopt.hp.choice(axis.name, list(range(len(axis.options))))
    return expressions


def _value(options: Sequence[ConfigValue] | None, sampled: Any) -> ConfigValue:
    return float(sampled) if options is None else options[int(sampled)]


def _hyperopt() -> ModuleType:
    """Import it at its first use, because that takes most of a second, and keep it from reporting every trial."""
    logging.getLogger("hyperopt").setLevel(logging.ERROR)
    return import_module("hyperopt")


_TOO_SHORT = (
    "not tuned, the defaults are used: fewer than two observed values before the last {} rows; send a longer history"
)
_UNDEFINED = "not tuned, the defaults are used: {} is undefined for every trial; choose another metric to tune by"
