"""What every kind of run has: it works, may be ended at any moment, and knows what is to be told of it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from agents.versions.log import VersionLog
from agents.versions.version import Version
from schemas.training import TrainingStatus
from streams.training.jobs import TrainingState

__all__ = ["RunFailedError", "VersionRun", "finished", "to_its_end"]

_ANY = TypeVar("_ANY")


class RunFailedError(Exception):
    """The run has come to its end without what it was for; the text is for the user."""

    def __init__(self, text: str, number: TrainingState = TrainingState.FAILED) -> None:
        super().__init__(text)
        self.number = number


class VersionRun(ABC):
    """One run of a version by this trainer. A run that is cancelled leaves nothing behind that goes on.

    Calls come in this order: `ended_before`; `work`, which may raise RunFailedError; `finish`; `publish`; `settle`.
    `status` and `close` may come at any time.
    """

    what: str
    """What is run, for figures: the name of a model, or a word."""

    def __init__(self, version: Version, log: VersionLog) -> None:
        self.version = version
        self.log = log
        self.for_good = False
        """Whether a user has ended it: nobody runs it again."""

    @property
    @abstractmethod
    def begun(self) -> bool:
        """Whether anything has been run."""

    @property
    def logs(self) -> Sequence[VersionLog]:
        """One for each worker."""
        return (self.log,)

    @property
    def epoch(self) -> int:
        """How far it is."""
        return 0

    def ended_before(self) -> TrainingStatus | None:
        """What there is to tell of a run of an earlier release that has left results, but no outcome. Blocks."""
        return None

    @abstractmethod
    async def work(self) -> None:
        """Do what the version is for. RunFailedError."""

    async def finish(self) -> None:  # noqa: B027 - most have nothing to send
        """Send what is not sent yet; ends when the broker has all."""

    @abstractmethod
    def publish(self) -> TrainingStatus | None:
        """Let the results be seen; what there is to tell then, None where the version has been ended elsewhere.

        Blocks. RunFailedError.
        """

    @abstractmethod
    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The version as it is now, with this status."""

    def close(self) -> None:  # noqa: B027 - likewise
        """Send nothing more."""


async def to_its_end(work: Callable[..., _ANY], *arguments: object) -> _ANY:
    """Let a thread do what must not go on unseen after a cancellation: that has to wait for it."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def finished(work: Coroutine[Any, Any, _ANY]) -> _ANY:
    """The same for what is awaited."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
