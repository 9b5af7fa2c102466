"""The line in which calls of a service wait for its replicas."""

import asyncio
from collections import deque
from collections.abc import Iterable

from streams.scoring.calls import ScoringReply

__all__ = ["Call", "Line"]

_TOGETHER = 64
_TRIES = 3


class Call:
    """What waits for an answer; the `patient` one also while no replica may answer."""

    __slots__ = ("alone", "content", "done", "patient", "tries")

    def __init__(self, content: bytes, *, patient: bool) -> None:
        self.content = content
        self.patient = patient
        self.done: asyncio.Future[ScoringReply] = asyncio.get_running_loop().create_future()
        self.tries = 0
        self.alone = False

    def fail(self, error: Exception) -> None:
        """End it without an answer."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # or asyncio would say that nobody has seen it, where nobody waits any more


class Line:
    """Calls in the order in which they came; those that are tried again stand in front, and are answered alone."""

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, call: Call) -> None:
        """At the end."""
        self._waiting.append(call)

    def take(self, most: int = _TOGETHER) -> list[Call]:
        """What is to be answered together now: at most so many, and a call that was tried before goes alone."""
        taken: list[Call] = []
        while self._waiting and len(taken) < min(most, _TOGETHER):
            call = self._waiting[0]
            if call.done.done():  # nobody waits for it any more
                self._waiting.popleft()
            elif not call.alone:
                taken.append(self._waiting.popleft())
            elif taken:
                break
            else:
                return [self._waiting.popleft()]
        return taken

    def put_back(self, calls: Iterable[Call]) -> None:
        """They were not begun, or their replica moves away: as if they had never been taken."""
        self._waiting.extendleft(reversed([call for call in calls if not call.done.done()]))

    def again(self, calls: Iterable[Call], error: Exception, *, is_final: bool = False) -> None:
        """Let calls without an answer be tried once more, each alone; `error` for those that were tried often enough.

        With `is_final` a call that was alone is not tried again: it is at fault.
        """
        left = [call for call in calls if not call.done.done()]
        for call in reversed(left):
            call.tries += 1
            if call.tries >= _TRIES or (is_final and len(left) == 1):
                call.fail(error)
            else:
                call.alone = True
                self._waiting.appendleft(call)

    def fail(self, error: Exception, *, patient: bool = False) -> None:
        """End what waits without an answer; the patient ones too, if so said."""
        kept = [call for call in self._waiting if call.patient and not patient]
        for call in self._waiting:
            if patient or not call.patient:
                call.fail(error)
        self._waiting = deque(kept)
