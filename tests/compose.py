"""docker-compose.yml as the tests read it."""

from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["COMPOSE", "ROOT", "SERVICES", "environment"]

ROOT: Final = Path(__file__).parents[1]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]


def environment(name: str) -> dict[str, str]:
    """The variables of a service, as they are written there."""
    return {key: str(value) for key, value in SERVICES[name].get("environment", {}).items()}
