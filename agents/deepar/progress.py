"""What a trainer tells of a training while it runs: its status and the metrics of its epochs."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from agents.deepar.job_calls import Begun, EpochDone
from agents.versions.log import VersionLog
from agents.versions.metric_lists import SystemMetrics
from agents.versions.system_watch import SystemWatch, Values, nothing, process_sampler
from agents.versions.telling import finite, status_record
from agents.versions.version import Version
from connectors.kafka.publisher import Record
from schemas.training import TrainingStatus
from schemas.workloads import MetricPoint
from streams.runtime import TrainerRuntime
from streams.training.jobs import TrainingState

__all__ = ["TrainingProgress"]

_EVERY_S: Final = 0.5  # small models do an epoch in milliseconds, and who looks on needs no more than two a second


class TrainingProgress:
    """Sends a status twice a second at most, always one of the last epoch, and the metric points of every epoch.

    A point is the same whenever it is sent: it has the time of its epoch, which the checkpoint keeps.
    """

    def __init__(self, runtime: TrainerRuntime, version: Version, log: VersionLog, is_ours: Callable[[], bool]) -> None:
        """`is_ours` tells whether the version is still this trainer's: else the next one tells of it."""
        self._runtime = runtime
        self._version = version
        self._log = log
        self._is_ours = is_ours
        self._points: list[EpochDone] = []
        self._status: TrainingStatus | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_sent = -math.inf
        self._sending: set[asyncio.Future[None]] = set()
        self._error: BaseException | None = None
        self._begun: Begun | None = None
        self._last: EpochDone | None = None
        self._system = SystemMetrics(runtime.settings.system_metric_interval_s)
        self._sample: Callable[[], Awaitable[Values]] = _of_nobody
        self._watch: SystemWatch | None = None

    @property
    def begun(self) -> bool:
        """Whether a process has begun to train."""
        return self._begun is not None

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return 0 if self._last is None else self._last.epoch

    @property
    def system_metrics(self) -> str:
        """What the process that trains takes of the machine, as JSON; empty before the first sample."""
        return self._system.text

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The training as it is now, with this status."""
        version, last = self._version, self._last
        return TrainingStatus(
            project_id=version.project_id,
            job_id=version.job_id,
            version_id=version.version_id,
            status=number,
            at=at,
            epoch=self.epoch,
            epochs=0 if self._begun is None else self._begun.epochs,
            loss=None if last is None else finite(last.loss),
            validation_loss=None if last is None else finite(last.validation_loss),
            message=message,
            log_files=int(self._log.written),
            system_metrics=self.system_metrics,
            project=version.project,
        )

    def report(self, content: Begun | EpochDone) -> None:
        """Take what the process reports."""
        if isinstance(content, Begun):
            if self._begun is None:
                self._log.say(_begins(content))
            self._begun = content
            self._watch_process(content.pid)
            self._last = content.done[-1] if content.done else None
            self._points += content.done
        else:
            self._last = content
            self._points.append(content)
            self._log.say(_epoch(content))
        self._status = self.status(TrainingState.RUNNING, at=content.at)
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_at(self._last_sent + _EVERY_S, self._send)

    async def finish(self) -> None:
        """Send what is not sent yet; ends when the broker has all. DeliveryError."""
        self._end_watch()
        self._send()
        if self._sending:
            await asyncio.wait(self._sending)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Send nothing more."""
        self._end_watch()
        self._points, self._status = [], None
        if self._timer is not None:
            self._timer.cancel()

    def _watch_process(self, pid: int) -> None:
        """A process that takes the place of one that was killed is the one to look at."""
        if pid:
            self._sample = process_sampler(pid)
            if self._watch is None:
                self._watch = SystemWatch(self._measured, self._system.add)

    async def _measured(self) -> Values:
        return await self._sample()  # of the process that there is now

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        points, status, self._points, self._status = self._points, self._status, [], None
        if status is None or not self._is_ours():
            return
        self._last_sent = asyncio.get_running_loop().time()
        status = replace(status, system_metrics=self.system_metrics)
        records = [record for done in points for record in self._metrics(done)]
        sending = self._runtime.publisher.send_nowait([*records, status_record(self._runtime, status)])
        self._sending.add(sending)
        sending.add_done_callback(self._sent)

    def _sent(self, sending: "asyncio.Future[None]") -> None:
        self._sending.discard(sending)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            self._error = error

    def _metrics(self, done: EpochDone) -> list[Record]:
        uid = self._version.kept_uid
        values = {"loss": done.loss, "validation_loss": done.validation_loss}
        points = [
            MetricPoint(uid, name, finite(value), done.at, done.epoch, "log")
            for name, value in values.items()
            if value is not None
        ]
        runtime = self._runtime
        return [Record(runtime.topics.metrics, uid.encode(), runtime.codec.encode(point)) for point in points]


async def _of_nobody() -> Values:
    return nothing()


def _begins(begun: Begun) -> str:
    if not begun.done:
        return f"the data is read; up to {begun.epochs} epochs are trained"
    return f"the data is read; the training goes on after epoch {begun.done[-1].epoch} of {begun.epochs}"


def _epoch(done: EpochDone) -> str:
    judged = "" if done.validation_loss is None else f" - val_loss: {done.validation_loss:.6g}"
    return f"Epoch {done.epoch}/{done.epochs} - loss: {done.loss:.6g}{judged}"
