"""What waits to be computed: a line for each owner, who take turns."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["Turns"]

_ANY = TypeVar("_ANY")


class Turns(Generic[_ANY]):
    """One line for each owner. Whoever has had a turn comes last; within a line the first is the first."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[_ANY]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_ANY]:
        """Everything that waits, owner by owner, whose turn it is first."""
        return (one for line in self._lines.values() for one in line)

    @property
    def owners(self) -> int:
        """How many have something that waits."""
        return len(self._lines)

    def firsts(self) -> Iterator[tuple[Hashable, _ANY]]:
        """Each owner with the first of his line, whose turn it is first."""
        return ((owner, line[0]) for owner, line in list(self._lines.items()))

    def add(self, owner: Hashable, items: Iterable[_ANY]) -> None:
        """Put them at the end of the owner's line."""
        line = self._lines.setdefault(owner, deque())
        before = len(line)
        line.extend(items)
        self._count += len(line) - before
        if not line:
            del self._lines[owner]

    def take(self, most: float, cost: Callable[[_ANY], float]) -> list[_ANY]:
        """One of each owner in turn, and again, until their costs come to `most`; one at least, where any waits."""
        taken: list[_ANY] = []
        spent = 0.0
        while self._lines:
            owner, line = next(iter(self._lines.items()))
            spent += cost(line[0])
            if taken and spent > most:
                break
            # Alone in the line of lines, an owner need not be asked again and again.
            taken.append(line.popleft())
            self._count -= 1
            if line:
                self._lines.move_to_end(owner)
            else:
                del self._lines[owner]
        return taken

    def take_alike(self, owner: Hashable, alike: Callable[[_ANY], bool], most: int) -> list[_ANY]:
        """What is alike, `most` at most: first of this owner's, whose turn that is, then of others'."""
        self._lines.move_to_end(owner, last=False)
        taken: list[_ANY] = []
        for name in list(self._lines):
            line = self._lines[name]
            found = list(islice(filter(alike, line), most - len(taken)))
            if found:
                chosen = set(map(id, found))
                self._lines[name] = deque(one for one in line if id(one) not in chosen)
                taken += found
            if not self._lines[name]:
                del self._lines[name]
            if len(taken) == most:
                break
        if owner in self._lines:
            self._lines.move_to_end(owner)
        self._count -= len(taken)
        return taken

    def remove(self, unwanted: Callable[[_ANY], bool]) -> list[_ANY]:
        """Take out what is not wanted any more."""
        removed: list[_ANY] = []
        for owner, line in list(self._lines.items()):
            found = [one for one in line if unwanted(one)]
            if found:
                gone = set(map(id, found))
                self._lines[owner] = deque(one for one in line if id(one) not in gone)
                removed += found
                if not self._lines[owner]:
                    del self._lines[owner]
        self._count -= len(removed)
        return removed
