"""`tidecast shadow`: a second model on the same data, beside the one that answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json, print_rows
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of

__all__ = ["register"]

_SCORES: Final = ("mae", "rmse", "bias", "mase")
_SIDES: Final = ("first", "second")
_START_EPILOG = """Examples:

tidecast shadow start 7 -m Theta

tidecast shadow start 7 -m LinearFit -p latest_n=28

tidecast shadow start 7 -m Theta --group Origin=EWR"""

Job = Annotated[int, argument(metavar="JOB", help="The number of the job.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the commands in a group of their own."""
    group = typer.Typer(
        help="A second model on a job's data, judged beside the one that answers; one call switches.",
        no_args_is_help=True,
    )
    group.command("start", epilog=_START_EPILOG)(start)
    group.command("show", epilog="Example: tidecast shadow show 7 --series 20")(show)
    group.command("switch", epilog="Example: tidecast shadow switch 7")(switch)
    group.command("stop", epilog="Example: tidecast shadow stop 7")(stop)
    app.add_typer(group, name="shadow")


def start(
    job_id: Job,
    *,
    model: Annotated[str, option("--model", "-m", metavar="MODEL", help="The second model.")],
    param: Annotated[
        list[str] | None, option("--param", "-p", metavar="NAME=VALUE", help="A hyper-parameter; may be repeated.")
    ] = None,
    group: Annotated[
        list[str] | None,
        option(metavar="COLUMN=VALUE", help="Only series of this group; may be repeated for several columns."),
    ] = None,
    series: Annotated[int | None, option(metavar="TS_ID", min=1, help="Only this series.")] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Let a second model forecast whenever the first does, without its forecasts being published.

    What is not said is as the first model has it. The job's series are refreshed: tidecast forecast --refresh.
    """
    from streams.cli.forecasting import planning  # noqa: PLC0415 - the catalogue of models

    if group and series is not None:
        raise CommandError("--group and --series name series in two ways: leave one of them out", status=2)
    parameters = [one.body for one in planning.parameters(param or ())]
    body: dict[str, Any] = {"model_name": model} | ({"hyper_params": parameters} if parameters else {})
    if group:
        body |= {"ts_id": "all", "groups": dict(map(_pair, group))}
    if series is not None:
        body["ts_id"] = series
    with session_of(url) as session:
        answer = session.client.write("POST", f"/job/{job_id}/shadow", body=body)
    second, first = answer["second"]["model_name"], answer["first"]["model_name"]
    print_answer(answer, f"{second} forecasts beside {first}: tidecast shadow show {job_id}", as_json=as_json)


def show(
    job_id: Job,
    *,
    series: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=1000, help="How many series: where the second loses most.")
    ] = 5,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Both models, judged by the same values: errors, coverage, cost, and which is better by a test."""
    with session_of(url) as session:
        found = session.client.get(f"/job/{job_id}/shadow/", {"limit": max(1, series)})
    if as_json:
        print_json(found)
        return
    _print(found, series)


def switch(
    job_id: Job,
    *,
    to: Annotated[
        Literal["first", "second"] | None,
        typer.Option("--to", help="Who is to answer.", show_default="the one that does not"),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Publish the other model's forecasts, the latest at once; the one that answered becomes the shadow.

    Once more undoes it.
    """
    asked = "" if to is None else f"?to={to}"
    with session_of(url) as session:
        answer = session.client.write("POST", f"/job/{job_id}/shadow/switch/{asked}")
    side = answer["answers"]
    print_answer(answer, f"{answer[side]['model_name']} ({side}) answers now", as_json=as_json)


def stop(job_id: Job, *, as_json: AsJson = False, url: Url = None) -> None:
    """End the shadow; the model that answers goes on alone."""
    with session_of(url) as session:
        session.client.delete(f"/job/{job_id}/shadow")
    print_answer({"job_id": job_id, "stopped": True}, f"job {job_id} has no shadow any more", as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign or not column:
        raise CommandError(f"--group {text}: expected COLUMN=VALUE", status=2)
    return column, value


def _print(found: Mapping[str, Any], series: int) -> None:
    if found["note"]:
        notices().print(one_line(found["note"]), soft_wrap=True)
    levels = sorted({level for side in _SIDES for level in found[side]["coverage"]}, key=float)
    columns = ("", "model", "answers", "series", "failed", *_SCORES, *(f"in {level} %" for level in levels), "seconds")
    print_rows(columns, [_row(side, found[side]) for side in _SIDES], "")
    output().print(one_line(_verdict(found)), soft_wrap=True)
    if found["first"]["error"] or found["second"]["error"]:
        for side in _SIDES:
            if found[side]["error"]:
                notices().print(one_line(f"{side}: {found[side]['error']}"), soft_wrap=True, markup=False)
    shown = found["series"][:series]
    if found["series_count"] > 1 and shown:  # of one series the table above says all
        rows = [
            {
                "series": one["series_key"],
                "judged": one["judged"],
                **{f"{side} {name}": _number(one[side][name]) for name in ("mae", "mase") for side in _SIDES},
                "better": _better(one),
            }
            for one in shown
        ]
        print_rows(tuple(rows[0]), rows, "")
        more = found["series_count"] - len(shown)
        if more:
            output().print(f"{more:,} more: --series {found['series_count']}", style="dim")


def _row(side: str, one: Mapping[str, Any]) -> dict[str, Any]:
    coverage = {f"in {level} %": f"{share['inside']:.0%}" for level, share in one["coverage"].items()}
    return {
        "": side,
        "model": one["model_name"],
        "answers": "yes" if one["answers"] else "no",
        "series": one["forecasts"],
        "failed": one["failed"],
        **{name: _number(one[name]) for name in _SCORES},
        **coverage,
        "seconds": _number(one["seconds"]),
    }


def _verdict(found: Mapping[str, Any]) -> str:
    if not found["judged"]:
        return "no value has come yet for a time that both have forecast"
    told = f"{found['judged']:,} values of both were judged"
    if found["better"] is None:
        return f"{told}: neither is better"
    told = f"{told}: the {found['better']} is better"
    if found["p_value"] is None:
        return f"{told}, which may be chance: {found['times']} times were judged, it takes {found['times_needed']}"
    kind = "not by chance alone" if found["significant"] else "which may be chance"
    return f"{told}, {kind} (p = {found['p_value']:.2g}; {found['test']})"


def _better(one: Mapping[str, Any]) -> str:
    if one["better"] is None or one["p_value"] is None:
        return one["better"] or ""
    return f"{one['better']} (p = {one['p_value']:.2g})"


def _number(score: float | None) -> str | None:
    return None if score is None else f"{score:.4g}"
