"""Any model, with a configuration for every series of a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.arrays.columns import FloatArray
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import TunedBatch
from models.hyper_parameters import ConfigValue
from models.model_spec import ForecastFunction, ModelSpec
from models.quick.lines import LINES_ENTRY, raised_lines

__all__ = ["tuned_model"]


def tuned_model(spec: ModelSpec) -> ForecastFunction:
    """A model that forecasts a `TunedBatch`: every row as the model itself would with that row's configuration."""
    model = spec.load()

    def forecast(batch: SeriesBatch) -> Forecasts:
        assert isinstance(batch, TunedBatch)
        if spec.entry == LINES_ENTRY:
            latest_n = [int(config["latest_n"]) for config in batch.configs]
            factors = np.array([float(config["add_std_factor"]) for config in batch.configs])
            return Forecasts(raised_lines(batch.history, batch.horizon, latest_n, factors))
        groups: dict[tuple[ConfigValue, ...], list[int]] = {}
        for place, config in enumerate(batch.configs):
            groups.setdefault(tuple(config.values()), []).append(place)
        return _merged(batch, [(places, model(batch.alike(np.array(places)))) for places in groups.values()])

    return forecast


def _merged(batch: TunedBatch, parts: Sequence[tuple[list[int], Forecasts]]) -> Forecasts:
    """Put the forecasts of parts of a batch back in order; what a part does not have is empty in its rows."""
    if len(parts) == 1:
        return parts[0][1]
    shape = len(batch.history), batch.horizon
    mean = np.full(shape, np.nan)
    quantiles: dict[str, FloatArray] = {}
    extras: dict[str, list[Any]] = {}
    for places, forecasts in parts:
        mean[places] = forecasts.mean
        for level, values in forecasts.quantiles.items():
            quantiles.setdefault(level, np.full(shape, np.nan))[places] = values
        for name, nothing in (("answered_by", None), ("saved", None), ("notes", "")):
            given = getattr(forecasts, name)
            if given is not None:
                column = extras.setdefault(name, [nothing] * shape[0])
                for place, value in zip(places, given, strict=True):
                    column[place] = value
    return Forecasts(mean, quantiles, **extras)
