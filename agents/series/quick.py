"""Quick series, in the one thread that they have: projects and jobs take turns, at most a thousand series at a time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from agents.series.offload import Offload, OffloadClosedError
from agents.series.requests import Accepted
from agents.series.turns import Owner, Turns
from connectors.kafka.publisher import Record
from models.catalog import CATALOG
from streams.forecasting.state import ForecastingTrainer
from streams.runtime import TrainerRuntime

__all__ = ["QuickSeries"]

_TURN_S: Final = 0.5  # of the thread, where one job has all the series that wait
_SHARED_TURN_S: Final = 0.1  # where others wait too: who has one series has it when the turn is over
_SERIES_S: Final = 0.0005  # what a series counts for at least: so a turn has a thousand at most
_STACKED: Final = 8  # series that are laid side by side take that much less than they do alone, as measured with SES
_UNPUBLISHED: Final = 8  # turns whose records the broker has not taken yet


class _Task:
    """The series that came together, and in `done` who waits for their records to be published."""

    __slots__ = ("done", "left")

    def __init__(self, count: int) -> None:
        self.left = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Waiting(NamedTuple):
    item: Accepted
    task: _Task


class QuickSeries:
    """Answers quick series; `compute` makes the records of some, in the thread."""

    def __init__(
        self, runtime: TrainerRuntime, offload: Offload, compute: Callable[[Sequence[Accepted]], list[Record]]
    ) -> None:
        self._runtime = runtime
        self._offload = offload
        self._compute = compute
        self._lines: Turns[_Waiting] = Turns()
        self._turning: asyncio.Task[None] | None = None
        self._unpublished = asyncio.Semaphore(_UNPUBLISHED)

    async def answer(self, items: Sequence[Accepted]) -> None:
        """Compute them when it is their turn; ends when the broker has the answers."""
        if not items:
            return
        task = _Task(len(items))
        by_job: dict[Owner, list[_Waiting]] = {}
        for item in items:
            by_job.setdefault(item.owner, []).append(_Waiting(item, task))
        for owner, waiting in by_job.items():
            self._lines.add(owner, waiting)
        if self._turning is None or self._turning.done():
            self._turning = asyncio.ensure_future(self._turns())
        await task.done

    def drop_unwanted(self) -> None:
        """Drop the series of jobs that were stopped or deleted."""
        stops = ForecastingTrainer.of(self._runtime).stops
        _count_down(self._lines.remove(lambda one: stops.covers(one.item.command.job_id, one.item.command.n)))

    async def _turns(self) -> None:
        while len(self._lines):
            turn = self._lines.take(_TURN_S if self._lines.owners == 1 else _SHARED_TURN_S, _cost)
            try:
                await self._answer_turn(turn)
            except BaseException as error:
                self._fail((*turn, *self._lines.remove(lambda _: True)), error)
                if isinstance(error, Exception):
                    return  # whoever waits has it
                raise

    async def _answer_turn(self, turn: Sequence[_Waiting]) -> None:
        """Compute and publish together; where that raises, each alone, so that only what is wrong fails."""
        await self._unpublished.acquire()
        try:
            records = await self._offload.beside(self._compute, [one.item for one in turn])
        except Exception as error:
            self._unpublished.release()
            if isinstance(error, OffloadClosedError):
                raise
            if len(turn) > 1:
                for one in turn:
                    await self._answer_turn([one])
                return
            self._fail(turn, error)
            self._lines.remove(lambda one: one.task is turn[0].task)
            return
        sent = self._runtime.publisher.send_nowait(records)
        sent.add_done_callback(lambda sent: self._published(turn, sent))

    @staticmethod
    def _fail(waiting: Iterable[_Waiting], error: BaseException) -> None:
        for task in {one.task for one in waiting}:
            if not task.done.done():
                task.done.set_exception(error)

    def _published(self, turn: Sequence[_Waiting], sent: "asyncio.Future[None]") -> None:
        self._unpublished.release()
        error = asyncio.CancelledError() if sent.cancelled() else sent.exception()
        if error is None:
            _count_down(turn)
            return
        self._fail(turn, error)


def _count_down(waiting: Sequence[_Waiting]) -> None:
    for one in waiting:
        one.task.left -= 1
        if not one.task.left and not one.task.done.done():
            one.task.done.set_result(None)


def _cost(waiting: _Waiting) -> float:
    """Seconds of the thread, about."""
    request = waiting.item.request
    spec = None if request is None else CATALOG.get(request.model_name)
    if request is None or spec is None:
        return _SERIES_S
    return max(_SERIES_S, len(request.target) * spec.point_s / _STACKED)
