"""Sums of a job's forecasts, as the service adds them up: read, put into the form of results, written and drawn."""

# ruff: noqa: PLC0415  # matplotlib takes a second to load, and few commands draw

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.console.terminal import one_line
from streams.cli.console.whole_files import whole_file
from streams.cli.forecasting.outcome import History, JobOutcome, SeriesForecast
from streams.cli.forecasting.tables import LONGEST_TABLE, forecast_table
from streams.cli.service.client import ServiceClient

__all__ = ["above", "draw", "outcome_of", "partial_remedy", "read", "read_drawn", "tell", "write"]

_PAGE: Final = 1000  # sums of one answer
_PLOTTED: Final = 4  # sums: more would be small
_STEPS_DRAWN: Final = 1000  # of a history, at most
_REMARKS: Final = 10
_NAMED: Final = 3  # series of a remark
_TOTAL: Final = "total"
_ALL: Final = "all"

_Asked = Mapping[str, Any]


def read(client: ServiceClient, job_id: int, asked: _Asked, *, most: int | None = None) -> dict[str, Any]:
    """All sums, page by page, or the first so many."""
    query = {**asked, "limit": min(_PAGE, most or _PAGE)}
    found: dict[str, Any] = client.get(_address(job_id), query)
    while len(found["sums"]) < (found["sums_count"] if most is None else min(most, found["sums_count"])):
        more = client.get(_address(job_id), {**query, "offset": len(found["sums"])})["sums"]
        if not more:  # the job has become smaller
            break
        found["sums"] += more
    return found


def above(
    client: ServiceClient, job_id: int, columns: Sequence[str], asked: _Asked, *, drawn: bool = False
) -> dict[str, Any]:
    """What lies above a job's series: the total, the sums by the first of the columns that it is grouped by, and so on.

    To be `drawn`: the first few, with their histories.
    """
    found: dict[str, Any] = {"job_id": job_id, "note": None, "sums_count": 0, "sums": []}
    history = {"history": _STEPS_DRAWN} if drawn else {}
    for depth in range(len(columns)):
        most = _PLOTTED - len(found["sums"]) if drawn else None
        if most == 0:
            break
        level = read(client, job_id, {**asked, **history, "by": list(columns[:depth])}, most=most)
        found["note"] = level["note"]
        found["sums"] += level["sums"]
    found["sums_count"] = len(found["sums"])
    return found


def outcome_of(found: Mapping[str, Any], *, partial: str = "--partial") -> JobOutcome:
    """In the form in which a job's results are shown: a sum is a series, and its place is its number.

    `partial` is what leaves series out that cannot be added.
    """
    columns = tuple(dict.fromkeys(column for one in found["sums"] for column in one["groups"]))
    forecasts = [_forecast(number, one, columns, partial) for number, one in enumerate(found["sums"])]
    return JobOutcome(found["job_id"], columns or ("sum",), forecasts, lacking="sums have no forecast", by_model=False)


def partial_remedy(job_id: int) -> str:
    """How sums without the series that cannot be added are come by where there is no option for them."""
    return command_line(f"sums {job_id} --partial")


def tell(
    found: Mapping[str, Any], outcome: JobOutcome, results: Console, console: Console, *, everything: bool = False
) -> None:
    """Print the table, and what is to be said of it on the other console."""
    if found["note"]:
        console.print(one_line(found["note"]), soft_wrap=True, markup=False)
    results.print(forecast_table(outcome, rows=None if everything else LONGEST_TABLE))
    for remark in _remarks(found, outcome):
        console.print(one_line(remark), soft_wrap=True, markup=False)


def write(client: ServiceClient, job_id: int, asked: _Asked, found: Mapping[str, Any], path: Path) -> int:
    """The service's own tables, one behind the other; the number of rows. The file appears whole or not at all."""
    rows = 0
    with whole_file(path) as draft, draft.open("wb") as file:
        for offset in range(0, len(found["sums"]), _PAGE):
            query = urlencode({**asked, "format": "csv", "limit": _PAGE, "offset": offset}, doseq=True)
            head, _, body = client.get_file(f"{_address(job_id)}?{query}").partition(b"\n")
            file.write(body if offset else head + b"\n" + body)
            rows += body.count(b"\n")
    return rows


def read_drawn(client: ServiceClient, job_id: int, asked: _Asked) -> dict[str, Any]:
    """The first few, with their histories."""
    return read(client, job_id, {**asked, "history": _STEPS_DRAWN}, most=_PLOTTED)


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw sums with their histories; CommandError where none has a forecast."""
    from streams.cli.forecasting.plots import plot_forecasts

    panels = list(_panels(found))
    if not panels:
        raise CommandError(f"{path}: there is no forecast to draw")
    plot_forecasts(panels, path, title=f"sums of the series of job {found['job_id']}")


def _address(job_id: int) -> str:
    return f"/job/{job_id}/sums/"


def _forecast(number: int, one: Mapping[str, Any], columns: Sequence[str], partial: str) -> SeriesForecast:
    group = tuple(one["groups"].get(column, _ALL) for column in columns) if one["groups"] else (_TOTAL,)
    group += (_ALL,) * (len(columns) - len(group))
    models = ", ".join(f"{count} by {name}" for name, count in one["models"].items())
    if one["error"] is not None:
        error = one["error"].replace("partial=1 adds", f"{partial} adds")
        return SeriesForecast(number, group, models or "-", error=error)
    return SeriesForecast(
        ts_id=number,
        group=group,
        model_name=models,
        timestamps=one["timestamps"],
        predictions=one["predictions"],
        quantiles=one["quantiles"],
        metrics=one["metrics"] or {"mase_insample": one["mase_insample"]},
        backtest_timestamps=one["backtest"]["timestamps"],
        backtest=one["backtest"]["predictions"],
    )


def _remarks(found: Mapping[str, Any], outcome: JobOutcome) -> Iterator[str]:
    """What is to be said of sums that there are: which series they lack, and what of them is short."""
    remarks = []
    for one, forecast in zip(found["sums"], outcome.forecasts, strict=True):
        if one["error"] is None and one["left_out_count"]:
            named = ", ".join(f"{series['series_key']} ({series['reason']})" for series in one["left_out"][:_NAMED])
            more = f" and {one['left_out_count'] - _NAMED} more" if one["left_out_count"] > _NAMED else ""
            remarks.append(f"{forecast.title} is without {named}{more}")
        if one.get("note"):
            remarks.append(f"{forecast.title}: {one['note']}")
    yield from remarks[:_REMARKS]
    if len(remarks) > _REMARKS:
        yield f"{len(remarks) - _REMARKS} more remarks: --json has them all"


def _panels(found: Mapping[str, Any]) -> Iterator[Any]:
    from streams.cli.forecasting.plots import Panel

    for one, forecast in zip(found["sums"], outcome_of(found).forecasts, strict=True):
        if forecast.error is None:
            history = History("sum", one["history"]["timestamps"], one["history"]["values"])
            yield Panel(history, [replace(forecast, model_name="forecast")])
