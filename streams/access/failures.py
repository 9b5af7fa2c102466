"""Wrong passwords, counted for a while: who has sent many is not listened to (security: guessing)."""

from collections import OrderedDict
from typing import Final

__all__ = ["Failures"]

_MOST: Final = 10
_WITHIN_S: Final = 60.0
_KNOWN: Final = 10_000


class Failures:
    """Of each address and user: at most ten in a minute."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait_s(self, address: str, user: str, now: float) -> float:
        """Seconds in which nothing more is heard from there about this user; 0: it is."""
        times = [at for at in self._times.get((address, user), ()) if now - at < _WITHIN_S]
        return times[-_MOST] + _WITHIN_S - now if len(times) >= _MOST else 0.0

    def note(self, address: str, user: str, now: float) -> None:
        """One more."""
        times = [at for at in self._times.pop((address, user), ()) if now - at < _WITHIN_S]
        self._times[address, user] = [*times, now]
        if len(self._times) > _KNOWN:
            self._times.popitem(last=False)
