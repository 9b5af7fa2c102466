"""The service that a command talks to: the one named, the one that runs, or one started for the command alone."""

# ruff: noqa: PLC0415  # the service's own parts take seconds to load, and only the embedded one needs them

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.console.interrupts import DeferredSignals, TerminationInterrupt, exit_status
from streams.cli.service.client import ServiceClient
from streams.cli.service.credentials import credentials_of
from streams.cli.service.running import RunningService, find_running

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["Session", "find_service", "log_warnings_only", "open_session"]


@dataclass(frozen=True, slots=True)
class Session:
    """A service that answers. `watch` is to be called while waiting for it: an embedded one is kept alive by that."""

    client: ServiceClient
    watch: Callable[[], None]
    embedded: bool


def find_service(settings: "Settings", url: str | None) -> str | None:
    """The address given, else that of the service on TIDECAST_HOME, else None: one has to be started.

    CommandError where none may be started, because the settings name an external broker.
    """
    if url is not None:
        return url
    running: RunningService | None = find_running(settings.home)
    if running is not None:
        return running.url
    if settings.kafka_bootstrap is not None:
        # A worker of ours would join the consumer groups of whoever works there, under a name that may be taken.
        raise CommandError(
            "TIDECAST_KAFKA_BOOTSTRAP names an external broker, so no service is started here: give the address of "
            "the service that works with it, --url http://host:port"
        )
    return None


@contextmanager
def open_session(settings: "Settings", url: str | None, console: Console) -> Iterator[Session]:
    """The service at `url`; without one, a service of its own on TIDECAST_HOME, stopped at the end whatever happens."""
    if url is not None:
        with _terminated_in_order(), ServiceClient(url, auth=credentials_of(settings, url)) as client:
            yield Session(client, watch=lambda: None, embedded=False)
        return
    from streams.cli.service.start_errors import START_ERRORS
    from streams.workers.stack import Stack

    log_warnings_only()
    own = settings.model_copy(update={"http_host": "127.0.0.1", "http_port": 0, "kafka_port": 0})
    signals = DeferredSignals()
    with _terminated_in_order(), console.status("") as status:

        def say(text: str) -> None:
            signals.check()
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        say("no service runs: starting one for this command, which takes some seconds")
        stack = Stack(own, progress=say)
        try:
            with signals:
                stack.start()
        except START_ERRORS as error:
            raise CommandError(str(error)) from error
        try:
            signals.check()
            status.stop()
            with ServiceClient(stack.url, auth=credentials_of(settings, stack.url)) as client:
                yield Session(client, watch=stack.watch, embedded=True)
        except START_ERRORS as error:
            raise CommandError(str(error)) from error
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is stopping already
            status.start()
            stack.stop()


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does: what it started is stopped first."""

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # one is enough: stopping takes its seconds
        raise TerminationInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except TerminationInterrupt as interrupt:
        raise CommandError("ended by SIGTERM", status=exit_status(interrupt)) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def log_warnings_only() -> None:
    """What works for a command says what is wrong; what it does is shown by the progress."""
    import structlog

    from streams.telemetry.logs import console_processors

    structlog.configure(
        processors=console_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
