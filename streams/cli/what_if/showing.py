"""Shows what forecasts would be: tables, a file, a picture."""

# ruff: noqa: PLC0415  # matplotlib takes a second to load, and few commands draw

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import print_rows
from streams.cli.console.terminal import one_line, output
from streams.cli.forecasting.outcome import SeriesForecast, history_of
from streams.cli.forecasting.tables import LONGEST_TABLE, number, short_time
from streams.cli.service.client import ServiceClient
from streams.cli.what_if.answers import show_left_out, show_notes, write_table

__all__ = ["draw", "show", "write"]

_PLOTTED: Final = 4  # series: more would be small
_LENGTHS: Final = 3  # of the forecast that are drawn of the history: what differs is to be seen
_SHORTEST: Final = 14  # points of it
_BASE: Final = "as it is"
_CHANGED: Final = "what if"

_Series = Mapping[str, Any]


def show(found: Mapping[str, Any], *, everything: bool) -> None:
    """A table of the steps of a single series, or of all series with their sums; what is to be said of them beside."""
    answered = [one for one in found["series"] if one["error"] is None]
    most = None if everything else LONGEST_TABLE
    if len(found["series"]) == 1 and answered:
        _show_steps(answered[0], most)
    else:
        _show_sums(found, answered, most)
    show_notes(answered)


def write(found: Mapping[str, Any], path: Path) -> int:
    """A row for each step as a CSV file; the number of rows. The file appears whole or not at all."""
    from streams.what_if.telling import as_table

    return write_table(as_table(found["series"]), path)


def draw(client: ServiceClient, found: Mapping[str, Any], path: Path) -> None:
    """A picture of the series that change most."""
    from streams.cli.forecasting.plots import Panel, plot_forecasts

    answered = [one for one in found["series"] if one["error"] is None]
    most = sorted(answered, key=lambda one: (-abs(one["difference_sum"]), one["ts_id"]))[:_PLOTTED]
    written = client.timestamp_format(found["job_id"])
    panels = []
    for one in most:
        history = history_of(client.results(found["job_id"], ts_id=one["ts_id"], history=True))
        if history is not None:
            shown = max(_SHORTEST, _LENGTHS * len(one["timestamps"]))
            history = replace(history, timestamps=history.timestamps[-shown:], values=history.values[-shown:])
            panels.append(Panel(history, list(_forecasts(one)), written))
    if not panels:
        raise CommandError(f"{path}: there is no forecast to draw")
    plot_forecasts(panels, path, title=f"{panels[0].history.target_label}: what if, job {found['job_id']}")


def _forecasts(one: _Series) -> Iterator[SeriesForecast]:
    for name, forecast in ((_BASE, one["base"]), (_CHANGED, one["changed"])):
        yield SeriesForecast(
            ts_id=one["ts_id"],
            group=tuple(one["groups"].values()),
            model_name=name,
            timestamps=one["timestamps"],
            predictions=forecast["predictions"],
            quantiles=forecast["quantiles"],
        )


def _show_steps(one: _Series, most: int | None) -> None:
    rows: list[dict[str, str]] = []
    for step, at in enumerate(one["timestamps"]):
        row = {"step": str(step + 1), "time": short_time(at)}
        for feature in one["features"]:
            before, after = number(feature["base"][step]), number(feature["changed"][step])
            row[feature["feature"]] = before if before == after else f"{before} > {after}"
        rows.append(row | _both(one["base"]["predictions"][step], one["changed"]["predictions"][step]))
    sums = {"time": "sum", **_both(one["base"]["sum"], one["changed"]["sum"])}
    features = [feature["feature"] for feature in one["features"]]
    output().print(one_line(f"{one['series_key']}, {one['answered_by']}"), highlight=False, markup=False)
    print_rows(("step", "time", *features, _BASE, _CHANGED, "difference", "%"), [*rows[:most], sums], "")
    show_left_out(len(rows), most)


def _show_sums(found: Mapping[str, Any], answered: Sequence[_Series], most: int | None) -> None:
    columns = list(dict.fromkeys(column for one in answered for column in one["groups"]))
    rows = [
        {
            **one["groups"],
            "series": str(one["ts_id"]),
            "model": one["answered_by"],
            "from": short_time(one["timestamps"][0]),
            "steps": str(len(one["timestamps"])),
            **_both(one["base"]["sum"], one["changed"]["sum"]),
        }
        for one in answered
    ]
    totals = {"model": "all", **_both(found["totals"]["base_sum"], found["totals"]["changed_sum"])}
    about = columns or ["series"]
    shown = (*about, "model", "from", "steps", _BASE, _CHANGED, "difference", "%")
    print_rows(shown, [*rows[:most], totals], "")
    show_left_out(len(rows), most)


def _both(base: float, changed: float) -> dict[str, str]:
    share = f"{(changed - base) / abs(base):+.1%}" if base else ""
    return {_BASE: number(base), _CHANGED: number(changed), "difference": number(changed - base), "%": share}
