"""What a run takes of the machine, measured at its begin and while it goes on (contract T-125, T-127)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from connectors.user_code.system_samples import Sampler, SystemSample
from schemas.training import SYSTEM_METRICS

__all__ = ["SystemWatch", "nothing", "process_sampler", "values_of"]

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0  # a sample costs 20 ms

Values = tuple[float, ...]
"""A value for each of SYSTEM_METRICS."""


class SystemWatch:
    """Measures from now on, within the running event loop, until it is closed.

    `take` gets the seconds since the begin and the values; once at least, with zeros where a run was too short.
    """

    def __init__(self, sample: Callable[[], Awaitable[Values]], take: Callable[[float, Values], None]) -> None:
        self._sample = sample
        self._take = take
        self._measured = False
        self._task = asyncio.get_running_loop().create_task(self._measure())

    def close(self) -> None:
        """Measure nothing more. A second time does nothing."""
        self._task.cancel()
        if not self._measured:
            self._measured = True
            self._take(0.0, nothing())

    async def _measure(self) -> None:
        loop, pause_s = asyncio.get_running_loop(), _FIRST_PAUSE_S
        begun = loop.time()
        while True:
            values = await self._sample()
            self._measured = True
            self._take(loop.time() - begun, values)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def process_sampler(pid: int) -> Callable[[], Awaitable[Values]]:
    """Samples of a process of ours, with all below it; the network is the machine's."""
    sampler = Sampler(pid, network=True, with_root=True)

    async def sample() -> Values:
        return values_of(await asyncio.to_thread(sampler.sample))

    return sample


def values_of(sample: SystemSample) -> Values:
    """A sample in the order of SYSTEM_METRICS."""
    return (
        sample.cpu_percent,
        sample.memory_percent,
        sample.gpu_percent,
        sample.gpu_memory_percent,
        sample.disk_read,
        sample.disk_write,
        sample.received,
        sample.sent,
    )


def nothing() -> Values:
    """What is taken by what has ended."""
    return (0.0,) * len(SYSTEM_METRICS)
