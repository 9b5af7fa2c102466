"""The processes that compute answers of models: as many as are needed and fit, replaced when they end."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from connectors.processes.compute_process import ComputeProcess, cores
from connectors.processes.free_memory import free_memory
from connectors.processes.process_set import ProcessSet
from streams.serving.kinds import ServingLimits

__all__ = ["ServingProcesses"]

log = structlog.get_logger(__name__)

_PROCESS_BYTES: Final = 256 * 1024 * 1024  # twice what a process takes at work, besides the model
_COPIES: Final = 4  # of the weights in a process: as loaded, as stacked for speed, and both for the next model
_NICENESS: Final = 5  # after the event loop, before training


class ServingProcesses(ProcessSet):
    """As many as the limits say, by default one per core as far as memory suffices (contract D-044, D-045)."""

    def __init__(self, entry: str, preload: Sequence[str], limits: ServingLimits) -> None:
        self._fixed = limits.processes
        self.most: Final = self._fixed or cores()
        super().__init__(
            entry,
            preload,
            name="tidecast-inference",
            threads=self.most + 1,  # one starts processes
            memory_limit=limits.memory_bytes,
            niceness=_NICENESS,
        )
        self._starting = False

    def claims_place(self, model_bytes: int) -> bool:
        """Whether `grow` must follow now: none is being started, and one more that computes with such a model fits.

        The first one is started however little memory is left, and so are all where their number was set.
        """
        if self._starting or self.closed or len(self) >= self.most:
            return False
        if self._fixed is None and len(self):
            free = free_memory()
            if free is not None and free < _PROCESS_BYTES + _COPIES * model_bytes:
                return False
        self._starting = True
        return True

    async def grow(self, then: Callable[[Exception | None], None]) -> None:
        """Start one more, and call `then`, with the error if it could not be started."""
        failed: Exception | None = None
        try:
            self.give_back(await self.in_thread(self._new))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            failed = error
            if not self.closed:
                log.warning("inference_process_not_started", reason=repr(error))
        finally:
            self._starting = False
        then(failed)

    def _new(self) -> ComputeProcess:
        return self.start(ready=True)
