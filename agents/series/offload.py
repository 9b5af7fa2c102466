"""Where series are computed: quick ones in a thread of this process, heavy ones in processes of their own.

Heavy series (`ModelSpec.heavy`, a search on a model without a grid, or a series so long that a quick model takes its
time) that ask for the same thing are computed together, up to 64 in a chunk, because networks of one shape train
together at little more than the cost of one. Which are, and whose turn it is, is told in `agents.series.heavy`.

- A chunk has the time that one submission has. So nothing that hangs holds a process for longer, at the price that a
  chunk of honest but slow series is begun in vain once.
- A chunk that takes longer, whose process is killed or that runs out of memory is computed again, each of its series
  alone, once. A series that fails again gets an error; so does one that took too long while it was alone already.
- The process is replaced by a new one. It is the only one to hold either end of its pipe but this process, so that a
  kill at any moment is seen at once and touches no other process. Pebble 5.2's pool shares two pipes and their locks
  among its processes: killed at random, they broke the pool, or left it without an answer for good.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from agents.series.heavy import HeavyChunk, HeavySeries, Waiting
from agents.series.process import new_processes
from connectors.processes.compute_process import EndedError, RaisedError, cores
from connectors.processes.process_set import shut_down
from models.answers import failure
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import UnknownModelError, model_spec
from models.costs import predicted_s
from models.model_spec import ModelSpec
from models.tuning.search import is_quick
from streams.settings import Settings

__all__ = ["Offload", "OffloadClosedError", "is_heavy", "running_offload"]

log = structlog.get_logger(__name__)

_Made = TypeVar("_Made")

_TIME_LIMIT = timedelta(minutes=10)
_MEMORY_LIMIT = 2 * 1024**3  # bytes; TensorFlow with a small network and XLA takes 500 MiB of them
_QUICK_S = 0.25  # of a core; quick series have one thread, and all others wait meanwhile
# Where every core is busy, what is predicted to take minutes gives way to what somebody will have in a second.
_NICENESS, _LONG_NICENESS = 10, 19


_TOO_LONG = "{} took longer than {:g} s: choose a quicker model or smaller settings, fewer trials or a shorter history"
_ENDED = (
    "the process that trained {} ended (killed or out of memory), also when the series was alone:"
    " choose smaller settings, another model or a shorter history"
)


def _always(_: int) -> bool:
    return True


class OffloadClosedError(RuntimeError):
    """The answer will not come, because `close` was called."""


class Offload:
    """Answers requests as `forecast_batch` does, without blocking the event loop, whatever a model does.

    `processes` (default: as many as there are cores) are started when they are needed and kept. `time_limit` is for one
    submission, `memory_limit` in bytes for one process (its private writable memory; None: no limit; without effect on
    macOS). `prepare`, a function of a module, is called in a process before it computes: tests add models with it.
    """

    def __init__(
        self,
        processes: int = 0,
        time_limit: timedelta = _TIME_LIMIT,
        *,
        memory_limit: int | None = _MEMORY_LIMIT,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self._processes = processes or cores()
        self._time_limit_s = time_limit.total_seconds()
        self._prepare = prepare
        self._light: ThreadPoolExecutor | None = None
        self._series = HeavySeries(self._processes)
        self._children = new_processes(self._series.most, self._processes, memory_limit)
        self._computing: set[asyncio.Future[None]] = set()
        self._closed = False

    def start(self) -> None:
        """Begin to take requests. Starts no process yet."""
        self._light = ThreadPoolExecutor(1, thread_name_prefix="light-series")

    async def close(self) -> None:
        """End every process at once, busy or not. Calls of `answer` that wait for one raise OffloadClosedError."""
        self._closed = True
        self._series.fail_all(OffloadClosedError("no more series are computed"))
        light = () if self._light is None else (shut_down(self._light),)
        await asyncio.gather(self._children.close(), *light)

    async def answer(
        self, requests: Sequence[SeriesRequest], owner: Hashable = None, wanted: Callable[[int], bool] = _always
    ) -> list[SeriesAnswer | None]:
        """Answer every request, in order; what is wrong with a series is the error of its own answer.

        Owners take turns. An answer is None where `wanted` says of the request's place that nobody waits for it any
        more: see `drop_unwanted`.
        """
        heavy = {place for place, request in enumerate(requests) if is_heavy(request)}
        light = [place for place in range(len(requests)) if place not in heavy]
        answers: dict[int, SeriesAnswer | None] = {}
        waiting = {place: Waiting(requests[place], owner, partial(wanted, place)) for place in sorted(heavy)}
        try:
            self._let_wait(waiting.values())
            if light:
                found = await self.beside(forecast_batch, [requests[place] for place in light])
                answers.update(zip(light, found, strict=True))
            for place, one in waiting.items():
                answers[place] = await one.answer
        finally:  # where nobody waits any more, what is not begun need not be
            if [one for one in waiting.values() if one.given_up()]:
                self.drop_unwanted()
        return [answers[place] for place in range(len(requests))]

    async def beside(self, function: Callable[..., _Made], *arguments: Any) -> _Made:
        """Call a function in the thread of the quick series, which does one thing after the other."""
        if self._light is None:
            raise RuntimeError("start() has not been called")
        if self._closed:
            raise OffloadClosedError("no more series are computed")
        return await asyncio.get_running_loop().run_in_executor(self._light, partial(function, *arguments))

    def drop_unwanted(self) -> None:
        """Begin nothing that nobody wants any more, and end the processes that compute it."""
        self._series.drop_unwanted()
        self._begin()

    def _let_wait(self, waiting: Iterable[Waiting]) -> None:
        if self._light is None:
            raise RuntimeError("start() has not been called")
        if self._closed:
            raise OffloadClosedError("no more series are computed")
        self._series.add(waiting)
        self._begin()

    def _begin(self) -> None:
        """Give processes what waits for them, as far as there are places."""
        while not self._closed and (chunk := self._series.next()) is not None:
            computing = asyncio.ensure_future(self._answer_chunk(chunk))
            self._computing.add(computing)
            computing.add_done_callback(self._computing.discard)

    async def _answer_chunk(self, chunk: HeavyChunk) -> None:
        """Compute a chunk; if that fails, its series are computed again, each alone, once."""
        waiting = chunk.waiting
        try:
            answers = await self._children.in_thread(self._compute, [one.request for one in waiting], chunk)
        except (TimeoutError, EndedError, RaisedError) as error:
            if self._closed:
                return  # who waited knows
            too_long = isinstance(error, TimeoutError)
            if len(waiting) == 1 and (too_long or waiting[0].tried):
                text = _TOO_LONG.format(waiting[0].request.model_name, self._time_limit_s)
                waiting[0].tell(failure(text if too_long else _ENDED.format(waiting[0].request.model_name)))
            else:
                for one in waiting:
                    one.again()
                self._series.add(one for one in waiting if one.wanted())
        except BaseException as error:
            for one in waiting:
                one.fail(error)
            raise
        else:
            for one, answer in zip(waiting, answers, strict=True):
                one.tell(answer)
        finally:
            self._series.done(chunk)
            self._begin()

    def _compute(self, requests: list[SeriesRequest], chunk: HeavyChunk) -> list[SeriesAnswer]:
        """In a thread: let a process compute. Errors leave no process behind."""
        child = None
        try:
            if not chunk.long:
                child = self._children.take()
            if child is None:
                child = self._children.start(niceness=_LONG_NICENESS if chunk.long else _NICENESS)
            chunk.lease.hold(child)
            answers: list[SeriesAnswer] = child.call((self._prepare, requests), self._time_limit_s)
        except BaseException as error:
            if child is not None:
                self._children.end(child)
            if not self._closed and chunk.wanted:
                log.warning(
                    "training_process_replaced",
                    reason="too long" if isinstance(error, TimeoutError) else str(error),
                    model=requests[0].model_name,
                    series=len(requests),
                )
            raise
        chunk.lease.release()
        if chunk.long:  # it gives way to all others
            self._children.end(child)
        else:  # beyond one per place it ends: that was a guest's, and idle ones take memory too
            self._children.give_back(child)
        return answers


@asynccontextmanager
async def running_offload(settings: Settings) -> AsyncIterator[Offload]:
    """One with the limits of the settings, from its start to its end."""
    offload = Offload(
        settings.training_processes,
        timedelta(seconds=settings.max_training_s),
        memory_limit=settings.training_memory_bytes,
    )
    offload.start()
    try:
        yield offload
    finally:
        await offload.close()


def is_heavy(request: SeriesRequest) -> bool:
    """Whether a request is computed in a process of its own: by its model, its search, or the length of its series."""
    try:
        spec = model_spec(request.model_name)
        return spec.heavy or predicted_s(request) > _QUICK_S or _is_long_search(spec, request)
    except (UnknownModelError, TypeError, AttributeError, ValueError):
        return False  # `forecast_batch` says what is wrong


def _is_long_search(spec: ModelSpec, request: SeriesRequest) -> bool:
    return request.search is not None and not is_quick(spec, request.search, request.config)
