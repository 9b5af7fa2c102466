"""What is told of a job's series, in words: strange values, forecasts that became worse, series that fell behind."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.timestamps.parsing import format_timestamp
from models.calendars.calendar import calendar_of
from schemas.forecasting import JobRecord
from schemas.observations import Alert, DatasetGrown
from streams.accuracy.anomalies import edges_at
from streams.accuracy.judging import Judged
from streams.accuracy.watch import Behind, Worse

__all__ = ["LEVEL", "behind_alerts", "outside_alerts", "worse_alerts"]

LEVEL: Final = 95.0
"""Of the intervals that a value is compared with, in percent."""


def outside_alerts(job: JobRecord, split: Split, found: Sequence[Judged], grown: DatasetGrown) -> Iterator[Alert]:
    """One for each value that these observations brought outside its interval.

    Of several forecasts of its time that of the fewest steps ahead counts; of those, that of the best backtest.
    """
    nearest: dict[tuple[int, int], tuple[tuple[int, float, int], Judged, int]] = {}
    for one in found:
        if one.edges:
            for place, time in enumerate(one.times.tolist()):
                rank = int(one.steps[place]), float("inf") if one.backtest is None else one.backtest, -one.n
                known = nearest.get((one.ts_id, time))
                if known is None or rank < known[0]:
                    nearest[one.ts_id, time] = rank, one, place
    for (ts_id, time), (_, one, place) in nearest.items():
        edges, at = edges_at(one, LEVEL), grown.time_at(one.offsets[place])
        if edges is None or at is None:
            continue
        low, high, actual = float(edges[0][place]), float(edges[1][place]), float(one.actual[place])
        if low <= actual <= high:
            continue
        key = _key(job, split, ts_id)
        text = (
            f"{key}: {actual:g} at {format_timestamp(time)} is outside its {LEVEL:g} % interval, {low:g} to {high:g}, "
            f"of {one.model_name}"
        )
        yield Alert(
            alert_id=f"outside_interval:{job.job_id}:{ts_id}:{time}",
            kind="outside_interval",
            job_id=job.job_id,
            data_id=job.data_id,
            ts_id=ts_id,
            series_key=key,
            at=at,
            timestamp=time,
            message=text,
            model_name=one.model_name,
            n=one.n,
            step=int(one.steps[place]),
            value=actual,
            expected=float(one.predicted[place]),
            low=low,
            high=high,
            project=job.project,
        )


def worse_alerts(job: JobRecord, split: Split, found: Sequence[Worse], grown: DatasetGrown) -> Iterator[Alert]:
    """One for each series and model that has just become worse than its backtest."""
    for one in found:
        key = _key(job, split, one.ts_id)
        text = (
            f"{key}: the last {one.values} forecasts of {one.model_name} had a mean scaled error of {one.error:.3g}, "
            f"the backtest {one.backtest:.3g} (one-sided t-test at 1 %)"
        )
        yield Alert(
            alert_id=f"worse_than_backtest:{job.job_id}:{one.ts_id}:{one.model_name}:{one.time}",
            kind="worse_than_backtest",
            job_id=job.job_id,
            data_id=job.data_id,
            ts_id=one.ts_id,
            series_key=key,
            at=grown.time_at(one.offset) or grown.times[-1],
            timestamp=one.time,
            message=text,
            model_name=one.model_name,
            step=one.values,
            value=one.error,
            expected=one.backtest,
            project=job.project,
        )


def behind_alerts(job: JobRecord, split: Split, found: Sequence[Behind], grown: DatasetGrown) -> Iterator[Alert]:
    """One for each series that has just fallen behind."""
    for one in found:
        ts_id = job.first_ts_id + one.place
        key, calendar = _key(job, split, ts_id), calendar_of(split.calendar(one.place))
        time = int(calendar.shown(np.array([one.time], dtype=np.int64))[0]) // 1000
        text = f"{key}: there is no value for {one.steps} steps after {format_timestamp(time)}"
        yield Alert(
            alert_id=f"missing_data:{job.job_id}:{ts_id}:{time}",
            kind="missing_data",
            job_id=job.job_id,
            data_id=job.data_id,
            ts_id=ts_id,
            series_key=key,
            at=grown.times[-1],
            timestamp=time,
            message=text,
            step=one.steps,
            project=job.project,
        )


def _key(job: JobRecord, split: Split, ts_id: int) -> str:
    return named_series(split.groupby_key, split.groupby_val[ts_id - job.first_ts_id]).key
