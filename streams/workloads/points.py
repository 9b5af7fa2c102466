"""What a point of a metric may be, and how points are published: one way for POST, for adapters and for imports.

`checked(uid, rows)` makes points of JSON objects, `check_point` says what is wrong with one, `publish(runtime, points)`
ends when the broker has them. Points that come as events are checked by the same `check_point` before they are kept.
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from connectors.kafka.publisher import DeliveryError, Record
from schemas.coding.point_writer import PointBatch, encoded_points
from schemas.workloads import MetricPoint
from streams.access import names
from streams.checks import ID_LIMIT
from streams.codes.workloads import WorkloadsCode
from streams.errors import Code, InvalidError, UnavailableError
from streams.runtime import TrainerRuntime

__all__ = [
    "LATEST_MS",
    "LONGEST_NAME",
    "SOURCES",
    "WrongPointError",
    "check_point",
    "check_uid",
    "checked",
    "other_unit",
    "out_of_bounds",
    "publish",
]

SOURCES: Final = ("log", "wandb", "tensorflow")
"""Who may have delivered a point (M-007, M-063)."""
LONGEST_NAME: Final = 512  # characters: W&B flattens nested dictionaries into one key
LATEST_MS: Final = 253_402_300_799_999  # the end of the year 9999
_UID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_IN_SECONDS: Final = range(1_000_000_000, 10_000_000_000)  # epoch seconds of 2001 to 2286, by mistake
_FINER: Final = {"microseconds": 10**6, "nanoseconds": 10**9}
_OUR_TIMES: Final = range(1_000_000_000, 4_100_000_000)  # to 2099: what is later than all times is not meant as one
_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")  # as protobuf's JSON and MLflow's clients write them
_SLICE: Final = 2000  # points that are handed to the producer at once: some milliseconds
_FEW: Final = 200  # points: coding them takes less than the way to a thread and back
_SHOWN: Final = 60  # characters of what came that a message repeats
_FIELDS: Final = ("metric_name", "value", "timestamp", "iteration", "data_source")
_PLAIN_FIELDS: Final = itemgetter(*_FIELDS)
_NUMBERS: Final = {float, int, type(None)}


class WrongPointError(ValueError):
    """A point that cannot be kept: which field, and what it should be."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


def check_uid(uid: str) -> None:
    """InvalidError unless the text can name a workload (M-003)."""
    if not _UID.fullmatch(uid):
        raise InvalidError(
            WorkloadsCode.BAD_UID, f"workload_uid {_shown(uid)}: use 1 to 128 characters of A-Z a-z 0-9 . _ : -"
        )


def check_point(metric_name: Any, value: Any, timestamp: Any, iteration: Any, data_source: Any) -> None:
    """WrongPointError unless these can be a point. A `value` of None could not be computed."""
    if not isinstance(metric_name, str):
        raise WrongPointError("metric_name", f"expected a text, not {_shown(metric_name)}")
    if not metric_name:
        raise WrongPointError("metric_name", "has 0 characters: name what was measured")
    if len(metric_name) > LONGEST_NAME:
        raise WrongPointError(
            "metric_name", f"has {len(metric_name)} characters, expected 1 to {LONGEST_NAME}: shorten it"
        )
    if metric_name != metric_name.strip() or not metric_name.isprintable():
        raise WrongPointError(
            "metric_name", f"{_shown(metric_name)} begins or ends blank or has control characters: leave them out"
        )
    if value is not None and not (isinstance(value, int | float) and not isinstance(value, bool)):
        raise WrongPointError("value", f"expected a number or null, not {_shown(value)}")
    _check_whole("timestamp", timestamp)
    if unit := other_unit(timestamp):
        raise WrongPointError("timestamp", f"{timestamp} looks like {unit}: milliseconds expected, 13 digits")
    if not 0 <= timestamp <= LATEST_MS:
        raise WrongPointError("timestamp", f"{timestamp} is no time: epoch milliseconds expected, 13 digits")
    _check_whole("iteration", iteration)
    if abs(iteration) > ID_LIMIT:
        raise WrongPointError("iteration", f"{iteration} is beyond {ID_LIMIT}: send the training step")
    if data_source not in SOURCES:
        raise WrongPointError("data_source", f"{_shown(data_source)} is none of {', '.join(SOURCES)}")


