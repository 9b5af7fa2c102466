"""Where series are computed: in the right process, in order, whatever the models do, and never in the loop's way."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.series.heavy import HeavySeries, Waiting
from agents.series.offload import Offload, OffloadClosedError, is_heavy
from models import catalog
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.tuning.search import Dimension, Search
from tests.agents.series import slow_models
from tests.agents.series.slow_models import BAD
from tests.waiting import longest_pause, until

MIB = 1024**2
LONG = timedelta(seconds=60)
WITHIN_S = 30.0  # a busy machine needs seconds for what takes milliseconds here
HERE = os.getpid()
THREADS = os.environ.get("OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def _with_slow_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of this process has the test's models too."""
    monkeypatch.setattr(catalog, "CATALOG", slow_models.models())


@asynccontextmanager
async def offloading(limit: timedelta = LONG, *, processes: int = 2) -> AsyncIterator[Offload]:
    """An offload whose processes know the test's models."""
    offload = Offload(processes, limit, memory_limit=1024 * MIB, prepare=slow_models.register)
    offload.start()
    try:
        yield offload
    finally:
        await offload.close()


def request(model_name: str, value: float = 1.0, *, seed: int = 0, search: Search | None = None) -> SeriesRequest:
    """A series of equal values, to be forecast by one step."""
    return SeriesRequest(np.full(30, value), model_name, {}, 1, False, ("mse",), seed=seed, search=search)


def forecasts(answers: list[SeriesAnswer]) -> list[float | None]:
    """The one step of each answer; None for an error."""
    return [answer.predictions[0] if answer.error is None else None for answer in answers]


def pids(offload: Offload) -> list[int]:
    """The processes that there are."""
    return offload._children.pids


