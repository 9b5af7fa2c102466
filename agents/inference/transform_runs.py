"""What the transform jobs of this process are doing: sending their lines, waiting for answers, writing the output."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Final, Self
from weakref import WeakValueDictionary

from agents.inference.transform_lines import InputError, InputLines, Line, TransformInput
from agents.inference.transform_output import ResultsLostError, write_output
from connectors.kafka.publisher import Record
from connectors.objects.layout import named
from schemas.inference import InferenceResult, TransformRecord
from streams.engine.tenure import still_current
from streams.engine.tries import is_infrastructure
from streams.inference import transforms
from streams.inference.state import TransformState
from streams.messages import Event
from streams.runtime import StateRuntime

__all__ = ["TransformRun", "TransformRuns"]

_PART: Final = 100  # lines that are read in one turn of a thread: some 20 ms, so that others get theirs
_OUTPUTS: Final = 1  # written at a time: each keeps one of the threads for whole files, and others need them too
_LOOK_S: Final = 1.0  # how often a job that waits looks whether its partition has gone
_LEAST_AHEAD: Final = 256  # lines: four batches of a trainer, so that its processes have work until the first answers
_AHEAD_S: Final = 5.0  # how long what is out takes: so long other jobs wait for their turn, and work a stop for nothing


class TransformRuns:
    """The jobs that somebody in this process works on; one object for each, which its workers share."""

    def __init__(self, state: StateRuntime) -> None:
        self._state = state
        self._runs: WeakValueDictionary[str, TransformRun] = WeakValueDictionary()
        self.outputs = asyncio.Semaphore(_OUTPUTS)

    def of(self, name: str, event: Event) -> "TransformRun":
        """The job of this name; `event`, the newest about it, tells its partition and whether that is still ours."""
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = TransformRun(self._state, self, name)
        run.event = event
        return run

    def close(self) -> None:
        """Give up what is under way: the process ends, and the next one begins it again."""
        for run in list(self._runs.values()):
            run.close()


class TransformRun:
    """One job. Its row is read and written without an await in between, for two agents change it."""

    event: Event

    def __init__(self, state: StateRuntime, runs: TransformRuns, name: str) -> None:
        self.name = name
        self.answered = asyncio.Event()  # more lines are, or the job has ended
        self._state = state
        self._runs = runs
        self._sending: asyncio.Task[None] | None = None
        self._finishing: asyncio.Task[None] | None = None

    @property
    def record(self) -> TransformRecord | None:
        """The job's row."""
        return TransformState.of(self._state).transforms.get(self.name.encode())

    def put(self, record: TransformRecord) -> "asyncio.Future[None]":
        """Write the row; the future ends when the changelog has it."""
        self.answered.set()
        return TransformState.of(self._state).transforms.put(self.event.message.partition, self.name.encode(), record)

    async def end(self, status: str, reason: str | None = None) -> None:
        """Move a job that is in progress to its end; one that has ended keeps its status."""
        record = await self._active()
        if record is not None:
            await self.put(transforms.ended(record, status, at=round(time.time() * 1000), reason=reason))

    async def give_up(self, reason: str) -> None:
        """End a job that cannot be gone on with, also one that is stopping."""
        ours, record = await still_current(self._state.app, self.event), self.record
        if ours and record is not None and record.status in (transforms.IN_PROGRESS, transforms.STOPPING):
            await self.put(transforms.ended(record, transforms.FAILED, at=round(time.time() * 1000), reason=reason))

    async def fail_line(self, index: int, reason: str) -> None:
        """End the job because of this line, named by its number in the file."""
        record = await self._active()
        if record is not None:
            number = await self._number_of(record, index)
            await self.end(transforms.FAILED, f"line {number}: {reason}")

    async def send(self) -> None:
        """Send what is not answered yet; who calls while that is under way waits for the same."""
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        await asyncio.shield(self._sending)

    async def finish(self) -> None:
        """Write the output of a job whose lines are all answered; likewise."""
        if self._finishing is None or self._finishing.done():
            self._finishing = asyncio.create_task(self._finish())
        await asyncio.shield(self._finishing)

    async def stopped(self) -> None:
        """End a job that is stopping, once nothing is under way for it."""
        for task in (self._sending, self._finishing):
            if task is not None and not task.done():
                await asyncio.wait([task])
        ours, record = await still_current(self._state.app, self.event), self.record
        if ours and record is not None and record.status == transforms.STOPPING:
            await self.put(transforms.ended(record, transforms.STOPPED, at=round(time.time() * 1000)))

    def close(self) -> None:
        """Give up what is under way."""
        for task in (self._sending, self._finishing):
            if task is not None:
                task.cancel()

    async def _send(self) -> None:
        """1. check and count the lines, 2. write their number, 3. send them, 4. write the output of a job without any.

        A repeat after a crash knows the number from the row, and leaves out what is answered.
        """
        record = self.record
        if record is None:
            return
        try:
            if (problem := transforms.misplaced(record)) is not None:
                raise InputError(problem)
            if not record.lines:
                count = await self._check(record)
                record = await self._active()
                if record is None or count is None:
                    return
                await self.put(transforms.counted(record, count))
            await self._send_lines(record)
        except InputError as error:
            await self.end(transforms.FAILED, str(error))
        record = self.record
        if record is not None and transforms.is_complete(record):
            await self.finish()

    async def _check(self, record: TransformRecord) -> int | None:
        """How many lines there are; None where the job has ended meanwhile, as with a wrong line (contract D-064)."""
        count = 0
        async with _Input(self._state, record) as lines:
            while (part := await lines.part()) is not None:
                wrong = None if record.on_error == "emit" else next((line for line in part if line.error), None)
                if wrong is not None:
                    await self.end(transforms.FAILED, f"line {wrong.number}: {wrong.error}")
                if await self._active() is None:
                    return None
                count += len(part)
        return count

    async def _send_lines(self, record: TransformRecord) -> None:
        pace = _Pace(transforms.Answered.of(record).base)
        async with _Input(self._state, record) as lines:
            while (part := await lines.part()) is not None:
                known = await (self._room_for(part[-1].index, pace) if part else self._active())
                if known is None:
                    return
                answered = transforms.Answered.of(known)
                records = [self._sent(record, line) for line in part if line.index not in answered]
                await self._state.publisher.send(records)

    async def _number_of(self, record: TransformRecord, index: int) -> int:
        """Which line of the file, from 1, is the one with this index among those that are not blank."""
        files, state = self._state.files, self._state
        passed = 0
        try:
            lines = await files.turn(InputLines, state.store, state.settings, record)
            with closing(lines):
                while (part := await files.turn(lines.part, _PART)) is not None:
                    if index < passed + len(part):
                        return part[index - passed][0]
                    passed += len(part)
        except InputError:  # the file has gone meanwhile: right unless blank lines came before
            pass
        return index + 1

    async def _room_for(self, index: int, pace: "_Pace") -> TransformRecord | None:
        """The row once the line may be sent; None where the job has ended or gone."""
        while True:
            self.answered.clear()
            record = await self._active()
            if record is None:
                return None
            base = transforms.Answered.of(record).base
            if index < base + pace.ahead(base):
                return record
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self.answered.wait()

    def _sent(self, record: TransformRecord, line: Line) -> Record:
        """The request, or at once the result of a line that cannot be asked for."""
        state, request_id = self._state, f"{record.name}:{line.index}"
        if line.request is not None:
            return Record(state.topics.inference_requests, request_id.encode(), line.request)
        result = InferenceResult(
            request_id, record.model_name, error=line.error, transform=record.name, line=line.index
        )
        return Record(state.topics.inference_results, record.name.encode(), state.codec.encode(result))

    async def _finish(self) -> None:
        """1. write the output, 2. write that the job is complete; a crash in between repeats both."""
        async with self._runs.outputs:
            record = await self._active()
            if record is None or not transforms.is_complete(record):
                return
            if (problem := transforms.misplaced(record)) is not None:
                await self.end(transforms.FAILED, problem)
                return
            state = self._state
            try:
                await state.files.whole(
                    None,
                    write_output,
                    state.store,
                    state.codec,
                    record,
                    bootstrap=state.bootstrap,
                    topic=state.topics.inference_results,
                    partition=self.event.message.partition,
                )
            except ResultsLostError as error:
                await self.end(transforms.FAILED, str(error))
            except OSError as error:
                if is_infrastructure(error):
                    raise
                path = named(record.output_key)[1]
                text = f"S3OutputPath: /{path} cannot be written ({error.strerror}): choose another path"
                await self.end(transforms.FAILED, text)
            else:
                await self.end(transforms.COMPLETED)

    async def _active(self) -> TransformRecord | None:
        """The row of a job that is in progress and ours; None else."""
        ours = await still_current(self._state.app, self.event)
        record = self.record
        return record if ours and record is not None and record.status == transforms.IN_PROGRESS else None


class _Pace:
    """How quickly the lines of a job are answered, and so how many of them may be out."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._begun = time.monotonic()

    def ahead(self, base: int) -> int:
        """How many lines may be out beyond the first that is not answered."""
        rate = (base - self._base) / max(time.monotonic() - self._begun, 0.001)
        return min(transforms.AHEAD, max(_LEAST_AHEAD, round(rate * _AHEAD_S)))


class _Input:
    """A job's file, read in threads."""

    def __init__(self, state: StateRuntime, record: TransformRecord) -> None:
        self._state = state
        self._record = record
        self._input: TransformInput

    async def __aenter__(self) -> Self:
        state = self._state
        self._input = await state.files.turn(TransformInput, state.store, state.codec, state.settings, self._record)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._input.close()

    async def part(self) -> Sequence[Line] | None:
        """Some of the next lines; None at the end."""
        return await self._state.files.turn(self._input.part, _PART)