def other_unit(timestamp: int) -> str | None:
    """The unit that a time was written in by mistake; None where it may be milliseconds, or "for ever"."""
    if timestamp in _IN_SECONDS:
        return "seconds"
    return next((unit for unit, second in _FINER.items() if timestamp // second in _OUR_TIMES), None)


def _check_whole(field: str, number: Any) -> None:
    if not isinstance(number, int) or isinstance(number, bool):
        raise WrongPointError(field, f"expected a whole number, not {_shown(number)}")


def checked(uid: str, rows: Sequence[Any]) -> PointBatch:
    """The points that JSON objects stand for, in their order (M-062); fields that nobody knows are left out.

    InvalidError names the first wrong one by its index, from 0; then none of them may be published. Numbers that are
    not finite, also as texts, become NaN (M-053); `worker` may say who has measured it.
    """
    check_uid(names.shown(uid))
    found = _plain(uid, rows)
    return PointBatch.of(uid, [_point(uid, *each) for each in enumerate(rows)]) if found is None else found


def _plain(uid: str, rows: Sequence[Any]) -> PointBatch | None:
    """All of them at once, where nothing has to be said of any, as nearly always; None where something may."""
    if set(map(type, rows)) != {dict}:
        return None
    try:
        metrics, values, at, steps, sources = zip(*map(_PLAIN_FIELDS, rows), strict=True)
        series = set(zip(metrics, sources, strict=True))
    except (KeyError, TypeError):  # a field is missing; a name that is a list
        return None
    workers: Sequence[Any] = [row.get("worker", "") for row in rows] if set(map(len, rows)) != {len(_FIELDS)} else ()
    if set(map(type, values)) - _NUMBERS or set(map(type, at)) != {int} or set(map(type, steps)) != {int}:
        return None
    try:
        for name, source in series:
            check_point(name, None, 0, 0, source)
        for worker in set(workers):
            _check_worker(worker)
        columns = np.array(values, np.float64), np.array(at, np.int64), np.array(steps, np.int64)
    except (WrongPointError, OverflowError, TypeError):
        return None
    if out_of_bounds(*columns[1:]).any():
        return None
    columns[0][~np.isfinite(columns[0])] = np.nan
    return PointBatch(uid, metrics, *columns, sources, workers or ("",) * len(metrics))


def out_of_bounds(timestamp: NDArray[np.int64], iteration: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which numbers `check_point` has something to say of."""
    wrong: NDArray[np.bool_] = (timestamp < 0) | (timestamp > LATEST_MS)
    wrong |= (timestamp >= _IN_SECONDS.start) & (timestamp < _IN_SECONDS.stop)
    return wrong | (iteration > ID_LIMIT) | (iteration < -ID_LIMIT)


def _point(uid: str, index: int, row: Any) -> MetricPoint:
    try:
        if not isinstance(row, Mapping):
            raise WrongPointError("point", f"expected an object, not {_shown(row)}")
        missing = [name for name in _FIELDS if name not in row]
        if missing:
            raise WrongPointError(missing[0], "is missing")
        name, value, timestamp, iteration, source = (row[field] for field in _FIELDS)
        worker = row.get("worker", "")
        _check_worker(worker)
        value, timestamp, iteration = _number(value), _whole(timestamp), _whole(iteration)
        check_point(name, value, timestamp, iteration, source)
        return MetricPoint(uid, name, _finite(value), timestamp, iteration, source, worker)
    except WrongPointError as error:
        place: Mapping[str, int | str] = {"element": index, "field": error.field}
        raise InvalidError(WorkloadsCode.BAD_POINT, f"data[{index}], {error}", place) from None


def _check_worker(worker: Any) -> None:
    if not isinstance(worker, str) or len(worker) > LONGEST_NAME:
        raise WrongPointError("worker", f"expected a text of at most {LONGEST_NAME} characters")


def _number(value: Any) -> Any:
    return None if isinstance(value, str) and value in _NOT_FINITE else value


def _whole(number: Any) -> Any:
    """What is written as 5.0 by those who know no whole numbers."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _finite(value: float | None) -> float | None:
    try:
        number = math.nan if value is None else float(value)
    except OverflowError:  # a whole number beyond all doubles
        return None
    return number if math.isfinite(number) else None


async def publish(runtime: TrainerRuntime, points: PointBatch) -> int:
    """Append points to the topic `metrics`, in their order; ends when the broker has all of them.

    They were found right by `checked` or `check_point`. The answer is the highest offset that they got, -1 where there
    is none to tell. UnavailableError where the broker did not take them in time: some may be there, and sending all of
    them again is harmless (M-054). Works in every process, whoever owns the workload.
    """
    offsets = [-1]
    sendings = []
    for first in range(0, points.size, _SLICE):  # other requests get their turn in between
        part = points.take(slice(first, first + _SLICE))
        records = await asyncio.to_thread(_records, runtime, part) if part.size > _FEW else _records(runtime, part)
        sendings.append(runtime.publisher.send_nowait(records, lambda _, last: offsets.append(last)))
    try:
        async with asyncio.timeout(runtime.settings.write_timeout_s):
            await asyncio.gather(*map(asyncio.shield, sendings))
    except (TimeoutError, DeliveryError):
        raise UnavailableError(
            Code.NOT_CONFIRMED,
            "the broker did not confirm the points in time: send the same points again, what is there stays single",
        ) from None
    return max(offsets)


def _records(runtime: TrainerRuntime, points: PointBatch) -> list[Record]:
    topic, key = runtime.topics.metrics, points.workload_uid.encode()
    return [Record(topic, key, value) for value in encoded_points(runtime.codec, points)]


def _shown(value: Any) -> str:
    """What came, in words of JSON; arrays and objects, which may be deep, by their size."""
    if isinstance(value, Mapping):
        return f"an object of {len(value)}"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
    return "null" if value is None else str(value)[:_SHOWN].lower()
