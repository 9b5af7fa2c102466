"""Requests in, answers out: many series forecast and scored together, each answer as if it had been alone.

Series that ask for the same thing are laid side by side in one matrix and handed to the model at once. What is
wrong with a series becomes the error of its own answer.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from models.answers import INFINITE, NOTHING_OBSERVED, SeriesAnswer, answers_of, failure, raised
from models.arrays.columns import FloatArray
from models.arrays.filling import with_zeros
from models.catalog import model_spec
from models.errors import RejectedInputError
from models.forecasts import SeriesBatch
from models.holdout import TunedBatch, chosen_rows, forecast_with_hold_out
from models.hyper_parameters import ConfigValue
from models.model_spec import ModelSpec
from models.options import PLAIN, Options
from models.scores.names import metric_names
from models.tuning.search import Search, tune
from models.tuning.tuned_model import tuned_model

__all__ = ["SeriesAnswer", "SeriesError", "SeriesRequest", "forecast_batch", "right_aligned"]

# Series are padded to the longest of their matrix. Lengths of one matrix share their number of binary digits, so
# padding never doubles the work; below 2**6 points a matrix of its own would cost more than the padding.
_FEWEST_LENGTH_BITS = 6

# Cells of one matrix (1 MiB): temporaries of this size are reused by the allocator and stay in the cache, and memory
# is bounded however many requests come. Far larger ones were several times as slow per cell.
_CELLS_PER_MATRIX = 2**17


class SeriesError(RejectedInputError):
    """A series, or what is asked of it, makes a forecast impossible."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRequest:
    """One series and what to do with it.

    `target` is one-dimensional, oldest first, evenly spaced, NaN = missing. `config` may leave hyper-parameters to
    their defaults. `refit` and the hold-out are explained at `models.holdout.forecast_with_hold_out`; `seed`,
    `season_length`, `allow_negative` and `covariates` [len(target) + prediction_length, F] at
    `models.forecasts.SeriesBatch`. With `search` the hyper-parameters in its space are tuned, see
    `models.tuning.search`, and `config` holds the others. `end`, `step_ms` and `freq` place it in time for a model that
    looks at the calendar: when the last value is, the distance of two, and the calendar's text. `options` are what any
    model can be asked for.
    """

    target: FloatArray
    model_name: str
    config: Mapping[str, ConfigValue]
    prediction_length: int
    refit: bool
    eval_metrics: tuple[str, ...]
    seed: int = 0
    season_length: int = 1
    covariates: FloatArray | None = None
    search: Search | None = None
    end: int = 0
    step_ms: int = 0
    allow_negative: bool = False
    freq: str = ""
    options: Options = PLAIN


def forecast_batch(requests: Sequence[SeriesRequest]) -> list[SeriesAnswer]:
    """Answer every request, in order. Never raises, and no answer depends on the other requests."""
    answers: dict[int, SeriesAnswer] = {}
    for places in _groups(requests):
        answers.update(zip(places, _answer([requests[place] for place in places]), strict=True))
    return [answers[place] for place in range(len(requests))]


def _groups(requests: Sequence[SeriesRequest]) -> Iterator[list[int]]:
    """Yield the places of requests that fit into one matrix."""
    groups: dict[tuple[int, Hashable], list[int]] = {}
    keys: dict[int, tuple[object, Hashable]] = {}  # by the object's id, which stays its own while the object is kept
    for place, request in enumerate(requests):
        try:
            bits = max(len(request.target).bit_length(), _FEWEST_LENGTH_BITS)
            settings = (
                request.model_name,
                request.prediction_length,
                request.refit,
                request.eval_metrics,
                request.season_length,
                request.step_ms,
                request.allow_negative,
                request.freq,
                None if request.options is PLAIN else request.options,  # to hash it takes as long as all others
                None if request.covariates is None else request.covariates.shape[1:],
            )
            config, search = request.config, request.search
            known = keys.get(id(config))
            if known is None:
                # The types belong to the key, because 1 == True == 1.0 but a bool is refused.
                known = keys[id(config)] = (config, (tuple(config.items()), tuple(map(type, config.values()))))
            searched = None
            if search is not None:
                if id(search) not in keys:
                    keys[id(search)] = (search, repr(search))  # as above: repr tells the types apart
                searched = keys[id(search)][1]
            groups.setdefault((bits, (settings, known[1], searched)), []).append(place)
        except (AttributeError, TypeError):  # not what it should be: let it fail on its own
            yield [place]
    for (bits, _), places in groups.items():
        size = max(1, _CELLS_PER_MATRIX >> bits)
        for first in range(0, len(places), size):
            yield places[first : first + size]


