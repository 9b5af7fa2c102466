"""The workers of one version: started together, ended together."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from agents.versions.system_watch import nothing, values_of
from connectors.user_code.modes import Mode
from connectors.user_code.programs import Outcome, UserProgram
from connectors.user_code.runs import Run, start

__all__ = ["Workers"]

_GRACE_S: Final = 1.0  # after SIGTERM; all must be gone within two seconds


class Workers:
    """Programs that share one version's work. What one prints goes to `log` with its number."""

    def __init__(self, programs: Sequence[UserProgram], mode: Mode, log: Callable[[int, bytes], None]) -> None:
        """Start them within the running event loop. OSError."""
        self._runs: list[Run] = []
        try:
            for number, program in enumerate(programs):
                self._runs.append(start(program, mode, partial(log, number)))
        except BaseException:
            self._stopping = asyncio.ensure_future(self.stop())
            raise

    async def wait(self) -> tuple[int, Outcome] | None:
        """Wait until all have ended well, or one has not: its number and outcome. The others may run still."""
        waits = {asyncio.ensure_future(run.wait()): number for number, run in enumerate(self._runs)}
        try:
            left = set(waits)
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    if not one.result().succeeded:
                        return waits[one], one.result()
            return None
        finally:
            for one in waits:
                one.cancel()

    async def stop(self) -> None:
        """End all that is left of them."""
        await asyncio.gather(*(run.stop(_GRACE_S) for run in self._runs if not run.ended))

    async def sample(self) -> tuple[float, ...]:
        """What they take now, together: a value for each of SYSTEM_METRICS."""
        samples = await asyncio.gather(*(asyncio.to_thread(run.sample) for run in self._runs if not run.ended))
        values = [values_of(sample) for sample in samples]
        return tuple(map(sum, zip(*values, strict=True))) if values else nothing()
