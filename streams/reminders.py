"""What is due is said by a command, again and again until it has had an effect: by whoever owns the row that tells it.

Nothing is noted of what was said but in memory: a worker that was restarted says it again, which must do no harm.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

import structlog

from connectors.kafka.publisher import DeliveryError

__all__ = ["Reminders", "look_again_and_again", "wall_ms"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 0.5  # half of the shortest interval of a schedule
_AGAIN_MS: Final = 10_000  # what has had no effect in this time is said again

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
