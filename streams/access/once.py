"""What may come once: signatures and nonces, remembered for as long as they would be good again."""

from collections import OrderedDict

__all__ = ["Once"]


class Once:
    """Remembers what has come for a time, and at most so many: the oldest are forgotten first."""

    def __init__(self, kept_s: float, most: int) -> None:
        self._kept_s = kept_s
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def note(self, mark: str, now: float) -> bool:
        """Whether it is new; from now on it is not."""
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        if mark in self._until:
            return False
        while len(self._until) >= self._most:
            self._until.popitem(last=False)
        self._until[mark] = now + self._kept_s
        return True

    def forget(self, mark: str) -> None:
        """It has had no effect, and may come again."""
        self._until.pop(mark, None)
