"""Auto: tries the quick models of the catalogue on each series' own past and averages those that did best.

The mean of a few good models is usually better than the best one, and a bad pick costs less: `docs/accuracy.md` has
the figures. CES and MSTL, which take milliseconds, are tried where the budget of a series allows. ETS, HoltWinters,
ARIMA, LightGBM and the networks are not: a backtest of them takes many times as long, and with ETS among the candidates
the forecasts of the sets measured there did not become better. Of a series with features those that make use of them
are tried too: Regression always, LightGBM and ARIMA where the budget allows. The others then forecast what the features
leave, so that a holiday to come is in the forecast, though the last steps, by which models are chosen, had none.

Longer than a module should be: what is chosen, and what is forecast by the choice, is one thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from models.arrays.columns import FloatArray, column_sums
from models.arrays.intervals import STANDARD_NORMAL
from models.arrays.scaling import scaled_rows, unscaled
from models.catalog import model_spec
from models.fitted.regression import feature_effects
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import chosen_rows
from models.hyper_parameters import ConfigValue

__all__ = ["CANDIDATES", "WITH_FEATURES", "Candidate", "forecast", "forecast_again"]

_FOLDS = 3
_AND = " + "  # between the names of the models of a row
_FEWEST_OBSERVED = 3  # before a fold; two points say nothing about which model suits
_WORST_SHARE = 1.5  # of the best one's error; who is further off would spoil the mean
_SAME_ERROR = 1e-9  # of the series' size; smaller errors are rounding, and count as equal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of the catalogue, with what differs from its defaults; `label` names it in answers.

    `point_us`: microseconds of a core that a fit takes for each point, as measured; 0 where that is next to nothing.
    `fit_ms`: milliseconds that it takes besides, however short the series is.
    """

    model: str
    label: str
    settings: Mapping[str, ConfigValue] = field(default_factory=lambda: MappingProxyType({}))
    point_us: float = 0.0
    fit_ms: float = 0.0


def _line(points: int) -> Candidate:
    settings = {"latest_n": points, "add_std_factor": 0.0}
    return Candidate("LinearFit", f"LinearFit(latest_n={points})", MappingProxyType(settings))


CANDIDATES = (
    Candidate("SeasonalNaive", "SeasonalNaive"),
    Candidate("Drift", "Drift"),
    Candidate("SES", "SES"),
    Candidate("AdaptiveAverageN", "AdaptiveAverageN"),
    Candidate("AdaptiveMaxN", "AdaptiveMaxN"),
    Candidate("Theta", "Theta"),
    *(_line(points) for points in (3, 4, 5, 6, 8)),
    Candidate("CES", "CES", point_us=25.0),
    Candidate("MSTL", "MSTL", point_us=50.0),
)
"""What is tried; of equally good ones the first counts as better."""

WITH_FEATURES = (
    Candidate("Regression", "Regression"),
    Candidate("LightGBM", "LightGBM", point_us=100.0, fit_ms=60.0),
    Candidate("ARIMA", "ARIMA", point_us=1_500.0, fit_ms=300.0),
)
"""What is tried of series with features besides, before those that take long."""

