"""Puts the commands together and turns errors into plain words."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from streams.cli import dead_letters, demo, forecast, job, service
from streams.cli.failure import CommandError
from streams.cli.terminal import notices, one_line

__all__ = ["app", "main"]

app = typer.Typer(
    help="Event-driven forecasting on Kafka. Start with: tidecast demo",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (service, demo, forecast, job, dead_letters):
    module.register(app)


@app.callback()
def _every_command(
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if show_version:
        typer.echo(version("tidecast"))
        raise typer.Exit


def main() -> None:
    """Run the command; what goes wrong is said in one sentence, with exit status 1 (2: wrong usage, 130: Ctrl-C)."""
    try:
        app()
    except CommandError as error:
        message = "\n".join(one_line(line) for line in str(error).split("\n"))
        notices().print(f"tidecast: {message}", style="red", soft_wrap=True)
        sys.exit(error.status)
