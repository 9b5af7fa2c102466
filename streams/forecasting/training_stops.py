"""What a trainer need not compute any more: the training of jobs that were stopped or deleted, as job-status tells."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from typing import Final

from connectors.kafka.topic_follower import TopicFollower
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import JobStatus

__all__ = ["TrainingStops"]

_KEPT: Final = 100_000  # jobs; of those before, what is asked for is computed in vain, as it was


class TrainingStops:
    """The jobs that were stopped or deleted, as far as this process has read of them."""

    def __init__(self) -> None:
        self._below: dict[int, float] = {}  # job → submissions below this number are not to be trained
        self._asked: dict[int, JobStatus | None] = {}  # jobs that somebody here follows
        self._changed = asyncio.Event()
        self._on_change: Callable[[], object] = lambda: None

    def covers(self, job_id: int, n: int) -> bool:
        """Whether the submission of this number need not be trained."""
        return n < self._below.get(job_id, 0)

    async def until_covered(self, job_id: int, n: int) -> None:
        """Wait until it need not."""
        while not self.covers(job_id, n):
            await self._changed.wait()

    @contextmanager
    def following(self, job_id: int) -> Iterator[Callable[[], JobStatus | None]]:
        """Keep what is told of a job as long as the block lasts; the last of it, None before."""
        self._asked[job_id] = None
        try:
            yield lambda: self._asked.get(job_id)
        finally:
            del self._asked[job_id]

    async def news(self) -> None:
        """Wait until something is told of any job."""
        await self._changed.wait()

    def told(self, job_id: int, status: JobStatus | None) -> None:
        """Take note of a job's status; None: it was deleted."""
        if job_id in self._asked:
            self._asked[job_id] = status
        below = inf if status is None else status.stopped
        self._below.pop(job_id, None)
        if below:
            self._below[job_id] = below
            if len(self._below) > _KEPT:
                del self._below[next(iter(self._below))]

    def changed(self) -> None:
        """Let everybody look who waits for a job to be stopped or deleted, or computes something for it."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._on_change()

    @contextmanager
    def followed(
        self, bootstrap: str, topic: str, partitions: int, codec: Codec, on_change: Callable[[], object]
    ) -> Iterator[None]:
        """Learn of them as long as the block lasts; `on_change` is called when there may be more of them."""
        loop = asyncio.get_running_loop()

        def read(records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
            found = [known for key, value in records if (known := _status(codec, key, value)) is not None]
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(note, found)

        def note(found: Sequence[tuple[int, JobStatus | None]]) -> None:
            for job_id, status in found:
                self.told(job_id, status)
            self.changed()

        self._on_change = on_change
        follower = TopicFollower(bootstrap, topic, partitions, read)
        follower.start()
        try:
            yield
        finally:
            follower.close()


def _status(codec: Codec, key: bytes | None, value: bytes | None) -> tuple[int, JobStatus | None] | None:
    """Which job is told of, and what; None for what is not ours to understand."""
    if key is None or not key.isdigit():
        return None
    if value is None:
        return int(key), None
    try:
        status = codec.decode(value)
    except UndecodableError:
        return None
    return (int(key), status) if isinstance(status, JobStatus) else None
