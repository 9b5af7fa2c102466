"""`tidecast explain JOB`: what features add to a job's forecasts."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, check_no_files, print_json, print_rows
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.terminal import one_line, output
from streams.cli.service.asking import Url, session_of
from streams.cli.what_if.answers import check_answered, pages_of, show_left_out, show_notes, write_table

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

_EPILOG = """Examples:

tidecast explain 7

tidecast explain 7 --series 376837073190925 --plot why.png

tidecast explain 7 --model Regression --out why.csv"""
_PAGE: Final = 200  # series of one question
_NAMED: Final = 3  # features of a row
_PLOTTED: Final = 4  # series: more would be small

_Series = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(explain)


def explain(
    job_id: Annotated[int, argument(metavar="JOB", help="The job's id.", min=1)],
    *,
    series: Annotated[int | None, option(metavar="TS_ID", help="Only this series, step by step.", min=1)] = None,
    model: Annotated[
        str | None, option(metavar="MODEL", help="By this model; else the best of those with features.")
    ] = None,
    out: Annotated[Path | None, option(metavar="FILE.csv", help="Write every step and feature as a CSV file.")] = None,
    plot: Annotated[
        Path | None, option(metavar="FILE.png", help="Draw the four series that features move most (png, svg or pdf).")
    ] = None,
    everything: AllRows = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """What prices, campaigns or holidays add to each step of the forecasts, beside level, trend and season.

    For jobs whose series were forecast with features. Nothing is stored. Exit status 3 if a part of the series has no
    answer.
    """
    from streams.cli.forecasting import presenting
    from streams.cli.forecasting.tables import LONGEST_TABLE

    check_no_files(as_json=as_json, out=out, plot=plot)
    presenting.check_outputs(out, plot)
    asked = {name: value for name, value in (("ts_id", series), ("model_name", model)) if value is not None}
    with session_of(url) as session:
        found = _read(session.client, job_id, asked)
    if as_json:
        print_json(found)
    else:
        _show(found, None if everything else LONGEST_TABLE)
        if out is not None:
            output().print(f"{_write(found, out)} rows written to {out}", soft_wrap=True)
        if plot is not None:
            _draw(found, plot)
            output().print(f"plot written to {plot}", soft_wrap=True)
    check_answered(found["series"])


def _read(client: "ServiceClient", job_id: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All series, in pages that there is time for."""
    from streams.what_if.explaining import features_of_all

    def ask(offset: int, limit: int) -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/job/{job_id}/explanations/", {**asked, "offset": offset, "limit": limit})
        return found

    found, *others = pages_of(ask, _PAGE)
    if others:
        found["series"] += [one for some in others for one in some["series"]]
        found["features"] = features_of_all(found["series"])
    return found


def _show(found: Mapping[str, Any], most: int | None) -> None:
    """The steps of a single series; else each feature over all series, and each series with its features."""
    answered = [one for one in found["series"] if one["error"] is None]
    if len(found["series"]) == 1 and answered:
        _show_steps(answered[0], most)
    else:
        _show_effects(found["features"], answered, most)
    show_notes(answered)


def _show_steps(one: _Series, most: int | None) -> None:
    from streams.cli.forecasting.tables import number, short_time

    names = [feature["feature"] for feature in one["features"]]
    rows = []
    for step, at in enumerate(one["timestamps"]):
        row = {"step": str(step + 1), "time": short_time(at), "rest": number(one["rest"][step])}
        for feature in one["features"]:
            row[f"+ {feature['feature']}"] = f"{_signed(feature['added'][step])} ({number(feature['values'][step])})"
        rows.append(row | {"= forecast": number(one["predictions"][step])})
    output().print(one_line(f"{one['series_key']}, {one['answered_by']}"), highlight=False, markup=False)
    print_rows(("step", "time", "rest", *(f"+ {name}" for name in names), "= forecast"), rows[:most], "")
    show_left_out(len(rows), most)
    usual = ", ".join(f"{feature['feature']} {number(feature['usual'])}" for feature in one["features"])
    output().print(one_line(f"In brackets the feature's value. It adds nothing at its mean: {usual}."), soft_wrap=True)


def _show_effects(features: Sequence[Mapping[str, Any]], answered: Sequence[_Series], most: int | None) -> None:
    from streams.cli.forecasting.tables import number

    print_rows(
        ("feature", "series", "adds or takes", "share"),
        [
            {
                "feature": one["feature"],
                "series": str(one["series"]),
                "adds or takes": number(one["effect"]),
                "share": _percent(one["share"]),
            }
            for one in features
        ],
        "no feature has an effect",
    )
    columns = list(dict.fromkeys(column for one in answered for column in one["groups"]))
    rows = [
        {**one["groups"], "series": str(one["ts_id"]), "model": one["answered_by"], "features": _largest(one)}
        for one in answered
    ]
    print_rows((*columns, "series", "model", "features"), rows[:most], "no series has an answer")
    show_left_out(len(rows), most)


def _largest(one: _Series) -> str:
    from streams.cli.forecasting.tables import number

    shown = [f"{it['feature']} {number(it['effect'])} ({_percent(it['share'])})" for it in one["features"][:_NAMED]]
    more = len(one["features"]) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _signed(value: float) -> str:
    from streams.cli.forecasting.tables import number

    return f"+{number(value)}" if value > 0 else number(value)


def _write(found: Mapping[str, Any], path: Path) -> int:
    """A row for each step and feature; the number of rows. The file appears whole or not at all."""
    from streams.what_if.explaining import as_rows

    return write_table(as_rows(found["series"]), path)


def _draw(found: Mapping[str, Any], path: Path) -> None:
    from streams.cli.what_if.bars import plot_explanations

    answered = [one for one in found["series"] if one["error"] is None and one["features"]]
    if not answered:
        raise CommandError(f"{path}: there is nothing to draw")
    most = sorted(answered, key=lambda one: (-sum(it["effect"] for it in one["features"]), one["ts_id"]))[:_PLOTTED]
    plot_explanations(most, path, title=f"What features add, job {found['job_id']}")
