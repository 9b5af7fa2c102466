"""One series as DeepAR sees it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Series"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A history that begins at `start`, aligned to the frequency; NaN where a value is missing, possibly empty.

    `cat` has one code per category of the model. `feat` [features, n] has a value for each value of the target and, for
    a forecast, one for each of the prediction_length steps behind it. `given` is the start as it was given, within the
    step that begins at `start`; None where that is the same.
    """

    start: np.datetime64
    target: NDArray[np.float32]
    cat: tuple[int, ...] = ()
    feat: NDArray[np.float32] | None = None
    item_id: str = ""
    given: np.datetime64 | None = None
