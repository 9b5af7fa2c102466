"""How long a series may be: told when its columns are chosen, or a feature, rather than when it was to be trained."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from connectors.datasets.splits import Split
from schemas.forecasting import JobRecord
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError
from streams.forecasting.submissions import Training

__all__ = ["check_features_fit", "check_lengths"]

_VALUE: Final = 8  # bytes of one value on its way to a trainer
_REST: Final = 4096  # bytes of a command besides, about


def check_lengths(split: Split, *, max_points: int, record_limit: int) -> None:
    """RejectedError 400 where a series has too many points, or more than a record can carry."""
    lengths = split.lengths
    if not len(lengths):
        return
    place = int(np.argmax(lengths))
    points, carried = int(lengths[place]), (record_limit - _REST) // _VALUE
    if points <= min(max_points, carried):
        return
    most, setting = (
        (max_points, "TIDECAST_MAX_SERIES_POINTS") if max_points <= carried else (carried, "TIDECAST_MAX_MESSAGE_BYTES")
    )
    which = f"series {split.groupby_val[place]}" if len(lengths) > 1 else "the series"
    text = f"{which} has {points} points, at most {most} are accepted: leave out old ones, or raise {setting}"
    raise InvalidError(ForecastingCode.SERIES_TOO_LONG, f"target_indexs: {text}", {"field": "target_indexs"})


def check_features_fit(job: JobRecord, split: Split, trainings: Iterable[Training], record_limit: int) -> None:
    """RejectedError 400 for the first element whose series is more than a record can carry with its features."""
    most = (record_limit - _REST) // _VALUE
    lengths = split.lengths
    for training in trainings:
        columns = 1 + len(training.plan.features) + bool(training.plan.holidays)
        points = int(lengths[training.ts_id - job.first_ts_id])
        if columns > 1 and points * columns > most:
            text = (
                f"element {training.number} (ts_id {training.ts_id}), feature_indexs: {columns - 1} features of "
                f"{points} points are more than a Kafka record can carry: name fewer, leave out old rows, or raise "
                "TIDECAST_MAX_MESSAGE_BYTES"
            )
            place: dict[str, int | str] = {"element": training.number - 1, "field": "feature_indexs"}
            raise InvalidError(ForecastingCode.SERIES_TOO_LONG, text, place)
