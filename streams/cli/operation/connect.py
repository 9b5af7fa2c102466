"""`tidecast connect`: sinks on a Kafka Connect cluster, from the JSON files of the project."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import signal
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_json
from streams.cli.console.options import argument
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices, one_line, output

if TYPE_CHECKING:
    from connectors.kafka_connect.rest import Connector, KafkaConnect, Outcome
    from connectors.kafka_connect.state import ConnectorState

__all__ = ["register"]

_Url = Annotated[str, typer.Option("--url", metavar="URL", help="A worker of the Connect cluster.")]
_URL = "http://127.0.0.1:8083"  # Connect's own default
_PATIENCE_S = 60.0  # a worker that starts and a connector that begins need some seconds each
_WATCH_S = 30.0  # a database that was away is back in minutes, not in seconds
_LOOK_S = 5.0  # `status` is asked by people: who sees that nothing answers need not wait a minute for it


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Sinks on a Kafka Connect cluster: forecasts, metrics and status into PostgreSQL, forecasts into a file.",
        no_args_is_help=True,
    )
    group.command("apply", epilog="Example: tidecast connect apply --url http://connect:8083")(apply)
    group.command("status", epilog="Example: tidecast connect status")(status)
    app.add_typer(group, name="connect")


def apply(
    folder: Annotated[
        Path | None, argument(metavar="FOLDER", help="With connectors as *.json; absent: those of Tidecast.")
    ] = None,
    *,
    url: _Url = _URL,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until Ctrl-C, and start again what gives up; a look every 30 s.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the cluster run the connectors of a folder; a repeat changes nothing.

    Each is checked by the cluster before anything of it is changed, and waited for until its tasks run. A task that had
    given up is started again. The exit status is 1 where one does not run.
    """
    from connectors.kafka_connect.rest import SINKS, ConnectError, KafkaConnect, read_connectors

    _check_url(url)
    if as_json and watch:
        raise CommandError("--json prints one document, and --watch goes on: leave one of them out", status=2)
    try:
        connectors = read_connectors(folder or SINKS)
        with KafkaConnect(url, patience_s=_PATIENCE_S) as cluster:
            outcomes = [cluster.apply(connector) for connector in connectors]
            if as_json:
                print_json([_outcome(one) for one in outcomes])
            else:
                output().print(_outcome_table(outcomes))
            if watch:
                _watch(cluster, connectors, outcomes)
    except ConnectError as error:
        raise CommandError(str(error)) from error
    failed = [outcome.name for outcome in outcomes if not outcome.ok]
    if failed:
        raise CommandError(
            f"{', '.join(failed)} {'does' if len(failed) == 1 else 'do'} not run: mend what the table says, "
            f"then {command_line('connect apply')} again"
        )


def status(*, as_json: AsJson = False, url: _Url = _URL) -> None:
    """Show every connector of the cluster; the exit status is 1 where one has given up."""
    from connectors.kafka_connect.rest import ConnectError, KafkaConnect

    _check_url(url)
    try:
        with KafkaConnect(url, patience_s=_LOOK_S) as cluster:
            states = cluster.states()
    except ConnectError as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json([asdict(state) for state in states])
    elif not states:
        output().print(f"no connectors; {command_line('connect apply')} makes them", soft_wrap=True)
    else:
        output().print(_state_table(states))
    failed = [state.name for state in states if state.failed]
    if failed:
        raise CommandError(
            f"{', '.join(failed)} gave up: mend the cause, then {command_line('connect apply')} starts what is ours "
            "again"
        )


def _watch(cluster: "KafkaConnect", connectors: "Sequence[Connector]", outcomes: "Sequence[Outcome]") -> None:
    """Until this process is ended: apply again, and say what is no longer as it was."""
    from connectors.kafka_connect.rest import ConnectError

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    before = {outcome.name: outcome.ok for outcome in outcomes}
    while not ended.wait(_WATCH_S):
        try:
            outcomes = [cluster.apply(connector) for connector in connectors]
        except ConnectError as error:  # the cluster is away: it is looked for again
            notices().print(str(error), style="yellow", soft_wrap=True)
            continue
        changed = [outcome for outcome in outcomes if outcome.ok != before.get(outcome.name)]
        if changed:
            output().print(_outcome_table(changed))
        before = {outcome.name: outcome.ok for outcome in outcomes}
    raise typer.Exit


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:  # a port that is no number
        wrong = True
    if wrong:
        raise CommandError(f"--url {url}: write it as http://host:port")


def _outcome(outcome: "Outcome") -> dict[str, Any]:
    """For programs."""
    state, tasks = (None, ()) if outcome.state is None else (outcome.state.state, outcome.state.tasks)
    return {
        "name": outcome.name,
        "change": outcome.change,
        "state": state,
        "tasks": tasks,
        "reason": outcome.reason,
    }


def _outcome_table(outcomes: "Sequence[Outcome]") -> Table:
    table = Table("connector", "change", "state", "tasks", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    for outcome in outcomes:
        style = {"failed": "red", "unchanged": "dim"}.get(outcome.change, "green")
        state, tasks = ("", "") if outcome.state is None else (outcome.state.state, _tasks(outcome.state))
        table.add_row(
            one_line(outcome.name), Text(outcome.change, style=style), state, tasks, Text(one_line(outcome.reason))
        )
    return table


def _state_table(states: "Sequence[ConnectorState]") -> Table:
    table = Table("connector", "type", "state", "tasks", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    for state in states:
        style = "red" if state.failed else "green" if state.running else "yellow"
        table.add_row(
            one_line(state.name),
            state.kind,
            Text(state.state, style=style),
            _tasks(state),
            Text(one_line(state.reason)),
        )
    return table


def _tasks(state: "ConnectorState") -> str:
    """Such as "2 RUNNING, 1 FAILED"."""
    counts = {task: state.tasks.count(task) for task in sorted(set(state.tasks))}
    return ", ".join(f"{count} {task}" for task, count in counts.items()) or "none"
