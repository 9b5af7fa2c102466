"""Answers of models, computed in processes that all models of a kind share.

- A call goes to an idle process at once. While all are busy, calls for the same model gather, and the next free process
  takes several together, because a network computes a few series at little more than the cost of one.
- The models take turns. Large calls have a line of their own and never take the last process, so that they do not
  hold back small ones.
- Who asks waits for a limited time. When it is up while a process computes, the process is ended: what takes too long
  once would take too long again. Its mates, and all calls of a process that was killed, are asked again, each alone.
- What nobody waits for any more is dropped, and a process that computes for nobody is ended.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Generic

import structlog

from connectors.objects.store import ObjectNotFoundError
from connectors.processes.compute_process import ComputeProcess, EndedError, RaisedError
from streams.serving.errors import (
    InferenceClosedError,
    InferenceError,
    InferenceUnavailableError,
    ModelMissingError,
    ModelUnreadableError,
)
from streams.serving.kinds import ModelKind, ServingLimits
from streams.serving.processes import ServingProcesses
from streams.serving.waiting_lines import Call, Lines, Model, Reply, Waiting

__all__ = ["ServingPool"]

log = structlog.get_logger(__name__)

_TRIES: Final = 3  # with others, alone, and once more alone: a process may be killed for what another one did
_ABANDONED_S: Final = 1.0  # most answers come sooner than a new process would be there

_TOO_LONG: Final = "no answer within {:g} s: {}"
_CROWDED: Final = "the endpoint is crowded: {}, and the limit is {:g} s: ask again later, or raise {}"
_ENDED: Final = "the process that computed the {} ended (killed or out of memory) each time it was tried: {}"
_FAILED: Final = "the model failed on this request; the service's log says why"


class _Batch(Generic[Model, Call, Reply]):
    """Calls that a process computes now."""

    __slots__ = ("members", "process")

    def __init__(self, process: ComputeProcess, members: Sequence[Waiting[Model, Call, Reply]]) -> None:
        self.process = process
        self.members = members


class ServingPool(Generic[Model, Call, Reply]):
    """Answers calls of models of a kind; starts its processes when they are needed. To be used in one event loop."""

    def __init__(self, kind: ModelKind[Model, Call], limits: ServingLimits) -> None:
        self._kind = kind
        self._limits = limits
        self._limit_s = limits.timeout_s
        self._processes = ServingProcesses(kind.entry, kind.preload, limits)
        self._lines: Lines[Model, Call, Reply] = Lines()
        self._running: dict[Waiting[Model, Call, Reply], _Batch[Model, Call, Reply]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, model: Model, call: Call, *, patient: bool = False) -> Reply:
        """What the model answers.

        The time to wait is limited; for a `patient` caller only the time to compute is. InferenceError: there is no
        answer, and asking for less, or later, may help. ModelMissingError: look the model up again.
        InferenceUnavailableError and InferenceClosedError: nothing can be asked now.
        """
        if self._closed:
            raise self._no_more()
        if not patient and len(self._lines) >= self._limits.most_waiting:
            raise InferenceError(503, "UnavailableError", f"{len(self._lines)} requests are waiting: ask again later")
        deadline = None if patient else asyncio.get_running_loop().time() + self._limit_s
        waiting: Waiting[Model, Call, Reply] = Waiting(self._kind, model, call, deadline)
        if not patient:
            self._check_crowd(waiting)
        self._lines.add(waiting)
        self._dispatch()
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting.done
        except TimeoutError:
            self._leave(waiting, 0.0)
            raise self._late(waiting) from None
        except asyncio.CancelledError:
            self._leave(waiting, _ABANDONED_S)
            raise

    def warm(self) -> None:
        """Start a process if there is none: the first takes a second or two, for which nobody need wait later."""
        if not self._closed and not self._processes.pids and self._processes.claims_place(0):
            self._keep(asyncio.ensure_future(self._processes.grow(self._grown)))

    async def close(self) -> None:
        """End every process at once; callers that wait get InferenceClosedError."""
        self._closed = True
        for waiting in [*self._lines.take_all(), *self._running]:
            waiting.fail(self._no_more())
        await self._processes.close()

    @property
    def waiting(self) -> int:
        """How many calls wait for a process."""
        return len(self._lines)

    @property
    def most_processes(self) -> int:
        """How many there are at most; memory may allow fewer."""
        return self._processes.most

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that there are."""
        return self._processes.pids

    def _check_crowd(self, waiting: Waiting[Model, Call, Reply]) -> None:
        """Refuse at once who would only wait for others until the time is up (contract D-046)."""
        if not self._lines or self._processes.idle:
            return
        wait_s = self._lines.work_before(waiting) / max(1, self._processes.most)
        if wait_s > self._limit_s:
            text = self._crowded(f"{len(self._lines)} requests wait, about {wait_s:.3g} s of work")
            raise InferenceError(504, "TimeoutError", text)

    def _late(self, waiting: Waiting[Model, Call, Reply]) -> InferenceError:
        """Why there is no answer in time: the request, or those before it that it waited for."""
        now = asyncio.get_running_loop().time()
        waited_s = (now if waiting.begun is None else waiting.begun) - waiting.asked
        if waited_s < self._limit_s / 2:
            return self._too_long()
        text = self._crowded(f"this request waited {waited_s:.3g} s for others")
        return InferenceError(504, "TimeoutError", text)

    def _leave(self, waiting: Waiting[Model, Call, Reply], grace_s: float) -> None:
        """Nobody waits for the call any more. Without grace its process is ended even if there are mates."""
        batch = self._running.get(waiting)
        if batch is None:
            self._lines.remove(waiting)
        elif grace_s:
            asyncio.get_running_loop().call_later(grace_s, self._end_if_abandoned, batch)
        else:
            batch.process.kill()

    def _end_if_abandoned(self, batch: _Batch[Model, Call, Reply]) -> None:
        if all(member.done.done() and self._running.get(member) is batch for member in batch.members):
            batch.process.kill()

    def _dispatch(self) -> None:
        """Give what waits to the processes that are idle, and start another one if that does not do."""
        while not self._closed and (first := self._lines.first(large=self._large_may_run())) is not None:
            process = self._processes.take()
            if process is None:
                if self._processes.claims_place(self._kind.weight_bytes(first.model)):
                    self._keep(asyncio.ensure_future(self._processes.grow(self._grown)))
                return
            members = self._lines.take(first, self._processes.idle + 1)
            batch = _Batch(process, members)
            for member in members:
                member.begun = member.begun or asyncio.get_running_loop().time()
            self._running.update(dict.fromkeys(members, batch))
            self._keep(asyncio.ensure_future(self._compute(batch)))

    def _large_may_run(self) -> bool:
        return sum(waiting.large for waiting in self._running) < max(1, self._processes.most - 1)

    def _grown(self, error: Exception | None) -> None:
        if error is not None and not self._processes.pids:
            for waiting in self._lines.take_all():
                waiting.fail(self._none_starts())
        self._dispatch()

    async def _compute(self, batch: _Batch[Model, Call, Reply]) -> None:
        """1. Let the process answer, 2. tell those who wait, 3. give the process what waits next."""
        begun = asyncio.get_running_loop().time()
        try:
            message = self._message(batch.members)
            replies = await self._processes.in_thread(batch.process.call, message, self._limit_s)
        except RaisedError as error:
            self._processes.give_back(batch.process)
            self._raised(batch, error)
        except (EndedError, TimeoutError) as error:
            self._processes.end(batch.process)
            self._ended(batch, error)
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever for what cannot even be asked
            self._processes.end(batch.process)
            log.error("inference_failed", endpoint=self._name(batch), error=repr(error))  # noqa: TRY400
            self._fail(batch, InferenceError(500, "InternalError", _FAILED))
        else:
            self._processes.give_back(batch.process)
            self._lines.note(batch.members, asyncio.get_running_loop().time() - begun)
            for member, reply in zip(batch.members, replies, strict=True):
                if not member.done.done():
                    member.done.set_result(reply)
        finally:
            for member in batch.members:
                if self._running.get(member) is batch:
                    del self._running[member]
        self._dispatch()

    def _message(self, members: Sequence[Waiting[Model, Call, Reply]]) -> object:
        now = asyncio.get_running_loop().time()
        times_left_s = [
            self._limit_s if member.deadline is None else max(0.0, member.deadline - now) for member in members
        ]
        return self._kind.message(members[0].model, [member.call for member in members], times_left_s)

    def _name(self, batch: _Batch[Model, Call, Reply]) -> str:
        return self._kind.name(batch.members[0].model)

    def _raised(self, batch: _Batch[Model, Call, Reply], error: RaisedError) -> None:
        """The process could not answer, but goes on."""
        name = self._name(batch)
        if error.is_a(ObjectNotFoundError):
            self._fail(batch, ModelMissingError(name))
        elif error.is_a(ModelUnreadableError):
            self._fail(batch, InferenceUnavailableError(error.text))
        else:
            log.error("inference_failed", endpoint=name, calls=len(batch.members), error=str(error))
            self._again(batch, InferenceError(500, "InternalError", _FAILED), tries=1)

    def _ended(self, batch: _Batch[Model, Call, Reply], error: EndedError | TimeoutError) -> None:
        """The process is gone: killed by the system, or by us because its time was up or nobody waited."""
        late = isinstance(error, TimeoutError) or any(member.done.cancelled() for member in batch.members)
        if not self._closed:
            log.warning(
                "inference_process_replaced",
                reason="too long" if late else str(error),
                endpoint=self._name(batch),
                calls=len(batch.members),
            )
        if isinstance(error, TimeoutError):
            self._again(batch, self._too_long(), tries=1)
        else:
            self._again(batch, self._died(), tries=_TRIES)

    def _again(self, batch: _Batch[Model, Call, Reply], error: InferenceError, *, tries: int) -> None:
        """Let each call be tried alone; the error for one that was alone and has been tried so often."""
        for member in reversed(batch.members):
            del self._running[member]
            member.tries += 1
            if self._closed:
                member.fail(self._no_more())
            elif member.tries >= tries and len(batch.members) == 1:
                member.fail(error)
            elif not member.done.done():
                self._lines.add_again(member)

    @staticmethod
    def _fail(batch: _Batch[Model, Call, Reply], error: Exception) -> None:
        for member in batch.members:
            member.fail(error)

    def _too_long(self) -> InferenceError:
        text = _TOO_LONG.format(self._limit_s, self._kind.words.ask_for_less_at_once)
        return InferenceError(504, "TimeoutError", text)

    def _died(self) -> InferenceError:
        words = self._kind.words
        return InferenceError(500, "InternalError", _ENDED.format(words.answer, words.ask_for_less))

    def _crowded(self, why: str) -> str:
        return _CROWDED.format(why, self._limit_s, self._kind.words.more_processes)

    def _none_starts(self) -> InferenceUnavailableError:
        return InferenceUnavailableError(f"no process that computes {self._kind.words.answer}s can be started")

    def _no_more(self) -> InferenceClosedError:
        return InferenceClosedError(f"no more {self._kind.words.answer}s are computed")

    def _keep(self, task: "asyncio.Task[None]") -> None:
        """Hold it, because the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
