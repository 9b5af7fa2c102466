"""`tidecast explain JOB`: what features add to a job's forecasts."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.console.failure import PARTLY, CommandError
from streams.cli.console.listing import AsJson, check_no_files, print_json, print_rows
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.console.whole_files import whole_file
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

_EPILOG = """Examples:

tidecast explain 7

tidecast explain 7 --series 376837073190925 --plot why.png

tidecast explain 7 --model Regression --out why.csv"""
_PAGE: Final = 200  # series of one question
_TOO_MUCH: Final = (413, 504)  # for one page
_NAMED: Final = 3  # features of a row
_PLOTTED: Final = 4  # series: more would be small
_REMARKS: Final = 10

_Series = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(explain)


def explain(
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="The job's id.", min=1, show_default=False)],
    *,
    series: Annotated[
        int | None, typer.Option(metavar="TS_ID", help="Only this series, step by step.", min=1, show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="By this model; else the best of those with features.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write every step and feature as a CSV file.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw the four series that features move most (png, svg or pdf).",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every row of a long table.")] = False,
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
    failed = [one for one in found["series"] if one["error"] is not None]
    if failed:
        count = f"{len(failed)} of {len(found['series'])} series have no answer"
        raise CommandError(f"{count}: {failed[0]['series_key']}: {failed[0]['error']}", status=PARTLY)


def _read(client: "ServiceClient", job_id: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All series, in pages that there is time for."""
    from streams.cli.service.client import ServiceRefusalError
    from streams.what_if.explaining import features_of_all

    page, found = _PAGE, dict[str, Any]()
    while not found or len(found["series"]) < found["series_count"]:
        place = len(found["series"]) if found else 0
        try:
            some = client.get(f"/job/{job_id}/explanations/", {**asked, "offset": place, "limit": page})
        except ServiceRefusalError as error:
            if error.http_status not in _TOO_MUCH or page == 1:
                raise
            page = max(1, page // 2)
            continue
        if not found:
            found = some
        elif some["series"]:
            found["series"] += some["series"]
        else:  # the job has become smaller
            break
    found["features"] = features_of_all(found["series"])
    return found


def _show(found: Mapping[str, Any], most: int | None) -> None:
    """The steps of a single series; else each feature over all series, and each series with its features."""
    answered = [one for one in found["series"] if one["error"] is None]
    if len(found["series"]) == 1 and answered:
        _show_steps(answered[0], most)
    else:
        _show_effects(found["features"], answered, most)
    notes: dict[str, list[str]] = {}
    for one in answered:
        if one["note"]:
            notes.setdefault(one["note"], []).append(one["series_key"])
    for note, names in list(notes.items())[:_REMARKS]:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        notices().print(one_line(f"{names[0]}{more}: {note}"), soft_wrap=True, markup=False)


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
    _left_out(len(rows), most)
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
    _left_out(len(rows), most)


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


def _left_out(rows: int, most: int | None) -> None:
    if most is not None and rows > most:
        output().print(f"{most} of {rows} rows shown: --all shows every one, --out FILE writes them", style="dim")


def _write(found: Mapping[str, Any], path: Path) -> int:
    """A row for each step and feature; the number of rows. The file appears whole or not at all."""
    from streams.what_if.explaining import as_rows

    text = as_rows(found["series"])
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    return text.count("\n") - 1


def _draw(found: Mapping[str, Any], path: Path) -> None:
    from streams.cli.what_if.bars import plot_explanations

    answered = [one for one in found["series"] if one["error"] is None and one["features"]]
    if not answered:
        raise CommandError(f"{path}: there is nothing to draw")
    most = sorted(answered, key=lambda one: (-sum(it["effect"] for it in one["features"]), one["ts_id"]))[:_PLOTTED]
    plot_explanations(most, path, title=f"What features add, job {found['job_id']}")
