"""`tidecast alerts`: what wants somebody to look."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from streams.cli.console.options import option
from streams.cli.console.terminal import notices
from streams.cli.service.asking import Url, session_of

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `alerts`."""
    app.command("alerts", epilog="Example: tidecast alerts --follow")(alerts)


def alerts(
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes from now on; Ctrl-C ends.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 50,
    job: Annotated[int | None, option(help="Of this job only.")] = None,
    kind: Annotated[str, option(help="Only outside_interval, worse_than_backtest or missing_data.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, as the service has them.")] = False,
    url: Url = None,
) -> None:
    """What wants somebody to look: strange values, forecasts that became worse, series that fell behind."""
    from streams.cli.service.newest import newest, print_lines

    only = {name: value for name, value in (("job_id", job), ("kind", kind)) if value}
    with session_of(url) as session:
        for some in newest(session.client, "/alerts", only, name="alerts", key="alert_id", limit=limit, follow=follow):
            if not some and not follow:
                notices().print("there are none")
            print_lines(some, _words, as_json=as_json)


def _words(it: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(it["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{at}  {it['kind']:20} job {it['job_id']}  {it['message']}"
