"""What waits to be computed: projects take turns, and within each its owners, with a line for each owner."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Owner", "Turns", "project_of"]

_ANY = TypeVar("_ANY")


class Owner(NamedTuple):
    """A job of a project, which is empty for the default one. Whoever else owns a line is of that one, too."""

    project: str
    job: int


def project_of(owner: Hashable) -> str:
    """Whose turn it is together with an owner's."""
    return owner.project if isinstance(owner, Owner) else ""


class Turns(Generic[_ANY]):
    """A line for each owner. Whoever has had a turn comes last, in its project, and its project comes last too.

    So however many jobs one project has, another's next is taken after one of them. In a line the first is the first.
    """

    def __init__(self) -> None:
        self._projects: OrderedDict[str, OrderedDict[Hashable, deque[_ANY]]] = OrderedDict()
        self._count = self._owners = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_ANY]:
        """Everything that waits, owner by owner, whose turn it is first."""
        return (one for owner in self._in_turn() for one in self._projects[project_of(owner)][owner])

    @property
    def owners(self) -> int:
        """How many have something that waits."""
        return self._owners

    def firsts(self) -> Iterator[tuple[Hashable, _ANY]]:
        """Each owner with the first of its line, whose turn it is first."""
        return ((owner, self._projects[project_of(owner)][owner][0]) for owner in self._in_turn())

    def add(self, owner: Hashable, items: Iterable[_ANY]) -> None:
        """Put them at the end of the owner's line."""
        added = deque(items)
        if not added:
            return
        lines = self._projects.setdefault(project_of(owner), OrderedDict())
        self._owners += owner not in lines
        lines.setdefault(owner, deque()).extend(added)
        self._count += len(added)

    def take(self, most: float, cost: Callable[[_ANY], float]) -> list[_ANY]:
        """One of each in turn, and again, until their costs come to `most`; one at least, where any waits."""
        taken: list[_ANY] = []
        spent = 0.0
        while self._projects:
            lines = next(iter(self._projects.values()))
            owner, line = next(iter(lines.items()))
            spent += cost(line[0])
            if taken and spent > most:
                break
            taken.append(line.popleft())
            self._count -= 1
            if not line:
                self._drop(owner)
            self._had_turn(owner)
        return taken

    def take_alike(self, owner: Hashable, alike: Callable[[_ANY], bool], most: int) -> list[_ANY]:
        """What is alike, `most` at most: first of this owner's, whose turn that is, then of others'."""
        taken: list[_ANY] = []
        for name in [owner, *(one for one in self._in_turn() if one != owner)]:
            line = self._projects[project_of(name)][name]
            found = list(islice(filter(alike, line), most - len(taken)))
            if found:
                self._leave(name, found)
                taken += found
            if len(taken) == most:
                break
        self._had_turn(owner)
        return taken

    def remove(self, unwanted: Callable[[_ANY], bool]) -> list[_ANY]:
        """Take out what is not wanted any more."""
        removed: list[_ANY] = []
        for owner in list(self._in_turn()):
            found = [one for one in self._projects[project_of(owner)][owner] if unwanted(one)]
            if found:
                self._leave(owner, found)
                removed += found
        return removed

    def _in_turn(self) -> Iterator[Hashable]:
        """All owners: the first of each project, then the second of each, and so on."""
        waiting = deque(iter(list(lines)) for lines in self._projects.values())
        while waiting:
            lines = waiting.popleft()
            for owner in lines:
                waiting.append(lines)
                yield owner
                break

    def _leave(self, owner: Hashable, items: Iterable[_ANY]) -> None:
        """These go out of the owner's line."""
        gone, lines = set(map(id, items)), self._projects[project_of(owner)]
        left = deque(one for one in lines[owner] if id(one) not in gone)
        self._count -= len(gone)
        lines[owner] = left
        if not left:
            self._drop(owner)

    def _had_turn(self, owner: Hashable) -> None:
        """Owner and project come last, as far as anything of them waits."""
        project = project_of(owner)
        lines = self._projects.get(project)
        if lines is None:
            return
        if owner in lines:
            lines.move_to_end(owner)
        self._projects.move_to_end(project)

    def _drop(self, owner: Hashable) -> None:
        project = project_of(owner)
        lines = self._projects[project]
        del lines[owner]
        self._owners -= 1
        if not lines:
            del self._projects[project]
