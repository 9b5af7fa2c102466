"""Heavy series on their way to processes: in which order, which of them together, and how many at a time.

- Projects take turns, and within each its jobs. Series that ask for the same thing are computed together; of networks
  also those of other jobs.
- A place is for one process. What is predicted to take long has all places at most but for one job's first, so a job
  that has nothing under way begins at once beside others' long searches: there are places for guests, and the kernel
  shares out the cores. What is short and has nothing under way may take any of them. Some more are for a project
  that has nothing under way at all: however many jobs another one has, its first need not wait for one of theirs.
- What nobody wants any more is dropped; a process that computes nothing else is ended.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from math import ceil
from typing import Final

from agents.series.turns import Turns, project_of
from connectors.processes.process_set import Lease
from models.batch import SeriesAnswer, SeriesRequest
from models.catalog import model_spec
from models.costs import is_network, predicted_s

__all__ = ["HeavyChunk", "HeavySeries", "Waiting"]

MOST_TOGETHER: Final = 64  # stacked networks gain little beyond, and so many are begun anew after a kill
_PROJECT_GUESTS: Final = 2  # projects that begin beside another one which has all places, and those for guests
_LONG_S: Final = 10.0  # so long a newcomer can wait for a place; what is predicted to take longer leaves some free


class Waiting:
    """A request whose answer is waited for; `answer` is None where it is dropped."""

    __slots__ = ("alone", "answer", "key", "long", "owner", "request", "tried", "wanted")

    def __init__(self, request: SeriesRequest, owner: Hashable, wanted: Callable[[], bool]) -> None:
        self.request = request
        self.owner = owner
        self.answer: asyncio.Future[SeriesAnswer | None] = asyncio.get_running_loop().create_future()
        self.wanted: Callable[[], bool] = lambda: not self.answer.done() and wanted()
        self.alone = request.search is not None or model_spec(request.model_name).together
        self.key = _settings(request)
        self.tried = False
        self.long = predicted_s(request) > _LONG_S

    def tell(self, answer: SeriesAnswer | None) -> None:
        """Give the answer to who waits, if anyone does."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def given_up(self) -> bool:
        """Nobody waits for it any more; whether it had no answer yet."""
        if self.answer.done() and not self.answer.cancelled():
            self.answer.exception()  # or asyncio would say that nobody has seen it
            return False
        self.answer.cancel()
        return True

    def again(self) -> None:
        """It is computed once more, and alone: what it was computed with, or it, was too much."""
        self.tried = self.alone = True

    def fail(self, error: BaseException) -> None:
        """End it with an error that is not the series' fault; nothing happens where it has an answer."""
        if not self.answer.done():
            self.answer.set_exception(error)


class HeavyChunk:
    """Requests that one process computes together, of which they have the lease."""

    def __init__(self, waiting: list[Waiting]) -> None:
        self.waiting = waiting
        self.owners = frozenset(one.owner for one in waiting)
        self.projects = frozenset(map(project_of, self.owners))
        self.long = any(one.long for one in waiting)
        self.lease = Lease()

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for any of it."""
        return any(one.wanted() for one in self.waiting)


class HeavySeries:
    """What waits for a process, and what has one. To be used in one event loop."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._guests = max(2, places)
        self.most = places + self._guests + _PROJECT_GUESTS
        """So many chunks are computed at a time, at most."""
        self._lines: Turns[Waiting] = Turns()
        self._running: set[HeavyChunk] = set()

    def add(self, waiting: Iterable[Waiting]) -> None:
        """Let them wait; similar lengths side by side, as they are computed together."""
        for one in sorted(waiting, key=lambda one: len(one.request.target)):
            self._lines.add(one.owner, [one])

    def next(self) -> HeavyChunk | None:
        """What is to be computed now; None where all places are taken, or nothing waits."""
        running = Counter(owner for chunk in self._running for owner in chunk.owners)
        projects = Counter(project for chunk in self._running for project in chunk.projects)
        for owner, first in self._lines.firsts():
            if self._may_begin(first, running[owner], projects[project_of(owner)]):
                chunk = HeavyChunk(self._together(owner, first))
                self._running.add(chunk)
                return chunk
        return None

    def done(self, chunk: HeavyChunk) -> None:
        """Its place is free."""
        self._running.discard(chunk)

    def drop_unwanted(self) -> None:
        """Drop what waits for nobody, and end what computes for nobody."""
        for one in self._lines.remove(lambda one: not one.wanted()):
            one.tell(None)
        for chunk in list(self._running):
            if not chunk.wanted:
                for one in chunk.waiting:
                    one.tell(None)
                chunk.lease.end()

    def fail_all(self, error: BaseException) -> None:
        """Nothing more is computed."""
        for one in [*self._lines.remove(lambda _: True), *(one for chunk in self._running for one in chunk.waiting)]:
            one.fail(error)

    def _may_begin(self, waiting: Waiting, running: int, of_project: int) -> bool:
        """`running`: chunks of the job; `of_project`: those of its project."""
        taken = len(self._running)
        if running:
            return taken < self._places
        more = 0 if of_project else _PROJECT_GUESTS
        if not waiting.long:
            return taken < self._places + self._guests + more
        return sum(chunk.long for chunk in self._running) < self._places + self._guests // 2 + more

    def _together(self, owner: Hashable, first: Waiting) -> list[Waiting]:
        if first.alone:
            return self._lines.take_alike(owner, lambda one: one is first, 1)

        def alike(one: Waiting) -> bool:
            return one.key == first.key and not one.alone

        def mine(one: Waiting) -> bool:
            return one.owner == owner and alike(one)

        # Networks are stacked, at little more than the cost of one. With other models each series takes its time.
        chosen = alike if is_network(model_spec(first.request.model_name)) and not first.long else mine
        free = max(1, self._places - len(self._running))
        most = min(MOST_TOGETHER, ceil(sum(map(chosen, self._lines)) / free))
        return self._lines.take_alike(owner, chosen, most)


def _settings(request: SeriesRequest) -> str:
    settings = request.config, request.prediction_length, request.refit, request.season_length, request.allow_negative
    return repr((request.model_name, settings, request.options))