def _answer(requests: list[SeriesRequest]) -> list[SeriesAnswer]:
    """Answer requests that agree in all but their target; if that fails, each on its own."""
    try:
        return _answer_together(requests)
    except Exception as error:  # noqa: BLE001 - the room's edge: one series must not take the others down
        if len(requests) == 1:
            return [raised(error, requests[0].model_name)]
    return [answer for request in requests for answer in _answer([request])]


def _answer_together(requests: list[SeriesRequest]) -> list[SeriesAnswer]:
    first = requests[0]
    spec = model_spec(first.model_name)
    config = spec.resolve(first.config)
    metrics = metric_names(first.eval_metrics)
    length = first.prediction_length
    if isinstance(length, bool) or not isinstance(length, Integral) or length < 1:
        message = f"prediction_length must be a whole number of at least 1, not {length!r}"
        raise SeriesError("prediction_length", message)

    history = with_zeros(right_aligned([request.target for request in requests]), first.options.fill)
    observed = ~np.isnan(history).all(axis=1)
    infinite = np.isinf(history).any(axis=1)
    usable = observed & ~infinite
    answers: Iterator[SeriesAnswer] = iter(())
    if usable.any():
        batch = SeriesBatch(
            history=history if usable.all() else history[usable],
            horizon=int(length),
            config=config,
            season_length=first.season_length,
            seeds=np.array([request.seed for request in requests], dtype=np.uint64)[usable],
            covariates=None if first.covariates is None else _covariates(requests, history.shape[1])[usable],
            ends=np.array([request.end for request in requests], dtype=np.int64)[usable],
            step_ms=first.step_ms,
            allow_negative=bool(first.allow_negative),
            freq=first.freq,
            options=first.options,
        )
        if first.search is None:
            result = forecast_with_hold_out(batch, spec.load(), refit=bool(first.refit), metrics=metrics)
            answers = answers_of(result, config, refit=bool(first.refit), model_name=spec.name)
        else:
            answers = _tuned(batch, spec, first, first.search, metrics)
    return [
        failure(INFINITE) if is_infinite else next(answers) if is_observed else failure(NOTHING_OBSERVED)
        for is_observed, is_infinite in zip(observed.tolist(), infinite.tolist(), strict=True)
    ]


def _tuned(
    batch: SeriesBatch, spec: ModelSpec, request: SeriesRequest, search: Search, metrics: tuple[str, ...]
) -> Iterator[SeriesAnswer]:
    """Yield the answers of series that ask for the same search, each with the configuration found for it."""
    refit = bool(request.refit)
    outcomes = tune(batch, spec, search, refit=refit)
    good = [row for row, outcome in enumerate(outcomes) if outcome.error is None]
    answers: Iterator[SeriesAnswer] = iter(())
    if good:
        part = batch if len(good) == len(outcomes) else chosen_rows(batch, np.array(good))
        tuned = TunedBatch.of(part, [outcomes[row].config for row in good])
        result = forecast_with_hold_out(tuned, tuned_model(spec), refit=refit, metrics=metrics)
        answers = answers_of(result, None, refit=refit, model_name=spec.name)
    for outcome in outcomes:
        if outcome.error is not None:
            yield raised(outcome.error, request.model_name)
            continue
        answer = next(answers)
        if answer.error is None:
            note = "; ".join(part for part in (outcome.note, answer.note) if part)
            answer = replace(answer, config=outcome.config, trials=outcome.trials, note=note)
        yield answer


def right_aligned(targets: list[FloatArray]) -> FloatArray:
    """Lay the targets side by side as rows that end together, padded with NaN in front."""
    try:
        values = np.concatenate(targets, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SeriesError("target", _NOT_NUMBERS) from error
    if values.ndim != 1:
        raise SeriesError("target", _NOT_NUMBERS)
    lengths = [len(target) for target in targets]
    longest = max(lengths)
    if min(lengths) == longest:
        return values.reshape(len(targets), longest)
    history = np.full((len(targets), longest), np.nan)
    history[np.arange(longest) >= longest - np.array(lengths)[:, np.newaxis]] = values
    return history


def _covariates(requests: list[SeriesRequest], steps: int) -> FloatArray:
    """Lay covariates side by side as the targets are, padded with NaN in front: [N, steps + prediction_length, F]."""
    rows = []
    for request in requests:
        expected = len(request.target) + request.prediction_length
        if request.covariates is None or request.covariates.ndim != 2 or len(request.covariates) != expected:
            raise SeriesError("covariates", f"the covariates must have {expected} rows: history and future steps")
        padding = np.full((steps - len(request.target), request.covariates.shape[1]), np.nan)
        rows.append(np.concatenate([padding, request.covariates]))
    return np.stack(rows)


_NOT_NUMBERS = "the series must be a one-dimensional list of numbers; leave out or mark as missing what is not a number"