_UNTESTED = frozenset({"Drift", "SES"})  # halfway between trend and level


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast every row with the candidates that would have forecast its last steps best.

    1. Backtest: each candidate forecasts the last `horizon` steps from what came before, then the `horizon` steps
       before those, and so on, up to three times, as long as at least three observed values are left before and one is
       to be forecast. Its error is the mean absolute error, averaged over these folds.
    2. Of the best `combine` candidates those stay whose error is at most 1.5 times the least one.
    3. They are fitted again, to the whole history. The forecast is their mean, weighted by 1 / error.

    A candidate is out for a row if it fails in any fold: it raises, is not finite, or leaves the answer to another
    model. If it fails on the whole history, the next best stands in and the note says so. A row too short for a
    backtest gets the mean of Drift and SES, also noted. If all fail, the last observed value is repeated.

    `answered_by` lists the models of a row, best first. Missing values: as each candidate treats them; in a fold those
    to be forecast are not scored. Those that take long are left out of a row whose fits, by its length, would take
    longer than `budget_ms` together; the note names them.

    Intervals: s² is the mean square of the errors that the same mean made in the folds, and the quantiles are those of
    Student's t with as many degrees of freedom as there were folds, since the errors of one fold go together.
    """
    return _forecasts(batch, None, [batch.covariates])[0]


def forecast_again(batch: SeriesBatch, chosen: Sequence[str], others: Sequence[FloatArray]) -> list[Forecasts]:
    """The forecast of rows whose models were `chosen` before, and what it is with each of `others` as covariates.

    `chosen` are the `answered_by` of that forecast, row by row: the models that lost are not tried again, and it is the
    same. `others` differ in the steps to be forecast alone, so what was chosen, and by which weights, is one for all.
    """
    return _forecasts(batch, chosen, [batch.covariates, *others])


def _forecasts(
    batch: SeriesBatch, chosen: Sequence[str] | None, covariates: Sequence[FloatArray | None]
) -> list[Forecasts]:
    """One for each of the covariates; without `chosen` all models are candidates that the budget allows."""
    history, exponents = scaled_rows(batch.history)
    scaled = SeriesBatch(
        history,
        batch.horizon,
        batch.config,
        season_length=batch.season_length,
        covariates=batch.covariates,
        freq=batch.freq,
    )
    candidates = CANDIDATES if batch.covariates is None else WITH_FEATURES + CANDIDATES
    allowed = _allowed(scaled, candidates) if chosen is None else _those(chosen, candidates)
    with np.errstate(all="ignore"):
        errors, folds = _backtest(scaled, candidates, allowed)
        untested: NDArray[np.bool_] = np.count_nonzero(np.isfinite(errors), axis=1) == 0
        errors[untested] = [1.0 if one.label in _UNTESTED else np.inf for one in candidates]
        notes = [["too short for a backtest, so no model was chosen by one"] if row else [] for row in untested]
        for row in np.flatnonzero(~allowed.all(axis=1)).tolist() if chosen is None else ():
            left_out = ", ".join(one.label for one, can in zip(candidates, allowed[row], strict=True) if not can)
            notes[row].append(
                f"chosen without {left_out}, which would take longer than budget_ms: raise it to try them"
            )
    made, first = [], _Part.of(scaled)
    for some in covariates:
        whole = first if some is batch.covariates else _Part.of(replace(scaled, covariates=some)).beside(first)
        more = [list(lines) for lines in notes]
        made.append(_of_chosen(whole, batch.history, exponents, candidates, errors.copy(), folds, more))
    return made


def _of_chosen(
    whole: "_Part",
    history: FloatArray,
    exponents: NDArray[np.int32],
    candidates: Sequence[Candidate],
    errors: FloatArray,
    folds: Sequence["_Fold"],
    notes: list[list[str]],
) -> Forecasts:
    """The mean of the best candidates, by their errors in the folds; `history` is as it came, before it was scaled."""
    with np.errstate(all="ignore"):
        weights, means = _refitted(whole, candidates, errors, notes)
        scaled_mean = _weighted(means, weights)
        mean = unscaled(scaled_mean, exponents)
        quantiles = {
            level: unscaled(values, exponents) for level, values in _quantiles(scaled_mean, weights, folds).items()
        }
    answered_by = [_names(candidates, row, error) for row, error in zip(weights, errors, strict=True)]
    for row in np.flatnonzero(~np.isfinite(mean).all(axis=1)).tolist():
        observed = history[row][~np.isnan(history[row])]
        mean[row], answered_by[row] = observed[-1], "SeasonalNaive"  # with a season of one step
        notes[row].append("no model could be fitted, so the last value is repeated")
    return Forecasts(mean, quantiles, answered_by=answered_by, notes=["; ".join(lines) for lines in notes])


def _allowed(batch: SeriesBatch, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Which candidates [N, K] the budget of each row has room for, one after the other."""
    steps = batch.history.shape[1] - np.argmax(~np.isnan(batch.history), axis=1)
    left = np.full(len(steps), 1000.0 * float(batch.config["budget_ms"]))
    allowed = np.ones((len(steps), len(candidates)), dtype=np.bool_)
    for place, candidate in enumerate(candidates):
        if candidate.point_us:
            costs = (candidate.point_us * steps + 1000.0 * candidate.fit_ms) * (_FOLDS + 1)
            allowed[:, place] = costs <= left
            left -= np.where(allowed[:, place], costs, 0.0)
    return allowed


