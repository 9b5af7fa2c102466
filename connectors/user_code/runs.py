"""A user's program that runs: what it prints is handed on, its end awaited, and it is stopped whole."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from connectors.user_code.plans import Mode, spawn
from connectors.user_code.programs import Outcome, UserProgram, outcome_of
from connectors.user_code.system_samples import Sampler, SystemSample

__all__ = ["Run", "start"]

_BLOCK: Final = 64 * 1024
_SUPERVISOR_ACTS_WITHIN_S: Final = 3.0  # after a program's time; longer only if the program, held by nothing, froze it


def start(program: UserProgram, mode: Mode, log: Callable[[bytes], None]) -> "Run":
    """Start it within the running event loop, whose thread hands to `log` all that it prints; OSError if that fails.

    It ends when this process does, however this process ends.
    """
    process, printed = spawn(program, mode)
    return Run(program, process, printed, log)


class Run:
    """One program that was started."""

    def __init__(
        self, program: UserProgram, process: "subprocess.Popen[bytes]", printed: int, log: Callable[[bytes], None]
    ) -> None:
        """For `start`."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._report = process.stdout
        self._told = b""
        self._stopped = False
        self._printed = printed
        self._log = log
        self._sampler = Sampler(process.pid, network=program.limits.network)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Outcome] = self._loop.create_future()
        self._guard = self._loop.call_later(program.limits.wall_s + _SUPERVISOR_ACTS_WITHIN_S, self._overdue)
        self._tasks: set[asyncio.Task[None]] = set()
        for descriptor in (printed, self._report.fileno()):
            os.set_blocking(descriptor, False)
        self._loop.add_reader(printed, self._read_printed)
        self._loop.add_reader(self._report.fileno(), self._read_report)

    @property
    def pid(self) -> int:
        """Of the process above the program; all of the program's are below it."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended, and `wait` answers at once."""
        return self._ended.done()

    async def wait(self) -> Outcome:
        """How it ended, once no process of it is left and all that it printed was handed on."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float = 1.0) -> Outcome:
        """Ask it to end (SIGTERM), and end all of it when the time is up."""
        self._stopped = True
        with suppress(OSError, ValueError):  # it ends just now
            self._input.write(f"stop {grace_s}\n".encode())
        try:
            return await asyncio.wait_for(self.wait(), grace_s + _SUPERVISOR_ACTS_WITHIN_S)
        except TimeoutError:
            self._overdue()
        return await self.wait()

    def sample(self) -> SystemSample:
        """What its processes take; blocks for some 20 ms, so rather in a thread."""
        return self._sampler.sample()

    def _read_printed(self) -> None:
        """One block in a turn of the loop: others come in between, and a program that prints too fast waits."""
        try:
            block = os.read(self._printed, _BLOCK)
        except BlockingIOError:
            return
        if block:
            self._log(block)
        else:
            self._loop.remove_reader(self._printed)

    def _read_report(self) -> None:
        block = self._report.read(_BLOCK)
        if block is None:
            return
        self._told += block
        if not block:  # the supervisor has ended
            self._loop.remove_reader(self._report.fileno())
            self._guard.cancel()
            task = self._loop.create_task(self._finish())
            self._tasks.add(task)

    async def _finish(self) -> None:
        try:
            while block := _rest(self._printed):
                self._log(block)
                await asyncio.sleep(0)
        finally:
            self._loop.remove_reader(self._printed)
            os.close(self._printed)
            self._input.close()
            self._report.close()
            status = await asyncio.to_thread(self._process.wait)
            if self._told:
                outcome = outcome_of(**json.loads(self._told))
            else:
                outcome = outcome_of(None, None, stopped=self._stopped, words=f"its supervisor ended, status {status}")
            self._ended.set_result(outcome)

    def _overdue(self) -> None:
        """The supervisor does not do its work: all are ended from here, as far as they are to be seen."""
        with suppress(psutil.Error):
            supervisor = psutil.Process(self.pid)
            for process in [*supervisor.children(recursive=True), supervisor]:
                with suppress(psutil.Error):
                    process.kill()


def _rest(descriptor: int) -> bytes:
    """What is left in a pipe that may have other ends: never waits for its end."""
    try:
        return os.read(descriptor, _BLOCK)
    except BlockingIOError:
        return b""
