"""How often each may do something: so many times a second, after so many at once."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

__all__ = ["Rates"]

_KNOWN: Final = 10_000  # whoever is forgotten may ask as after a pause


class Rates:
    """A bucket of tokens for each, kept as the one time at which it will be full: a look and a write."""

    def __init__(self, per_s: float, at_once: int) -> None:
        self._each_s = 1 / per_s
        self._room_s = at_once * self._each_s
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def wait_s(self, who: Hashable, now: float) -> float:
        """Take a token; 0, or the seconds after which there will be one, and none is taken."""
        full_at = max(now, self._full_at.get(who, now)) + self._each_s
        wait_s = full_at - now - self._room_s
        if wait_s > 1e-9:  # what is left of a sum of many fractions is nothing
            return wait_s
        self._full_at[who] = full_at
        self._full_at.move_to_end(who)
        if len(self._full_at) > _KNOWN:
            self._full_at.popitem(last=False)
        return 0.0

    def is_beyond(self, who: Hashable, now: float) -> bool:
        """Whether there would be no token; none is taken."""
        return max(now, self._full_at.get(who, now)) + self._each_s - now - self._room_s > 1e-9