def _those(chosen: Sequence[str], candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Which candidates [N, K] the names of each row's models are of."""
    names = [set(text.split(_AND)) for text in chosen]
    return np.array([[one.label in some for one in candidates] for some in names], dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """What the candidates forecast in a fold, [n, K, horizon], and what came, [n, horizon], of some rows."""

    rows: NDArray[np.intp]
    made: FloatArray
    actual: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Series to be forecast, and beside those with features what these add to each step; None where there are none.

    `known` has what was forecast of the rest, by label and rows: it is the same whatever the features will be.
    """

    series: SeriesBatch
    adjusted: SeriesBatch
    added: FloatArray | None
    known: dict[tuple[str, bytes], FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, series: SeriesBatch) -> "_Part":
        """Find out what the features add."""
        if series.covariates is None:
            return cls(series, series, None)
        effects = feature_effects(series)
        steps = series.history.shape[1]
        return cls(series, replace(series, history=series.history - effects[:, :steps]), effects[:, steps:])

    def forecast(self, candidate: Candidate, rows: NDArray[np.intp]) -> FloatArray:
        """The candidate's forecast of these rows."""
        if self.added is None or model_spec(candidate.model).covariates:
            return _forecast(candidate, chosen_rows(self.series, rows))
        key = candidate.label, rows.tobytes()
        if key not in self.known:
            self.known[key] = _forecast(candidate, chosen_rows(self.adjusted, rows))
        return self.known[key] + self.added[rows]

    def beside(self, other: "_Part") -> "_Part":
        """The same, which knows what was forecast of another part with the same rest."""
        alike = np.array_equal(self.adjusted.history, other.adjusted.history, equal_nan=True)
        return replace(self, known=other.known) if alike else self


def _quantiles(mean: FloatArray, weights: FloatArray, folds: Sequence[_Fold]) -> dict[str, FloatArray]:
    """Those of a row that had no fold are NaN."""
    squares, cells, tested = (np.zeros(len(mean)) for _ in range(3))
    for fold in folds:
        distances = fold.actual - _weighted(fold.made, weights[fold.rows])
        seen = ~np.isnan(fold.actual)
        squares[fold.rows] += column_sums(np.where(seen, distances * distances, 0.0).T)
        cells[fold.rows] += np.count_nonzero(seen, axis=1)
        tested[fold.rows] += 1
    deviation = np.sqrt(squares / cells)
    return {level: mean + (deviation * stdtrit(tested, float(level)))[:, np.newaxis] for level in STANDARD_NORMAL}


def _backtest(
    batch: SeriesBatch, candidates: Sequence[Candidate], allowed: NDArray[np.bool_]
) -> tuple[FloatArray, list[_Fold]]:
    """Mean absolute error of each candidate [N, K], averaged over the folds; infinite where it is out of the race."""
    series, steps = batch.history.shape
    total, folds = np.zeros((series, len(candidates))), np.zeros((series, 1))
    kept: list[_Fold] = []
    for fold in range(1, _FOLDS + 1):
        end = steps - fold * batch.horizon
        if end < _FEWEST_OBSERVED:
            break
        past, actual = batch.history[:, :end], batch.history[:, end : end + batch.horizon]
        enough = np.count_nonzero(~np.isnan(past), axis=1) >= _FEWEST_OBSERVED
        rows = np.flatnonzero(enough & ~np.isnan(actual).all(axis=1))
        covariates = None if batch.covariates is None else batch.covariates[:, : end + batch.horizon]
        part = _Part.of(replace(batch, history=past, covariates=covariates))
        made = np.full((len(rows), len(candidates), batch.horizon), np.nan)
        for place, candidate in enumerate(candidates):
            tried = np.flatnonzero(allowed[rows, place])
            made[tried, place] = part.forecast(candidate, rows[tried])
            total[rows, place] += _errors(made[:, place], actual[rows])
        folds[rows] += 1
        kept.append(_Fold(rows, made, actual[rows]))
    errors = np.where(np.isfinite(total) & (folds > 0), np.maximum(total / folds, _SAME_ERROR), np.inf)
    return errors, kept


def _errors(forecasts: FloatArray, actual: FloatArray) -> FloatArray:
    """Mean absolute error of each row over the observed values; NaN where there is no forecast."""
    seen = ~np.isnan(actual)
    distances = np.where(seen, np.abs(actual - forecasts), 0.0)
    sums: FloatArray = column_sums(distances.T) / np.count_nonzero(seen, axis=1)
    return np.where(np.isnan(forecasts).any(axis=1), np.nan, sums)


def _refitted(
    whole: _Part, candidates: Sequence[Candidate], errors: FloatArray, notes: list[list[str]]
) -> tuple[FloatArray, FloatArray]:
    """Weights [N, K] and forecasts from the whole history [N, K, horizon], fitted only where a weight is not 0.

    Where a candidate fails, its error becomes infinite and the row is chosen for again.
    """
    most = int(whole.series.config["combine"])
    fitted = np.zeros(errors.shape, dtype=np.bool_)
    means = np.zeros((*errors.shape, whole.series.horizon))
    weights = _weights(errors, most)
    while (wanted := (weights > 0) & ~fitted).any():
        for place, candidate in enumerate(candidates):
            rows = np.flatnonzero(wanted[:, place])
            if not rows.size:
                continue
            made = whole.forecast(candidate, rows)
            failed = rows[np.isnan(made).any(axis=1)]
            errors[failed, place] = np.inf
            for row in failed.tolist():
                notes[row].append(f"{candidate.label} could not be fitted to the whole history")
            means[rows, place] = made
        fitted |= wanted
        weights = _weights(errors, most)
    return weights, means


def _weights(errors: FloatArray, most: int) -> FloatArray:
    """The weights [N, K], not yet divided by their sum; 0 for a candidate that is not chosen."""
    order = np.argsort(errors, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    best = errors.min(axis=1, keepdims=True)
    chosen = (rank < most) & (errors <= _WORST_SHARE * best) & np.isfinite(errors)
    return np.where(chosen, best / errors, 0.0)


def _weighted(means: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean [N, horizon], added up in the order of the candidates; NaN without weights."""
    shares = weights / column_sums(weights.T)[:, np.newaxis]
    result = np.zeros((len(means), means.shape[2]))
    for place in range(weights.shape[1]):
        share = shares[:, place, np.newaxis]
        result += np.where(share == 0, 0.0, share * means[:, place])
    return result


def _names(candidates: Sequence[Candidate], weights: FloatArray, errors: FloatArray) -> str:
    order = np.argsort(errors, kind="stable").tolist()
    return _AND.join(candidates[place].label for place in order if weights[place] > 0)


def _forecast(candidate: Candidate, batch: SeriesBatch) -> FloatArray:
    """The candidate's forecast [N, horizon]; NaN in the rows where it has none of its own."""
    spec = model_spec(candidate.model)
    known = {parameter.name for parameter in spec.hyper_parameters}
    inherited = {name: value for name, value in batch.config.items() if name in known}
    part = replace(batch, config=spec.resolve({**inherited, **candidate.settings}))
    failed = np.full((len(batch.history), batch.horizon), np.nan)
    if not len(failed):
        return failed
    try:
        forecasts = spec.load()(part)
    except Exception:  # noqa: BLE001 - whatever a model raises, the others can still answer
        if len(failed) == 1:
            return failed
        rows = [_forecast(candidate, chosen_rows(batch, np.array([row]))) for row in range(len(failed))]
        return np.concatenate(rows)
    own: NDArray[np.bool_] = np.count_nonzero(np.isfinite(forecasts.mean), axis=1) == batch.horizon
    if forecasts.answered_by is not None:
        own &= np.array([name in {None, candidate.model} for name in forecasts.answered_by], dtype=np.bool_)
    return np.where(own[:, np.newaxis], forecasts.mean, np.nan)
