"""What a state process has for workloads: the store of its partitions' points, and who keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from connectors.kafka.publisher import partition_for
from schemas.coding.point_writer import PointBatch
from streams.runtime import Part, StateRuntime
from streams.workloads.keeper import PointKeeper
from streams.workloads.points import publish
from streams.workloads.producers import ProducerStates

__all__ = ["WorkloadsState", "open_state"]

_READ_BACK_S: Final = 1.5  # M-064: a point is visible two seconds after its 202, and as a rule with it
_STATUSES: Final = ("job_status", "training_status")


@dataclass(frozen=True, kw_only=True)
class WorkloadsState(Part):
    """The points of the partitions that this worker has."""

    runtime: StateRuntime
    keeper: PointKeeper
    producers: ProducerStates

    async def keep(self, points: PointBatch) -> None:
        """Append points to the topic `metrics`, as `publish` does, and wait until they can be read here, for a while.

        To be called at the worker that has the workload.
        """
        last = await publish(self.runtime, points)
        if last >= 0:
            partition = partition_for(points.workload_uid.encode(), self.runtime.topics.partitions)
            await self.keeper.reached(partition, last, _READ_BACK_S)

    async def prepare(self) -> None:
        """Keep points as long as the process lasts."""
        topics = self.runtime.topics
        told = [getattr(topics, name) for name in _STATUSES if hasattr(topics, name)]
        self.producers.follow(self.runtime.bootstrap, told, topics.partitions)
        await self.keeper.follow()

    async def close(self) -> None:
        """Let another process open the store."""
        self.producers.close()
        await self.keeper.close()

    def figures(self) -> Iterable[Metric]:
        """What Prometheus is told of it."""
        yield CounterMetricFamily("tidecast_points_kept", "Points of metrics that were kept.", value=self.keeper.kept)
        yield CounterMetricFamily(
            "tidecast_workloads_forgotten",
            "Workloads of which the log had nothing any more.",
            value=self.keeper.forgotten,
        )
        behind = sum(place.end - place.place for place in self.keeper.places)
        yield GaugeMetricFamily(
            "tidecast_points_to_read", "Points that are to be read before they can be asked for.", value=behind
        )


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    settings = runtime.settings
    return WorkloadsState(
        runtime=runtime,
        keeper=PointKeeper(runtime, settings.home / "points" / settings.worker_id),
        producers=ProducerStates(runtime.codec),
    )
