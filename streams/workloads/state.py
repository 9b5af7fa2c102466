"""What a state process has for workloads: the store of its partitions' points, and who keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from streams.runtime import Part, StateRuntime
from streams.workloads.keeper import PointKeeper

__all__ = ["WorkloadsState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class WorkloadsState(Part):
    """The points of the partitions that this worker has."""

    keeper: PointKeeper

    async def prepare(self) -> None:
        """Keep points as long as the process lasts."""
        await self.keeper.follow()

    async def close(self) -> None:
        """Let another process open the store."""
        await self.keeper.close()

    def figures(self) -> Iterable[Metric]:
        """What Prometheus is told of it."""
        yield CounterMetricFamily("tidecast_points_kept", "Points of metrics that were kept.", value=self.keeper.kept)
        behind = sum(place.end - place.place for place in self.keeper.places)
        yield GaugeMetricFamily(
            "tidecast_points_to_read", "Points that are to be read before they can be asked for.", value=behind
        )


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    settings = runtime.settings
    return WorkloadsState(keeper=PointKeeper(runtime, settings.home / "points" / settings.worker_id))