def running(pid: int) -> bool:
    """Whether a process runs; False as well when it has ended and nobody has asked for its status."""
    try:
        return stat(pid)[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stat(pid: int) -> list[str]:
    """What the kernel tells of a process: its state, its parent, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


async def test_answers_come_in_the_order_of_the_requests_and_are_those_of_forecast_batch() -> None:
    """Light and heavy ones, good and bad ones, of several models, mixed: as if computed here at once."""
    names = ["LinearFit", "Killer", "AdaptiveMaxN", "NoSuchModel", "Hog"]
    requests = [request(names[place % len(names)], place + 20.5) for place in range(40)]
    async with offloading() as offload:
        answers = await offload.answer(requests)

    assert answers == forecast_batch(requests)
    assert [answer.error is None for answer in answers] == [True, True, True, False, True] * 8


async def test_heavy_series_are_computed_in_other_processes_and_light_ones_in_this() -> None:
    """The catalogue says which is which."""
    async with offloading() as offload:
        light, heavy = forecasts(await offload.answer([request("QuickWhoAmI"), request("WhoAmI")]))

    assert light == HERE
    assert heavy not in {HERE, None}


def waiting(owner: Any, *requests: SeriesRequest) -> list[Waiting]:
    """Requests that wait for processes."""
    return [Waiting(one, owner, lambda: True) for one in requests]


def begun(series: HeavySeries) -> list[tuple[Any, int]]:
    """Whose requests, and how many of them together, get a process now."""
    found = []
    while (chunk := series.next()) is not None:
        found.append((chunk.waiting[0].owner, len(chunk.waiting)))
    return found


async def test_a_model_for_many_series_is_trained_on_one_at_a_time() -> None:
    """Each takes as long as a chunk of others, and they gain nothing from one another."""
    requests = [request("DeepAR", float(place)) for place in range(3)] + [request("ARIMA", 1.0), request("ARIMA", 2.0)]
    series = HeavySeries(4)
    series.add(waiting(1, *requests))

    assert all(map(is_heavy, requests))
    assert begun(series) == [(1, 1), (1, 1), (1, 1), (1, 2)]


async def test_jobs_take_turns_and_share_what_is_computed_together() -> None:
    """A job of one series is not behind a job of two hundred; equal series of several jobs train together."""
    series = HeavySeries(2)
    series.add(waiting("many", *[request("Lstm")] * 200))
    first = begun(series)
    series.add([*waiting("one", request("Worker")), *waiting("two", request("Lstm"))])

    assert first == [("many", 64), ("many", 64)]
    assert begun(series) == [("one", 1), ("two", 64)]  # as guests; the latter with 63 of the many


async def test_what_is_not_stacked_has_only_its_own_company() -> None:
    """Each series takes its time: a small job must not wait for those of a large one as well."""
    series = HeavySeries(1)
    series.add(waiting("many", *[request("ARIMA")] * 200))
    first = begun(series)
    series.add(waiting("one", request("ARIMA")))

    assert first == [("many", 64)]
    assert begun(series) == [("one", 1)]


async def test_long_work_leaves_places_for_what_is_short() -> None:
    """Searches of many jobs wait for one another; a network that trains in a second does not wait for them."""
    search = Search((Dimension("epochs_used", "int", 100, 150),), 1000, "mse")
    series = HeavySeries(2)
    series.add([one for owner in range(9) for one in waiting(owner, request("Lstm", search=search))])
    searches = begun(series)
    series.add([*waiting("user", request("Lstm")), *waiting(0, request("Lstm"))])

    assert searches == [(0, 1), (1, 1), (2, 1)]
    assert begun(series) == [("user", 2)]


async def test_what_nobody_wants_is_dropped_and_its_process_ended() -> None:
    """A deleted job keeps no core busy; what others want goes on."""
    unwanted: set[int] = set()
    async with offloading(processes=1) as offload:
        gone = asyncio.ensure_future(
            offload.answer([request("Stuck"), *[request("Sleeper", 50.0)] * 3], 1, lambda _: 1 not in unwanted)
        )
        kept = asyncio.ensure_future(offload.answer([request("Sleeper", 1.5)], 2))
        await until(lambda: len(pids(offload)) == 2)
        unwanted.add(1)
        began = time.monotonic()
        offload.drop_unwanted()
        dropped = await asyncio.wait_for(gone, 5)
        after = forecasts(await asyncio.wait_for(offload.answer([request("Killer", 2.0)], 3), WITHIN_S))
        took = time.monotonic() - began

        assert dropped == [None] * 4
        assert after == [2.0]
        assert took < 40  # not the 50 s of each
        assert forecasts(await kept) == [1.5]


@pytest.mark.parametrize(
    ("model", "points", "heavy"),
    [("SES", 3_000, False), ("SES", 4_000, True), ("LinearFit", 1_000_000, False), ("Drift", 1_000_000, False)],
)
def test_a_series_so_long_that_a_quick_model_takes_its_time_is_heavy(model: str, points: int, heavy: bool) -> None:
    """Everybody's quick series wait for one thread."""
    assert is_heavy(SeriesRequest(np.arange(float(points)), model, {}, 5, False, ("mse",))) is heavy


async def test_a_search_makes_a_light_model_heavy_unless_its_grid_is_tried() -> None:
    """A hundred trials of a quick model are not quick."""
    async with offloading() as offload:
        answers = await offload.answer(
            [request("QuickWhoAmI", search=Search(())), request("QuickGridWhoAmI", search=Search(()))]
        )
    searched, grid = forecasts(answers)

    assert searched not in {HERE, None}
    assert grid == HERE


async def test_equal_series_are_computed_together_and_every_process_has_work() -> None:
    """Stacked training pays; 64 at most, and no process idle while another has all the work."""
    async with offloading() as offload:
        many = forecasts(await offload.answer([request("CountTogether")] * 200))
        few = forecasts(await offload.answer([request("CountTogether")] * 20))
        apart = forecasts(await offload.answer([request("CountTogether", search=Search(()))] * 3))

    assert sorted(set(many)) == [8, 64]
    assert set(few) == {10}
    assert set(apart) == {1}


async def test_the_mates_of_a_series_that_kills_its_process_are_answered() -> None:
    """Only the culprit fails, and says why; what comes after it is computed as ever."""
    values = [1.0, 2.0, BAD, 4.0, 5.0, 6.0]
    async with offloading() as offload:
        answers = await offload.answer([request("Killer", value) for value in values])
        after = await offload.answer([request("Killer", 7.0)])

    assert forecasts([*answers, *after]) == [1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0]
    assert (answers[2].error or "").startswith("the process that trained Killer ended (killed or out of memory)")


async def test_a_killed_series_is_computed_once_more() -> None:
    """A kill that was not its fault costs a series nothing, alone or in company."""
    seeds = [random.getrandbits(62) for _ in range(3)]
    try:
        async with offloading(processes=1) as offload:
            alone = await offload.answer([request("KilledOnce", seed=seeds[0])])
            slow_models.marker(seeds[1]).touch()
            together = await offload.answer([request("KilledOnce", seed=seed) for seed in seeds[1:]])
    finally:
        for seed in seeds:
            slow_models.marker(seed).unlink(missing_ok=True)

    assert forecasts([*alone, *together]) == [1.0, 1.0, 1.0]


@pytest.mark.slow
async def test_a_series_that_takes_too_long_fails_and_its_mates_do_not() -> None:
    """The limit is one submission's: the chunk has it, then each of its series has it alone."""
    async with offloading(timedelta(seconds=1), processes=1) as offload:
        began = time.monotonic()
        answers = await offload.answer([request("Sleeper", value) for value in (0.0, 50.0, *[0.1] * 8)])
        took = time.monotonic() - began

    assert forecasts(answers) == [0.0, None, *[0.1] * 8]
    assert took < 10  # not ten times the limit and once more
    assert (answers[1].error or "").startswith("Sleeper took longer than 1 s: choose ")


async def test_a_series_that_was_alone_is_not_given_the_time_twice() -> None:
    """What took too long by itself takes too long. Nor is its process left behind, busy for ever."""
    async with offloading(timedelta(seconds=2)) as offload:
        await offload.answer([request("WhoAmI")])  # a process is there
        there = pids(offload)
        seed = random.getrandbits(62)
        try:
            (answer,) = await offload.answer([request("Stuck", seed=seed)])
            tries = slow_models.marker(seed).read_text("utf-8")
        finally:
            slow_models.marker(seed).unlink(missing_ok=True)
        await until(lambda: not any(map(running, there)))

    assert answer.error is not None
    assert tries == "."


async def test_a_series_that_needs_too_much_memory_fails_and_its_mates_do_not() -> None:
    """The limit keeps the machine alive, and the text says what to do."""
    async with offloading() as offload:
        answers = await offload.answer([request("Hog", value) for value in (1.0, BAD, 3.0)])

    assert forecasts(answers) == [1.0, None, 3.0]
    assert "out of memory" in (answers[1].error or "")


async def test_a_process_that_ran_out_of_memory_is_replaced() -> None:
    """It may not have got back what it lost; the next series must not suffer from it."""
    async with offloading(processes=1) as offload:
        (before,) = forecasts(await offload.answer([request("WhoAmI")]))
        await offload.answer([request("Hog", BAD)])
        (after,) = forecasts(await offload.answer([request("WhoAmI")]))

    assert None not in {before, after}
    assert before != after


async def test_processes_killed_while_idle_fail_nothing() -> None:
    """Not even a series that meets one dead process after the other."""
    async with offloading() as offload:
        await offload.answer([request("Sleeper", 0.1), request("Sleeper", 0.2)])
        killed = pids(offload)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not any(map(running, killed)))
        answers = await offload.answer([request("Killer", 3.0)])

    assert len(killed) == 2
    assert forecasts(answers) == [3.0]


