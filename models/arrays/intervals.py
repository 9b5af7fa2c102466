"""From a standard deviation of the forecast error to quantiles."""

import numpy as np

from models.arrays.columns import FloatArray

__all__ = ["STANDARD_NORMAL", "normal_quantiles"]

STANDARD_NORMAL = {
    "0.025": -1.959963984540054,
    "0.1": -1.2815515655446004,
    "0.9": 1.2815515655446004,
    "0.975": 1.959963984540054,
}
"""The levels that models with intervals return: 80 % lie between "0.1" and "0.9", 95 % between the outer two."""


def normal_quantiles(mean: FloatArray, deviation: FloatArray) -> dict[str, FloatArray]:
    """The quantiles of normal errors around `mean` with standard deviation `deviation`, both [N, horizon].

    A deviation of NaN, for too few observations to estimate one, makes NaN; who asked is told of no quantile then.
    """
    with np.errstate(all="ignore"):
        return {level: mean + z * deviation for level, z in STANDARD_NORMAL.items()}
