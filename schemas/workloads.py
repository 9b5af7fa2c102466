"""What is said of workloads (contract 004): the points of their metrics. Times are epoch milliseconds."""

from schemas.values import record

__all__ = ["TYPES", "MetricPoint"]


@record()
class MetricPoint:
    """One value of one metric of a workload (contract 004); `value` is None where it could not be computed.

    `worker` says which process or pod has measured it, where there are several (M-060).
    """

    workload_uid: str
    metric_name: str
    value: float | None
    timestamp: int
    iteration: int
    data_source: str
    worker: str = ""


TYPES: tuple[type, ...] = (MetricPoint,)
