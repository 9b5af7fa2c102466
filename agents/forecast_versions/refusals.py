"""Why commands of a run were refused: nobody waits for them where they are applied, so refusals are dead letters."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from agents.versions.run import RunFailedError, finished
from connectors.kafka.topic_follower import TopicFollower
from schemas.coding.wire import UndecodableError
from streams.runtime import TrainerRuntime

__all__ = ["Refusals", "refusals_of"]

_ANY = TypeVar("_ANY")

_Letter = tuple[bytes | None, str]


class Refusals:
    """Of the commands of one run, whose ids `are_ours` knows, about one job."""

    def __init__(self, runtime: TrainerRuntime, job_id: int, are_ours: Callable[[str], bool]) -> None:
        self._runtime = runtime
        self._job_id = job_id
        self._are_ours = are_ours
        self._first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def unless_refused(self, work: Coroutine[Any, Any, _ANY]) -> _ANY:
        """What the work returns; RunFailedError with the words of the refusal as soon as a command is refused."""
        task = asyncio.ensure_future(work)
        try:
            either: list[asyncio.Future[Any]] = [task, self._first]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise RunFailedError(f"the forecasting job {self._job_id} was refused: {self._first.result()}")
        finally:
            if not task.done():
                task.cancel()
                await finished(_end_of(task))

    def read(self, letters: Sequence[_Letter]) -> None:
        """Take note of dead letters in their order; the first is why, others follow from it. In the event loop."""
        for value, reason in letters:
            if not self._first.done() and self._are_ours(self._command_id(value)):
                self._first.set_result(reason)

    def _command_id(self, value: bytes | None) -> str:
        try:
            return str(getattr(self._runtime.codec.decode(value), "command_id", ""))
        except UndecodableError:
            return ""


@contextmanager
def refusals_of(
    runtime: TrainerRuntime, job_id: int, are_ours: Callable[[str], bool], *, since_ms: int
) -> Iterator[Refusals]:
    """Follow them as long as the block lasts."""
    found, loop = Refusals(runtime, job_id, are_ours), asyncio.get_running_loop()

    def read(letters: Sequence[_Letter]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(found.read, letters)

    topics = runtime.topics
    follower = TopicFollower(
        runtime.bootstrap,
        topics.dead_letters,
        topics.partitions,
        read,
        since=(b"%d" % job_id, since_ms),
        shown=_letter,
    )
    follower.start()
    try:
        yield found
    finally:
        follower.close()


def _letter(message: Any) -> _Letter:
    reasons = [value or b"" for name, value in message.headers() or () if name == "error"]
    return message.value(), (reasons[-1] if reasons else b"").decode("utf-8", "replace")


async def _end_of(task: "asyncio.Task[Any]") -> None:
    await asyncio.wait([task])
