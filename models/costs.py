"""How long a forecast will take, to within a small factor: enough to tell what may hold up others.

Measured on one core of 2026 with `benchmarks.series_cost`'s kind of series: seconds per point in the catalogue, and for
networks per step of their training.
"""

from math import ceil, inf
from typing import Any, Final

from models.batch import SeriesRequest
from models.catalog import model_spec
from models.model_spec import ModelSpec
from models.tuning.search import is_quick

__all__ = ["is_network", "predicted_s"]

_NETWORK_STEP_S: Final = 3e-4  # 100 cells, batches of 5: 1e-4; 500 cells, or a thousand lags: up to 3.3e-4
_LSTM_SAMPLES: Final = "sample_num"
_LSTM_LONG_FOLD: Final = "sample_fold_used"


def predicted_s(request: SeriesRequest) -> float:
    """Seconds of a core that the request takes by itself; infinite where a model is trained as one is for many series.

    What is wrong with a request takes no time. Raises what a request of a wrong shape makes it trip over.
    """
    spec = model_spec(request.model_name)
    if spec.together:
        return inf
    points = len(request.target)
    once = _network_s(spec, request.config, points) if is_network(spec) else points * spec.point_s
    once *= (1 + request.options.windows) / 2
    search = request.search
    if search is None or is_quick(spec, search, request.config):
        return once
    return once * search.max_eval


def is_network(spec: ModelSpec) -> bool:
    """Whether it trains a network for each series, of which many train together at little more than the cost of one."""
    return spec.network


def _network_s(spec: ModelSpec, config: Any, points: int) -> float:
    """By the steps of the training: what is not said is the default."""
    given = {parameter.name: config.get(parameter.name, parameter.default) for parameter in spec.hyper_parameters}
    samples = given.get(_LSTM_SAMPLES) or points // int(given[_LSTM_LONG_FOLD])
    return int(given["epochs_used"]) * ceil(int(samples) / int(given["batch_size_used"])) * _NETWORK_STEP_S
