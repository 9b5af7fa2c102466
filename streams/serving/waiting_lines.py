"""What waits for a process: in which order calls are computed, and which of them together."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from math import ceil
from typing import Final, Generic, TypeVar

from streams.serving.kinds import ModelKind

__all__ = ["Lines", "Waiting"]

_TOGETHER: Final = 32  # calls; more gain little and wait for one another
_LARGE: Final = 256 * 1024  # bytes of a call that is computed alone, about a second's work; also of calls together

_MOST_PACES: Final = 1000  # far more than there are models at a time

_Name = tuple[Hashable, bool]  # the model's key, and whether the calls are large

Model = TypeVar("Model")
Call = TypeVar("Call")
Reply = TypeVar("Reply")


class Waiting(Generic[Model, Call, Reply]):
    """A call, and in `done` who waits for its answer; `tries` are those that came to nothing.

    `begun` is when it was first taken out of its line, None before.
    """

    __slots__ = ("asked", "begun", "call", "deadline", "done", "model", "name", "size", "tries")

    def __init__(self, kind: ModelKind[Model, Call], model: Model, call: Call, deadline: float | None) -> None:
        self.model = model
        self.call = call
        self.size = kind.size(call)
        self.deadline = deadline
        loop = asyncio.get_running_loop()
        self.asked = loop.time()
        self.begun: float | None = None
        self.done: asyncio.Future[Reply] = loop.create_future()
        self.tries = 0
        self.name: _Name = (kind.key(model), self.size > _LARGE)

    @property
    def large(self) -> bool:
        """Whether it is computed alone, and never by the last process that is free."""
        return self.name[1]

    def fail(self, error: Exception) -> None:
        """Tell who waits, if anyone still does."""
        if not self.done.done():
            self.done.set_exception(error)


class Lines(Generic[Model, Call, Reply]):
    """One line for each model and one for its large calls. They take turns; within a line the first is the first."""

    def __init__(self) -> None:
        self._lines: OrderedDict[_Name, deque[Waiting[Model, Call, Reply]]] = OrderedDict()
        self._count = 0
        self._paces: dict[_Name, float] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, waiting: Waiting[Model, Call, Reply]) -> None:
        """Put it at the end of its line."""
        self._lines.setdefault(waiting.name, deque()).append(waiting)
        self._count += 1

    def add_again(self, waiting: Waiting[Model, Call, Reply]) -> None:
        """Put it before all others: it has waited already."""
        self._lines.setdefault(waiting.name, deque()).appendleft(waiting)
        self._lines.move_to_end(waiting.name, last=False)
        self._count += 1

    def remove(self, waiting: Waiting[Model, Call, Reply]) -> None:
        """Nobody waits for it any more; no error if it is in no line."""
        line = self._lines.get(waiting.name, deque())
        if waiting in line:
            line.remove(waiting)
            self._taken(waiting.name, 1, keep_turn=True)

    def first(self, *, large: bool) -> Waiting[Model, Call, Reply] | None:
        """The one whose turn it is; a `large` one only where that is said."""
        return next((line[0] for line in self._lines.values() if large or not line[0].large), None)

    def take(self, first: Waiting[Model, Call, Reply], processes: int) -> list[Waiting[Model, Call, Reply]]:
        """The `first` and what is computed with it.

        Several are taken when more wait than there are `processes` to give them to now. What failed before is alone.
        """
        name = first.name
        line = self._lines[name]
        most = 1 if first.large or first.tries else min(_TOGETHER, ceil(len(line) / processes))
        taken = [line.popleft()]
        size = taken[0].size
        while line and len(taken) < most and not line[0].tries:
            size += line[0].size
            if size > _LARGE:
                break
            taken.append(line.popleft())
        self._taken(name, len(taken))
        return taken

    def note(self, taken: Sequence[Waiting[Model, Call, Reply]], seconds: float) -> None:
        """So long it took to answer these, which were computed together.

        Of one alone while none waits nothing is learnt: in a crowd many are computed together, in a tenth of the time.
        """
        name, each = taken[0].name, seconds / len(taken)
        if len(taken) == 1 and not taken[0].large and name not in self._lines:
            return
        if len(self._paces) > _MOST_PACES:
            self._paces.clear()
        self._paces[name] = each if name not in self._paces else (self._paces[name] + each) / 2

    def work_before(self, waiting: Waiting[Model, Call, Reply]) -> float:
        """Roughly how many seconds of computing come before this one, if it is added now; what is not known counts 0.

        Lines take turns, so of the others only as much as is taken by then.
        """
        turns = 1 + len(self._lines.get(waiting.name, ())) // (1 if waiting.large else _TOGETHER)
        work = 0.0
        for name, line in self._lines.items():
            most = len(line) if name == waiting.name else turns * (1 if name[1] else _TOGETHER)
            work += min(len(line), most) * self._paces.get(name, 0.0)
        return work

    def take_all(self) -> list[Waiting[Model, Call, Reply]]:
        """Everything that waits."""
        waiting = [one for line in self._lines.values() for one in line]
        self._lines.clear()
        self._count = 0
        return waiting

    def _taken(self, name: _Name, count: int, *, keep_turn: bool = False) -> None:
        self._count -= count
        if not self._lines[name]:
            del self._lines[name]
        elif not keep_turn:
            self._lines.move_to_end(name)
