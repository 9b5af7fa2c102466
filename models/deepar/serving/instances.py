"""Time series as requests and training files say them: checked, and made into `Series` (contract D-010 … D-027)."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from models.deepar.config import DeepARConfig
from models.deepar.frequency import Frequency
from models.deepar.series import Series
from models.deepar.wording import kind_of, shown
from models.errors import RejectedInputError
from models.json_words import json_problem, without_mark

__all__ = ["InstanceError", "parse_instance", "parse_line", "read_training_data"]

_START: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?", re.ASCII)
_ZONED: Final = re.compile(_START.pattern + r"\s*(?:[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)", re.ASCII)
_END: Final = np.datetime64("9999-12-31T23:59", "m")  # the last year that a time can be written in
_LARGEST: Final = 1e37  # float32 ends at 3.4e38, and sums of values must stay below
_LARGEST_CODE: Final = 999_999  # where the data says how many there are; an embedding has a million rows at most


class InstanceError(RejectedInputError):
    """A time series that cannot be forecast or trained on; the text names the field, what was found and expected.

    `instance` is its place in the request, where it is one of several.
    """

    def __init__(self, field: str, message: str, instance: int | None = None) -> None:
        super().__init__(field, message)
        self.instance = instance


def parse_instance(fields: object, config: DeepARConfig, *, training: bool = False, lenient: bool = False) -> Series:
    """The series of an instance for a model of this configuration; InstanceError.

    For a forecast each row of `dynamic_feat` is prediction_length longer than the target, for training as long. How
    many there are is not checked where `config` leaves it to the data (cardinality or num_dynamic_feat None). What the
    model has no use for is refused in a request and left out in training; a `cat` is left out if `lenient`, too.
    """
    if not isinstance(fields, Mapping):
        raise InstanceError("instance", f"it is {kind_of(fields)}, expected an object with start and target")
    given = _start(fields.get("start"))
    start = config.frequency.align(given)
    target = _target(fields.get("target"))
    extra = 0 if training else config.prediction_length
    _check_end(start, len(target) + extra, config.frequency)
    cat, features, item_id = fields.get("cat"), fields.get("dynamic_feat"), fields.get("item_id")
    if config.cardinality == () and (training or lenient):  # contract D-052, D-022
        cat = None
    if config.num_dynamic_feat == 0 and training:
        features = None
    return Series(
        start,
        target,
        _cat(cat, config.cardinality),
        _features(features, len(target), extra, config.num_dynamic_feat),
        item_id if isinstance(item_id, str) else "",
        given,
    )


def parse_body(body: bytes) -> dict[str, Any]:
    """The object that a request's body is; InstanceError where it is none."""
    text = without_mark(body)
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, text)
        raise InstanceError(
            "body", f"the body is not JSON: {problem.words}, at character {problem.character + 1}"
        ) from None
    if not isinstance(request, dict):
        raise InstanceError("body", 'the body is not an object: send {"instances": [...]}')
    return request


def parse_line(line: bytes) -> object:
    """The JSON value of a line; InstanceError where it is none."""
    text = without_mark(line)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, text)
        raise InstanceError("instance", f"not JSON: {problem.words}, at character {problem.character + 1}") from None


def read_training_data(lines: Iterable[bytes], config: DeepARConfig) -> tuple[list[Series], DeepARConfig]:
    """The series of a JSON Lines file, and the configuration with cardinality and num_dynamic_feat settled.

    Blank lines count as lines but hold nothing. InstanceError names the line, from 1.
    """
    series: list[Series] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = parse_instance(parse_line(line), config, training=True)
            if series:
                _check_alike(one, series[0])
        except InstanceError as error:
            raise InstanceError(error.field, f"line {number}: {error}") from None
        series.append(one)
    if not series:
        raise InstanceError("data", "the file has no series: expected one JSON object per line, with start and target")
    first = series[0]
    if config.cardinality is None:
        width = range(len(first.cat))
        config = replace(config, cardinality=tuple(1 + max(one.cat[place] for one in series) for place in width))
    if config.num_dynamic_feat is None:
        config = replace(config, num_dynamic_feat=0 if first.feat is None else len(first.feat))
    return series, config


def _check_alike(one: Series, first: Series) -> None:
    """Where the data says how many categories and features there are, all lines have to say the same."""
    if len(one.cat) != len(first.cat):
        raise InstanceError("cat", f"cat has {len(one.cat)} values, expected {len(first.cat)} as in the first series")
    found, expected = (0 if some.feat is None else len(some.feat) for some in (one, first))
    if found != expected:
        raise InstanceError(
            "dynamic_feat", f"dynamic_feat has {found} series, expected {expected} as in the first series"
        )


def _start(value: object) -> np.datetime64:
    if not isinstance(value, str):
        what = "missing" if value is None else kind_of(value)
        raise InstanceError("start", f"start is {what}, expected a text such as 2024-01-31 00:00:00")
    match = _START.fullmatch(value.strip())
    if match is None:
        if _ZONED.fullmatch(value.strip()):
            raise InstanceError("start", f"start {shown(value)} has a time zone: leave it out, times have none here")
        raise InstanceError("start", f"start is {shown(value)}, expected YYYY-MM-DD HH:MM:SS or YYYY-MM-DD")
    try:
        if match[1] == "0000":
            raise ValueError
        day = f"{match[1]}-{match[2]}-{match[3]}"
        return np.datetime64(f"{day}T{match[4] or '00'}:{match[5] or '00'}:{match[6] or '00'}")
    except ValueError:
        raise InstanceError("start", f"start {shown(value)} is no date and time of the calendar") from None


