"""Sets of processes: patience at the start, taking and giving back, leases, and that none outlives a set."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.processes import process_set
from connectors.processes.compute_process import ComputeProcess, EndedError
from connectors.processes.process_set import Lease, ProcessSet
from tests.waiting import until

WITHIN_S = 60.0  # a busy machine needs seconds for what takes milliseconds here


def answer(seconds: float, report: Callable[[object], None]) -> int:
    """The entry of these processes: its id, after a while."""
    time.sleep(seconds)
    return os.getpid()


@asynccontextmanager
async def processes(**changed: Any) -> AsyncIterator[ProcessSet]:
    """A set that is closed in the end."""
    made = ProcessSet(f"{__name__}:answer", name="test", threads=2, **changed)
    try:
        async with asyncio.timeout(WITHIN_S):
            yield made
    finally:
        await made.close()


def gone(pid: int | None) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_one_that_is_given_back_is_taken_again() -> None:
    """And computes again; of several the last one used."""
    async with processes() as made:
        first, second = made.start(), made.start(ready=True)
        assert made.take() is None
        made.give_back(first)
        made.give_back(second)

        assert (len(made), made.idle, set(made.pids)) == (2, 2, {first.pid, second.pid})
        assert made.take() is second
        assert second.call(0.0) == second.pid


async def test_more_than_may_be_idle_are_ended() -> None:
    """They take memory."""
    async with processes(most_idle=1) as made:
        first, second = made.start(), made.start()
        made.give_back(first)
        made.give_back(second)

        await until(lambda: gone(second.pid))
        assert made.pids == [first.pid]


async def test_one_that_ended_while_it_was_idle_is_not_taken() -> None:
    """Nobody notices."""
    async with processes() as made:
        process = made.start(ready=True)
        made.give_back(process)
        process.kill()
        await until(lambda: not process.alive)

        assert made.take() is None
        assert made.pids == []


async def test_a_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork server that was killed is there again a moment later; three times, then it is an error."""
    monkeypatch.setattr(process_set, "_PAUSES_S", (0.0, 0.0))
    failures = 2

    def flaky(*arguments: Any, **named: Any) -> ComputeProcess:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise EndedError("no fork server")
        return ComputeProcess(*arguments, **named)

    monkeypatch.setattr(process_set, "ComputeProcess", flaky)
    async with processes() as made:
        assert made.start().call(0.0)
        failures = 3
        with pytest.raises(EndedError, match="no fork server"):
            made.start()


async def test_a_lease_ends_the_process_that_it_holds() -> None:
    """Whoever waits for its answer is told."""
    async with processes() as made:
        lease = Lease()
        process = made.start(ready=True)
        lease.hold(process)
        computing = asyncio.ensure_future(made.in_thread(process.call, 600.0))
        await asyncio.sleep(0)
        lease.end()

        assert lease.ended
        with pytest.raises(EndedError):
            await computing


async def test_a_lease_that_has_ended_takes_no_process() -> None:
    """One that was being started when it ended is not let live unseen."""
    async with processes() as made:
        lease = Lease()
        lease.end()
        with pytest.raises(EndedError, match="nobody waits"):
            lease.hold(made.start())


async def test_a_lease_that_is_over_ends_nothing() -> None:
    """The process works for somebody else by then."""
    async with processes() as made:
        lease = Lease()
        process = made.start()
        lease.hold(process)
        lease.release()
        lease.end()

        assert process.call(0.0) == process.pid


async def test_closing_ends_all_and_starts_none() -> None:
    """Idle ones, busy ones, and those that come later."""
    async with processes() as made:
        idle, busy = made.start(ready=True), made.start(ready=True)
        made.give_back(idle)
        computing = asyncio.ensure_future(made.in_thread(busy.call, 600.0))
        await asyncio.sleep(0)
        await made.close()

        with pytest.raises(EndedError):
            await computing
        await until(lambda: gone(idle.pid) and gone(busy.pid))
        with pytest.raises(EndedError, match="closed"):
            made.start()
