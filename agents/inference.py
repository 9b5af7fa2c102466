"""The trainer's answers to inference requests."""

from typing import Any

__all__ = ["attach"]


def attach(runtime: Any) -> None:
    """Register nothing yet."""
