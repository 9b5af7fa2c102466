"""Refusals of one kind, again and again: the first ones of a minute are told one by one, the others as a number.

Whoever tries passwords or sends without a token would else fill the topic, and each event costs as much as the refusal.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["MINUTE_S", "Kind", "Repeats"]

MINUTE_S: Final = 60.0
_ALONE: Final = 20  # of a kind in a minute: more than people make mistakes, and enough to see what somebody is after
_KINDS: Final = 1000  # in a minute; what is beyond has no address, for whoever has many of them is not told apart


class Kind(NamedTuple):
    """What refusals have in common that are told together."""

    user: str
    project: str
    role: str
    address: str
    action: str
    """The method and how the address begins, for ids and names differ."""
    status: int


@dataclass(slots=True)
class _Seen:
    alone: int = 0
    beyond: int = 0


class Repeats:
    """What has been refused in the present minute; whoever uses it says when a minute is over."""

    def __init__(self) -> None:
        self._seen: dict[Kind, _Seen] = {}

    def __bool__(self) -> bool:
        return bool(self._seen)

    def is_told_alone(self, kind: Kind) -> bool:
        """Count one more; whether it gets an event of its own."""
        seen = self._seen.get(kind)
        if seen is None:
            if len(self._seen) >= _KINDS:
                others = kind._replace(user="", project="", role="", address="", action="")
                self._seen.setdefault(others, _Seen(alone=_ALONE)).beyond += 1
                return False
            seen = self._seen[kind] = _Seen()
        if seen.alone >= _ALONE:
            seen.beyond += 1
            return False
        seen.alone += 1
        return True

    def ended(self) -> list[tuple[Kind, int]]:
        """How many of each kind were not told alone; a new minute begins."""
        found = [(kind, seen.beyond) for kind, seen in self._seen.items() if seen.beyond]
        self._seen = {}
        return found
