"""Puts the commands together and turns errors into plain words."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.help_pages import polish
from streams.cli.console.terminal import notices, one_line
from streams.cli.operation import connect, dead_letters, redis
from streams.cli.service import commands as service
from streams.systems import SYSTEMS, System, named

__all__ = ["app", "main", "program"]


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it
    if asked:
        from importlib.metadata import version  # noqa: PLC0415  # what is seldom needed is loaded when it is

        typer.echo(version("tidecast"))
        raise typer.Exit


def _every_command(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of the program itself."""


def program(systems: Sequence[System] = SYSTEMS) -> typer.Typer:
    """The commands that every installation has, and those of the systems."""
    made = typer.Typer(
        help="Event-driven forecasting on Kafka. Start with: tidecast demo",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    of_systems = [named(module) for system in systems for module in system.commands]
    for module in (service, *of_systems, dead_letters, connect, redis):
        module.register(made)
    made.callback()(_every_command)
    polish(made)
    return made


app = program()


def main() -> None:
    """Run the command; what goes wrong is said in one sentence, with exit status 1 (2: wrong usage, 130: Ctrl-C)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal in another encoding gets what it cannot show as \u2026
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except CommandError as error:
        _end(str(error), error.status)
    except OSError as error:
        _discard_output()  # it may be what failed, and would fail again at the end
        place = f" {error.filename}" if error.filename else ""
        _end(f"cannot read or write{place}: {error.strerror or error}; mend that, or write elsewhere", 1)
    except Exception as error:  # noqa: BLE001  # the edge of the process
        report = _written_report()
        _end(f"an error in Tidecast itself ({type(error).__name__}: {error}); please report it with {report}", 1)


def _end(message: str, status: int) -> None:
    shown = "\n".join(one_line(line) for line in message.split("\n"))
    notices().print(f"tidecast: {shown}", style="red", soft_wrap=True)
    sys.exit(status)


def _discard_output() -> None:
    """Nothing more goes to standard output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)
    os.close(nowhere)


def _written_report() -> str:
    """The name of a file with the traceback: for whoever mends it, not for the terminal."""
    import tempfile  # noqa: PLC0415  # what is seldom needed is loaded when it is
    import traceback  # noqa: PLC0415

    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="backslashreplace", prefix="tidecast-error-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exc(file=file)
            return f"the file {file.name}"
    except OSError:
        return "what you did"
