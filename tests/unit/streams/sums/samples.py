"""A job of four shops in two regions, day by day, with results that are right by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from connectors.datasets.splits import Split
from schemas.forecasting import CmdStatus, JobRecord
from schemas.series import Backtest, SeriesResult

__all__ = ["DAY", "JOB", "result", "split_of"]

DAY: Final = 86_400_000
JOB: Final = JobRecord(7, 1, None, 1, 0, CmdStatus.DONE, first_ts_id=100, series_count=4)
_SHOPS: Final = (("N", "a"), ("S", "b"), ("N", "c"), ("S", "d"))


def split_of(*histories: Sequence[float], groups: Sequence[Any] = _SHOPS, **fields: Any) -> Split:
    """Series of days, each from the first of January 1970 on; the groups are Region and Shop."""
    lengths = [len(values) for values in histories]
    days = np.concatenate([np.arange(length) for length in lengths])
    split = Split(
        target=np.concatenate([np.array(values, dtype=np.float64) for values in histories]),
        times=days * DAY * 1000,
        text_codes=days.astype(np.int32),
        texts=tuple(str(day) for day in range(max(lengths))),
        offsets=np.cumsum([0, *lengths]),
        calendars=("D",),
        calendar_codes=np.zeros(len(lengths), dtype=np.int32),
        is_complete=np.ones(len(lengths), dtype=np.bool_),
        groupby_val=tuple(str(tuple(of_series)) for of_series in groups),
        groupby_key=("Region", "Shop"),
        target_label="sold",
        timestamp_label="day",
        target_is_integer=True,
        features=(),
    )
    return replace(split, **fields)


def result(place: int, first: int, *predictions: float, **fields: Any) -> SeriesResult:
    """What was forecast from a day on, by SES."""
    times = [(first + step) * DAY for step in range(len(predictions))]
    plain = SeriesResult(7, 100 + place, place, 1, "SES", {}, times, list(predictions), {"mae": 1.0}, Backtest((), ()))
    return replace(plain, **fields)
