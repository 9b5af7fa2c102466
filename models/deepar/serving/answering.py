"""Calls of an endpoint in, replies out: many calls are checked each on its own and forecast together.

Answers are those of contract 001: `{"predictions": […]}` for JSON, one prediction per line for JSON Lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final, Literal, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from models.deepar.config import DeepARConfig
from models.deepar.series import Series
from models.deepar.serving.inference_config import (
    ConfigurationError,
    InferenceConfiguration,
    parse_configuration,
    parse_text,
)
from models.deepar.serving.instances import InstanceError, parse_instance, parse_line
from models.deepar.serving.pace import pace_of, work_of
from models.deepar.serving.wording import check_names
from models.deepar.summaries import mean_of, quantiles_of
from models.errors import RejectedInputError
from models.json_words import json_problem

__all__ = ["Call", "Prediction", "Reply", "answer"]

_JSON: Final = "application/json"
_JSON_LINES: Final = "application/jsonlines"
_IGNORED_CAT: Final = {"x-tidecast-warning": "cat was ignored: the model was trained without categories"}
_FIELDS: Final = frozenset(("start", "target", "cat", "dynamic_feat", "item_id"))
_MOST_DRAWN: Final = 8_000_000  # numbers of sample paths at once: 32 MB; more at once would not be quicker

Array = NDArray[np.float32]


class _Model(Protocol):
    @property
    def config(self) -> DeepARConfig: ...
    def sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    `content` is its body, or for the form ``instance`` a mapping of an instance's fields, which has the configuration
    under the key ``configuration``. `defaults` is the endpoint's DEEPAR_INFERENCE_CONFIG. `lenient` ignores a `cat`
    that the model has no use for. Of `limit_s`, the time that a request may take, `time_left_s` is left; what is not
    left was spent on waiting for others.
    """

    content: bytes | Mapping[str, Any]
    form: Literal["json", "jsonlines", "instance"] = "json"
    defaults: str | None = None
    lenient: bool = False
    max_samples: int = 10_000
    time_left_s: float = 60.0
    limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The forecast of one instance as plain numbers; `timestamps` are those of its steps in epoch milliseconds."""

    timestamps: list[int]
    mean: list[float] | None
    quantiles: dict[str, list[float]] | None
    samples: list[list[float]] | None


@dataclass(frozen=True, slots=True)
class Reply:
    """HTTP status and body; for the form ``instance`` the prediction, or in `error` a text for the user.

    `detail` is for the log of the service and for nobody else.
    """

    status: int
    content: bytes = b""
    media_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    prediction: Prediction | None = None
    error: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A call that can be answered."""

    call: Call
    series: list[Series]
    asked: InferenceConfiguration
    headers: Mapping[str, str]


class _TooLargeError(Exception):
    """The estimate exceeds the time that there would be if nobody else asked."""


class _CrowdedError(Exception):
    """The estimate exceeds the time that others have left."""


def answer(predictor: _Model, calls: Sequence[Call]) -> list[Reply]:
    """A reply to each call, in order. Never raises, and no reply depends on the other calls."""
    replies: dict[int, Reply] = {}
    parsed: dict[int, _Parsed] = {}
    for place, call in enumerate(calls):
        try:
            parsed[place] = _parsed(predictor.config, call)
        except InstanceError as error:
            replies[place] = _refused(call, 400, "ValidationError", str(error), error.instance)
        except ConfigurationError as error:
            replies[place] = _refused(call, 400, "ValidationError", str(error))
        except _TooLargeError as error:
            replies[place] = _refused(call, 413, "TooLargeError", str(error))
        except _CrowdedError as error:
            replies[place] = _refused(call, 504, "TimeoutError", str(error))
        except Exception as error:  # noqa: BLE001 - the room's edge: a call must not take the others down
            replies[place] = _failed(call, error)
    try:
        replies |= _forecast(predictor, parsed)
    except Exception:  # noqa: BLE001 - likewise
        for place, one in parsed.items():
            try:
                replies |= _forecast(predictor, {place: one})
            except Exception as error:  # noqa: BLE001 - likewise
                replies[place] = _failed(one.call, error)
    return [replies[place] for place in range(len(calls))]


def _forecast(predictor: _Model, parsed: Mapping[int, _Parsed]) -> dict[int, Reply]:
    """Draw for all calls with the same number of sample paths together, and reply."""
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
            begun = perf_counter()
            drawn = predictor.sample(series, num_samples, seeds)
            pace_of(config).note(len(series) * work_of(config, num_samples), perf_counter() - begun)
            for place, samples in zip(places, drawn, strict=True):
                predictions[place].append(_prediction(samples, parsed[place].asked))
    return {place: _reply(config, one, predictions[place]) for place, one in parsed.items()}


def _seeds(parsed: _Parsed) -> list[int]:
    """A stream of its own for each instance: repeatable where a seed is given, fresh where not."""
    sequence = np.random.SeedSequence(parsed.asked.seed)  # its first words do not depend on how many are asked for
    states: list[int] = sequence.generate_state(len(parsed.series), np.uint64).tolist()
    return states


