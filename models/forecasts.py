"""What a model is given and what it returns: many series at once, one per row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.hyper_parameters import ConfigValue
from models.options import PLAIN, Options

__all__ = ["Forecasts", "SeriesBatch"]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesBatch:
    """Series to be forecast `horizon` steps beyond the last column; a row's forecast must not depend on the others.

    `history` is [N, L], right-aligned; NaN is padding or a missing observation, and every row has at least one observed
    value. `config` is complete and valid (see `ModelSpec.resolve`). `season_length` is the number of steps after which
    a pattern may repeat, 1 where there is none, 0 where nobody knows. `seeds` [N] are the only source of randomness:
    the same seed, the same forecast; None counts as zeros. `covariates` [N, L + horizon, F] are known beside the
    series, the last `horizon` steps being the future; None where there are none. `ends` [N] are the times in
    milliseconds of the last values of the whole histories, of which `held_back` steps, `step_ms` long, are missing
    here, and `freq` is the text of their calendar; None, 0 and empty where nobody asks. `allow_negative` is for those
    who publish: whether forecasts below zero are kept though the history has none.
    """

    history: FloatArray
    horizon: int
    config: Mapping[str, ConfigValue]
    season_length: int = 1
    seeds: NDArray[np.uint64] | None = None
    covariates: FloatArray | None = None
    ends: NDArray[np.int64] | None = None
    step_ms: int = 0
    held_back: int = 0
    allow_negative: bool = False
    freq: str = ""
    options: Options = PLAIN


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """`mean` is [N, horizon]; a model that has more to say adds it.

    `quantiles` [N, horizon] by level, such as "0.1". `answered_by` [N]: the model that made each row, where it is not
    the one that was asked. `saved` [N]: the trained model of each row as the content of a Keras file. `notes` [N]: what
    a user should know about how a row came about, empty where there is nothing.
    """

    mean: FloatArray
    quantiles: Mapping[str, FloatArray] = field(default_factory=dict)
    answered_by: Sequence[str] | None = None
    saved: Sequence[bytes | None] | None = None
    notes: Sequence[str] | None = None
