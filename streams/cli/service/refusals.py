"""What the service says where it does not do what it was asked, as the commands tell it."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line

__all__ = ["ServiceAwayError", "ServiceRefusalError", "is_soon_ready", "refusal_of", "unreachable", "words_of"]

_UNTIL_SOMEBODY_ACTS: Final = ("NoReplica", "ServicePaused", "ServiceFailed")
"""Codes of answers 503 that stay, however long one waits."""


class ServiceRefusalError(CommandError):
    """What the service answers to a request that it does not fulfil: the HTTP status, and the fields of the answer."""

    def __init__(self, message: str, http_status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.answer = answer


class ServiceAwayError(CommandError):
    """A service that has answered before, and does not any more, or says all the time that it is not ready."""


def is_soon_ready(response: httpx.Response) -> bool:
    """Whether the same may be answered in some seconds."""
    return response.status_code == 503 and _told(response).get("code") not in _UNTIL_SOMEBODY_ACTS


def words_of(response: httpx.Response) -> str:
    """Why the service does not do it, in its own words; else the reason of the status."""
    told = _told(response)
    return str(told.get("error_message") or told.get("message") or response.reason_phrase)  # the first: contract T-031


def refusal_of(url: str, response: httpx.Response, patience_s: float) -> CommandError:
    """What to raise of an answer of the service at `url`, which was asked for so long."""
    told = _told(response)
    if "error_message" not in told and "message" not in told:
        return CommandError(
            f"{url} answered {response.status_code} {response.reason_phrase}, not in the form of a "
            "Tidecast service: correct --url"
        )
    text = words_of(response)
    if is_soon_ready(response):
        return ServiceAwayError(f"the service at {url} is not ready, also not after {patience_s:.0f} s: {text}")
    if response.status_code == 401:
        text = (
            f"{text} (at {url}: set TIDECAST_TOKEN, or TIDECAST_ACCESS_KEY_ID and "
            f"TIDECAST_ACCESS_KEY_SECRET, or log in by {command_line('access login')})"
        )
    if response.status_code == 404:
        text = f"{text} at {url}: look at the number or the name, or name another service by --url or TIDECAST_HOME"
    return ServiceRefusalError(text, response.status_code, response.json())


def unreachable(url: str, error: httpx.TransportError) -> str:
    """What to say where nobody answers at `url`."""
    if isinstance(error, httpx.TimeoutException):
        return f"the service at {url} does not answer in time: try again, or look at its logs"
    return (
        f"no Tidecast service answers at {url} ({error}): start one with {command_line('up')}, correct "
        "--url, or leave --url out"
    )


def _told(response: httpx.Response) -> Mapping[str, Any]:
    """The fields of the refusal; none where it is not in a form of ours."""
    try:
        body = response.json()
    except ValueError:
        return {}
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")  # Keystone's
    return inner if isinstance(inner, Mapping) else body
