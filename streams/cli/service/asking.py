"""What commands share that ask the service one thing: the option of its address, and a session with it."""

# ruff: noqa: PLC0415  # the service's own parts are loaded by the command that runs, so that `tidecast --help` stays quick

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import notices

if TYPE_CHECKING:
    from streams.cli.service.session import Session

__all__ = ["Url", "session_of"]

Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Service to ask instead of the one on TIDECAST_HOME.", show_default=False
    ),
]


@contextmanager
def session_of(url: str | None, *, on_new_home: bool = False) -> "Iterator[Session]":
    """The service that is asked: at `url`, the one that runs, or one that is started for the command alone.

    CommandError where no service has ever run on TIDECAST_HOME, unless the command may begin `on_new_home`.
    """
    from streams.cli.service.session import find_service, open_session

    settings = load_settings()
    address = find_service(settings, url)
    if address is None and not on_new_home and not settings.home.exists():
        raise CommandError(
            f"no service has ever run on {settings.home}: set TIDECAST_HOME, or name the service by --url"
        )
    with open_session(settings, address, notices()) as session:
        yield session
