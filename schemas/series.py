"""What the state and its trainers say of the series of forecasting jobs: trainings, results, forecasts.

Times are epoch milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field

from schemas.values import FutureFeature, HyperParam, ParameterValue, record

__all__ = [
    "TYPES",
    "Asked",
    "Backtest",
    "Beside",
    "Forecast",
    "Options",
    "Search",
    "SeriesResult",
    "TrainSeries",
    "TrainTogether",
]


@record()
class Search:
    """What tuning may choose from, at most how often it tries, and the metric that judges a try."""

    space: tuple[HyperParam, ...]
    max_eval: int
    metric: str


@record()
class Options:
    """How a forecast is scored, which quantiles it has, and where its values may lie; see `models.options`."""

    backtest_windows: int = 1
    levels: tuple[float, ...] = ()
    lower: float | None = None
    upper: float | None = None
    fill: str = ""


@record()
class Beside:
    """What a series is forecast with beside its values: `columns` of its data set, in the order of its features.

    `sent` is what was told of their next steps; all else of the future is in the rows of the data set. `holidays` are
    those of a country or a part of it, one more feature, the last; empty: none.
    """

    columns: tuple[int, ...]
    sent: tuple[FutureFeature, ...] = ()
    holidays: str = ""


@record(eq=False)
class TrainSeries:
    """Train one series and forecast it. Self-contained: it carries its history.

    `start`, `step` and `timestamps` are milliseconds, `start_micros` the microseconds beyond those of `start`. Empty
    `timestamps` mean that value i is i steps of the calendar `freq` (see `models.calendars.calendar`) after `start`;
    without one, every step is `step`. `target` is the history, oldest first, NaN where an observation is missing;
    decoded: a read-only float64 array. `feat_dynamic_real` has one sequence per feature: a value per value of `target`,
    and up to next_k_prediction more. `item_id` has the group values in Python's notation of a tuple, `group_keys` the
    columns that they are of, and `data_id` the data set that has the series; 0: none. `beside` says what
    the features are, for the answer to repeat it.
    """

    job_id: int
    ts_id: int
    n: int
    model_name: str
    start: int
    step: int
    target: Sequence[float]
    attempt: int = 1
    item_id: str = ""
    config: Mapping[str, ParameterValue] = field(default_factory=dict)
    next_k_prediction: int = 5
    eval_metrics: Sequence[str] = ("mse", "rmse")
    refit: bool = False
    timestamps: Sequence[int] = ()
    search: Search | None = None
    feat_dynamic_real: Sequence[Sequence[float]] = ()
    allow_negative: bool = False
    freq: str = ""
    start_micros: int = 0
    project: str = ""
    options: Options | None = None
    data_id: int = 0
    group_keys: Sequence[str] = ()
    beside: Beside | None = None
    side: int = 0
    shadow: bool = False
    switches: int = 0


@record()
class TrainTogether:
    """Train one model on all series of a forecasting job's split, and forecast those of `ts_ids`, numbered by `ns`.

    `side`, `shadow` and `switches`: as of TrainSeries.
    """

    job_id: int
    split: str
    first_ts_id: int
    model_name: str
    config: Mapping[str, ParameterValue] = field(default_factory=dict)
    next_k_prediction: int = 5
    eval_metrics: Sequence[str] = ("mse", "rmse")
    refit: bool = False
    ns: Sequence[int] = ()
    ts_ids: Sequence[int] = ()
    attempt: int = 1
    allow_negative: bool = False
    project: str = ""
    options: Options | None = None
    data_id: int = 0
    side: int = 0
    shadow: bool = False
    switches: int = 0


@record()
class Forecast:
    """The latest forecast of a series: of two of a job the one with more `switches`, of those the one with higher `n`.

    `switches` is how often the job's answering model had been switched (`schemas.forecasting.Shadow`).

    `groups` has its group values by column, and `series_key` is its name: the same in every job of the data set
    `data_id` that groups by the same columns (`connectors.datasets.group_values`). Empty, 0: of no data set.

    Times are what the clock of the data shows, as if it were that of UTC; `micros` and `utc_offsets` have for each of
    `timestamps` its microseconds beyond the millisecond and the minutes that the clock is from UTC, or nothing.
    """

    job_id: int
    ts_id: int
    n: int
    switches: int = field(default=0, kw_only=True)  # here, so that it is read without what follows
    item_id: str
    model_name: str
    cutoff: int
    timestamps: Sequence[int]
    mean: Sequence[float]
    quantiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answered_by: str | None = None
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()
    project: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    series_key: str = ""
    data_id: int = 0


@record()
class Backtest:
    """The hold-out forecast that the metrics belong to."""

    timestamps: Sequence[int]
    predictions: Sequence[float]
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()


@record()
class Asked:
    """What a forecast with features was made by, besides its model, its configuration and its series."""

    beside: Beside
    refit: bool = False
    allow_negative: bool = False
    options: Options | None = None


@record()
class SeriesResult:
    """Everything that one series submission yields, or its error; times as in `Forecast`.

    `asked` is there for forecasts with features: who asks what they would be with others makes them anew by it.
    Of a job with a shadow `side` is that of its command, `shadow` says that its forecast was not published, and
    `took_s`, in rows of the table alone, how many seconds of a core it took.

    The last two fields stay the last: `schemas.coding.codec` finds the place of the time of the answer by it.
    """

    job_id: int
    ts_id: int
    n: int
    attempt: int
    model_name: str
    config: Mapping[str, ParameterValue]
    timestamps: Sequence[int]
    predictions: Sequence[float]
    metrics: Mapping[str, float | None]
    backtest: Backtest | None = None
    error: str | None = None
    quantiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answered_by: str | None = None
    model_path: str | None = None
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()
    mase_insample: float | None = None
    backtest_windows: int = 1
    asked: Asked | None = None
    side: int = 0
    shadow: bool = False
    took_s: float | None = None
    note: str | None = None
    answered_at: int | None = None


TYPES: tuple[type, ...] = (TrainSeries, TrainTogether, Forecast, SeriesResult)
