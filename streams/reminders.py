"""What is due is said by a command, again and again until it has had an effect: by whoever owns the row that tells it.

Nothing is noted of what was said but in memory: a worker that was restarted says it again, which must do no harm.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator
from itertools import count
from typing import Final, Generic, TypeVar

import structlog

from connectors.kafka.publisher import DeliveryError

__all__ = ["DueTimes", "Reminders", "look_again_and_again", "wall_ms"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 0.5  # half of the shortest interval of a schedule
_AGAIN_MS: Final = 10_000  # what has had no effect in this time is said again

_MOST_PAST: Final = 1000  # times that count no more and are kept

_Key = TypeVar("_Key", bound=Hashable)


def wall_ms() -> int:
    """Now, in milliseconds since 1970."""
    return round(time.time() * 1000)


async def look_again_and_again(look: Callable[[], Awaitable[None]], *, not_told: str, not_looked_at: str) -> None:
    """Await `look` twice a second. An error of one look ends nothing; the log has it as one of these two events."""
    while True:
        await asyncio.sleep(_EVERY_S)
        try:
            await look()
        except DeliveryError:
            log.warning(not_told)
        except Exception:
            log.exception(not_looked_at)


class Reminders(Generic[_Key]):
    """What was said last of each thing, as a number (a time, or the number of a turn), and when."""

    def __init__(self) -> None:
        self._said: dict[_Key, tuple[int, int]] = {}

    def say(self, key: _Key, number: int, now: int) -> None:
        """It is said now."""
        self._said[key] = number, now

    def said_lately(self, key: _Key, number: int | None, now: int) -> bool:
        """Whether the same was said so lately that it may still have an effect."""
        return self.again(key, number, now) > now

    def again(self, key: _Key, number: int | None, now: int) -> int:
        """When the same may be said again: now, where it was not said lately."""
        said, at = self._said.get(key, (None, 0))
        return max(now, at + _AGAIN_MS) if said == number else now

    def forget(self, key: _Key) -> None:
        """Forget what was said of it."""
        self._said.pop(key, None)


class DueTimes(Generic[_Key]):
    """When to look at things by their keys, the earliest first."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, _Key]] = []  # with times that count no more
        self._numbers = count()  # keys need have no order
        self._of: dict[_Key, int] = {}

    def put(self, key: _Key, at: int | None) -> None:
        """Look at it then, and at no other time."""
        if at is None:
            self._of.pop(key, None)
        elif self._of.get(key) != at:
            self._of[key] = at
            heapq.heappush(self._heap, (at, next(self._numbers), key))
            if len(self._heap) > 2 * len(self._of) + _MOST_PAST:
                self._heap = [(at, next(self._numbers), key) for key, at in self._of.items()]
                heapq.heapify(self._heap)

    def come(self, now: int) -> Iterator[_Key]:
        """Those whose time has come; each is taken out."""
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._of.get(key) == at:
                del self._of[key]
                yield key
