"""Answers to questions as they are told: both forecasts of a series, or why there are none. Pure functions."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.table_files.safe_cells import safe_cell
from connectors.timestamps.parsing import offset_texts, shown_times
from models.catalog import CATALOG
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.what_if.asking import Forecast, Made
from streams.what_if.questions import Question

__all__ = ["about", "as_table", "told", "told_error", "totals"]

_OWN: Final = ("ts_id", "series", "model_name", "timestamp", "utc_offset", "base", "changed", "difference")
_SAME: Final = 1e-9  # of a value: what is closer is rounding
_NO_EFFECT: Final = (
    "the change makes no difference: {} makes no use of these features for this series, or too little to show in what "
    "is published"
)
_GROWN: Final = "the series has grown since its forecast was stored: both are made of what it is now"
_NO_REFIT: Final = (
    "the stored forecast was made without refit, from a history without its end: both are fitted to all of it"
)
_CORRECTED: Final = "the base is not the stored forecast: the series or its features were corrected since"


def told(question: Question, made: Made, split: Split) -> dict[str, Any]:
    """Both forecasts of a series, step by step, and what was changed."""
    calendar, times = question.calendar, question.times
    offsets = calendar.offsets(times)
    difference = made.changed.values - made.base.values
    answered_by = made.answered_by or question.result.model_name
    return about(split, question.place, question.result) | {
        "answered_by": answered_by,
        "note": "; ".join(_notes(question, made, answered_by)) or None,
        "timestamps": shown_times(calendar.shown(times)),
        "utc_offsets": offset_texts(offsets) if offsets else None,
        "base": _shown(made.base),
        "changed": _shown(made.changed),
        "difference": difference.tolist(),
        "difference_sum": float(difference.sum()),
        "features": list(_features(question, made)),
    }


def told_error(job: JobRecord, split: Split, ts_id: int, result: SeriesResult | None, error: str) -> dict[str, Any]:
    """A series that cannot be asked."""
    return about(split, ts_id - job.first_ts_id, result, ts_id) | {"error": error}


def totals(series: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All steps of all series together."""
    answered = [one for one in series if one["error"] is None]
    base, changed = (sum(sum(one[name]["predictions"]) for one in answered) for name in ("base", "changed"))
    return {"series": len(answered), "base_sum": base, "changed_sum": changed, "difference_sum": changed - base}


def as_table(series: Sequence[Mapping[str, Any]]) -> str:
    """CSV with a row for each step, and one for each series that has none, with its error."""
    levels = list(dict.fromkeys(name for one in series if one["error"] is None for name in one["base"]["quantiles"]))
    quantiles = [(which, name) for which in ("base", "changed") for name in levels]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_OWN, *(f"{which}_q{name}" for which, name in quantiles), "error"])
    for one in series:
        about = [one["ts_id"], safe_cell(one["series_key"]), one["model_name"] or ""]
        if one["error"] is not None:
            writer.writerow([*about, *[""] * (len(_OWN) - len(about) + len(quantiles)), safe_cell(one["error"])])
            continue
        columns = [
            one["timestamps"],
            one["utc_offsets"] or [""] * len(one["timestamps"]),
            one["base"]["predictions"],
            one["changed"]["predictions"],
            one["difference"],
            *(one[which]["quantiles"].get(name, [""] * len(one["timestamps"])) for which, name in quantiles),
        ]
        writer.writerows([*about, *row, ""] for row in zip(*columns, strict=True))
    return text.getvalue()


def about(split: Split, place: int, result: SeriesResult | None, ts_id: int = 0) -> dict[str, Any]:
    """Which series an answer is about, and by which forecast; without an error."""
    name = named_series(split.groupby_key, split.groupby_val[place])
    return {
        "ts_id": ts_id if result is None else result.ts_id,
        "groups": name.groups,
        "series_key": name.key,
        "model_name": None if result is None else result.model_name,
        "n": None if result is None else result.n,
        "error": None,
    }


def _shown(forecast: Forecast) -> dict[str, Any]:
    return {
        "predictions": forecast.values.tolist(),
        "sum": float(forecast.values.sum()),
        "quantiles": {level: values.tolist() for level, values in forecast.quantiles.items()},
    }


def _features(question: Question, made: Made) -> Iterator[dict[str, Any]]:
    """Those that are another in any step."""
    for place in sorted({change.feature for change in question.changes}):
        yield {
            "feature": question.names[place],
            "base": made.features[place].tolist(),
            "changed": made.changes[place].tolist(),
        }


def _notes(question: Question, made: Made, answered_by: str) -> Iterator[str]:
    if made.note:
        yield made.note
    others = not np.array_equal(made.features, made.changes)
    if others and np.array_equal(made.base.values, made.changed.values):
        yield _NO_EFFECT.format(answered_by if answered_by in CATALOG else question.result.model_name)
    asked = question.result.asked
    if asked is not None and not asked.refit:
        yield _NO_REFIT
    elif not question.is_stored_end:
        yield _GROWN
    elif not np.allclose(made.base.values, question.result.predictions, rtol=_SAME, atol=_SAME):
        yield _CORRECTED
