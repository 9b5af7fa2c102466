"""One replica of a service: a process that holds its model, started again whenever it ends."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from connectors.objects.store import ObjectNotFoundError
from connectors.processes.compute_process import ComputeProcess, EndedError, RaisedError
from connectors.processes.process_set import ProcessSet
from streams.codes.deployments import DeploymentCode
from streams.deployments.line import Call, Line
from streams.scoring.calls import ModelCalls
from streams.serving.errors import InferenceError, ModelUnreadableError

__all__ = ["Replica", "Work"]

log = structlog.get_logger(__name__)

_PAUSES_S: Final = (0.0, 0.2, 1.0, 5.0, 15.0)  # before one that ended is started again, time after time
_FAILED_AFTER: Final = 3  # deaths in a row without an answer between them
_LOOK_S: Final = 0.5  # how often one that has nothing to do looks whether its process is still there


class Work(Protocol):
    """What a replica works on, and with."""

    processes: ProcessSet
    line: Line
    limit_s: float
    start_s: float

    def message(self, contents: Sequence[bytes]) -> ModelCalls:
        """What the process is asked; without calls it only loads the model."""

    async def news(self) -> None:
        """Return when there may be something to do."""

    def changed(self) -> None:
        """The replica has another status, or calls wait again."""


class Replica:
    """Takes what waits, one batch after the other, until it is told to stop; it answers what it has in hand first."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.status = "starting"
        self.reason = ""
        self.process: ComputeProcess | None = None
        self._work = work
        self._stops = asyncio.Event()
        self._deaths = 0
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"replica {name}")

    def stop(self) -> None:
        """End after what is in hand."""
        self._stops.set()

    async def _live(self) -> None:
        """1. start, with the model loaded, 2. answer until it is told to stop, 3. end; again where it has ended."""
        while not self._stops.is_set():
            if await self._stopped_within(_PAUSES_S[min(self._deaths, len(_PAUSES_S) - 1)]):
                break
            try:
                await self._start()
                await self._answer()
            except (EndedError, TimeoutError) as error:
                self._deaths += 1
                log.warning("replica_ended", replica=self.name, reason=str(error) or "its time was up")
                failed = self._deaths >= _FAILED_AFTER
                self._become("failed" if failed else "starting", "its process ends whenever it is started")
            except RaisedError as error:
                self._deaths = len(_PAUSES_S)
                self._become("failed", _why(error))
                log.warning("replica_failed", replica=self.name, reason=self.reason)
            finally:
                if self.process is not None:
                    self._work.processes.end(self.process)
                    self.process = None

    async def _start(self) -> None:
        processes = self._work.processes
        self.process = await processes.in_thread(processes.start)
        await processes.in_thread(self.process.call, self._work.message(()), self._work.start_s)
        self._become("running")

    async def _answer(self) -> None:
        while not self._stops.is_set():
            calls = self._work.line.take()
            if calls:
                await self._compute(calls)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._work.news()
            if self.process is not None and not self.process.alive:
                raise EndedError("the process ended while it waited")

    async def _compute(self, calls: Sequence[Call]) -> None:
        assert self.process is not None
        work = self._work
        try:
            message = work.message([call.content for call in calls])
            replies = await work.processes.in_thread(self.process.call, message, work.limit_s)
        except TimeoutError:
            text = f"no answer within {work.limit_s:g} s: send fewer records at once"
            work.line.again(calls, InferenceError(504, DeploymentCode.TIMEOUT, text), is_final=True)
            work.changed()
            raise
        except EndedError:
            text = "the replica ended (killed or out of memory) each time it was tried: send fewer records at once"
            work.line.again(calls, InferenceError(500, DeploymentCode.SERVICE_FAILED, text))
            work.changed()
            raise
        except RaisedError as error:
            log.error("scoring_failed", replica=self.name, error=str(error))  # noqa: TRY400
            text = "the model failed on this request; the service's log says why"
            work.line.again(calls, InferenceError(500, DeploymentCode.SERVICE_FAILED, text), is_final=True)
            work.changed()
        except asyncio.CancelledError:
            work.line.put_back(calls)
            raise
        else:
            self._deaths = 0
            for call, reply in zip(calls, replies, strict=True):
                if not call.done.done():
                    call.done.set_result(reply)

    async def _stopped_within(self, seconds: float) -> bool:
        if seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stops.wait()
        return self._stops.is_set()

    def _become(self, status: str, reason: str = "") -> None:
        self.status, self.reason = status, reason
        self._work.changed()


def _why(error: RaisedError) -> str:
    if error.is_a(ObjectNotFoundError):
        return "its model has been removed"
    if error.is_a(ModelUnreadableError):
        return error.text
    if error.kind == "MemoryError":
        return "its model takes more memory than a replica may have"
    return f"its model cannot be loaded: {error.text[:200]}"
