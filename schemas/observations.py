"""What is said of observations, which are rows that come after the upload, and of what they show.

Times are epoch milliseconds.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import field

from schemas.values import record

__all__ = ["TYPES", "Alert", "Cell", "DatasetGrown", "Observation"]

Cell = float | str | None


@record()
class Observation:
    """What was observed of a series at a time: a new row of a data set, or a correction of the row that is there.

    `timestamp` is written as those of the data set, `groups` has the group values by column. `values` are cells by
    column, None for an empty one; columns that it does not name stay as they are, and are empty in a new row.
    `command_id` is that of a request whose last row it is, so that its sender can be told.
    """

    data_id: int
    timestamp: str
    values: Mapping[str, Cell]
    groups: Mapping[str, str] = field(default_factory=dict)
    command_id: str = ""
    project: str = ""


@record()
class DatasetGrown:
    """Observations have become rows of a data set; each partition is told, for any may have jobs on it.

    Those from the first of `offsets` to `last` in their log; from each of `offsets` on the log got them at the time
    beside it, in epoch milliseconds.
    """

    data_id: int
    last: int
    offsets: tuple[int, ...]
    times: tuple[int, ...]
    project: str = ""

    def time_at(self, offset: int) -> int | None:
        """When the log got the observation with this offset; None where it is none of these."""
        if not self.offsets or not self.offsets[0] <= offset <= self.last:
            return None
        return self.times[bisect_right(self.offsets, offset) - 1]


@record()
class Alert:
    """Something about a series of a job wants somebody to look.

    `alert_id` is the same whenever the same is told again. `kind` is `outside_interval`, `worse_than_backtest` or
    `missing_data`; `message` says it in words. `timestamp` is the time that it is about, as the clock of the data shows
    it, and `at` when the log got the observation that it was seen by.

    Outside an interval: `value` is what came, `expected` what was forecast by submission `n`, `step` steps ahead, and
    `low` and `high` are the edges. Worse than the backtest: `value` is the mean scaled error, `expected` that of the
    backtest, `step` the number of values. Missing data: `step` is the number of steps without a row.
    """

    alert_id: str
    kind: str
    job_id: int
    data_id: int
    ts_id: int
    series_key: str
    at: int
    timestamp: int
    message: str
    model_name: str = ""
    n: int = -1
    step: int = 0
    value: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    project: str = ""


TYPES: tuple[type, ...] = (Observation, DatasetGrown, Alert)
