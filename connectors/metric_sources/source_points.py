"""What every reader of this room gives: points, and what it could not read, in words."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["Problems", "SourcePoint"]

_MOST_WORDS: Final = 100  # sentences that are kept; the rest is only counted


class SourcePoint(NamedTuple):
    """One value of one metric. `value` is None where it is not finite (M-053); `timestamp` in epoch milliseconds."""

    metric_name: str
    value: float | None
    timestamp: int
    iteration: int


@dataclass(slots=True)
class Problems:
    """What was left out, and why: the first sentences, and how many there were."""

    count: int = 0
    words: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """One thing that was left out."""
        self.count += 1
        if len(self.words) < _MOST_WORDS:
            self.words.append(sentence)
