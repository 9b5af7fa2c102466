"""Which models exist. Importing this loads neither numpy nor any model.

To add a model, write one file in a room of `models/` with a function of the shape of `ForecastFunction`, one
`ModelSpec` in that room's `specs.py`, and its name at the end of `_MODELS` below. Nothing else has to change:
validation, listings and batching all read the catalogue.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.deepar.specs import DEEPAR
from models.errors import RejectedInputError
from models.fitted.specs import ARIMA, CES, ETS, HOLT_WINTERS, LIGHTGBM, MSTL, REGRESSION, THETA
from models.hyper_parameters import SEASON_LENGTH, HyperParameter
from models.lstm.specs import LSTM, LSTM_LONG
from models.model_spec import ModelSpec
from models.quick.specs import (
    ADAPTIVE_AVERAGE_N,
    ADAPTIVE_MAX_N,
    CROSTON,
    DRIFT,
    LINEAR_FIT,
    SEASONAL_NAIVE,
    SES,
    TSB,
)

__all__ = ["CATALOG", "UnknownModelError", "model_spec"]


class UnknownModelError(RejectedInputError):
    """No model of that name is in the catalogue."""


def model_spec(name: str) -> ModelSpec:
    """Look a model up by its exact name; raises UnknownModelError listing the names there are."""
    spec = CATALOG.get(name)
    if spec is None:
        raise UnknownModelError("model_name", f"there is no model {name!r}; choose one of: {', '.join(CATALOG)}")
    return spec


_AUTO: Final = ModelSpec(
    name="Auto",
    intro="The mean of those models that would have forecast each series' last steps best.",
    hyper_parameters=(
        SEASON_LENGTH,
        HyperParameter(
            name="combine",
            type="int",
            default=3,
            low=1,
            high=5,
            minimum=1,
            maximum=8,
            intro="How many of the best models are averaged, at most.",
        ),
        HyperParameter(
            name="budget_ms",
            type="int",
            default=500,
            minimum=0,
            maximum=3_600_000,
            intro="Milliseconds of a core that CES and MSTL, with features LightGBM and ARIMA too, may take for a "
            "series, as estimated; those that would take more are left out. 0 tries the quick models alone.",
        ),
    ),
    entry="models.auto:forecast",
    point_s=2e-3,
    heavy=True,
    calendar=True,
    covariates=True,
)

_MODELS: Final = (  # the first five have the numbers of contract T-075; a new model comes last, so that numbers stay
    LINEAR_FIT,
    ADAPTIVE_MAX_N,
    LSTM,
    LSTM_LONG,
    DEEPAR,
    ADAPTIVE_AVERAGE_N,
    SEASONAL_NAIVE,
    DRIFT,
    SES,
    HOLT_WINTERS,
    ETS,
    THETA,
    ARIMA,
    LIGHTGBM,
    _AUTO,
    CES,
    MSTL,
    CROSTON,
    TSB,
    REGRESSION,
)

CATALOG: Mapping[str, ModelSpec] = MappingProxyType({spec.name: spec for spec in _MODELS})
"""Every model by its name, in the order in which listings show them."""
