"""The trainer of models that learn from many series together."""

from typing import Any

__all__ = ["attach"]


def attach(runtime: Any) -> None:
    """Register nothing yet."""
