"""Scaling by powers of two: squares neither overflow nor vanish, and not one bit of a value is lost."""

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray

__all__ = ["scaled_rows", "unscaled"]


def scaled_rows(history: FloatArray) -> tuple[FloatArray, NDArray[np.int32]]:
    """Each row [N, L] divided by the power of two that brings its largest value to between 0.5 and 1; the exponents.

    NaN stays NaN, and a row of zeros stays as it is.
    """
    largest = np.fmax.reduce(np.abs(history), axis=1, initial=0.0)
    exponents: NDArray[np.int32] = np.frexp(largest)[1].astype(np.int32)
    return np.ldexp(history, -exponents[:, np.newaxis]), exponents


def unscaled(values: FloatArray, exponents: NDArray[np.int32]) -> FloatArray:
    """Undo `scaled_rows` for values [N, horizon]; infinite where they are too large for a number."""
    with np.errstate(all="ignore"):
        original: FloatArray = np.ldexp(values, exponents[:, np.newaxis])
        return original
