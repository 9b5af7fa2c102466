"""Places for what trains long: so many at a time, and projects take turns at them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from operator import is_

from agents.series.turns import Owner, Turns, project_of

__all__ = ["Places"]


class Places:
    """A semaphore whose next place is for the project that has the fewest; of equal ones, and of its jobs, in turn.

    So however many trainings of one project wait, another's first gets the next place that is free, or the one after
    that. To be used in one event loop.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._taken: Counter[str] = Counter()
        self._waiting: Turns[asyncio.Future[None]] = Turns()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, owner: Owner) -> AsyncIterator[None]:
        """Have a place, once it is the owner's turn."""
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(owner, [given])
        self._give()
        try:
            await given
            yield
        finally:
            if given.cancelled():
                self._waiting.remove(lambda one: one is given)
            else:
                self._give_back(owner)

    def _give(self) -> None:
        while self._free and self._waiting:
            owner, given = min(self._waiting.firsts(), key=lambda found: self._taken[project_of(found[0])])
            self._waiting.take_alike(owner, partial(is_, given), 1)
            if not given.done():
                self._free -= 1
                self._taken[project_of(owner)] += 1
                given.set_result(None)

    def _give_back(self, owner: Owner) -> None:
        self._free += 1
        self._taken[owner.project] -= 1
        self._taken += Counter()  # who has none need not be known
        self._give()
