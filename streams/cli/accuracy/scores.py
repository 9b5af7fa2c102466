"""`tidecast accuracy`: how far a job's forecasts were from the values that came for their times."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.console.listing import AsJson, print_json, print_rows
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["Accuracy", "read_accuracy", "register", "show_accuracy"]

_SCORES: Final = ("mae", "rmse", "bias", "mase")
_BACKTEST: Final = "backtest mase"

Accuracy = Mapping[str, Any]
"""As `GET /job/{id}/accuracy/` answers."""


def register(app: typer.Typer) -> None:
    """Add `accuracy`."""
    app.command("accuracy", epilog="Example: tidecast accuracy 7 --series 20")(accuracy)


def accuracy(
    job_id: Annotated[int, argument(metavar="JOB", help="The number of the job.", min=1)],
    *,
    series: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=1000, help="How many series, the worst first.")
    ] = 5,
    model: Annotated[str | None, option(metavar="MODEL", help="Series of this model only.")] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Forecasts beside what came: errors, and how many values lay in the intervals, by model and by series.

    For jobs whose data set has got rows after its upload. A mase above that of the backtest: it has become worse.
    """
    with session_of(url) as session:
        found = read_accuracy(session.client, job_id, series=series, model=model)
    if as_json:
        print_json(found)
        return
    show_accuracy(found, series=series)


def read_accuracy(client: "ServiceClient", job_id: int, *, series: int = 0, model: str | None = None) -> Accuracy:
    """With so many series at most, the worst first."""
    asked = {"limit": max(1, series)} | ({} if model is None else {"model_name": model})
    found: Accuracy = client.get(f"/job/{job_id}/accuracy/", asked)
    return found


def show_accuracy(found: Accuracy, *, series: int) -> None:
    """A table of the models, and one of so many series, the worst first."""
    if found["note"]:
        notices().print(one_line(found["note"]), soft_wrap=True)
    levels = sorted({level for one in found["models"] for level in one["coverage"]}, key=float)
    columns = ("model", "judged", *_SCORES, _BACKTEST, *(f"in {level} %" for level in levels))
    nothing = "no value has come yet for a time that was forecast"
    print_rows(columns, [_row(one, {"model": one["model_name"]}) for one in found["models"]], nothing)
    shown = found["series"][:series]
    if not shown or all(one["series"] == 1 for one in found["models"]):  # of one series the table above says all
        return
    rows = [_row(one, {"series": one["series_key"], "model": one["model_name"], "last": _last(one)}) for one in shown]
    print_rows(("series", "model", "judged", "mae", "mase", _BACKTEST, "last"), rows, "")
    more = found["series_count"] - len(shown)
    if more:
        output().print(f"{more:,} more: --series {found['series_count']}", style="dim")


def _row(one: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    coverage = {f"in {level} %": f"{share['inside']:.0%}" for level, share in one["coverage"].items()}
    scores = {name: _number(one[name]) for name in _SCORES}
    return {"judged": one["judged"], **scores, _BACKTEST: _number(one.get("backtest_mase")), **coverage, **more}


def _number(score: float | None) -> str | None:
    return None if score is None else f"{score:.4g}"


def _last(one: Mapping[str, Any]) -> str:
    last = one["last"]
    return f"{last['timestamp']}: {last['actual']:.4g}, forecast {last['predicted']:.4g}"
