"""What tests of lstm are made of."""

from typing import Any

import numpy as np
import pytest

from models.catalog import CATALOG
from models.forecasts import SeriesBatch
from models.lstm import forecast as lstm

NAN = np.nan
SAMPLE = np.array(
    "227 246 247 249 255 249 246 228 246 246 245 249 235 233 224 230 261 238 242 "
    "266 258 226 233 242 236 236 233 260 219 230 235 237 226 227 226 221 222 227".split(),
    dtype=np.float64,
)
QUICK_LONG = CATALOG["LstmLong"].resolve(
    {"batch_size_used": 3, "epochs_used": 4, "lstm_cells_per_layer_used": 3, "sample_fold_used": 3}
)
QUICK = CATALOG["Lstm"].resolve(
    {"batch_size_used": 3, "epochs_used": 4, "lstm_cells_per_layer_used": 3, "sample_num": 4, "feature_length_used": 3}
)
BOTH = pytest.mark.parametrize(
    ("model", "config"), [(lstm.forecast_long, QUICK_LONG), (lstm.forecast, QUICK)], ids=["LstmLong", "Lstm"]
)


def batch_of(rows: list[list[float]], config: dict[str, Any], horizon: int = 3) -> SeriesBatch:
    """Lay rows side by side, right-aligned, with seeds 1, 2, …"""
    longest = max(map(len, rows))
    history = np.array([[NAN] * (longest - len(row)) + row for row in rows])
    return SeriesBatch(history, horizon, config, seeds=np.arange(1, len(rows) + 1, dtype=np.uint64))


def ragged_batch(config: dict[str, Any]) -> SeriesBatch:
    """Series of several lengths and sizes, some with gaps, one too short, one constant."""
    random = np.random.default_rng(5)
    rows = [(random.normal(0, 10.0 ** (n % 4), 14 + n % 5) + 7).tolist() for n in range(24)]
    rows[3][6] = rows[4][-1] = rows[5][-2] = NAN
    return batch_of([*rows, [1.0, 2.0], [4.5] * 15], config)
