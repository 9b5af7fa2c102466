"""Commands that run the service: up, state, trainer; and settings."""

# ruff: noqa: PLC0415  # the service's own parts take seconds to load, and only some commands need them

import gc
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from streams.cli.console.configuration import load_settings, unknown_variables
from streams.cli.console.failure import CommandError
from streams.cli.console.interrupts import DeferredSignals, InterruptedStartError
from streams.cli.console.listing import AsJson, print_json
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices, output

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["register"]

_WATCH_S = 0.2
_NICENESS = 10  # a tenth of the share of workers that have none


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: tidecast up --trainers 2")(up)
    app.command(epilog="Example: TIDECAST_KAFKA_BOOTSTRAP=broker:9092 tidecast state")(state)
    app.command(epilog="Example: TIDECAST_KAFKA_BOOTSTRAP=broker:9092 TIDECAST_WORKER_ID=2 tidecast trainer")(trainer)
    app.command(epilog="Example: TIDECAST_HTTP_PORT=8090 tidecast settings")(settings)


def up(
    trainers: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=64, help="Trainer processes; one per core is a good number.")
    ] = 1,
) -> None:
    """Run the whole service in the foreground until Ctrl-C or SIGTERM.

    Broker, state and trainers; everything they keep is in TIDECAST_HOME and is there again at the next start.
    """
    from streams.cli.service.start_errors import START_ERRORS
    from streams.telemetry.logs import configure_logging
    from streams.workers.privacy import private_files
    from streams.workers.stack import Stack

    configure_logging()
    asked = load_settings()
    private_files()
    console = output()
    stopping = False
    signals = DeferredSignals()

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True

    def say(text: str) -> None:
        signals.check()
        console.print(text, style="dim")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    stack = Stack(asked, trainers=trainers, progress=say)
    _warn_of_unknown_variables()
    try:
        with signals:
            stack.start()
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    except InterruptedStartError:
        console.print("stopped")
        return
    try:
        signals.check()
        console.print(f"Tidecast is ready  dashboard {stack.url}  API {stack.url}/docs", style="green", soft_wrap=True)
        console.print(
            f"Kafka {stack.bootstrap}   home {asked.home}   logs {stack.log_folder}   Ctrl-C stops it",
            style="dim",
            soft_wrap=True,
        )
        _warn_of_open_address(asked)
        while not stopping:
            stack.watch()
            _tell_first_administrator(asked)
            time.sleep(_WATCH_S)
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    except InterruptedStartError:  # at the very end of the start
        pass
    finally:
        stack.stop()
    console.print("stopped")


def _warn_of_open_address(given: "Settings") -> None:
    from streams.addresses import is_loopback
    from streams.workers.privacy import OPEN

    if not given.auth_ways and not is_loopback(given.http_host):
        notices().print(f"warning: {OPEN}", style="yellow")


def _tell_first_administrator(given: "Settings") -> None:
    """Who may add users, once: the note is gone then."""
    if not given.auth_ways:
        return
    from streams.access.first_administrator import taken_note

    told = taken_note(given.home)
    if told is not None:
        fields = (("user", "user"), ("password", "password"), ("access_key", "access key"), ("secret", "its secret"))
        shown = "   ".join(f"{words} {told[name]}" for name, words in fields if name in told)
        output().print(f"First administrator, told this once: {shown}", style="bold", soft_wrap=True, highlight=False)


def state() -> None:
    """Run one state worker on an existing broker: the tables and the HTTP view.

    Needs TIDECAST_KAFKA_BOOTSTRAP, and a TIDECAST_WORKER_ID of its own where there are several.
    """
    _work("state")


def trainer() -> None:
    """Run one trainer on an existing broker.

    Needs TIDECAST_KAFKA_BOOTSTRAP, and a TIDECAST_WORKER_ID of its own where there are several.
    """
    _work("trainer")


def _work(role: str) -> None:
    given = load_settings()
    if given.kafka_bootstrap is None:
        raise CommandError(f"TIDECAST_KAFKA_BOOTSTRAP is not set: name the broker, or use {command_line('up')}")
    gc.disable()  # until the worker is ready: among two thousand modules there is no garbage, and looking takes a tenth
    from streams.cli.service.start_errors import START_ERRORS
    from streams.telemetry import tracing
    from streams.telemetry.logs import configure_logging
    from streams.topics import Topics
    from streams.workers.apps import create_state, create_trainer, declare_topics
    from streams.workers.privacy import private_files, private_home, warn_of_open_address
    from streams.workers.run import run_worker

    configure_logging()
    private_files()
    tracing.configure(role)
    try:
        private_home(given.home)
    except OSError as error:
        raise CommandError(
            f"{given.home} cannot be used: {error}; set TIDECAST_HOME to a folder you may write"
        ) from error
    try:
        declare_topics(given, Topics(given), given.kafka_bootstrap)
        if role == "state":
            from streams.views.application import serve

            warn_of_open_address(given)
            runtime = create_state(given, given.kafka_bootstrap)
            serve(runtime)
            status = run_worker(runtime, role)
        else:
            if given.metrics_port is not None:
                warn_of_open_address(given)
            _give_way()
            status = run_worker(create_trainer(given, given.kafka_bootstrap), role)
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    tracing.flush()
    sys.stdout.flush()
    # A training thread that still computes must not hold the process back: its input is not acknowledged.
    os._exit(status)


def settings(*, as_json: AsJson = False) -> None:
    """Print every setting with its value, its origin and its meaning.

    A variable TIDECAST_NAME in the environment sets it.
    """
    given = load_settings()
    if as_json:
        print_json([_setting(given, name) for name in type(given).model_fields])
        _warn_of_unknown_variables()
        return
    console = output()
    for name, field in type(given).model_fields.items():
        own = name in given.model_fields_set
        value = getattr(given, name)
        shown = "not set" if value is None else str(value)  # of what is secret only what may be shown
        line = Text.assemble(
            (f"TIDECAST_{name.upper()}", "bold"), f" = {shown}", ("  (environment)" if own else "  (default)", "dim")
        )
        console.print(line, soft_wrap=True)
        console.print(f"    {field.description}", style="dim", soft_wrap=True)
    _warn_of_unknown_variables()


def _setting(given: "Settings", name: str) -> dict[str, Any]:
    """For programs; of what is secret only what may be shown."""
    value = getattr(given, name)
    return {
        "name": f"TIDECAST_{name.upper()}",
        "value": value if value is None or isinstance(value, bool | int | float) else str(value),
        "origin": "environment" if name in given.model_fields_set else "default",
        "description": type(given).model_fields[name].description,
    }


def _warn_of_unknown_variables() -> None:
    for sentence in unknown_variables():
        notices().print(f"warning: {sentence}", style="yellow", soft_wrap=True)


def _give_way() -> None:
    """Let workers that answer people go first where every core is busy; theirs is a tenth of the time at least.

    Linux shares time among sessions before it looks at niceness, unless they are in containers, so ask for both.
    """
    os.nice(_NICENESS)
    with suppress(OSError):  # another system, or a kernel without it
        Path("/proc/self/autogroup").write_text(str(_NICENESS), "utf-8")
