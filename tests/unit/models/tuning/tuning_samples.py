"""What tests of tuning are made of."""

from typing import Any

import numpy as np

from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.forecasts import Forecasts, SeriesBatch
from models.tuning.search import Dimension, Search

# J-140: 38 daily points, 2020-08-01 to 2020-09-07.
SAMPLE = np.array([
    227, 246, 247, 249, 255, 249, 246, 228, 246, 246, 245, 249, 235, 233, 224, 230, 261, 238, 242,
    266, 258, 226, 233, 242, 236, 236, 233, 260, 219, 230, 235, 237, 226, 227, 226, 221, 222, 227,
], dtype=np.float64)  # fmt: skip
N = Dimension("latest_n", "int", 1, 5)
FACTOR = Dimension("add_std_factor", "float", 0, 0.5)


def request(
    target: Any = SAMPLE, model_name: str = "LinearFit", search: Search | None = None, **changes: Any
) -> SeriesRequest:
    """The sample's settings, tuned as in the contract's example (J-081) unless told otherwise."""
    values: dict[str, Any] = {
        "config": {}, "prediction_length": 5, "refit": False, "eval_metrics": ("mse", "rmse"), **changes
    }  # fmt: skip
    return SeriesRequest(np.asarray(target, np.float64), model_name, search=search or Search((N, FACTOR)), **values)


def tuned(target: Any = SAMPLE, model_name: str = "LinearFit", *space: Dimension, **changes: Any) -> SeriesAnswer:
    """The answer to a single request with this space."""
    options = {name: changes.pop(name) for name in ("max_eval", "metric") if name in changes}
    return forecast_batch([request(target, model_name, Search(space, **options), **changes)])[0]


def losses_of(answer: SeriesAnswer) -> list[float]:
    """The defined losses."""
    return [value for value in answer.trials if value is not None]


# A model that shows what it was given: it forecasts level + share, fails on some options and at times says NaN.
def show(given: SeriesBatch) -> Forecasts:
    calls.append(dict(given.config))
    level, share, mood = int(given.config["level"]), float(given.config["share"]), given.config["mood"]
    if mood == "fails" or (mood == "fails above 3" and level > 3):
        raise RuntimeError("secret detail")
    if mood == "fails on 13" and (given.history == 13).any():
        raise RuntimeError("secret detail")
    value = np.nan if mood == "says nothing" else level + share
    return Forecasts(np.full((len(given.history), given.horizon), value))


calls: list[dict[str, Any]] = []
MOODS = ("well", "fails", "fails above 3", "fails on 13", "says nothing")
LEVEL, SHARE = Dimension("level", "int", 0, 50), Dimension("share", "float", -0.5, 0.25)
TENS = [10.5] * 30  # not whole numbers, so nothing is rounded


def series_of_all_kinds(count: int, seed: int) -> list[np.ndarray]:
    """Whole, real, signed, small, large, with gaps; of several lengths, some too short to be tuned or scored."""
    rng = np.random.default_rng(seed)
    targets = []
    for number in range(count):
        steps = (38, 6, 25, 13, 60)[number % 5]
        target = 230 + rng.normal(0, 4, steps).cumsum() + rng.normal(0, 8, steps)
        kind = number % 6
        if kind in (0, 3, 4):
            target = np.maximum(np.round(target * (1, 0, 0, 0.03, 4000)[kind]), 0)
        elif kind == 2:
            target -= 230
        elif kind == 5:
            target[rng.random(steps) < 0.15] = np.nan
        targets.append(target)
    return targets


LOW, HIGH = -0.5, 1.5
TARGETS = [target for target in series_of_all_kinds(24, 6) if len(target) > 12]
