"""DeepAR for a series alone, through the catalogue's entry."""

import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.deepar.frequency import Frequency
from models.deepar.jobs.alone import _series
from models.deepar.jobs.settings import LEVELS

DAY = 86_400_000
SMALL = {"epochs": 1, "num_batches_per_epoch": 2, "num_cells": 4, "num_layers": 1, "mini_batch_size": 8}
WAVE = 10 + 3 * np.sin(np.arange(40) * 2 * np.pi / 7)


def request(target: np.ndarray, *, seed: int = 1, refit: bool = False) -> SeriesRequest:
    """Three days after a daily series."""
    return SeriesRequest(
        target, "DeepAR", SMALL, 3, refit, ("mse",), seed=seed, season_length=7, end=19_000 * DAY, step_ms=DAY
    )


def test_each_row_is_trained_alone() -> None:
    """No answer depends on the other rows, only on the own values and the seed."""
    together = forecast_batch([request(WAVE), request(WAVE * 5), request(WAVE, seed=2)])
    (alone,) = forecast_batch([request(WAVE)])

    assert together[0] == alone
    assert together[2] != alone
    for answer in together:
        assert answer.error is None
        assert len(answer.predictions) == 3
        assert tuple(answer.quantiles) == LEVELS


def test_values_that_are_too_large_are_refused() -> None:
    """In the series' own answer."""
    (answer,) = forecast_batch([request(WAVE * 1e37)])

    assert "too large for DeepAR" in (answer.error or "")


def test_a_series_is_placed_in_time_by_its_end() -> None:
    """By steps of the calendar: what is held back lies between the last value known and the end."""
    padded = np.array([np.nan, 1.0, np.nan, 3.0])
    end = int(np.datetime64("2024-03-31T08:00", "ms").astype(np.int64))

    by_month = _series(padded, Frequency("M"), end, 5)
    by_day = _series(padded, Frequency("D"), end, 0)

    assert by_month.start == np.datetime64("2023-08")
    assert by_day.start == np.datetime64("2024-03-29")
    np.testing.assert_array_equal(by_month.target, [1, np.nan, 3])


def test_the_module_loads_no_tensorflow() -> None:
    """The fork server loads it for every process of a trainer, and each would start seconds later."""
    module = CATALOG["DeepAR"].entry.partition(":")[0]
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
