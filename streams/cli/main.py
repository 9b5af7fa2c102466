"""Puts the commands together and turns errors into plain words."""

import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from streams.cli import service
from streams.cli.failure import CommandError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Event-driven forecasting on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
service.register(app)


def main() -> None:
    """Run the command; whatever goes wrong is said in one sentence, with exit status 1 (2 for wrong usage)."""
    try:
        app()
    except CommandError as error:
        _fail(str(error))
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        _fail(f"setting TIDECAST_{name}: {first['msg']} (got {first['input']!r}); `tidecast settings` lists them all")


def _fail(message: str) -> None:
    Console(stderr=True).print(f"[bold red]tidecast:[/] {message}", highlight=False, soft_wrap=True)
    sys.exit(1)
