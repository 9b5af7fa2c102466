"""The processes that compute forecasts for endpoints: started when they are needed, replaced when they end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import structlog

from connectors.processes.compute_process import ComputeProcess, EndedError, cores
from connectors.processes.free_memory import free_memory
from streams.settings import Settings

__all__ = ["InferenceProcesses"]

log = structlog.get_logger(__name__)

_PAUSES_S: Final = (0.1, 0.5)  # between trials to start one: a fork server that was killed is not known gone at once
_PROCESS_BYTES: Final = 256 * 1024 * 1024  # twice what a process takes at work, besides the model
_COPIES: Final = 4  # of the weights in a process: as loaded, as stacked for speed, and both for the next model
_CLOSED_WITHIN_S: Final = 3.0
_NICENESS: Final = 5  # after the event loop, before training


class InferenceProcesses:
    """As many as the settings say, by default one per core as far as memory suffices (contract D-044, D-045)."""

    def __init__(self, settings: Settings, entry: str, preload: Sequence[str]) -> None:
        self._fixed = settings.model_server_workers
        self._memory_limit = settings.inference_memory_bytes
        self._entry = entry
        self._preload = preload
        self.most: Final = self._fixed or cores()
        self._threads = ThreadPoolExecutor(self.most + 1, thread_name_prefix="inference")  # one starts processes
        self._idle: list[ComputeProcess] = []
        self._all: set[ComputeProcess] = set()
        self._starting = False
        self._closed = False

    @property
    def idle(self) -> int:
        """How many wait for work."""
        return len(self._idle)

    @property
    def pids(self) -> list[int]:
        """The ids of all that there are."""
        return [process.pid for process in list(self._all) if process.pid is not None]

    def take(self) -> ComputeProcess | None:
        """One that waits for work; to be given back or ended."""
        while self._idle:
            process = self._idle.pop()  # the last one used: its caches are warm
            if process.alive:
                return process
            self._all.discard(process)
        return None

    def give_back(self, process: ComputeProcess) -> None:
        """It waits for work again."""
        self._idle.append(process)

    def end(self, process: ComputeProcess) -> None:
        """End one that was taken."""
        self._all.discard(process)
        process.kill()

    async def call(self, process: ComputeProcess, argument: object, limit_s: float) -> Any:
        """As the process's `call`, without blocking the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, process.call, argument, limit_s)

    def claims_place(self, model_bytes: int) -> bool:
        """Whether `grow` must follow now: none is being started, and one more that computes with such a model fits.

        The first one is started however little memory is left, and so are all where their number was set.
        """
        if self._starting or self._closed or len(self._all) >= self.most:
            return False
        if self._fixed is None and self._all:
            free = free_memory()
            if free is not None and free < _PROCESS_BYTES + _COPIES * model_bytes:
                return False
        self._starting = True
        return True

    async def grow(self, then: Callable[[Exception | None], None]) -> None:
        """Start one more, and call `then`, with the error if it could not be started."""
        failed: Exception | None = None
        try:
            self._idle.append(await asyncio.get_running_loop().run_in_executor(self._threads, self._new))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            failed = error
            if not self._closed:
                log.warning("inference_process_not_started", reason=repr(error))
        finally:
            self._starting = False
        then(failed)

    async def close(self) -> None:
        """End all at once, busy or not."""
        self._closed = True
        for process in list(self._all):
            process.kill()
        self._threads.shutdown(wait=False)
        with suppress(TimeoutError):  # a thread may still wait for a process that is only being started
            async with asyncio.timeout(_CLOSED_WITHIN_S):
                await asyncio.to_thread(self._threads.shutdown)

    def _new(self) -> ComputeProcess:
        """In a thread: one that is ready."""
        for pause_s in _PAUSES_S:
            with suppress(EndedError):
                return self._started()
            time.sleep(pause_s)
        return self._started()

    def _started(self) -> ComputeProcess:
        process = ComputeProcess(
            self._entry,
            self._preload,
            memory_limit=self._memory_limit,
            niceness=_NICENESS,
            name="tidecast-inference",
        )
        self._all.add(process)
        try:
            if self._closed:
                raise EndedError("closed")
            process.wait_until_ready()
        except EndedError:
            self.end(process)
            raise
        return process
