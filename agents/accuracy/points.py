"""What a judged forecast puts on the topic `metrics`: points of the workload of its training."""

from collections.abc import Iterator
from math import isnan

from schemas.forecasting import JobRecord
from schemas.observations import DatasetGrown
from schemas.workloads import MetricPoint
from streams.access.names import scoped
from streams.accuracy.judging import Judged

__all__ = ["points_of"]


def points_of(job: JobRecord, one: Judged, grown: DatasetGrown) -> Iterator[MetricPoint]:
    """Of each value that these observations brought; `iteration` is the step ahead, `timestamp` when the log got it.

    So the same observation read again makes the same points, and a corrected value later ones. `live_error` is actual
    less predicted, `live_scaled_error` its size by the scale, and `live_inside_<level>` 1 where the value lay in that
    interval, else 0.
    """
    uid = scoped(job.project, f"fj-{job.job_id}-{one.ts_id}-{one.n}")
    for place, offset in enumerate(one.offsets):
        at = grown.time_at(offset)
        if at is None:
            continue
        error, step = float(one.errors[place]), int(one.steps[place])
        yield MetricPoint(uid, "live_error", error, at, step, "log")
        if not isnan(one.scale):
            yield MetricPoint(uid, "live_scaled_error", abs(error) / one.scale, at, step, "log")
        for level, inside in one.inside.items():
            yield MetricPoint(uid, f"live_inside_{level}", float(inside[place]), at, step, "log")
