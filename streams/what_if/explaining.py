"""Explanations as they are told: what each feature adds to a series' forecast, step by step. Pure functions."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from connectors.datasets.splits import Split
from connectors.table_files.safe_cells import safe_cell
from connectors.timestamps.parsing import offset_texts, shown_times
from streams.what_if.asking import Explained
from streams.what_if.questions import Question
from streams.what_if.telling import about

__all__ = ["as_rows", "explained", "features_of_all"]

_OWN: Final = ("ts_id", "series", "model_name", "timestamp", "utc_offset", "prediction", "rest")
_NOTHING: Final = "the forecast makes no use of its features: {} found that they explain nothing of the series"
_SAME: Final = 1e-12  # of the forecast: what adds less is rounding


def explained(question: Question, made: Explained, split: Split) -> dict[str, Any]:
    """The forecast of a series in parts."""
    calendar, times = question.calendar, question.times
    offsets = calendar.offsets(times)
    effects = np.abs(made.added).mean(axis=1)
    predictions = made.rest + made.added.sum(axis=0)
    answered_by = made.answered_by or question.result.model_name
    unused = bool((effects <= _SAME * max(1.0, float(np.abs(predictions).max()))).all())
    notes = [made.note, _NOTHING.format(answered_by) if unused else ""]
    order = np.argsort(-effects, kind="stable").tolist()
    return about(split, question.place, question.result) | {
        "answered_by": answered_by,
        "note": "; ".join(filter(None, notes)) or None,
        "timestamps": shown_times(calendar.shown(times)),
        "utc_offsets": offset_texts(offsets) if offsets else None,
        "predictions": predictions.tolist(),
        "rest": made.rest.tolist(),
        "features": [
            {
                "feature": question.names[place],
                "effect": float(effects[place]),
                "share": _share(float(effects[place]), float(effects.sum())),
                "usual": float(made.usual[place]),
                "values": made.features[place].tolist(),
                "added": made.added[place].tolist(),
            }
            for place in order
        ],
    }


def features_of_all(series: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each feature's mean effect over the series that have it, the largest first."""
    effects: dict[str, list[float]] = {}
    for one in series:
        for feature in one.get("features") or ():
            effects.setdefault(feature["feature"], []).append(feature["effect"])
    means = {name: float(np.mean(values)) for name, values in effects.items()}
    total = sum(means.values())
    return [
        {"feature": name, "series": len(effects[name]), "effect": mean, "share": _share(mean, total)}
        for name, mean in sorted(means.items(), key=lambda one: -one[1])
    ]


def as_rows(series: Sequence[Mapping[str, Any]]) -> str:
    """CSV with a row for each step and feature, and one for each series that has none, with its error."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_OWN, "feature", "value", "added", "error"])
    for one in series:
        head = [one["ts_id"], safe_cell(one["series_key"]), one["model_name"] or ""]
        if one["error"] is not None:
            writer.writerow([*head, *[""] * (len(_OWN) - len(head) + 3), safe_cell(one["error"])])
            continue
        offsets = one["utc_offsets"] or [""] * len(one["timestamps"])
        steps = list(zip(one["timestamps"], offsets, one["predictions"], one["rest"], strict=True))
        for feature in one["features"]:
            name = safe_cell(feature["feature"])
            for step, value, added in zip(steps, feature["values"], feature["added"], strict=True):
                writer.writerow([*head, *step, name, value, added, ""])
    return text.getvalue()


def _share(effect: float, total: float) -> float | None:
    return effect / total if total > 0 else None
