"""What a submission has done, told to whoever sent it."""

from collections.abc import Collection, Sequence
from itertools import islice

import orjson

from models.catalog import CATALOG
from models.scores.names import ALIASES
from schemas.forecasting import JobRecord, SeriesConfig
from streams.forecasting import jobs
from streams.forecasting.element_checks import Chosen, each_series
from streams.standing.elements import only_ends
from streams.standing.shown import told

__all__ = ["submitted"]

_MOST_NAMED = 10  # series that a sentence names; the answer's `series` has all


def submitted(job: JobRecord, progress: jobs.Progress, elements: Sequence[SeriesConfig], chosen: Chosen) -> bytes:
    """The answer as JSON: the job's status, that of each series asked for, and in words what becomes of them."""
    statuses, sent = jobs.series_statuses(job, progress), elements
    elements = [element for _, element in each_series(elements, chosen)] if chosen else elements
    asked = dict.fromkeys(element.ts_id for element in elements)
    # A repeat may come when a later PUT has given the series new ids.
    series = [{"ts_id": ts_id, "status": int(statuses[ts_id])} for ts_id in asked if ts_id in statuses]
    message = "; ".join((*_effect(elements), *told(sent)))
    return orjson.dumps({"job_id": job.job_id, "status": int(job.status), "message": message, "series": series})


def _effect(elements: Sequence[SeriesConfig]) -> list[str]:
    """Which series a submission trains, and of which it only stores the settings, in words."""
    train = dict.fromkeys(element.ts_id for element in elements if element.trains)
    store = dict.fromkeys(element.ts_id for element in elements if not element.trains and not only_ends(element))
    words = [f"in training: {_listed(train)}"] if train else []
    if store:
        words.append(
            f"only stored: {_listed(store)}; to train, send one of next_k_prediction, max_eval, auto_tune and "
            "eval_metrics with the element"
        )
    return [*words, *_without_features(elements), *_taken_as_whole(elements), *_counted_once(elements)]


def _without_features(elements: Sequence[SeriesConfig]) -> list[str]:
    """Models that pass over the features (J-074) or holidays which were sent for them, each once."""
    sent = {
        (element.model_name or "", field)
        for element in elements
        for field, value in (("feature_indexs", element.feature_indexs), ("holidays", element.holidays))
        if value and element.trains
    }
    unused = sorted((name, field) for name, field in sent if name in CATALOG and not CATALOG[name].covariates)
    takers = ", ".join(name for name, spec in CATALOG.items() if spec.covariates)
    return [f"{name} makes no use of {field}: {takers} do" for name, field in unused]


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


def _counted_once(elements: Sequence[SeriesConfig]) -> list[str]:
    """Lists that name something twice, in words: one of the two may have been meant to be something else."""
    lists: set[tuple[str, tuple[object, ...]]] = set()
    for element in elements:
        lists.add(("eval_metrics", element.eval_metrics or ()))
        lists.add(("levels", element.levels or ()))
    distinct = {id(element.hyper_params): element.hyper_params or () for element in elements}
    lists.update(
        (f"choice of {parameter.name}", parameter.choice or ())
        for parameters in distinct.values()
        for parameter in parameters
    )
    told: set[str] = set()
    for field, values in lists:
        names = [ALIASES.get(value, value) if isinstance(value, str) else value for value in values]
        told.update(f"{field} has {name} more than once: it counts once" for name in names if names.count(name) > 1)
    return sorted(told)[:_MOST_NAMED]


def _listed(ts_ids: Collection[int]) -> str:
    shown = ", ".join(map(str, islice(ts_ids, _MOST_NAMED)))
    more = len(ts_ids) - _MOST_NAMED
    return f"{len(ts_ids)} series ({shown}{f' and {more} more' if more > 0 else ''})"
