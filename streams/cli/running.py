"""Finds the service that runs on a home."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

__all__ = ["RunningService", "find_running"]

_ANSWER_WITHIN_S = 5.0  # a service that is busy with a large answer may need a moment


@dataclass(frozen=True, slots=True)
class RunningService:
    """Addresses of a service: its HTTP view and its broker."""

    url: str
    bootstrap: str


def find_running(home: Path) -> RunningService | None:
    """The service that was started on this home, if it answers. Light: nothing of the service is loaded for it."""
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
