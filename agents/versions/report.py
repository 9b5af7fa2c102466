"""What is told of a run while it goes on: its status now and then, its points, what it takes of the machine."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from agents.versions.metric_lists import SystemMetrics, model_metric_list
from agents.versions.points import VersionPoints
from agents.versions.telling import now, status_record
from agents.versions.version import Version
from connectors.kafka.publisher import DeliveryError
from schemas.training import TrainingStatus
from streams.runtime import TrainerRuntime
from streams.training.jobs import TrainingState

__all__ = ["RunReport"]

_POINTS_S: Final = 0.5
_STATUS_S: Final = 2.0  # it is a row of the state each time
_LOSS: Final = ("loss", "train_loss", "train/loss", "train.loss", "epoch_loss")
_VALIDATION_LOSS: Final = ("val_loss", "validation_loss", "eval_loss", "eval/loss", "val/loss")


class RunReport:
    """To be used in one event loop; `is_ours` tells whether the version is still this trainer's to tell of."""

    def __init__(
        self, runtime: TrainerRuntime, version: Version, is_ours: Callable[[], bool], *, log_files: int = 1
    ) -> None:
        self._runtime = runtime
        self._is_ours = is_ours
        self._points = VersionPoints(runtime, version, is_ours)
        self._system = SystemMetrics(runtime.settings.system_metric_interval_s)
        self._told: TrainingStatus | None = None
        self._telling: asyncio.Task[None] | None = None
        of = version.project_id, version.job_id, version.version_id
        self._status = TrainingStatus(*of, TrainingState.QUEUED, 0, log_files=log_files, project=version.project)

    @property
    def begun(self) -> bool:
        """Whether it runs, or has run."""
        return self._telling is not None

    async def begin(self) -> None:
        """Tell that it runs, and from now on how far it is. DeliveryError."""
        self._telling = asyncio.get_running_loop().create_task(self._tell())
        await self._send_status()

    def set(self, **fields: object) -> None:
        """What a status has from now on, such as `epochs` or `forecast_job_id`."""
        self._status = replace(self._status, **fields)  # type: ignore[arg-type]

    def add(self, points: Iterable[tuple[str, float | None, int, int]], source: str) -> None:
        """Name, value, step and time of each."""
        self._points.add(points, source)

    async def send_points(self) -> None:
        """Send those that wait: for who would make more of them than are sent."""
        await self._points.send()

    def take(self, at_s: float, values: tuple[float, ...]) -> None:
        """What it takes of the machine, so many seconds after its begin."""
        self._system.add(at_s, values)

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The version as it is now, with this status."""
        last = dict(self._status.metrics) or self._points.last
        return replace(
            self._status,
            status=int(number),
            at=at,
            message=message,
            epoch=self._status.epoch or self._points.iteration,
            loss=_first(last, _LOSS),
            validation_loss=_first(last, _VALIDATION_LOSS),
            metrics=dict(last),
            system_metrics=self._system.text,
            model_metrics=model_metric_list(last),
        )

    async def finish(self) -> None:
        """Send what is not sent yet; ends when the broker has all. DeliveryError."""
        self._stop()
        await self._points.send()

    def close(self) -> None:
        """Send nothing more."""
        self._stop()
        self._points.close()

    def _stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self) -> None:
        """What the broker does not take now is sent later, or at the end."""
        turns = round(_STATUS_S / _POINTS_S)
        while True:
            for _ in range(turns):
                await asyncio.sleep(_POINTS_S)
                with suppress(DeliveryError):
                    await self._points.send()
            with suppress(DeliveryError):
                await self._send_status()

    async def _send_status(self) -> None:
        status = replace(self.status(TrainingState.RUNNING, at=0), at=0)
        if status != self._told and self._is_ours():
            self._told = status
            await self._runtime.publisher.send([status_record(self._runtime, replace(status, at=now()))])


def _first(values: dict[str, float | None], names: Iterable[str]) -> float | None:
    return next((values[name] for name in names if values.get(name) is not None), None)
