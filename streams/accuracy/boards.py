"""All judgements of a job in one table: over all, by model, by step ahead and by series, the worst first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.timestamps.parsing import format_timestamp
from models.calendars.calendar import calendar_of
from models.calendars.rules import DAY
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.accuracy.judging import Judged, first_time, judged
from streams.accuracy.observed import Values
from streams.accuracy.scales import scale_before
from streams.accuracy.sums import Errors
from streams.forecasting.time_travel import Rows

__all__ = ["NOTHING", "Board", "accuracy_board", "judged_results"]


_NONE: Final[Mapping[str, Any]] = {"mae": None, "rmse": None, "bias": None, "mase": None, "coverage": {}}


def judged_results(
    codec: Codec, job: JobRecord, split: Split, rows: Rows, values: Mapping[int, Values]
) -> Iterable[Judged]:
    """What has come of the forecasts of a job whose encoded results are `rows`, by the values that came for them."""
    for ts_id, encoded in rows.items():
        place = ts_id - job.first_ts_id
        came = values.get(place)
        if came is None or not encoded:
            continue
        series, by_instant = split.series(place), calendar_of(split.calendar(place)).usual_step < DAY
        scales: dict[tuple[int, int, Any], float] = {}
        for result in map(codec.decode, encoded):
            assert isinstance(result, SeriesResult)
            if result.error is not None or not result.predictions:
                continue
            known = first_time(result), len(result.predictions), result.config.get("season_length")
            if known not in scales:
                scales[known] = scale_before(series, *known[:2], result.config)
            found = judged(result, came, by_instant=by_instant, scale=scales[known])
            if found is not None:
                yield found


@dataclass(frozen=True, eq=False)
class Board:
    """The whole table: sums over all, by model, by step ahead, and by series and model, the worst of these first."""

    overall: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    horizons: Sequence[Mapping[str, Any]]
    series: Sequence[Mapping[str, Any]]
    found: Mapping[tuple[int, str], Sequence[Judged]]

    def chosen(self, model_name: str | None, ts_id: int | None) -> "Board":
        """The same with the series of one model, or one series, only."""
        if model_name is None and ts_id is None:
            return self
        series = [
            one for one in self.series if model_name in (None, one["model_name"]) and ts_id in (None, one["ts_id"])
        ]
        return replace(self, series=series)

    def page(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """Some of the series, each also by step ahead."""
        return [
            {**one, "horizons": _by_step(Errors(self.found[one["ts_id"], one["model_name"]]))}
            for one in self.series[offset : offset + limit]
        ]


def accuracy_board(job: JobRecord, split: Split, found: Sequence[Judged]) -> Board:
    """The table of what has come of a job's forecasts."""
    errors = Errors(found)
    by_series: dict[tuple[int, str], list[Judged]] = {}
    for one in found:
        by_series.setdefault((one.ts_id, one.model_name), []).append(one)
    places = {key: place for place, key in enumerate(by_series)}
    codes = np.array([places[one.ts_id, one.model_name] for one in found], dtype=np.int64)[errors.of]
    names = {name: place for place, name in enumerate(sorted({one.model_name for one in found}))}
    of_model = np.array([names[one.model_name] for one in found], dtype=np.int64)[errors.of]
    by_model: dict[str, list[Judged]] = {name: [] for name in names}
    for (_, name), those in by_series.items():
        by_model[name] += those
    series = [
        {**_named(job, split, those), **sums, "backtest_mase": _backtest(those), "last": _last(those)}
        for those, sums in zip(by_series.values(), errors.summed(codes, len(by_series)), strict=True)
    ]
    return Board(
        overall={
            **errors.summed(np.zeros_like(errors.of), 1)[0],
            "backtest_mase": _backtest(found),
        },
        models=[
            {
                "model_name": name,
                "series": len({one.ts_id for one in by_model[name]}),
                **sums,
                "backtest_mase": _backtest(by_model[name]),
            }
            for name, sums in zip(names, errors.summed(of_model, len(names)), strict=True)
        ],
        horizons=_by_step(errors),
        series=sorted(series, key=_worst_first),
        found=by_series,
    )


NOTHING: Final = Board({"judged": 0, **_NONE, "backtest_mase": None}, (), (), (), {})
"""Nothing was judged."""


def _by_step(errors: Errors) -> list[dict[str, Any]]:
    """What came of the first steps ahead, the second ones, and so on."""
    steps, codes = np.unique(errors.steps, return_inverse=True)
    sums = errors.summed(codes.astype(np.int64), len(steps))
    return [{"step": step, **one} for step, one in zip(steps.tolist(), sums, strict=True)]


def _named(job: JobRecord, split: Split, those: Sequence[Judged]) -> dict[str, Any]:
    ts_id, model_name = those[0].ts_id, those[0].model_name
    text = split.groupby_val[ts_id - job.first_ts_id]
    key = named_series(split.groupby_key, text).key
    return {"ts_id": ts_id, "series_key": key, "groupby_val": text, "model_name": model_name}


def _backtest(found: Sequence[Judged]) -> float | None:
    """The mean score of the forecasts that were judged, each as often as it has judged values."""
    known = [(one.backtest, len(one.steps)) for one in found if one.backtest is not None]
    weight = sum(count for _, count in known)
    return sum(score * count for score, count in known) / weight if weight else None


def _last(those: Sequence[Judged]) -> dict[str, Any]:
    """What came for the latest time, of several forecasts of that the newest's."""
    one = max(those, key=lambda it: (int(it.times[-1]), it.n))
    return {
        "timestamp": format_timestamp(int(one.times[-1])),
        "actual": float(one.actual[-1]),
        "predicted": float(one.predicted[-1]),
        "n": one.n,
        "step": int(one.steps[-1]),
    }


def _worst_first(one: Mapping[str, Any]) -> tuple[bool, float, int]:
    """Those without a scale last."""
    mase = one["mase"]
    return (True, -one["mae"], one["ts_id"]) if mase is None else (False, -mase, one["ts_id"])