def _check_end(start: np.datetime64, steps: int, frequency: Frequency) -> None:
    last = int(frequency.count(start)) + (steps - 1) * frequency.step
    if last > int(frequency.count(_END)):
        raise InstanceError("start", "the series or its forecast ends after the year 9999: correct start")


def _target(value: object) -> NDArray[np.float32]:
    if not isinstance(value, list | tuple):
        what = "missing" if value is None else kind_of(value)
        raise InstanceError("target", f'target is {what}, expected an array of numbers, "NaN" or null')
    numbers = _plain_numbers(value)
    if numbers is None:
        numbers = np.array([_number(item, place) for place, item in enumerate(value)], np.float64)
    wrong = np.abs(numbers) > _LARGEST  # false for NaN
    if wrong.any():
        place = int(np.argmax(wrong))
        raise InstanceError(
            "target", f"target[{place}] is {shown(value[place])}, expected a number between -1e37 and 1e37"
        )
    return numbers.astype(np.float32)


def _plain_numbers(values: Sequence[object]) -> NDArray[np.float64] | None:
    """All at once, four times as quick as one by one; None where one of them is wrong."""
    kinds = set(map(type, values))
    if str in kinds and all(map(_is_nan, {item for item in values if isinstance(item, str)})):
        values = [None if type(item) is str else item for item in values]
        kinds.remove(str)
    if not kinds <= {int, float, type(None)}:
        return None
    try:
        return np.array(values, np.float64)  # None becomes NaN
    except OverflowError:  # an integer of hundreds of digits
        return None


def _is_nan(text: str) -> bool:
    return text.strip().lower() == "nan"


def _number(value: object, place: int) -> float:
    if value is None or (isinstance(value, str) and _is_nan(value)):
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise InstanceError("target", f'target[{place}] is {shown(value)}, expected a number, "NaN" or null')


def _cat(value: object, cardinality: Sequence[int] | None) -> tuple[int, ...]:
    if cardinality is not None and not cardinality:
        if value is None:
            return ()
        raise InstanceError("cat", "cat is given, but the model was trained without categories: leave cat out")
    if value is None:
        if cardinality is None:
            return ()
        raise InstanceError(
            "cat", f"cat is missing, expected {len(cardinality)} values: the model has as many categories"
        )
    if not isinstance(value, list | tuple):
        raise InstanceError("cat", f"cat is {kind_of(value)}, expected an array of whole numbers")
    for place, code in enumerate(value):
        _check_code(code, place, cardinality)
    if cardinality is not None and len(value) != len(cardinality):
        raise InstanceError("cat", f"cat has {len(value)} values, expected {len(cardinality)}")
    return tuple(value)


def _check_code(code: object, place: int, cardinality: Sequence[int] | None) -> None:
    most = _LARGEST_CODE
    if cardinality is not None and place < len(cardinality):
        most = cardinality[place] - 1
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= most:
        raise InstanceError("cat", f"cat[{place}] is {shown(code)}, expected a whole number from 0 to {most}")


def _features(value: object, length: int, extra: int, expected: int | None) -> NDArray[np.float32] | None:
    if expected == 0:
        if value is None:
            return None
        raise InstanceError(
            "dynamic_feat", "dynamic_feat is given, but the model was trained without feature series: leave it out"
        )
    if value is None:
        if expected is None:
            return None
        raise InstanceError(
            "dynamic_feat", f"dynamic_feat is missing, expected {expected} series: the model has as many"
        )
    if not isinstance(value, list | tuple):
        raise InstanceError("dynamic_feat", f"dynamic_feat is {kind_of(value)}, expected an array of arrays of numbers")
    if expected is not None and len(value) != expected:
        raise InstanceError("dynamic_feat", f"dynamic_feat has {len(value)} series, expected {expected}")
    rows = [_feature(row, place, length, extra) for place, row in enumerate(value)]
    return np.stack(rows) if rows else None


def _feature(row: object, place: int, length: int, extra: int) -> NDArray[np.float32]:
    if not isinstance(row, list | tuple):
        raise InstanceError("dynamic_feat", f"dynamic_feat[{place}] is {kind_of(row)}, expected an array of numbers")
    if len(row) != length + extra:
        of = f"{length} target + {extra} prediction_length" if extra else "as many as target"
        raise InstanceError(
            "dynamic_feat", f"dynamic_feat[{place}]: expected {length + extra} values ({of}), found {len(row)}"
        )
    if not set(map(type, row)) <= {int, float}:
        at, wrong = next((at, item) for at, item in enumerate(row) if type(item) not in (int, float))
        raise InstanceError("dynamic_feat", f"dynamic_feat[{place}][{at}] is {shown(wrong)}, expected a number")
    try:
        numbers = np.array(row, np.float64)
        if np.isfinite(numbers).all() and (np.abs(numbers) <= _LARGEST).all():
            return numbers.astype(np.float32)
    except OverflowError:
        pass
    raise InstanceError("dynamic_feat", f"dynamic_feat[{place}] has values beyond 1e37 or not finite")
