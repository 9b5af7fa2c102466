"""A process that ends when it is asked."""

import os
from typing import Any


def inspect(asked: Any, report: Any) -> None:
    """End."""
    os._exit(1)