@pytest.mark.slow
async def test_another_fork_server_is_started_when_it_was_killed() -> None:
    """Nothing that can be killed is the end of it."""
    async with offloading() as offload:
        await offload.answer([request("WhoAmI")])
        os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
        for pid in pids(offload):
            os.kill(pid, signal.SIGKILL)
        answers = await offload.answer([request("Killer", value) for value in (1.0, 2.0, BAD, 4.0)])

    assert forecasts(answers) == [1.0, 2.0, None, 4.0]


@pytest.mark.slow
async def test_kills_at_random_moments_neither_block_nor_fail_anything_for_good() -> None:
    """Whatever a process is doing, its end is seen and it is replaced."""
    rng = random.Random(1)
    async with offloading() as offload:
        await offload.answer([request("WhoAmI")])
        end, answered = time.monotonic() + 3, 0
        while time.monotonic() < end:
            task = asyncio.ensure_future(offload.answer([request("CountTogether")] * 200))
            await asyncio.sleep(rng.uniform(0, 0.02))
            for pid in pids(offload):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(WITHIN_S):
                answered += len(await task)
        answers = await offload.answer([request("Killer", 3.0)])

    assert answered >= 200
    assert forecasts(answers) == [3.0]


async def test_ctrl_c_is_not_for_the_processes() -> None:
    """In a terminal it reaches all of the group; what they do is the parent's to end."""
    async with offloading(processes=1) as offload:
        await offload.answer([request("WhoAmI")])
        task = asyncio.ensure_future(offload.answer([request("Sleeper", 0.5)]))
        await asyncio.sleep(0.2)
        (pid,) = pids(offload)
        os.kill(pid, signal.SIGINT)
        answers = await task
        still = pids(offload)

    assert forecasts(answers) == [0.5]
    assert still == [pid]


async def test_linear_algebra_has_one_thread_in_a_process() -> None:
    """There is a process for each core already. This process's own environment stays as it is."""
    async with offloading() as offload:
        answers = await offload.answer([request("CountThreads")])

    assert forecasts(answers) == [1.0]
    assert os.environ.get("OMP_NUM_THREADS") == THREADS


async def test_light_series_do_not_wait_for_heavy_ones() -> None:
    """Not even when every process is busy and more heavy ones are queued."""
    async with offloading() as offload:
        heavy = asyncio.ensure_future(offload.answer([request("Sleeper", 50.0 + place) for place in range(3)]))
        light = await asyncio.wait_for(offload.answer([request("QuickWhoAmI")]), 10)
        heavy.cancel()

    assert forecasts(light) == [HERE]