def _parsed(config: DeepARConfig, call: Call) -> _Parsed:
    """The call, checked; the first wrong instance refuses it (contract D-081).

    What would take too long is refused before its series are looked at, which takes a while too (D-046).
    """
    asked = parse_text(call.defaults, max_samples=call.max_samples)
    series: list[Series] = []
    ignored = False
    if isinstance(call.content, Mapping):
        asked = parse_configuration(call.content.get("configuration"), asked, max_samples=call.max_samples)
        _check_time(config, call, 1, asked.num_samples)
        series.append(parse_instance(call.content, config, lenient=call.lenient))
    elif call.form == "jsonlines":
        lines = [(number, line) for number, line in enumerate(call.content.split(b"\n"), 1) if line.strip()]
        _check_time(config, call, len(lines), asked.num_samples)
        for place, (number, line) in enumerate(lines):
            try:
                fields = parse_line(line)
                _check_slips(fields)
                series.append(parse_instance(fields, config, lenient=call.lenient))
            except InstanceError as error:
                raise InstanceError(error.field, f"line {number}: {error}", place) from None
            ignored = ignored or _has_cat(fields)
        if not series:
            raise InstanceError("body", "the body has no lines: send one time series per line as JSON")
    else:
        instances, given = _request(call.content)
        asked = parse_configuration(given, asked, max_samples=call.max_samples)
        _check_time(config, call, len(instances), asked.num_samples)
        for place, fields in enumerate(instances):
            try:
                _check_slips(fields)
                series.append(parse_instance(fields, config, lenient=call.lenient))
            except InstanceError as error:
                raise InstanceError(error.field, str(error), place) from None
            ignored = ignored or _has_cat(fields)
    return _Parsed(call, series, asked, _IGNORED_CAT if ignored and not config.cardinality else {})


def _request(body: bytes) -> tuple[list[object], object]:
    """Instances and configuration of a JSON request."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InstanceError(
            "body", f"the body is not JSON: {json_problem(error)}, at character {error.pos + 1}"
        ) from None
    if not isinstance(request, dict):
        raise InstanceError("body", 'the body is not an object: send {"instances": [...]}')
    instances = request.get("instances")
    if not isinstance(instances, list) or not instances:
        what = "missing" if instances is None else "empty" if instances == [] else "not an array"
        raise InstanceError("instances", f"instances is {what}, expected an array of at least one time series")
    given = request.get("configuration")
    _check(request, ("instances", "configuration"))
    if isinstance(given, dict):
        _check(given, ("num_samples", "output_types", "quantiles", "seed"))
    return instances, given


def _check_slips(fields: object) -> None:
    """Refuse a name that is nearly one of an instance's: what it holds would be left out without a word."""
    if isinstance(fields, dict) and not fields.keys() <= _FIELDS:
        _check(fields, ("start", "target", "cat", "dynamic_feat"))


def _check(given: Mapping[str, Any], known: Sequence[str]) -> None:
    try:
        check_names(given, known)
    except RejectedInputError as error:
        raise InstanceError(error.field, error.message) from None


def _has_cat(fields: object) -> bool:
    return isinstance(fields, Mapping) and fields.get("cat") is not None


def _check_time(config: DeepARConfig, call: Call, series: int, num_samples: int) -> None:
    """Refuse what would not be ready in time, before any work is done, and say whose fault it is (contract D-046)."""
    pace, each = pace_of(config), work_of(config, num_samples)
    estimate = series * each * pace.seconds
    if estimate > call.time_left_s:
        pace.refuse()
        left = max(0.0, call.time_left_s)
        if call.limit_s is not None and estimate <= call.limit_s:
            raise _CrowdedError(
                f"the endpoint is crowded: this request waited {call.limit_s - left:.3g} s for others and would take "
                f"about {estimate:.3g} s more, but of {call.limit_s:g} s only {left:.3g} s are left: ask again later"
            )
        fitting = int(call.time_left_s / (each * pace.seconds))
        advice = f"send at most {fitting} series per request, several requests at a time, or " if fitting > 0 else ""
        raise _TooLargeError(
            f"{series} series with {num_samples} sample paths would take about {estimate:.3g} s, and "
            f"{left:.3g} s are left: {advice}ask for fewer num_samples"
        )


def _reply(config: DeepARConfig, parsed: _Parsed, predictions: list[dict[str, Any]]) -> Reply:
    call = parsed.call
    if call.form == "instance":
        return Reply(200, prediction=_plain(config, parsed.series[0], predictions[0]))
    if call.form == "jsonlines":
        lines = b"".join(_json(one) + b"\n" for one in predictions)
        return Reply(200, lines, _JSON_LINES, parsed.headers)
    return Reply(200, _json({"predictions": predictions}), _JSON, parsed.headers)


def _plain(config: DeepARConfig, series: Series, prediction: Mapping[str, Any]) -> Prediction:
    times = config.frequency.times(series.start, config.prediction_length, first=len(series.target))
    quantiles = prediction.get("quantiles")
    return Prediction(
        config.frequency.milliseconds(times),
        prediction["mean"].tolist() if "mean" in prediction else None,
        None if quantiles is None else {level: values.tolist() for level, values in quantiles.items()},
        prediction["samples"].tolist() if "samples" in prediction else None,
    )


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


def _json(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _refused(call: Call, status: int, code: str, message: str, instance: int | None = None) -> Reply:
    """The answer to a call that is wrong (contract D-081)."""
    if call.form == "instance":
        return Reply(status, error=message)
    body = {"code": code, "message": message} | ({} if instance is None else {"instance": instance})
    return Reply(status, _json(body))


def _failed(call: Call, error: Exception) -> Reply:
    message = "the model failed on this request; the service's log says why"
    reply = _refused(call, 500, "InternalError", message)
    return Reply(500, reply.content, error=reply.error, detail=f"{type(error).__name__}: {error}")
