"""Finds the service that runs on a home, and the brokers."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices
from streams.workers.home_lock import is_held

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["RunningService", "bootstrap_of", "find_running"]

_ANSWER_WITHIN_S = 5.0  # a service that is busy with a large answer may need a moment
_STARTED_WITHIN_S = 120.0  # on a slow machine, with much to recover
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class RunningService:
    """Addresses of a service: its HTTP view and its broker."""

    url: str
    bootstrap: str


def find_running(home: Path) -> RunningService | None:
    """The service that was started on this home, if it answers; one that is starting or stopping is waited for.

    Standard error tells that it is. Light: nothing of the service is loaded for it.
    """
    found = _answering(home)
    until = time.monotonic() + _STARTED_WITHIN_S
    told = False
    while found is None and is_held(home) and time.monotonic() < until:
        if not told:
            notices().print(f"a service is starting or stopping on {home}: waiting for it", soft_wrap=True)
            told = True
        time.sleep(_LOOK_EVERY_S)
        found = _answering(home)
    return found


def _answering(home: Path) -> RunningService | None:
    # Not above, so that `tidecast --help` stays quick.
    from urllib.error import URLError  # noqa: PLC0415
    from urllib.request import ProxyHandler, build_opener  # noqa: PLC0415

    try:
        noted = json.loads((home / "service.json").read_text("utf-8"))
        running = RunningService(noted["url"], noted["bootstrap"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    direct = build_opener(ProxyHandler({}))  # the service is on this machine: no proxy leads to it
    try:
        with direct.open(f"{running.url}/healthz", timeout=_ANSWER_WITHIN_S) as answer:
            return running if answer.status == 200 else None
    except (URLError, OSError, ValueError):
        return None


def bootstrap_of(settings: "Settings") -> str:
    """The brokers that the settings name, else those of the service on TIDECAST_HOME; CommandError without either."""
    if settings.kafka_bootstrap is not None:
        from streams.broker_access import secure_brokers  # noqa: PLC0415 - as above

        secure_brokers(settings)
        return settings.kafka_bootstrap
    running = find_running(settings.home)
    if running is None:
        raise CommandError(
            f"no service runs on {settings.home}: start it with {command_line('up')}, or set TIDECAST_KAFKA_BOOTSTRAP"
        )
    return running.bootstrap
