"""`tidecast metrics import` and `follow`: what trainers have written into files becomes points of a workload."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, output
from streams.cli.service.asking import ServiceUrl
from streams.cli.workloads.group import metrics_group

if TYPE_CHECKING:
    from streams.cli.workloads.plans import Failed, Plan

__all__ = ["register"]

_IMPORT_EPILOG = """Examples:

tidecast metrics import runs/mnist --workload mnist-1

tidecast metrics import wandb/run-20260101_120000-abc123/run-abc123.wandb train.log points.csv"""
_FOLLOW_EPILOG = """Examples:

tidecast metrics follow runs/mnist --workload mnist-1

tidecast metrics follow train.log --pattern 'it (?P<step>\\d+) loss (?P<loss>\\S+)' --until-idle 600"""

_Workload = Annotated[
    str | None,
    typer.Option(
        "--workload",
        "-w",
        metavar="UID",
        show_default="by the file's name",
        help="The workload that the points are of; a .wandb file knows its own.",
    ),
]
_Form = Annotated[
    str | None,
    typer.Option(
        "--source-form",
        metavar="FORM",
        show_default="found out",
        help="How it is written: tensorboard, wandb, csv, jsonl or log.",
    ),
]
_Pattern = Annotated[
    list[str] | None,
    option(
        "--pattern",
        metavar="RE2",
        help="Of a log: a regular expression whose named groups are the metrics, and step the step; may be repeated.",
    ),
]
_Started = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="the file's time",
        help="When a file was begun whose lines say no time, as 2026-01-31T12:00:00.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    group = metrics_group(app)
    group.command("import", epilog=_IMPORT_EPILOG)(import_files)
    group.command("follow", epilog=_FOLLOW_EPILOG)(follow)


def import_files(
    paths: Annotated[list[Path], argument(metavar="PATH...", help="Files, or folders with event files.")],
    *,
    workload: _Workload = None,
    source_form: _Form = None,
    pattern: _Pattern = None,
    started: _Started = None,
    as_json: AsJson = False,
    url: ServiceUrl = None,
) -> None:
    """Send the metrics of files to the service.

    Event files of TensorBoard, .wandb files, logs of trainers, CSV and JSON Lines of points or of epochs. Points that
    the service has already stay single, so that a file may be imported again. Exit status 3 if a part was not imported,
    1 if nothing was.
    """
    from streams.cli.workloads.sending import import_all

    plans = [_plan(path, workload, source_form, pattern, started) for path in paths]
    import_all(plans, load_settings(), url, output(), notices(), as_json=as_json)


def follow(
    path: Annotated[Path, argument(metavar="PATH", help="A file or folder that grows.")],
    *,
    workload: _Workload = None,
    source_form: _Form = None,
    pattern: _Pattern = None,
    started: _Started = None,
    until_idle: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="End when nothing new came for so long.", show_default="Ctrl-C"),
    ] = None,
    as_json: AsJson = False,
    url: ServiceUrl = None,
) -> None:
    """Send the metrics of a file or folder while a trainer writes it, until Ctrl-C."""
    from streams.cli.workloads.plans import Failed
    from streams.cli.workloads.sending import follow_one

    plan = _plan(path, workload, source_form, pattern, started)
    if isinstance(plan, Failed):
        raise CommandError(plan.error)
    follow_one(plan, load_settings(), url, output(), notices(), idle_s=until_idle, as_json=as_json)


def _plan(
    path: Path, workload: str | None, source_form: str | None, pattern: list[str] | None, started: str | None
) -> "Plan | Failed":
    """What is to be read; CommandError where an option is wrong, which is so of every file."""
    from connectors.metric_sources.readers import NoSourceError, SourceForm, form_of
    from connectors.metric_sources.text_lines import milliseconds_of
    from streams.cli.workloads.plans import Failed, Plan, open_plan

    begin = None if started is None else milliseconds_of(started)
    if started is not None and begin is None:
        raise CommandError(f"--started {started}: write it as 2026-01-31T12:00:00")
    forms = [str(form) for form in SourceForm]
    if source_form is not None and source_form not in forms:
        raise CommandError(f"--source-form {source_form}: there are {', '.join(forms)}")
    try:
        form = form_of(path) if source_form is None else SourceForm(source_form)
        return open_plan(Plan(path, form, workload, tuple(pattern or ()), begin))
    except NoSourceError as error:
        return Failed(path, str(error))
