"""Where long trainings are computed: as many at a time as there are places, through kills, limits and cancellations."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from agents.deepar.pool import TrainingPool, TrainingPoolClosedError
from agents.series.turns import Owner
from connectors.processes.compute_process import EndedError, RaisedError
from streams.settings import Settings
from tests.waiting import until

WITHIN_S = 60.0  # a busy machine needs seconds for what takes milliseconds here
LIMIT_S = 60.0
OWNER = Owner("", 1)


@asynccontextmanager
async def pool_of(processes: int = 1, **settings: Any) -> AsyncIterator[TrainingPool]:
    """A pool whose processes let happen what they are told."""
    pool = TrainingPool(
        Settings(training_processes=processes, **settings),
        entry="tests.unit.models.deepar.learning.training_steps:happen",
        preload=(),
    )
    try:
        yield pool
    finally:
        await pool.close()


def noted(path: Path) -> list[int]:
    """The processes that noted that they had begun."""
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def running(pid: int) -> bool:
    """Whether a process runs; False as well when it has ended and nobody has asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_each_answer_comes_from_a_process_of_its_own_that_is_gone_then() -> None:
    """TensorFlow keeps memory of what it trained; the process takes it along."""
    async with pool_of() as pool:
        first = await pool.compute((), OWNER, limit_s=LIMIT_S)
        second = await pool.compute((), OWNER, limit_s=LIMIT_S)
        await until(lambda: not running(first["pid"]) and not running(second["pid"]))

        assert len({os.getpid(), first["pid"], second["pid"]}) == 3
        assert first["nice"] > os.nice(0)
        assert pool.pids == []


async def test_reports_come_in_order_in_the_loop_before_the_answer() -> None:
    """Whoever takes them needs no lock."""
    told: list[object] = []

    def take(content: object) -> None:
        asyncio.get_running_loop()
        told.append(content)

    async with pool_of() as pool:
        await pool.compute((("report", range(500)),), OWNER, limit_s=LIMIT_S, on_report=take)

    assert told == list(range(500))


async def test_reports_come_in_the_context_of_the_call() -> None:
    """What is sent and logged then belongs to its trace and its job."""
    job: ContextVar[int] = ContextVar("job")
    told: dict[int, list[int]] = {1: [], 2: []}

    async def train(number: int) -> None:
        job.set(number)
        await pool.compute(
            (("report", range(5)),), OWNER, limit_s=LIMIT_S, on_report=lambda _: told[number].append(job.get(0))
        )

    async with pool_of(2) as pool:
        await asyncio.gather(train(1), train(2))

    assert told == {1: [1] * 5, 2: [2] * 5}


async def test_the_others_wait_for_a_place_in_their_order(tmp_path: Path) -> None:
    """No more processes than places."""
    gate, notes = tmp_path / "gate", [tmp_path / f"note-{place}" for place in range(4)]
    steps = [(("note", str(note)), ("wait-for", str(gate))) for note in notes]
    async with pool_of(2) as pool:
        tasks = [asyncio.create_task(pool.compute(one, OWNER, limit_s=LIMIT_S)) for one in steps]
        await until(lambda: noted(notes[0]) and noted(notes[1]))
        waiting = [noted(note) for note in notes[2:]]
        running_then = len(pool.pids)
        gate.touch()
        await asyncio.gather(*tasks)

    assert waiting == [[], []]
    assert running_then == 2
    assert [len(noted(note)) for note in notes] == [1] * 4


async def test_a_killed_process_is_replaced_and_goes_on_with_what_is_newest(tmp_path: Path) -> None:
    """The answer is that of the renewed argument."""
    note, after = tmp_path / "note", (("report", ("after",)),)
    told: list[object] = []
    async with pool_of() as pool:
        task = asyncio.create_task(
            pool.compute(
                (("report", ("before",)), ("note", str(note)), ("stay", WITHIN_S)),
                OWNER,
                limit_s=LIMIT_S,
                on_report=told.append,
                on_ended=lambda: after,
            )
        )
        await until(lambda: noted(note))
        os.kill(noted(note)[0], signal.SIGKILL)
        answer = await task

    assert answer["steps"] == after
    assert told == ["before", "after"]


async def test_without_anything_newer_the_same_is_tried_again(tmp_path: Path) -> None:
    """A process may be killed for what another one did."""
    async with pool_of() as pool:
        answer = await pool.compute((("kill-once", str(tmp_path / "killed")),), OWNER, limit_s=LIMIT_S)

    assert answer["steps"] == (("kill-once", str(tmp_path / "killed")),)


