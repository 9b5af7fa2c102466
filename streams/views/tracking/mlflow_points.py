"""Points of a run as MLflow's clients read them."""

from typing import Any, Final

from connectors.point_store.reading import PointReader, StoredWorkload
from streams.workloads.queries import PointQuery, blocks, selection_of
from streams.workloads.shapes import as_objects

__all__ = ["history", "last_values"]

_MOST_METRICS: Final = 500  # of a run whose last values are looked up, one by one


def last_values(reader: PointReader, uid: str) -> list[dict[str, Any]]:
    """The last value of each metric."""
    workload = reader.workload(uid)
    if workload is None:
        return []
    names = list(dict.fromkeys(name for name, _ in workload.series))[:_MOST_METRICS]
    return [
        point for name in names for point in _read(reader, workload, PointQuery(metrics=frozenset((name,)), tail=1))
    ]


def history(reader: PointReader, uid: str, metric: str, most: int) -> list[dict[str, Any]]:
    """The values of one metric, by time; at most so many, the last ones."""
    workload = reader.workload(uid)
    if workload is None:
        return []
    return _read(reader, workload, PointQuery(metrics=frozenset((metric,)), tail=most))


def _read(reader: PointReader, workload: StoredWorkload, query: PointQuery) -> list[dict[str, Any]]:
    found = blocks(reader, selection_of(workload, query), query)
    return [
        {
            "key": point["metric_name"],
            "value": point["value"] if point["value"] == point["value"] else "NaN",  # NaN is not itself
            "timestamp": point["timestamp"],
            "step": point["iteration"],
        }
        for block in found
        for point in as_objects(block, workload.series)
    ]
