"""Calls of an endpoint in, forecasts out: many calls are checked each on its own and forecast together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.deepar.calendars import calendar_at, on_calendar
from models.deepar.config import DeepARConfig
from models.deepar.series import Series
from models.deepar.serving.inference_config import ConfigurationError, InferenceConfiguration
from models.deepar.serving.instances import InstanceError
from models.deepar.serving.pace import pace_of, work_of
from models.deepar.serving.requests import Call, CrowdedError, ParsedCall, TooLargeError, parse_call
from models.deepar.summaries import mean_of, quantiles_of

__all__ = ["Answer", "Call", "Predicted", "Refusal", "Refused", "answer"]

_MOST_DRAWN: Final = 8_000_000  # numbers of sample paths at once: 32 MB; more at once would not be quicker

Array = NDArray[np.float32]
Clock = Callable[[], float]


class _Model(Protocol):
    @property
    def config(self) -> DeepARConfig: ...
    def sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]: ...


class Refusal(Enum):
    """Of what kind a refusal is: what who asks can do about it."""

    INVALID = auto()
    """Correct the call."""
    TOO_LARGE = auto()
    """Ask for less."""
    CROWDED = auto()
    """Ask again later."""
    FAILED = auto()
    """Nothing: the fault is not the call's."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no forecast; `text` says why to who asks, `detail` to the service's log and to nobody else.

    `instance` is the place of the time series that is to blame, where it is one of them.
    """

    kind: Refusal
    text: str
    instance: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The forecasts of a call's series in their order, each with what was asked for.

    That is "mean" [steps], "samples" [num_samples, steps], and "quantiles", a mapping of the levels as they were asked
    for to [steps]. `timestamps` are the steps of an ``instance`` in epoch milliseconds, the last one of
    its history before them; None for the other forms.
    """

    predictions: list[dict[str, Any]]
    ignored_cat: bool = False
    timestamps: list[int] | None = None


Answer = Predicted | Refused


def answer(predictor: _Model, calls: Sequence[Call], *, clock: Clock) -> list[Answer]:
    """An answer to each call, in order. Never raises, and no answer depends on the other calls.

    `clock`, in seconds, tells how long forecasts take, by which later calls are judged.
    """
    answers: dict[int, Answer] = {}
    parsed: dict[int, ParsedCall] = {}
    for place, call in enumerate(calls):
        try:
            parsed[place] = parse_call(predictor.config, call)
        except InstanceError as error:
            answers[place] = Refused(Refusal.INVALID, str(error), error.instance)
        except ConfigurationError as error:
            answers[place] = Refused(Refusal.INVALID, str(error))
        except TooLargeError as error:
            answers[place] = Refused(Refusal.TOO_LARGE, str(error))
        except CrowdedError as error:
            answers[place] = Refused(Refusal.CROWDED, str(error))
        except Exception as error:  # noqa: BLE001 - the room's edge: a call must not take the others down
            answers[place] = _failed(error)
    try:
        answers |= _forecast(predictor, parsed, clock)
    except Exception:  # noqa: BLE001 - likewise
        for place, one in parsed.items():
            try:
                answers |= _forecast(predictor, {place: one}, clock)
            except Exception as error:  # noqa: BLE001 - likewise
                answers[place] = _failed(error)
    return [answers[place] for place in range(len(calls))]


def _forecast(predictor: _Model, parsed: Mapping[int, ParsedCall], clock: Clock) -> dict[int, Answer]:
    """Draw for all calls with the same number of sample paths together, and answer."""
    config = predictor.config
    predictions: dict[int, list[dict[str, Any]]] = {place: [] for place in parsed}
    for num_samples in dict.fromkeys(one.asked.num_samples for one in parsed.values()):
        wanted = [
            (place, series, seed)
            for place, one in parsed.items()
            if one.asked.num_samples == num_samples
            for series, seed in zip(one.series, _seeds(one), strict=True)
        ]
        together = max(1, _MOST_DRAWN // (num_samples * config.prediction_length))
        for first in range(0, len(wanted), together):
            places, series, seeds = zip(*wanted[first : first + together], strict=True)
            begun = clock()
            drawn = predictor.sample(series, num_samples, seeds)
            pace_of(config).note(len(series) * work_of(config, num_samples), clock() - begun)
            for place, samples in zip(places, drawn, strict=True):
                predictions[place].append(_prediction(samples, parsed[place].asked))
    return {
        place: Predicted(predictions[place], ignored_cat=one.ignored_cat, timestamps=_timestamps(config, one))
        for place, one in parsed.items()
    }


def _seeds(parsed: ParsedCall) -> list[int]:
    """A stream of its own for each instance: repeatable where a seed is given, fresh where not."""
    sequence = np.random.SeedSequence(parsed.asked.seed)  # its first words do not depend on how many are asked for
    states: list[int] = sequence.generate_state(len(parsed.series), np.uint64).tolist()
    return states


def _timestamps(config: DeepARConfig, parsed: ParsedCall) -> list[int] | None:
    """They go on from the start that was given: on its weekday, day of the month and time of day (decision 16)."""
    if parsed.call.form != "instance":
        return None
    (series,) = parsed.series
    given = series.start if series.given is None else series.given
    begin = on_calendar(config.frequency, int(given.astype("M8[us]").astype(np.int64)))
    times = calendar_at(config.frequency, begin).times(
        begin, 1 + config.prediction_length, first=len(series.target) - 1
    )
    found: list[int] = (times // 1000).tolist()
    return found


def _prediction(samples: Array, asked: InferenceConfiguration) -> dict[str, Any]:
    """What is asked for, all of it from the same sample paths (contract D-036)."""
    prediction: dict[str, Any] = {}
    if "quantiles" in asked.output_types:
        prediction["quantiles"] = dict(zip(asked.quantiles, quantiles_of(samples, asked.levels), strict=True))
    if "samples" in asked.output_types:
        prediction["samples"] = np.ascontiguousarray(samples)
    if "mean" in asked.output_types:
        prediction["mean"] = mean_of(samples)
    return prediction


def _failed(error: Exception) -> Refused:
    return Refused(
        Refusal.FAILED,
        "the model failed on this request; the service's log says why",
        detail=f"{type(error).__name__}: {error}",
    )
