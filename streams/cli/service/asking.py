"""What commands share that ask the service one thing: the option of its address, and a session with it."""

# ruff: noqa: PLC0415  # the service's own parts are loaded by the command that runs, so that `tidecast --help` stays quick

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.options import option
from streams.cli.console.terminal import notices

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.cli.service.client import ServiceClient
    from streams.cli.service.session import Session
    from streams.settings import Settings

__all__ = ["ServiceUrl", "Url", "own_project", "session_of"]

_NOT_FOUND: Final = 404
Url = Annotated[str | None, option("--url", metavar="URL", help="Service to ask instead of the one on TIDECAST_HOME.")]
ServiceUrl = Annotated[
    str | None, option("--url", metavar="URL", help="Service to use instead of the one on TIDECAST_HOME.")
]
"""Of commands that do more than to ask."""


@lru_cache(maxsize=1)
def own_project(client: "ServiceClient") -> str:
    """The project that whoever asks works in, as addresses have it."""
    from streams.cli.service.refusals import ServiceRefusalError

    try:
        return str(client.get("/access/me")["project"])
    except ServiceRefusalError as error:
        if error.http_status != _NOT_FOUND:
            raise
        return "default"  # an earlier release, which has no other


@contextmanager
def session_of(
    url: str | None, *, on_new_home: bool = False, needs: "Callable[[Settings], None] | None" = None
) -> "Iterator[Session]":
    """The service that is asked: at `url`, the one that runs, or one that is started for the command alone.

    CommandError where no service has ever run on TIDECAST_HOME, unless the command may begin `on_new_home`. What the
    command `needs` of a service is asked before one is started for it: raise CommandError where the settings lack it.
    """
    from streams.cli.service.session import find_service, open_session

    settings = load_settings()
    address = find_service(settings, url)
    if address is None and not on_new_home and not settings.home.exists():
        raise CommandError(
            f"no service has ever run on {settings.home}: set TIDECAST_HOME, or name the service by --url"
        )
    if address is None and needs is not None:
        needs(settings)
    with open_session(settings, address, notices()) as session:
        yield session
