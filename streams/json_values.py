"""JSON that is kept and shown as it came: bounded, so that whoever writes it later can."""

from collections.abc import Iterable
from typing import Any, Final

__all__ = ["check_kept"]

_DEEPEST: Final = 20  # what people write has five levels; at 255 our own writer of JSON gives up
_LARGEST: Final = 2**63 - 1


def check_kept(value: Any) -> None:
    """ValueError, in words, for what nests too deeply or has whole numbers beyond 64 bits."""
    layer = [value]
    for _ in range(_DEEPEST + 1):
        if not layer:
            return
        layer = [inner for outer in layer for inner in _inside(outer)]
    raise ValueError(f"expected at most {_DEEPEST} arrays and objects inside one another")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"expected whole numbers between -{_LARGEST} and {_LARGEST}")
    return ()
