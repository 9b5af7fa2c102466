"""The log of one worker of a version: lines in, the object store and the topic of logs out, five times a second."""

import asyncio
import math
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from agents.versions.telling import now
from agents.versions.version import Version
from connectors.kafka.publisher import Record
from connectors.objects.training_logs import LogWriter, copy_log
from schemas.training import TrainingLogChunk
from streams.runtime import TrainerRuntime

__all__ = ["VersionLog"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 0.2
_CHUNK: Final = 64 * 1024  # bytes of a record: a reader of the topic gets no more at a time
_TRIES: Final = 3  # at the end; a store that is away then for longer keeps the log without its last lines


class VersionLog:
    """Takes lines at once and writes them soon. What is told may be read again after a crash, behind what is there.

    To be used in one event loop. `is_ours` tells whether the version is still this trainer's: else the next one writes.
    """

    def __init__(
        self, runtime: TrainerRuntime, version: Version, worker: int, is_ours: Callable[[], bool] = lambda: True
    ) -> None:
        self._runtime = runtime
        self._version = version
        self._worker = worker
        self._is_ours = is_ours
        self._writer: LogWriter | None = None
        self._waiting = bytearray()
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._sent: set[asyncio.Future[None]] = set()
        self._last = -math.inf
        self._closed = False
        self._copied = -1

    @property
    def name(self) -> str:
        """The name of its file (contract T-140)."""
        return f"{self._version.job_name}.{self._worker}"

    @property
    def written(self) -> bool:
        """Whether there is anything in it."""
        return self._writer is not None or bool(self._waiting)

    def say(self, text: str) -> None:
        """Add a line of ours."""
        self.write(text.encode("utf-8", "replace") + b"\n")

    def write(self, data: bytes) -> None:
        """Add lines, each with its end."""
        if self._closed or not data:
            return
        self._waiting += data
        self._write_soon()

    async def flush(self) -> None:
        """Write what waits; ends when readers see it and the broker has it. It is given up where that fails."""
        for turn in range(1, _TRIES + 1):
            await self._write_out()
            if not self._waiting:
                break
            await asyncio.sleep(turn * _EVERY_S)
        if self._sent:
            await asyncio.wait(self._sent)

    def drop(self) -> None:
        """Write nothing more, not even what waits: the version is another trainer's."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        """Write what waits, and nothing more; then the whole log where the version's config wants it."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()
        async with self._turn:
            if self._version.log_key and self._writer is not None and self._writer.size != self._copied:
                self._copied = self._writer.size
                await asyncio.to_thread(self._copy)

    def _write_soon(self) -> None:
        if self._timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._last + _EVERY_S), self._begin)

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._write_out())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write_out(self) -> None:
        """One writer at a time, or parts would be written over one another."""
        async with self._turn:
            if not self._waiting:
                return
            if not self._is_ours():  # as while a rebalance lasts, after which it may be so again
                self._last = asyncio.get_running_loop().time()
                self._write_soon()
                return
            data, self._last = bytes(self._waiting), asyncio.get_running_loop().time()
            try:
                start = await asyncio.to_thread(self._append, data)
            except OSError as error:
                log.warning("log_not_written", workload=self._version.workload_uid, error=str(error))
                self._last += 5 * _EVERY_S
                self._write_soon()
                return
            del self._waiting[: len(data)]
            sending = self._runtime.publisher.send_nowait(list(self._records(data, start)))
            self._sent.add(sending)
            sending.add_done_callback(self._told)

    def _append(self, data: bytes) -> int:
        """Where the data begin. Whatever the store's client raises is OSError."""
        try:
            if self._writer is None:
                version = self._version
                self._writer = LogWriter(self._runtime.store, version.project_id, version.version_id, self._worker)
            start = self._writer.size
            self._writer.append(data)
        except Exception as error:
            self._writer = None  # it looks again where the log ends
            raise OSError(f"{type(error).__name__}: {error}") from error
        return start

    def _copy(self) -> None:
        """A place that cannot be written to costs the version nothing: its log can be read by HTTP nevertheless."""
        version = self._version
        key = f"{version.log_key}/{self.name}"
        try:
            copy_log(self._runtime.store, version.project_id, version.version_id, self._worker, key)
        except Exception as error:  # noqa: BLE001 - whatever the store's client raises
            log.warning("log_not_copied", workload=version.workload_uid, key=key, error=str(error))

    def _told(self, sending: "asyncio.Future[None]") -> None:
        """A chunk that the broker did not take is in the object store nevertheless."""
        self._sent.discard(sending)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            log.warning("log_not_sent", workload=self._version.workload_uid, error=str(error))

    def _records(self, data: bytes, start: int) -> Iterator[Record]:
        version, at = self._version, now()
        for offset, part in _parts(data):
            chunk = TrainingLogChunk(
                project_id=version.project_id,
                job_id=version.job_id,
                version_id=version.version_id,
                worker=self._worker,
                file_name=self.name,
                offset=start + offset,
                text=part.decode("utf-8", "replace"),
                at=at,
            )
            topic = self._runtime.topics.training_logs
            yield Record(topic, b"%d" % version.version_id, self._runtime.codec.encode(chunk))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Pieces that are no longer than a chunk, cut behind a line where that can be, and never inside of a character."""
    start = 0
    while start < len(data):
        end = start + _CHUNK
        if end < len(data):
            line = data.rfind(b"\n", start, end) + 1
            if line > start:
                end = line
            else:
                while end > start + _CHUNK - 4 and data[end] & 0xC0 == 0x80:  # a byte that goes on a character
                    end -= 1
        yield start, data[start:end]
        start = end
