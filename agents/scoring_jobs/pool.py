"""The processes of a trainer that score data sets: as many as cores; pieces of all runs wait for one in turn."""

import asyncio
from typing import Any, Final

import structlog

from connectors.processes.compute_process import EndedError, RaisedError, cores
from connectors.processes.process_set import Lease, ProcessSet
from streams.settings import Settings

__all__ = ["ScoringPool"]

log = structlog.get_logger(__name__)

_WORK: Final = "agents.scoring_jobs.process:work"  # named, because it loads models, which this process does without
_PRELOAD: Final = ("models.scoring.answering", "models.scoring.files")
_TRIES: Final = 3  # a process may be killed for what another one did
_PAUSE_S: Final = 0.5
_TIMES: Final = 5  # a piece has many records, an answer few: so many times as long as one may it take


class ScoringPool:
    """Lets processes work; starts them when they are needed. To be used in one event loop."""

    def __init__(self, settings: Settings, *, entry: str = _WORK) -> None:
        self.most = settings.training_processes or cores()
        self._limit_s = settings.scoring_timeout_s * _TIMES
        self._places = asyncio.Semaphore(self.most)
        self._processes = ProcessSet(
            entry,
            _PRELOAD if entry == _WORK else (),
            name="tidecast-scoring",
            threads=self.most,
            memory_limit=settings.scoring_memory_bytes,
        )

    async def work(self, call: object) -> Any:
        """What a process makes of the call.

        EndedError: it ended time and again. TimeoutError: it took too long. RaisedError: it raised. Whoever is
        cancelled ends the process.
        """
        for tries in range(1, _TRIES + 1):
            async with self._places:
                try:
                    return await self._try(call)
                except EndedError as error:
                    if self._processes.closed or tries == _TRIES:
                        raise
                    log.warning("scoring_process_replaced", reason=str(error), call=type(call).__name__)
            await asyncio.sleep(_PAUSE_S)
        raise AssertionError

    async def close(self) -> None:
        """End every process at once."""
        await self._processes.close()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that there are."""
        return self._processes.pids

    async def _try(self, call: object) -> Any:
        lease = Lease()
        try:
            return await self._processes.in_thread(self._called, call, lease)
        finally:
            lease.end()

    def _called(self, call: object, lease: Lease) -> Any:
        process = self._processes.take() or self._processes.start()
        try:
            lease.hold(process)
            answer = process.call(call, self._limit_s)
        except RaisedError:
            lease.release()
            self._processes.give_back(process)
            raise
        except BaseException:
            self._processes.end(process)
            raise
        lease.release()
        self._processes.give_back(process)
        return answer