async def test_what_ends_its_process_each_time_is_given_up(tmp_path: Path) -> None:
    """Three tries."""
    note = tmp_path / "note"
    async with pool_of() as pool:
        with pytest.raises(EndedError):
            await pool.compute((("note", str(note)), ("kill",)), OWNER, limit_s=LIMIT_S)
        answer = await pool.compute((), OWNER, limit_s=LIMIT_S)

    assert len(noted(note)) == 3
    assert answer["steps"] == ()


async def test_with_progress_the_tries_count_anew(tmp_path: Path) -> None:
    """Four kills with progress in between, then three without."""
    note, ends = tmp_path / "note", 0

    def renewed() -> object:
        nonlocal ends
        ends += 1
        return (("note", str(note)), ("report", (min(ends, 4),)), ("kill",))

    async with pool_of() as pool:
        with pytest.raises(EndedError):
            await pool.compute((("note", str(note)), ("kill",)), OWNER, limit_s=LIMIT_S, on_ended=renewed)

    assert len(noted(note)) == 1 + 3 + 3  # the first, three with progress, the fourth three times


async def test_what_takes_too_long_is_ended() -> None:
    """With everything that its process does."""
    async with pool_of() as pool:
        with pytest.raises(TimeoutError):
            await pool.compute((("stay", WITHIN_S),), OWNER, limit_s=0.2)

        assert pool.pids == []


async def test_the_limit_holds_for_all_tries_together() -> None:
    """A process that is killed shortly before its time is up does not get all the time again."""
    ends = 0

    def renewed() -> object:
        nonlocal ends
        ends += 1
        return (("report", (ends,)), ("stay", 0.2), ("kill",))

    async with pool_of() as pool:
        with pytest.raises(TimeoutError):
            await pool.compute((("kill",),), OWNER, limit_s=2.0, on_ended=renewed)

    assert 1 <= ends < 15


async def test_what_the_entry_raises_is_raised() -> None:
    """With its kind; it is not tried again."""
    async with pool_of() as pool:
        with pytest.raises(RaisedError, match="ZeroDivisionError: a bug"):
            await pool.compute((("wrong",),), OWNER, limit_s=LIMIT_S)


async def test_memory_is_limited() -> None:
    """A training cannot take the machine's."""
    async with pool_of(training_memory_bytes=512 * 1024**2) as pool:
        with pytest.raises(RaisedError, match="MemoryError") as raised:
            await pool.compute((("fill", 1024**3),), OWNER, limit_s=LIMIT_S)

    assert raised.value.is_a(MemoryError)


async def test_who_stops_waiting_ends_the_process(tmp_path: Path) -> None:
    """And makes room for the next."""
    note, told = tmp_path / "note", []
    async with pool_of() as pool:
        steps = (("note", str(note)), ("stay", WITHIN_S))
        task = asyncio.create_task(pool.compute(steps, OWNER, limit_s=LIMIT_S, on_report=told.append))
        await until(lambda: noted(note))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not running(noted(note)[0]))
        await pool.compute((), OWNER, limit_s=LIMIT_S)

    assert told == []


async def test_who_stops_waiting_for_a_place_begins_nothing(tmp_path: Path) -> None:
    """The place goes to the next."""
    gate, note, never = tmp_path / "gate", tmp_path / "note", tmp_path / "never"
    async with pool_of() as pool:
        first = asyncio.create_task(
            pool.compute((("note", str(note)), ("wait-for", str(gate))), OWNER, limit_s=LIMIT_S)
        )
        await until(lambda: noted(note))
        second = asyncio.create_task(pool.compute((("note", str(never)),), OWNER, limit_s=LIMIT_S))
        third = asyncio.create_task(pool.compute((), OWNER, limit_s=LIMIT_S))
        await asyncio.sleep(0)
        second.cancel()
        gate.touch()
        await asyncio.gather(first, third)

    assert noted(never) == []


async def test_a_close_ends_everything_at_once(tmp_path: Path) -> None:
    """Processes that compute, and calls that wait."""
    note = tmp_path / "note"
    async with pool_of() as pool:
        steps = (("note", str(note)), ("stay", WITHIN_S))
        tasks = [asyncio.create_task(pool.compute(steps, OWNER, limit_s=LIMIT_S)) for _ in range(2)]
        await until(lambda: noted(note))
        async with asyncio.timeout(10):
            await pool.close()
            found = await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(TrainingPoolClosedError):
            await pool.compute((), OWNER, limit_s=LIMIT_S)
        await until(lambda: not running(noted(note)[0]))

    assert [type(one) for one in found] == [TrainingPoolClosedError] * 2
    assert len(noted(note)) == 1
