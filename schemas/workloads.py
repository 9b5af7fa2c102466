"""What is said of workloads (contract 004): the points of their metrics. Times are epoch milliseconds."""

from dataclasses import dataclass

__all__ = ["TYPES", "MetricPoint"]


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of one metric of a workload (contract 004); `value` is None where it could not be computed."""

    workload_uid: str
    metric_name: str
    value: float | None
    timestamp: int
    iteration: int
    data_source: str


TYPES: tuple[type, ...] = (MetricPoint,)
