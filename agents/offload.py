"""Where series are computed: quick ones in a thread of this process, heavy ones in processes of their own.

Heavy series (`ModelSpec.heavy`, or a search on a model without a grid) that ask for the same thing are computed
together, up to 64 in a chunk, because networks of one shape train together at little more than the cost of one.

- A chunk has the time that one submission has. So nothing that hangs holds a process for longer, at the price that a
  chunk of honest but slow series is begun in vain once.
- A chunk that takes longer, whose process is killed or that runs out of memory is computed again, each of its series
  alone, once. A series that fails again gets an error; so does one that took too long while it was alone already.
- The process is replaced by a new one. It is the only one to hold either end of its pipe but this process, so that a
  kill at any moment is seen at once and touches no other process. Pebble 5.2's pool shares two pipes and their locks
  among its processes: killed at random, they broke the pool, or left it without an answer for good.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from math import ceil
from threading import Lock
from typing import Any, TypeVar

import structlog

from agents.training_process import new_process
from connectors.compute_process import ComputeProcess, EndedError, RaisedError, cores
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import UnknownModelError, model_spec
from models.tuning import is_quick
from streams.settings import Settings

__all__ = ["Offload", "OffloadClosedError", "is_heavy", "running_offload"]

log = structlog.get_logger(__name__)

_Made = TypeVar("_Made")

_MOST_TOGETHER = 64  # series of a chunk: stacked networks gain little beyond, and so many are begun anew after a kill
_TIME_LIMIT = timedelta(minutes=10)
_MEMORY_LIMIT = 2 * 1024**3  # bytes; TensorFlow with a small network and XLA takes 500 MiB of them
_PAUSES_S = (0.1, 0.5)  # between trials to start one: a fork server that was killed is not known to be gone at once
_CLOSED_WITHIN_S = 3.0


_TOO_LONG = "{} took longer than {:g} s: choose a quicker model or smaller settings, fewer trials or a shorter history"
_ENDED = (
    "the process that trained {} ended (killed or out of memory), also when the series was alone:"
    " choose smaller settings, another model or a shorter history"
)


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
        self._memory_limit = memory_limit
        self._prepare = prepare
        self._light: ThreadPoolExecutor | None = None
        self._heavy: ThreadPoolExecutor | None = None
        self._idle: list[ComputeProcess] = []
        self._children: set[ComputeProcess] = set()
        self._lock = Lock()  # for the two above, which the heavy threads share
        self._closed = False

    def start(self) -> None:
        """Begin to take requests. Starts no process yet."""
        self._light = ThreadPoolExecutor(1, thread_name_prefix="light-series")
        self._heavy = ThreadPoolExecutor(self._processes, thread_name_prefix="heavy-series")  # each waits for a process

    async def close(self) -> None:
        """End every process at once, busy or not. Calls of `answer` that wait for one raise OffloadClosedError."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            child.kill()
        executors = [executor for executor in (self._light, self._heavy) if executor is not None]
        for executor in executors:
            executor.shutdown(wait=False)
        ended = [asyncio.to_thread(executor.shutdown) for executor in executors]
        with suppress(TimeoutError):  # a thread may still wait for a process that is only being started
            async with asyncio.timeout(_CLOSED_WITHIN_S):
                await asyncio.gather(*ended)

    async def answer(self, requests: Sequence[SeriesRequest]) -> list[SeriesAnswer]:
        """Answer every request, in order; what is wrong with a series is the error of its own answer."""
        heavy = [place for place, request in enumerate(requests) if is_heavy(request)]
        chunks = list(_chunks(requests, heavy, self._processes))
        set_apart = set(heavy)
        light = [place for place in range(len(requests)) if place not in set_apart]
        parts = [self.beside(forecast_batch, [requests[place] for place in light])] if light else []
        parts += [self._patiently([requests[place] for place in chunk]) for chunk in chunks]
        answers: dict[int, SeriesAnswer] = {}
        for places, part in zip([light, *chunks] if light else chunks, await asyncio.gather(*parts), strict=True):
            answers.update(zip(places, part, strict=True))
        return [answers[place] for place in range(len(requests))]

    async def beside(self, function: Callable[..., _Made], *arguments: Any) -> _Made:
        """Call a function in the thread of the quick series, which does one thing after the other."""
        return await self._run(self._light, function, *arguments)

    async def _patiently(self, chunk: list[SeriesRequest]) -> list[SeriesAnswer]:
        """Answer heavy requests: 1. together, 2. if that fails, each alone."""
        try:
            return await self._run(self._heavy, self._compute, chunk)
        except TimeoutError:
            if len(chunk) == 1:
                return [_failure(self._too_long(chunk[0]))]
        except (EndedError, RaisedError):
            pass
        return await asyncio.gather(*(self._alone(request) for request in chunk))

    async def _alone(self, request: SeriesRequest) -> SeriesAnswer:
        try:
            return (await self._run(self._heavy, self._compute, [request]))[0]
        except TimeoutError:
            return _failure(self._too_long(request))
        except (EndedError, RaisedError):
            return _failure(_ENDED.format(request.model_name))

    def _too_long(self, request: SeriesRequest) -> str:
        return _TOO_LONG.format(request.model_name, self._time_limit_s)

    async def _run(self, executor: ThreadPoolExecutor | None, compute: Callable[..., _Made], *arguments: Any) -> _Made:
        if executor is None:
            raise RuntimeError("start() has not been called")
        if self._closed:
            raise OffloadClosedError("no more series are computed")
        waiting: Future[_Made] = executor.submit(compute, *arguments)
        try:
            return await asyncio.wrap_future(waiting)
        except EndedError as error:
            if self._closed:
                raise OffloadClosedError("no more series are computed") from error
            raise

    def _compute(self, requests: list[SeriesRequest]) -> list[SeriesAnswer]:
        """In a thread: let a process compute. Errors leave no process behind."""
        child = None
        try:
            child = self._take_child()
            answers: list[SeriesAnswer] = child.call((self._prepare, requests), self._time_limit_s)
        except BaseException as error:
            if child is not None:
                with self._lock:
                    self._children.discard(child)
                child.kill()
            if not self._closed:
                log.warning(
                    "training_process_replaced",
                    reason="too long" if isinstance(error, TimeoutError) else str(error),
                    model=requests[0].model_name,
                    series=len(requests),
                )
            raise
        with self._lock:
            self._idle.append(child)
        return answers

    def _take_child(self) -> ComputeProcess:
        with self._lock:
            if self._closed:
                raise EndedError("closed")
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    return child
                self._children.discard(child)
        child = self._new_child()
        with self._lock:
            self._children.add(child)
            closed = self._closed
        if closed:  # while it was being started
            child.kill()
        return child

    def _new_child(self) -> ComputeProcess:
        for pause_s in _PAUSES_S:
            try:
                return new_process(self._memory_limit)
            except EndedError:
                time.sleep(pause_s)
        return new_process(self._memory_limit)


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
    """Whether a request is computed in a process of its own."""
    try:
        spec = model_spec(request.model_name)
    except (UnknownModelError, TypeError, AttributeError):
        return False  # `forecast_batch` says what is wrong
    return spec.heavy or (request.search is not None and not is_quick(spec, request.search, request.config))


def _chunks(requests: Sequence[SeriesRequest], heavy: Sequence[int], processes: int) -> Iterator[list[int]]:
    """Yield the places of what is computed together: equal settings, similar lengths, work for every process.

    A series that is searched for takes as long as many, and trials are not stacked, so it is a chunk by itself. So is
    one whose model is made for many series, and is now trained on it alone.
    """
    alike: dict[str, list[int]] = {}
    for place in heavy:
        request = requests[place]
        if request.search is not None or model_spec(request.model_name).together:
            yield [place]
            continue
        settings = (
            request.model_name,
            request.config,
            request.prediction_length,
            request.refit,
            request.season_length,
            request.allow_negative,
        )
        alike.setdefault(repr(settings), []).append(place)
    for places in alike.values():
        places.sort(key=lambda place: len(requests[place].target))
        size = min(_MOST_TOGETHER, ceil(len(places) / processes))
        for first in range(0, len(places), size):
            yield places[first : first + size]


def _failure(message: str) -> SeriesAnswer:
    return SeriesAnswer(predictions=[], backtest=None, metrics={}, error=message)
