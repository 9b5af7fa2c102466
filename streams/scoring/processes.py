"""The processes for users' models: one of its own for each file that is looked at, and a few that try models out.

Neither a file nor an engine gets into a worker: a process has a limit of memory, each question one of time, and what
goes beyond ends the process alone. Services have processes of their own, made the same way: `ScoringModels` is the
kind, and `agents.scoring.process` is what each runs.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.processes.compute_process import EndedError, RaisedError
from connectors.processes.process_set import ProcessSet
from streams.codes.scoring import ScoringCode
from streams.errors import InvalidError, UnavailableError
from streams.scoring.calls import Inspection, InspectionReply, ModelCalls, ScoringReply, ServedModel
from streams.serving.kinds import ServingLimits, Words
from streams.serving.pool import ServingPool
from streams.settings import Settings

__all__ = ["INSPECT", "SERVE", "Inspectors", "ScoringModels", "TrialPool"]

SERVE: Final = "agents.scoring.process:serve"  # named, because agents are above streams
INSPECT: Final = "agents.scoring.process:inspect"
PRELOAD: Final = ("models.scoring.answering", "models.scoring.files")
_AT_ONCE: Final = 2  # files that are looked at; a Java process each takes a second of a core
_TRIERS: Final = 2
_NICENESS: Final = 5  # after the event loop, as all that answers somebody who waits
_WORDS: Final = Words(
    answer="prediction",
    ask_for_less="send fewer records",
    ask_for_less_at_once="send fewer records at once",
    more_processes="the replicas of a service of the model",
)


@dataclass(frozen=True, slots=True)
class ScoringModels:
    """Models of users, as a pool asks them."""

    store_url: str
    entry: str = SERVE
    preload: Sequence[str] = PRELOAD
    words: Words = _WORDS

    def name(self, model: ServedModel) -> str:
        """The model's."""
        return model.name

    def key(self, model: ServedModel) -> Hashable:
        """Each upload has a key of its own."""
        return model.model_key

    def weight_bytes(self, model: ServedModel) -> int:
        """About the size of its file."""
        return model.size

    def size(self, call: bytes) -> int:
        """Of what was sent."""
        return len(call)

    def message(self, model: ServedModel, calls: Sequence[bytes], times_left_s: Sequence[float]) -> ModelCalls:
        """With the model's place."""
        del times_left_s
        return ModelCalls(self.store_url, model.model_key, tuple(calls))


class TrialPool(ServingPool[ServedModel, bytes, ScoringReply]):
    """Lets models answer that are no service (contract S-045); they share its processes."""

    def __init__(self, settings: Settings) -> None:
        limits = ServingLimits(
            processes=_TRIERS,
            memory_bytes=settings.scoring_memory_bytes,
            timeout_s=settings.scoring_timeout_s,
            most_waiting=settings.max_waiting_inferences,
        )
        super().__init__(ScoringModels(settings.object_store_url), limits)


class Inspectors:
    """Looks through files, each in a process that ends afterwards: what a file has done to it harms nobody else."""

    def __init__(self, settings: Settings) -> None:
        self._limit_s = settings.max_model_inspection_s
        self._processes = ProcessSet(
            INSPECT,
            PRELOAD,
            name="tidecast-inspection",
            threads=_AT_ONCE,
            memory_limit=settings.scoring_memory_bytes,
            niceness=_NICENESS,
        )

    async def look(self, inspection: Inspection) -> InspectionReply:
        """What the file is; RejectedError where it takes too long or too much memory, or no process can be had."""
        return await self._processes.in_thread(self._looked, inspection)

    def _looked(self, inspection: Inspection) -> InspectionReply:
        try:
            process = self._processes.start(ready=True)
        except EndedError as error:
            raise UnavailableError("unavailable", f"no process can be started that looks at models: {error}") from None
        try:
            reply: InspectionReply = process.call(inspection, self._limit_s)
        except TimeoutError:
            text = f"file: the model was not loaded and did not answer one record within {self._limit_s:g} s"
            raise InvalidError(ScoringCode.BAD_MODEL, text) from None
        except EndedError:
            text = "file: the process that looked at it ended: it takes too much memory, or its engine cannot bear it"
            raise InvalidError(ScoringCode.BAD_MODEL, text) from None
        except RaisedError as error:
            if error.kind in ("ModelUnreadableError", "JavaUnavailableError"):
                raise UnavailableError("unavailable", error.text) from None
            if error.kind == "MemoryError":
                raise InvalidError(ScoringCode.BAD_MODEL, "file: the model takes too much memory") from None
            raise
        finally:
            self._processes.end(process)
        return reply

    async def close(self) -> None:
        """End them."""
        await self._processes.close()
