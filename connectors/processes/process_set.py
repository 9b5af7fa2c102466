"""Processes of one kind that compute: started with patience, taken, given back, ended; all of them when it closes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any, Final, TypeVar

from connectors.processes.compute_process import ComputeProcess, EndedError, RaisedError

__all__ = ["Lease", "ProcessSet", "shut_down"]

_PAUSES_S: Final = (0.1, 0.5)  # between trials to start one: a fork server that was killed is not known gone at once
_CLOSED_WITHIN_S: Final = 3.0

_Made = TypeVar("_Made")


class Lease:
    """Somebody's use of a process, from before it is there: what ends the lease ends the process, whenever it comes.

    Ended by any thread; without effect once the process is given back.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: ComputeProcess | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nobody wants it any more."""
        return self._ended

    def end(self) -> None:
        """Nobody wants it any more; its process, if it has one, is killed."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.kill()

    def hold(self, process: ComputeProcess) -> None:
        """It is of this process; EndedError where nobody wants it any more."""
        with self._lock:
            if self._ended:
                raise EndedError("nobody waits for it")
            self._process = process

    def release(self) -> None:
        """The process is for others again."""
        with self._lock:
            self._process = None


class ProcessSet:
    """Those of one kind that one owner has; how many there are, and who gets one, is the owner's to say.

    `entry`, `preload`, `memory_limit` and `niceness` are those of `ComputeProcess`. `threads` is how many wait for
    processes at a time; what blocks is for these threads, all the rest for any. With `most_idle` waiting for work, more
    that are given back are ended.
    """

    def __init__(
        self,
        entry: str,
        preload: Sequence[str] = (),
        *,
        name: str,
        threads: int,
        memory_limit: int | None = None,
        niceness: int = 10,
        most_idle: int | None = None,
    ) -> None:
        self._entry = entry
        self._preload = preload
        self._name = name
        self._memory_limit = memory_limit
        self._niceness = niceness
        self._most_idle = most_idle
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = Lock()  # for the two below, which threads share
        self._idle: list[ComputeProcess] = []
        self._all: set[ComputeProcess] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._all)

    @property
    def idle(self) -> int:
        """How many wait for work."""
        return len(self._idle)

    @property
    def pids(self) -> list[int]:
        """The ids of all that there are."""
        with self._lock:
            return [process.pid for process in self._all if process.pid is not None]

    @property
    def closed(self) -> bool:
        """Whether none is started any more."""
        return self._closed

    def take(self) -> ComputeProcess | None:
        """One that waits for work, to be given back or ended; None where none does."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()  # the last one used: its caches are warm
                if process.alive:
                    return process
                self._all.discard(process)
        return None

    def start(self, *, niceness: int | None = None, ready: bool = False) -> ComputeProcess:
        """Start one, which is taken; EndedError if that fails time and again, or the set is closed. Blocks.

        With `ready` it has loaded what it needs.
        """
        for pause_s in _PAUSES_S:
            with suppress(EndedError):
                return self._started(niceness, ready=ready)
            if self._closed:
                break
            time.sleep(pause_s)
        return self._started(niceness, ready=ready)

    def call(self, argument: object, timeout_s: float) -> Any:
        """What one of them answers, which waits for work or is started; errors as `ComputeProcess.call`. Blocks."""
        process = self.take() or self.start()
        try:
            answer = process.call(argument, timeout_s)
        except RaisedError:
            self.give_back(process)
            raise
        except (EndedError, TimeoutError):
            self.end(process)
            raise
        self.give_back(process)
        return answer

    def give_back(self, process: ComputeProcess) -> None:
        """It waits for work again, or ends where enough others do."""
        with self._lock:
            if self._most_idle is None or len(self._idle) < self._most_idle:
                self._idle.append(process)
                return
        self.end(process)

    def end(self, process: ComputeProcess) -> None:
        """End one that was taken."""
        with self._lock:
            self._all.discard(process)
        process.kill()

    async def in_thread(self, function: Callable[..., _Made], *arguments: object) -> _Made:
        """Call a function that blocks in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def close(self) -> None:
        """End all at once, busy or not, and start none any more; calls that wait for them get EndedError."""
        with self._lock:
            self._closed = True
            processes = list(self._all)
        for process in processes:
            process.kill()
        await shut_down(self._threads)

    def _started(self, niceness: int | None, *, ready: bool) -> ComputeProcess:
        if self._closed:
            raise EndedError("closed")
        process = ComputeProcess(
            self._entry,
            self._preload,
            memory_limit=self._memory_limit,
            niceness=self._niceness if niceness is None else niceness,
            name=self._name,
        )
        with self._lock:
            self._all.add(process)
            closed = self._closed
        try:
            if closed:  # while it was being started
                raise EndedError("closed")
            if ready:
                process.wait_until_ready()
        except EndedError:
            self.end(process)
            raise
        return process


async def shut_down(threads: ThreadPoolExecutor) -> None:
    """Let threads take nothing more, and wait a moment for what they do: one may wait for a process to be started."""
    threads.shutdown(wait=False)
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSED_WITHIN_S):
            await asyncio.to_thread(threads.shutdown)
