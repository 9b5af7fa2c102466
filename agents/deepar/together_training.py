"""Trains one model on all series of a forecasting job: in a process of its own, for it loads TensorFlow."""

import ast
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

import numpy as np
import tensorflow as tf

from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError
from agents.deepar.together_calls import Loss, SeriesForecast, TogetherRun
from connectors.datasets.splits import Split, StoredSplitError, load_split
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.answers import failure
from models.arrays.filling import with_zeros
from models.calendars.calendar import calendar_of
from models.calendars.search import usual_step
from models.deepar.jobs.grid import History
from models.deepar.jobs.together import Asked, forecast_together
from models.deepar.learning.training import Progress, TrainingStoppedError
from streams.forecasting.calendars import JobCalendars

__all__ = ["categories", "train_together"]

_GONE: Final = "the series of the job are gone: it has been deleted or given other columns"
_UNKNOWN: Final = "the job has no such series"


def train_together(run: TogetherRun, report: Callable[[object], None]) -> list[SeriesForecast] | Refused:
    """The forecasts, in the order of the places, or why there are none. Reports the Loss of each epoch.

    It ends when the job is deleted. OutOfMemoryError, StoreUnavailableError.
    """
    try:
        return _trained(run, report)
    except (ObjectNotFoundError, TrainingStoppedError):
        return Refused(_GONE)
    except StoredSplitError as error:
        return Refused(str(error))
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemoryError(type(error).__name__) from error


def _trained(run: TogetherRun, report: Callable[[object], None]) -> list[SeriesForecast]:
    store = _opened(run.store_url)
    split = _of_store(load_split, store, run.split, JobCalendars().arrange)
    numbers = count(1)

    def told(progress: Progress) -> None:
        if not _of_store(store.exists, run.split):
            raise TrainingStoppedError
        report(Loss(next(numbers), progress.loss, progress.validation_loss))

    asked = Asked(
        run.config,
        run.next_k_prediction,
        run.refit,
        run.eval_metrics,
        run.seed,
        run.allow_negative,
        run.options,
    )
    known = [place for place in run.places if place < len(split)]
    forecasts = iter(forecast_together(_series(split, run.options.fill), known, asked, told))
    unknown = SeriesForecast(failure(_UNKNOWN), "", 1, ())
    found = []
    for place in run.places:
        if place >= len(split):
            found.append(unknown)
            continue
        forecast = next(forecasts)
        found.append(
            SeriesForecast(
                forecast.answer,
                split.groupby_val[place],
                forecast.step,
                forecast.times,
                forecast.freq,
                split.groupby_key,
            )
        )
    return found


def _series(split: Split, fill: str) -> list[tuple[History, tuple[int, ...]]]:
    parts = map(split.series, range(len(split)))
    histories = [
        History(
            with_zeros(one.target[np.newaxis], fill)[0],
            one.times // 1000,
            max(1, usual_step(one.times) // 1000),
            calendar_of(one.calendar),
        )
        for one in parts
    ]
    return list(zip(histories, categories(split.groupby_val), strict=True))


def categories(groups: Sequence[str]) -> list[tuple[int, ...]]:
    """A code for each group-by column of each series, in order of first appearance (D-073); none where it is alone.

    `groups` are tuples in Python's notation; where one is not, or of another length, each text is a value as it stands.
    """
    if len(groups) < 2:
        return [()] * len(groups)
    try:
        rows: list[tuple[object, ...]] = [_values(text) for text in groups]
        if len({len(row) for row in rows}) > 1:
            raise ValueError
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that `ast` raises
        rows = [(text,) for text in groups]
    known: list[dict[object, int]] = [{} for _ in rows[0]]
    return [tuple(codes.setdefault(value, len(codes)) for codes, value in zip(known, row, strict=True)) for row in rows]


def _values(text: str) -> tuple[object, ...]:
    values = ast.literal_eval(text)
    if not isinstance(values, tuple):
        raise TypeError
    hash(values)  # TypeError where one of them cannot be counted
    return values


def _opened(url: str) -> ObjectStore:
    return _of_store(ObjectStore, url)  # type: ignore[no-any-return]


def _of_store(read: Callable[..., Any], *arguments: object) -> Any:
    """Whatever the store's client raises is StoreUnavailableError; what is wrong with the split is not."""
    try:
        return read(*arguments)
    except (ObjectNotFoundError, StoredSplitError, MemoryError):
        raise
    except Exception as error:
        raise StoreUnavailableError(f"the object store cannot be used: {type(error).__name__}: {error}") from error
