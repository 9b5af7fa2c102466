"""Long answers of the service, piece by piece, and its live events."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final

import httpx

from streams.cli.console.failure import CommandError
from streams.cli.service.client import ServiceClient

__all__ = ["events", "pieces"]

_TIMEOUT_S: Final = 10.0


def pieces(client: ServiceClient, path: str, parameters: Mapping[str, Any]) -> Iterator[bytes]:
    """The bytes at a path, however many there are."""
    with ExitStack() as until:
        answer = client.streamed(path, parameters, until)
        try:
            yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise CommandError(f"the answer of {client.url} broke off: {error}") from error


def events(
    client: ServiceClient,
    path: str,
    parameters: Mapping[str, Any],
    last: str,
    *,
    silent_s: float,
    patience_s: float | None = None,
) -> Iterator[tuple[str, str]]:
    """Ids and data of server-sent events behind the last one; ends when none came for so long, or they broke off.

    To be called again with the last id. ServiceAwayError where the service does not answer within the patience.
    """
    timeout = httpx.Timeout(_TIMEOUT_S, read=silent_s)
    number, data = "", ""
    with ExitStack() as until, suppress(httpx.TransportError):
        answer = client.streamed(
            path, parameters, until, patience_s=patience_s, headers={"Last-Event-ID": last}, timeout=timeout
        )
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "data":
                data += value
            elif not line and data:
                yield number, data
                data = ""
