"""`tidecast replay JOB_ID`: whether a job's commands, computed again, give what is in the log."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import json
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError, did_you_mean
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.terminal import notices, output
from streams.cli.service.running import bootstrap_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.kafka.publisher import Record
    from schemas.coding.codec import Codec
    from streams.cli.replay.comparison import Comparison
    from streams.cli.replay.log_reader import JobCommands, LogReader
    from streams.settings import Settings

__all__ = ["register"]

_IDENTICAL, _DIFFERENT, _UNKNOWN = 0, 1, 2  # exit statuses
_EPILOG = """Examples:

tidecast replay 7

tidecast replay 7 --json | jq '.outputs[] | select(.verdict != "identical")'

tidecast replay 7 --model ETS"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(replay)


def replay(
    job_id: Annotated[int, argument(min=1, metavar="JOB_ID", help="The job.")],
    *,
    model: Annotated[
        str | None,
        option(metavar="NAME", help="Forecast the same series with this model instead, and compare the metrics."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document: every output with its hashes.")
    ] = False,
    everything: AllRows = False,
) -> None:
    """Compute a job's commands again from the log, with the models installed here, and compare every output.

    Reads beside the service and joins none of its groups; nothing is published, committed or kept. After an upgrade
    it says what the new version's models would have answered. Needs the job's commands to be in the log still
    (TIDECAST_EVENT_RETENTION_DAYS), and the service's settings.

    Exit status 0: all that is in the log is identical. 1: something differs. 2: it cannot be told, because commands or
    outputs are not in the log (any more). With --model 0 where metrics could be compared, else 2.
    """
    from streams.cli.replay import report as replay_report
    from streams.cli.replay.log_reader import LogReader
    from streams.cli.service.session import log_warnings_only

    log_warnings_only()
    settings, console = load_settings(), notices()
    learns_together = model is not None and _learns_together(model)
    codec = _codec(settings)
    reader = LogReader(settings, _bootstrap(settings), codec)
    with console.status(f"reading the commands of job {job_id}"):
        commands = reader.commands(job_id)
    if not commands.series and not commands.together:
        raise CommandError(_nothing_to_do(settings, commands), status=_UNKNOWN)
    if model is not None:
        asked = commands.asking(model, codec, learns_together=learns_together)
        records = _computed(settings, codec, asked, console)
        with console.status("reading the results of then"):
            metrics = replay_report.MetricComparison.of(codec, reader.outputs(commands), records)
        replay_report.show_metrics(metrics, commands, asked, model=model, everything=everything, as_json=as_json)
        raise typer.Exit(_IDENTICAL if metrics.rows else _UNKNOWN)
    comparison = _compared(codec, reader, commands, _computed(settings, codec, commands, console), console)
    verdict = _verdict(comparison, commands)
    if as_json:
        json.dump(replay_report.document(comparison, commands, verdict), sys.stdout)
        sys.stdout.write("\n")
    else:
        days = settings.event_retention_days
        replay_report.show(comparison, commands, output(), verdict=verdict, days=days, everything=everything)
    raise typer.Exit(verdict)


def _bootstrap(settings: "Settings") -> str:
    try:
        return bootstrap_of(settings)
    except CommandError as error:
        raise CommandError(str(error), status=_UNKNOWN) from error


def _codec(settings: "Settings") -> "Codec":
    """What the service encodes with, for the schema ids are part of the bytes; nothing is registered for it."""
    from schemas.coding.codec import Codec

    if settings.registry_url is None:
        return Codec()
    from connectors.objects.store import ObjectStore
    from connectors.registry_error import RegistryError
    from connectors.schema_registry import IdNote, read_registry
    from streams.topics import Topics, record_subjects

    note = IdNote.of(ObjectStore(settings.object_store_url), settings.topic_prefix)
    try:
        return read_registry(settings.registry_url.get_secret_value(), record_subjects(Topics(settings)), note=note)
    except RegistryError as error:
        raise CommandError(str(error), status=_UNKNOWN) from error


def _learns_together(model: str) -> bool:
    from models.catalog import CATALOG

    if model not in CATALOG:
        guess = did_you_mean(model, CATALOG) or "."
        raise CommandError(
            f"--model {model}: there is no such model{guess} There are: {', '.join(CATALOG)}", status=_UNKNOWN
        )
    return CATALOG[model].together


def _nothing_to_do(settings: "Settings", commands: "JobCommands") -> str:
    job_id, days = commands.job_id, settings.event_retention_days
    if commands.record is None:
        return (
            f"there is no job {job_id} in the log: it never was, was deleted, or belongs to another service "
            "(compare TIDECAST_TOPIC_PREFIX)"
        )
    if not commands.record.submitted:
        return f"job {job_id} has asked for no forecasts yet: there is nothing to compute"
    return (
        f"the log has none of the {commands.record.submitted} commands of job {job_id} any more: commands are kept for "
        f"{days} days (TIDECAST_EVENT_RETENTION_DAYS)"
    )


def _computed(settings: "Settings", codec: "Codec", commands: "JobCommands", console: Console) -> "list[Record]":
    # Imported by name, because agents are above streams.
    recomputed = import_module("agents.replay").recomputed
    series = [message for message, _ in commands.series]
    total = len(series) + sum(len(command.ns) for _, command in commands.together)
    with _progress(f"computing job {commands.job_id}", total, console) as on_answers:
        import asyncio

        records: list[Record] = asyncio.run(recomputed(settings, codec, series, commands.together, on_answers))
    return records


@contextmanager
def _progress(text: str, total: int, console: Console) -> "Iterator[Callable[[int], object]]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("forecasts"), TimeElapsedColumn(),
    )  # fmt: skip
    if not console.is_terminal:  # a log shows the bar at its end only
        console.print(text, soft_wrap=True)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(text, total=total)
        yield lambda count: progress.advance(task, count)


def _compared(
    codec: "Codec", reader: "LogReader", commands: "JobCommands", records: "list[Record]", console: Console
) -> "Comparison":
    from schemas.coding.wire import UndecodableError
    from streams.cli.replay.comparison import KINDS, Comparison

    comparison = Comparison(codec)
    for record in records:
        try:
            event = codec.decode(record.value)
        except UndecodableError:  # a dead letter's original
            continue
        if isinstance(event, KINDS) and record.value is not None:
            comparison.add_computed(event, record.value)
    with console.status("reading what is in the log"):
        for event, value in reader.outputs(commands):
            comparison.add_logged(event, value)
    return comparison


def _verdict(comparison: "Comparison", commands: "JobCommands") -> int:
    verdicts = {verdict for counted in comparison.counts().values() for verdict in counted}
    if "different" in verdicts:
        return _DIFFERENT
    told = "identical" in verdicts and not verdicts & {"missing", "no command"} and not commands.gone
    return _IDENTICAL if told else _UNKNOWN
