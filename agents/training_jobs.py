"""The state of training jobs: applies their commands and follows their training."""

from typing import Any

__all__ = ["attach"]


def attach(runtime: Any) -> None:
    """Register nothing yet."""
