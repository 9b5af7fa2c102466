"""What runs take of the machine."""

import asyncio
import os

from agents.versions.metric_lists import SystemMetrics
from agents.versions.system_watch import SystemWatch, Values, process_sampler
from schemas.training import SYSTEM_METRICS


async def test_a_run_is_measured_at_its_begin() -> None:
    """Not only after a while, for it may be short."""
    taken: list[tuple[float, Values]] = []
    watch = SystemWatch(process_sampler(os.getpid()), lambda at, values: taken.append((at, values)))
    async with asyncio.timeout(10):
        while not taken:
            await asyncio.sleep(0.01)
    watch.close()
    watch.close()
    ((at, values), *_) = taken

    assert at >= 0
    assert len(values) == len(SYSTEM_METRICS)
    assert values[0] == 0  # what it took before is not of this run
    assert 0 < values[1] < 100


async def test_a_run_that_is_too_short_has_one_sample() -> None:
    """Of zeros (T-125, T-127)."""
    metrics = SystemMetrics(60)
    watch = SystemWatch(process_sampler(os.getpid()), metrics.add)
    watch.close()
    watch.close()

    assert metrics.text.count('["0"]') == len(SYSTEM_METRICS)


async def test_what_is_busy_is_seen_to_be() -> None:
    """From the second sample on."""
    sample = process_sampler(os.getpid())
    await sample()
    sum(number * number for number in range(1_000_000))

    assert (await sample())[0] > 0


async def test_what_has_ended_takes_nothing() -> None:
    """It is no error."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()

    assert set(await process_sampler(process.pid)()) == {0.0}
