"""Models that learn from many series, trained in processes of their own, for as long as that takes.

- As many are trained at a time as the settings say; for the next place projects take turns, and within each its jobs.
- A process trains once: to begin the next one costs 0.05 s, and memory that TensorFlow keeps is freed.
- When a process is killed, another one takes its place, until that happens again and again without progress.
- Whoever stops waiting for an answer ends its process.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any, Final

import structlog

from agents.series.turns import Owner
from agents.versions.places import Places
from connectors.processes.compute_process import EndedError, cores
from connectors.processes.process_set import Lease, ProcessSet
from streams.settings import Settings

__all__ = ["TrainingPool", "TrainingPoolClosedError"]

log = structlog.get_logger(__name__)

_TRAIN: Final = "agents.deepar.process:train"  # named, because it loads TensorFlow, which this process does without
_TRIES: Final = 3  # a process may be killed for what another one did, or while the machine is short of memory for once
_PAUSES_S: Final = (0.1, 0.5, 2.0)  # a fork server that was killed is not known to be gone at once

Report = Callable[[Any], object]


class TrainingPoolClosedError(RuntimeError):
    """The answer will not come, because `close` was called."""


class TrainingPool:
    """Lets processes compute; starts them when they are needed. To be used in one event loop.

    `entry` is what a process runs and `preload` what it needs for that: tests put others in their place.
    """

    def __init__(self, settings: Settings, *, entry: str = _TRAIN, preload: Sequence[str] = ()) -> None:
        most = settings.training_processes or cores()
        self._places = Places(most)
        self._processes = ProcessSet(
            entry, preload, name="tidecast-training", threads=most, memory_limit=settings.training_memory_bytes
        )
        self._closed = False

    async def compute(
        self,
        argument: object,
        owner: Owner,
        *,
        limit_s: float,
        on_report: Report | None = None,
        on_ended: Callable[[], object] | None = None,
    ) -> Any:
        """What the entry makes of `argument`, once there is a free place and it is the owner's turn.

        `on_report` gets in this loop, in order, what the process reports. `on_ended` is called when the process ended
        before its time, and gives the argument for the next one; one that differs from the last says that there was
        progress. TimeoutError: it took longer than `limit_s`, waiting not counted. RaisedError: the entry raised.
        EndedError: the process ended time and again without progress. TrainingPoolClosedError.
        """
        async with self._places.place(owner):
            loop = asyncio.get_running_loop()
            deadline, tries = loop.time() + limit_s, 0
            while True:
                if self._closed:
                    raise TrainingPoolClosedError("no more models are trained")
                try:
                    return await self._try(argument, deadline - loop.time(), on_report)
                except EndedError as error:
                    if self._closed:
                        raise TrainingPoolClosedError("no more models are trained") from error
                    log.warning("training_process_replaced", reason=str(error), argument=type(argument).__name__)
                    before, argument = argument, argument if on_ended is None else on_ended()
                    tries = tries + 1 if argument == before else 0
                    if tries >= _TRIES:
                        raise
                    await asyncio.sleep(_PAUSES_S[tries])

    async def close(self) -> None:
        """End every process at once. Calls of `compute` raise TrainingPoolClosedError."""
        self._closed = True
        await self._processes.close()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that there are."""
        return self._processes.pids

    async def _try(self, argument: object, limit_s: float, on_report: Report | None) -> Any:
        """Let a new process compute. Whatever comes of it, the process has ended afterwards."""
        loop, lease = asyncio.get_running_loop(), Lease()
        context = copy_context()  # so that what is sent and logged belongs to the trace and the job of this call

        def tell(content: object) -> None:
            if on_report is not None and not lease.ended:  # somebody still waits
                on_report(content)

        def reported(content: object) -> None:
            loop.call_soon_threadsafe(tell, content, context=context)

        def compute() -> Any:
            process = self._processes.start()
            try:
                lease.hold(process)
                return process.call(argument, limit_s, on_report=None if on_report is None else reported)
            finally:
                self._processes.end(process)

        try:
            return await self._processes.in_thread(compute)
        finally:
            lease.end()
