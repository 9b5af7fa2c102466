"""Commands that run the service: up, state, trainer; and settings."""

import os
import signal
import sys
import time
from types import FrameType

import typer
from rich.console import Console
from rich.table import Table

from connectors.embedded_kafka import BrokerStartError
from connectors.java import JavaMissingError
from connectors.kafka_admin import BrokerUnreachableError, TopicMismatchError
from connectors.kafka_jars import JarsError
from connectors.schema_registry import RegistryError
from streams.apps import create_state, create_trainer, declare_topics
from streams.cli.failure import CommandError
from streams.http import serve
from streams.settings import Settings
from streams.stack import Stack, StackError
from streams.topics import Topics
from streams.worker import configure_logging, run_worker

__all__ = ["START_ERRORS", "register"]

START_ERRORS = (
    BrokerStartError,
    BrokerUnreachableError,
    JarsError,
    JavaMissingError,
    RegistryError,
    StackError,
    TopicMismatchError,
)
_WATCH_S = 0.2


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(state)
    app.command()(trainer)
    app.command()(settings)


def up(trainers: int = typer.Option(1, min=1, max=64, help="Trainer processes.")) -> None:
    """Run the whole service in the foreground until Ctrl-C or SIGTERM; its state is kept in TIDECAST_HOME."""
    configure_logging()
    console = Console()
    asked = Settings()
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    stack = Stack(asked, trainers=trainers, progress=lambda text: console.print(f"[dim]{text}[/]"))
    try:
        stack.start()
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    try:
        console.print(f"[bold green]Tidecast is ready[/]  API {stack.url}  page {stack.url}/docs")
        console.print(
            f"[dim]Kafka {stack.bootstrap}   home {asked.home}   logs {stack.log_folder}   Ctrl-C stops it[/]"
        )
        if asked.http_host not in ("127.0.0.1", "localhost", "::1"):
            console.print(
                "[yellow]warning: anybody who reaches this address can use it: there is no authentication yet[/]"
            )
        while not stopping:
            stack.watch()
            time.sleep(_WATCH_S)
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    finally:
        stack.stop()
    console.print("stopped")


def state() -> None:
    """Run one state worker: the tables and the HTTP view. Needs TIDECAST_KAFKA_BOOTSTRAP."""
    _work("state")


def trainer() -> None:
    """Run one trainer. Needs TIDECAST_KAFKA_BOOTSTRAP."""
    _work("trainer")


def _work(role: str) -> None:
    configure_logging()
    given = Settings()
    if given.kafka_bootstrap is None:
        raise CommandError("TIDECAST_KAFKA_BOOTSTRAP is not set: name the broker, or use `tidecast up`")
    try:
        declare_topics(given, Topics(given), given.kafka_bootstrap)
        if role == "state":
            runtime = create_state(given, given.kafka_bootstrap)
            serve(runtime)
            status = run_worker(runtime, role)
        else:
            status = run_worker(create_trainer(given, given.kafka_bootstrap), role)
    except START_ERRORS as error:
        raise CommandError(str(error)) from error
    sys.stdout.flush()
    os._exit(
        status
    )  # a training thread that still computes must not hold the process back: its input is not acknowledged


def settings() -> None:
    """Print every setting with its value and where it comes from."""
    given = Settings()
    table = Table("variable", "value", "from", "meaning", title="Settings")
    for name, field in Settings.model_fields.items():
        variable = f"TIDECAST_{name.upper()}"
        origin = "environment" if name in given.model_fields_set else "default"
        value = getattr(given, name)
        table.add_row(variable, "" if value is None else str(value), origin, field.description or "")
    Console().print(table)
