"""What a submission has done, told to whoever sent it."""

from collections.abc import Collection, Sequence
from itertools import islice

import orjson

from schemas.forecasting import JobRecord, SeriesConfig
from streams.forecasting import jobs

__all__ = ["submitted"]

_MOST_NAMED = 10  # series that a sentence names; the answer's `series` has all


def submitted(job: JobRecord, progress: jobs.Progress, elements: Sequence[SeriesConfig]) -> bytes:
    """The answer as JSON: the job's status, that of each series asked for, and in words what becomes of them."""
    statuses = jobs.series_statuses(job, progress)
    asked = dict.fromkeys(element.ts_id for element in elements)
    # A repeat may come when a later PUT has given the series new ids.
    series = [{"ts_id": ts_id, "status": int(statuses[ts_id])} for ts_id in asked if ts_id in statuses]
    message = _effect(elements)
    return orjson.dumps({"job_id": job.job_id, "status": int(job.status), "message": message, "series": series})


def _effect(elements: Sequence[SeriesConfig]) -> str:
    """Which series a submission trains, and of which it only stores the settings, in words."""
    train = dict.fromkeys(element.ts_id for element in elements if element.trains)
    store = dict.fromkeys(element.ts_id for element in elements if not element.trains)
    told = [f"in training: {_listed(train)}"] if train else []
    if store:
        told.append(
            f"only stored: {_listed(store)}; to train, send one of next_k_prediction, max_eval, auto_tune and "
            "eval_metrics with the element"
        )
    return "; ".join((*told, *_taken_as_whole(elements)))


def _taken_as_whole(elements: Sequence[SeriesConfig]) -> list[str]:
    """Floats that were sent for whole numbers (J-141), each once: most elements share their hyper-parameters."""
    distinct = {id(element.hyper_params): element.hyper_params or () for element in elements}
    floats = {
        (parameter.name, value)
        for parameters in distinct.values()
        for parameter in parameters
        for value in (parameter.val, parameter.low, parameter.high)
        if parameter.type == "int" and isinstance(value, float)
    }
    return [f"{name} {value} is taken as {value:.0f}" for name, value in sorted(floats)[:_MOST_NAMED]]


def _listed(ts_ids: Collection[int]) -> str:
    shown = ", ".join(map(str, islice(ts_ids, _MOST_NAMED)))
    more = len(ts_ids) - _MOST_NAMED
    return f"{len(ts_ids)} series ({shown}{f' and {more} more' if more > 0 else ''})"
