"""The replicas of one service: as many processes as its row says, and the line of calls that they take from.

A replica that is killed is started again, and what it had in hand goes back to the front of the line. One that is
paused, or goes, answers what it has in hand before it ends.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Final

from connectors.processes.process_set import ProcessSet
from schemas.deployments import ServiceRecord
from streams.access.names import shown
from streams.codes.deployments import DeploymentCode
from streams.deployments.line import Call, Line
from streams.deployments.replica import Replica
from streams.deployments.services import memory_bytes
from streams.errors import RejectedError, UnavailableError
from streams.scoring.calls import ModelCalls, ScoringReply
from streams.scoring.processes import PRELOAD, SERVE
from streams.serving.errors import InferenceClosedError, InferenceError
from streams.settings import Settings

__all__ = ["Replicas"]

_NICENESS: Final = 5  # after the event loop, as all that answers somebody who waits
_CLOSING_S: Final = 2.0  # for what replicas have in hand when a service goes
_MIB: Final = 1024**2
_EMPTY: Final = {"onnx": 112 * _MIB, "pmml": 272 * _MIB}
"""What a replica without a model takes, by its kind: 90 and 208 MiB of private writable memory were measured."""


class Replicas:
    """Answers for one service; to be used in one event loop."""

    def __init__(self, record: ServiceRecord, settings: Settings) -> None:
        self.line = Line()
        self.limit_s = settings.scoring_timeout_s
        self.start_s = settings.max_model_inspection_s
        self.processes = ProcessSet(
            SERVE,
            PRELOAD,
            name=f"tidecast-{record.name}",
            threads=settings.max_replicas,
            memory_limit=_memory(record) or settings.scoring_memory_bytes,
            niceness=_NICENESS,
        )
        self._record = record
        self._settings = settings
        self._store_url = settings.object_store_url
        self._replicas: dict[str, Replica] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._resting: list[asyncio.Future[None]] = []  # replicas that have nothing to do
        self.follow(record)

    @property
    def record(self) -> ServiceRecord:
        """The row that is followed."""
        return self._record

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """Name and status of each replica: starting, running, paused or failed (S-063)."""
        return [(name, self._status(name)) for name in self._record.replicas]

    @property
    def status(self) -> str:
        """The service's (S-066): running if any replica is, else the best that can be hoped for; paused without any."""
        found = {status for _, status in self.statuses}
        return next((status for status in ("running", "starting", "failed") if status in found), "paused")

    @property
    def reason(self) -> str | None:
        """Why the service has failed; None while it has not."""
        if self.status != "failed":
            return None
        return next(replica.reason for replica in self._replicas.values() if replica.status == "failed")

    @property
    def pids(self) -> dict[str, int]:
        """The process of each replica that has one."""
        found = ((name, replica.process) for name, replica in self._replicas.items())
        return {name: process.pid for name, process in found if process is not None and process.pid is not None}

    def follow(self, record: ServiceRecord) -> None:
        """Start and stop replicas as the row says."""
        self._record = record
        wanted = [name for name in record.replicas if name not in record.paused]
        for name in [name for name in self._replicas if name not in wanted]:
            replica = self._replicas.pop(name)
            replica.stop()
            self._ending.add(replica.task)
            replica.task.add_done_callback(self._ending.discard)
        for name in wanted:
            if name not in self._replicas:
                self._replicas[name] = Replica(name, self)
        self.changed()

    async def ask(self, content: bytes, *, patient: bool = False) -> ScoringReply:
        """The answer to the JSON of a call; RejectedError where there is none, InferenceClosedError at the end.

        The time to wait is limited. Who is `patient` waits until a replica answers, paused as they may be.
        """
        if not patient:
            self.check_open()
            if len(self.line) >= self._settings.max_waiting_inferences:
                raise UnavailableError("unavailable", f"{len(self.line)} requests are waiting: ask again later")
        call = Call(content, patient=patient)
        self.line.add(call)
        self._wake_one()
        limit = None if patient else asyncio.get_running_loop().call_later(self.limit_s, self._give_up, call)
        try:
            return await call.done
        finally:
            if limit is not None:
                limit.cancel()

    def _give_up(self, call: Call) -> None:
        text = f"no answer within {self.limit_s:g} s: send fewer records at once, or have more replicas"
        call.fail(InferenceError(504, DeploymentCode.TIMEOUT, text))

    def check_open(self) -> None:
        """RejectedError 503 where nobody answers, and nobody will soon."""
        error = self._closed()
        if error is not None:
            raise error

    def message(self, contents: Sequence[bytes]) -> ModelCalls:
        """What a replica's process is asked; without calls it only loads the model."""
        return ModelCalls(self._store_url, self._record.model_key, tuple(contents))

    def share(self) -> int:
        """How many of the calls that wait are one replica's, of those that have nothing to do."""
        free = sum(replica.status == "running" and not replica.computes for replica in self._replicas.values())
        return ceil(len(self.line) / max(1, free))

    def news(self) -> asyncio.Future[None]:
        """Done when calls may wait, or the row has changed."""
        rests = asyncio.get_running_loop().create_future()
        self._resting.append(rests)
        return rests

    def changed(self) -> None:
        """Let every replica look; who waits for what will not come is told."""
        while self._resting:
            self._wake_one()
        error = self._closed()
        if error is not None:
            self.line.fail(error)

    def _wake_one(self) -> None:
        while self._resting:
            rests = self._resting.pop()  # the last that had work: its caches are warm
            if not rests.done():
                rests.set_result(None)
                return

    async def close(self) -> None:
        """End all; who waits is told."""
        self.follow(replace(self._record, replicas=(), paused=()))
        self.line.fail(InferenceClosedError(), patient=True)
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=_CLOSING_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self.line.fail(InferenceClosedError(), patient=True)
        await self.processes.close()

    def _status(self, name: str) -> str:
        if name in self._record.paused:
            return "paused"
        replica = self._replicas.get(name)
        return "starting" if replica is None else replica.status

    def _closed(self) -> RejectedError | None:
        name = shown(self._record.name)
        if not self._record.replicas:
            return UnavailableError(DeploymentCode.NO_REPLICA, f"service {name} has no replica: scale it up")
        if not self._replicas:
            return UnavailableError(DeploymentCode.SERVICE_PAUSED, f"service {name} is paused: start a replica")
        if all(replica.status == "failed" for replica in self._replicas.values()):
            return UnavailableError(DeploymentCode.SERVICE_FAILED, f"service {name} has failed: {self.reason}")
        return None


def _memory(record: ServiceRecord) -> int | None:
    """What a replica's process may take where the service says what its model may: that, and what an empty one does."""
    reserve = memory_bytes(record.memory_reserve)
    return None if reserve is None else _EMPTY[record.model_type] + reserve
