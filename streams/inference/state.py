"""What the processes have for inference: the processes that answer for endpoints, and the state its transform jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric

from schemas.inference import TransformRecord
from streams.inference.endpoint_cache import Endpoints
from streams.inference.pool import InferencePool
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime, TrainerRuntime

__all__ = ["InferenceProcesses", "TransformState", "open_state", "open_trainer"]


@dataclass(frozen=True, kw_only=True)
class InferenceProcesses(Part):
    """The endpoints, and the processes that answer for them."""

    pool: InferencePool
    endpoints: Endpoints

    async def prepare(self) -> None:
        """Load what the first requests will need."""
        await self.endpoints.prepare()

    async def close(self) -> None:
        """End the processes."""
        await self.pool.close()

    def figures(self) -> Iterable[Metric]:
        """What Prometheus is told of it."""
        yield GaugeMetricFamily(
            "tidecast_inference_waiting", "Requests that wait for an inference process.", value=self.pool.waiting
        )
        yield GaugeMetricFamily(
            "tidecast_inference_processes", "Inference processes that run.", value=len(self.pool.pids)
        )


@dataclass(frozen=True, kw_only=True)
class TransformState(Part):
    """Rows of transform jobs."""

    transforms: RecordTable[TransformRecord]


def open_state(runtime: StateRuntime) -> Part:
    """The state's part; the processes are another, which trainers have too."""
    runtime.add(open_trainer(runtime))
    return TransformState(
        transforms=RecordTable(runtime.app, "transforms", runtime.topics.transforms_changelog, **runtime.table_options)
    )


def open_trainer(runtime: TrainerRuntime) -> Part:
    """A trainer's part."""
    pool = InferencePool(runtime.settings)
    return InferenceProcesses(pool=pool, endpoints=Endpoints(runtime.store, pool, runtime.metrics.inference))
