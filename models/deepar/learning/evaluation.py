"""How good a model's forecasts of the last window of each series are."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.deepar.artefact import Artefact
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from models.deepar.summaries import mean_of, quantiles_of

__all__ = ["LEVELS", "score_forecasts", "scores"]

LEVELS: Final = tuple(level / 10 for level in range(1, 10))
"""The quantiles that are judged."""

_JUDGED: Final = 1000  # series: more would not tell more
_SAMPLES: Final = 100


def scores(model: Artefact, series: Sequence[Series]) -> dict[str, float | None]:
    """Scores of the last prediction_length steps, forecast from what lies before them; empty where none is so long.

    Without early stopping the model has been trained on these steps too.
    """
    steps = model.config.prediction_length
    judged = [one for one in series if len(one.target) > steps][:_JUDGED]
    if not judged:
        return {}
    begun = [
        Series(one.start, one.target[:-steps], one.cat, None if one.feat is None else one.feat[:, : len(one.target)])
        for one in judged
    ]
    paths = Predictor(model).sample(begun, _SAMPLES, [model.config.seed + place for place in range(len(begun))])
    actual = np.stack([one.target[-steps:] for one in judged]).astype(np.float64)
    means = np.stack([mean_of(some) for some in paths])
    quantiles = np.stack([quantiles_of(some, LEVELS) for some in paths])
    return score_forecasts(actual, means, quantiles)


def score_forecasts(
    actual: NDArray[np.float64], means: NDArray[np.float32], quantiles: NDArray[np.float32]
) -> dict[str, float | None]:
    """Scores over all steps observed; None where all that is observed is zero, or nothing is.

    `actual` and `means` are [N, steps], NaN where missing, `quantiles` [N, 9, steps] those of `LEVELS`. The weighted
    quantile loss is 2 * sum of pinball losses / sum |actual|, averaged over the levels (Salinas et al. 2017, eq. 9);
    ND is sum |actual - mean| / sum |actual|; the coverage that of the interval between the quantiles 0.1 and 0.9.
    """
    seen = ~np.isnan(actual)
    size = float(np.abs(actual[seen]).sum())
    found: dict[str, float | None] = dict.fromkeys(("mean_wQuantileLoss", "ND", "RMSE", "coverage_80"))
    if not seen.any():
        return found
    error = actual - means
    found["RMSE"] = float(np.sqrt(np.mean(error[seen] ** 2)))
    inside = (actual >= quantiles[:, 0]) & (actual <= quantiles[:, -1])
    found["coverage_80"] = float(inside[seen].mean())
    if size > 0:
        levels = np.array(LEVELS)[:, np.newaxis]
        off = actual[:, np.newaxis] - quantiles
        losses = np.maximum(levels * off, (levels - 1) * off)
        found["mean_wQuantileLoss"] = float(2 * np.nansum(losses) / len(LEVELS) / size)
        found["ND"] = float(np.abs(error[seen]).sum() / size)
    return found
