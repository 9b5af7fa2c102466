"""A process that an event loop asks: small answers, large ones that come in parts, errors, and its end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from connectors.processes.asked_process import AskedProcess
from connectors.processes.compute_process import ComputeProcess, EndedError, RaisedError

_ENTRY = "tests.unit.connectors.processes.test_asked_process:repeated"
_LIMIT_S = 20.0


def repeated(asked: int, report: object) -> bytes:
    """So many bytes; for -1 an error, for -2 nothing, ever."""
    assert callable(report)
    report("on it")
    if asked == -1:
        raise ValueError("not so many")
    if asked == -2:
        signal.pause()
    return b"x" * asked


@pytest.fixture
async def ended() -> asyncio.Event:
    """Set when the process has ended."""
    return asyncio.Event()


@pytest.fixture
async def asked(ended: asyncio.Event) -> AsyncIterator[AskedProcess]:
    """One that is ready."""
    process = ComputeProcess(_ENTRY)
    await asyncio.to_thread(process.wait_until_ready)
    made = AskedProcess(process, ended.set)
    made.pid = process.pid  # type: ignore[attr-defined]
    yield made
    made.leave()
    process.kill()


@pytest.mark.parametrize("size", [0, 10, 70_000, 5_000_000])
async def test_answers_of_all_sizes_come(asked: AskedProcess, size: int) -> None:
    """Reports are no answers; one answer after the other."""
    for _ in range(3):
        asked.send(size)

        assert await asked.answer(_LIMIT_S) == b"x" * size


async def test_an_error_is_raised_here_and_the_process_goes_on(asked: AskedProcess) -> None:
    """As by `ComputeProcess.call`."""
    asked.send(-1)
    with pytest.raises(RaisedError, match="ValueError: not so many"):
        await asked.answer(_LIMIT_S)
    asked.send(1)

    assert await asked.answer(_LIMIT_S) == b"x"


async def test_its_time_is_limited(asked: AskedProcess) -> None:
    """The process must be killed then."""
    asked.send(-2)
    with pytest.raises(TimeoutError):
        await asked.answer(0.2)


@pytest.mark.parametrize("at_work", [True, False])
async def test_its_end_is_told(asked: AskedProcess, ended: asyncio.Event, *, at_work: bool) -> None:
    """To who waits for an answer, to who asks afterwards, and to who has nothing to do."""
    pid: int = asked.pid  # type: ignore[attr-defined]
    if at_work:
        asked.send(-2)
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(_LIMIT_S):
        await ended.wait()

    assert asked.ended
    for _ in range(2):
        asked.send(1)
        with pytest.raises(EndedError):
            await asked.answer(_LIMIT_S)