async def test_what_is_no_longer_wanted_is_not_begun() -> None:
    """Cancelled: the chunks that wait are dropped, and those that run end with their time."""
    async with offloading(timedelta(seconds=2), processes=1) as offload:
        task = asyncio.ensure_future(offload.answer([request("Sleeper", 50.0 + place) for place in range(200)]))
        await until(lambda: pids(offload))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answers = await asyncio.wait_for(offload.answer([request("CountTogether")]), 6)

    assert forecasts(answers) == [1.0]


@pytest.mark.slow
async def test_the_event_loop_comes_round_while_every_core_is_busy() -> None:
    """Heartbeats and HTTP go on: the loop waits for no more than any thread, but for 100 ms."""
    requests = [request("Worker", 0.4)] * 990 + [request("Killer", BAD)] * 5 + [request("QuickSleeper", 0.2)] * 5
    async with offloading(processes=len(os.sched_getaffinity(0))) as offload:
        pause, answers = await longest_pause(offload.answer(requests))

    assert forecasts(answers) == [0.4] * 990 + [None] * 5 + [0.2] * 5
    assert pause < 0.1


async def test_close_ends_within_seconds_while_a_process_is_busy() -> None:
    """Who waits for an answer learns that none will come: an error would be published as the series' result."""
    async with offloading() as offload:
        task = asyncio.ensure_future(offload.answer([request("Stuck"), request("Sleeper", 50.0)] * 3))
        await until(lambda: len(pids(offload)) == 2)
        there = pids(offload)
        began = time.monotonic()
        await offload.close()
        took = time.monotonic() - began
        with pytest.raises(OffloadClosedError):
            await task
        with pytest.raises(OffloadClosedError):
            await offload.answer([request("WhoAmI")])

    assert took < 20  # not the 50 s of each
    await until(lambda: not any(map(running, there)))


async def test_close_fails_no_series_that_is_computed_once_more() -> None:
    """Its process is ended because of the close, not because of the series."""
    async with offloading(timedelta(seconds=1), processes=1) as offload:
        task = asyncio.ensure_future(offload.answer([request("Sleeper", 50.0)] * 2))
        await until(lambda: pids(offload))
        first = pids(offload)
        await until(lambda: pids(offload) not in ([], first))
        await offload.close()

        with pytest.raises(OffloadClosedError):
            await task


_PARENT = """
import asyncio
import numpy as np
from agents.series.offload import Offload
from models import catalog
from models.batch import SeriesRequest
from tests.agents.series import slow_models

async def main():
    offload = Offload(2, prepare=slow_models.register)
    offload.start()
    task = asyncio.ensure_future(offload.answer(
        [SeriesRequest(np.full(30, 1.0), name, {}, 1, False, ()) for name in ("Stuck", "Worker")]
        + [SeriesRequest(np.full(30, 9e9), "Sleeper", {}, 1, False, ())]
    ))
    while len(offload._children) < 2 or any(child._new for child in offload._children._all):
        await asyncio.sleep(0.01)
    print(*(child._process.pid for child in offload._children._all), flush=True)
    await task

slow_models.register()
asyncio.run(main())
"""


@pytest.mark.slow
async def test_nothing_is_left_of_a_parent_that_was_killed() -> None:
    """Not even a process that never comes back from compiled code, nor the fork server."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", _PARENT, stdout=asyncio.subprocess.PIPE)
    try:
        line = await asyncio.wait_for(parent.stdout.readline(), WITHIN_S)
        children = [int(word) for word in line.split()]
        started = [*children, *{int(stat(pid)[1]) for pid in children}]  # the fork server is their parent
        ran = [running(pid) for pid in started]
    finally:
        parent.kill()
        await parent.wait()

    assert ran == [True] * 3
    await until(lambda: not any(map(running, started)))


@pytest.mark.parametrize(
    ("model", "low", "high", "kind", "heavy"),
    [
        ("LinearFit", 1, 9, "int", False),
        ("LinearFit", 1, 5_000, "int", True),
        ("AdaptiveMaxN", 1, 9, "int", False),
        ("Theta", None, None, "", True),
        ("LinearFit", None, None, "", False),
    ],
)
def test_a_search_is_heavy_unless_everything_is_tried_at_once(
    model: str, low: int | None, high: int | None, kind: Any, heavy: bool
) -> None:
    """A long search would hold up all quick series in their one thread."""
    search = None if low is None else Search((Dimension("latest_n", kind, low, high),), 100, "mse")
    request = SeriesRequest(np.arange(30.0), model, {}, 5, False, ("mse",), search=search)

    assert is_heavy(request) is heavy
