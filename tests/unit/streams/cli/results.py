"""Results to show, write and draw, short to write down."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType

from streams.cli.forecasting.outcome import JobOutcome, SeriesForecast

__all__ = ["made", "outcome_of", "shown"]


def made(ts_id: int = 1, model: str = "LinearFit", **changes: Any) -> SeriesForecast:
    """A forecast of two days of one series, or with `error` a failure."""
    given: dict[str, Any] = {"ts_id": ts_id, "group": (f"g{ts_id}",), "model_name": model}
    if "error" not in changes:
        given |= {
            "timestamps": ("2020-01-06 00:00:00", "2020-01-07 00:00:00"),
            "predictions": (1.5, 2.0),
            "metrics": {"mae": 0.5},
        }
    return SeriesForecast(**(given | changes))


def outcome_of(
    *forecasts: SeriesForecast, group_key: Sequence[str] = ("shop",), message: str | None = None
) -> JobOutcome:
    """A finished job with these results."""
    return JobOutcome(7, tuple(group_key), forecasts, message)


def shown(what: RenderableType, *, width: int = 120) -> str:
    """What a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(what)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def series_answer(groups: Mapping[int, str], key: Sequence[str]) -> list[dict[str, Any]]:
    """An answer of ts_details."""
    return [{"ts_id": ts_id, "groupby_val": value, "groupby_key": list(key)} for ts_id, value in groups.items()]
