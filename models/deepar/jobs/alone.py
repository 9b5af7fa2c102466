"""DeepAR for series that come one by one: each is trained on alone.

TensorFlow is loaded when the first series is trained. The fork server loads the modules of all heavy models for all
processes, those of endpoints too; with TensorFlow among them each would start 4 s later, also where nobody uses DeepAR.
"""

import numpy as np

from models.arrays.columns import FloatArray
from models.calendars.calendar import calendar_of
from models.deepar.calendars import known_frequency
from models.deepar.frequency import Frequency
from models.deepar.jobs.settings import LARGEST, LEVELS, TOO_LARGE, mean_and_quantiles, model_config
from models.deepar.series import Series
from models.deepar.wording import NO_TENSORFLOW
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]

_DAY_MS = 86_400_000  # the step where nobody says one, as for a file with a single timestamp


def forecast(batch: SeriesBatch) -> Forecasts:
    """Train a model on each row alone, and forecast it; RejectedInputError where that cannot be done."""
    try:
        from models.deepar.learning.training import train  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise RejectedInputError("model_name", NO_TENSORFLOW) from None

    known = known_frequency(calendar_of(batch.freq)) if batch.freq else None
    frequency = known or Frequency.of_step(batch.step_ms or _DAY_MS)
    mean = np.empty((len(batch.history), batch.horizon))
    quantiles = {level: np.empty_like(mean) for level in LEVELS}
    for place, history in enumerate(batch.history):
        seed = 0 if batch.seeds is None else int(batch.seeds[place])
        end = 0 if batch.ends is None else int(batch.ends[place])
        series = _series(history, frequency, end, batch.held_back)
        config = model_config(batch.config, frequency, batch.horizon, seed=seed, allow_negative=batch.allow_negative)
        model = train([series], config)
        row, levels = mean_and_quantiles(model, [series], [seed])
        mean[place] = row[0]
        for level, values in levels.items():
            quantiles[level][place] = values[0]
    return Forecasts(mean, quantiles)


def _series(history: FloatArray, frequency: Frequency, end: int, held_back: int) -> Series:
    """A row from its first observed value on; `end` is when the last of the values held back is."""
    values = history[np.argmax(~np.isnan(history)) :]
    if np.nanmax(np.abs(values)) > LARGEST:
        raise RejectedInputError("target", TOO_LARGE)
    last = frequency.align(np.datetime64(end, "ms"))
    first = frequency.count(last) - (held_back + len(values) - 1) * frequency.step
    return Series(frequency.at(first), values.astype(np.float32))
