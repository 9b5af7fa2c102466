"""One replica of a service: a process that holds its model, started again whenever it ends."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from connectors.objects.store import ObjectNotFoundError
from connectors.processes.asked_process import AskedProcess
from connectors.processes.compute_process import ComputeProcess, EndedError, RaisedError
from connectors.processes.process_set import ProcessSet
from streams.codes.deployments import DeploymentCode
from streams.deployments.line import Call, Line
from streams.scoring.calls import ModelCalls
from streams.serving.errors import InferenceError, ModelUnreadableError

__all__ = ["Replica", "Work"]

log = structlog.get_logger(__name__)

# Before one is started, again and again: that which has answered and is killed has its successor at once.
_PAUSES_S: Final = (0.0, 0.0, 0.2, 1.0, 5.0, 15.0)
_FAILED_AFTER: Final = 3  # deaths in a row without an answer between them
_LARGE: Final = 64 * 1024  # bytes of calls, from which on sending them may block for longer than a thread takes
_ENDS: Final = "its process ends whenever it is started, as it does where memoryReserve is too little for the model"
_TOO_LITTLE_MEMORY: Final = ("MemoryError", "bad_alloc", "ailed to allocate")  # of Python, of Java and of the engines


class Work(Protocol):
    """What a replica works on, and with."""

    processes: ProcessSet
    line: Line
    limit_s: float
    start_s: float

    def message(self, contents: Sequence[bytes]) -> ModelCalls:
        """What the process is asked; without calls it only loads the model."""

    def share(self) -> int:
        """How many of the calls that wait are one replica's, of those that have nothing to do."""

    def news(self) -> "asyncio.Future[None]":
        """Done when there may be something to do."""

    def changed(self) -> None:
        """The replica has another status, or calls wait again."""


class Replica:
    """Takes what waits, one batch after the other, until it is told to stop; it answers what it has in hand first."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.status = "starting"
        self.reason = ""
        self.process: ComputeProcess | None = None
        self.computes = False
        self._asked: AskedProcess | None = None
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
                self._become("failed" if failed else "starting", _ENDS)
            except RaisedError as error:
                self._deaths = len(_PAUSES_S)
                self._become("failed", _why(error))
                log.warning("replica_failed", replica=self.name, reason=self.reason)
            finally:
                self._let_go()

    async def _start(self) -> None:
        processes = self._work.processes
        self.process = await processes.in_thread(processes.start)
        await processes.in_thread(self.process.call, self._work.message(()), self._work.start_s)
        self._asked = AskedProcess(self.process, self._work.changed)
        self._become("running")

    async def _answer(self) -> None:
        assert self._asked is not None
        while not self._stops.is_set():
            if self._asked.ended:
                raise EndedError("the process ended while it waited")
            calls = self._work.line.take(self._work.share())
            if calls:
                self.computes = True
                await self._compute(calls, self._asked)
                self.computes = False
            else:
                await self._work.news()

    async def _compute(self, calls: Sequence[Call], asked: AskedProcess) -> None:
        work = self._work
        try:
            contents = [call.content for call in calls]
            if sum(map(len, contents)) < _LARGE:
                asked.send(work.message(contents))
            else:
                await work.processes.in_thread(asked.send, work.message(contents))
            replies = await asked.answer(work.limit_s)
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

    def _let_go(self) -> None:
        self.computes = False
        if self._asked is not None:
            self._asked.leave()
            self._asked = None
        if self.process is not None:
            self._work.processes.end(self.process)
            self.process = None

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
    if error.kind == "MemoryError" or any(word in error.text for word in _TOO_LITTLE_MEMORY):
        return "its model takes more memory than a replica may have (memoryReserve)"
    if error.is_a(ModelUnreadableError):
        return error.text
    return f"its model cannot be loaded: {error.text[:200]}"
