"""Commands: imperative, may be refused, answered by exactly one agent. Field by field as in `schemas/avro/*.avsc`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "AddDataset",
    "ConfigureJob",
    "CreateJob",
    "DeleteDataset",
    "DeleteJob",
    "HyperParam",
    "JobCommand",
    "ParameterValue",
    "Search",
    "SeriesConfig",
    "SubmitJob",
    "TrainSeries",
]

ParameterValue = int | float | str


@dataclass(frozen=True, slots=True)
class AddDataset:
    """Register a CSV file that lies in the object store under `path`; the service takes a copy of it."""

    command_id: str
    data_id: int
    name: str
    path: str
    file_name: str
    related_user: int = 1


@dataclass(frozen=True, slots=True)
class DeleteDataset:
    """Remove a data set and its file."""

    command_id: str
    data_id: int


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Create a forecasting job on a data set."""

    command_id: str
    job_id: int
    data_id: int
    name: str | None = None
    related_user: int = 1


@dataclass(frozen=True, slots=True)
class ConfigureJob:
    """Choose the job's columns; its data set is split into series (contract J-050 … J-056)."""

    command_id: str
    job_id: int
    timestamp_indexs: tuple[int, ...]
    target_indexs: tuple[int, ...]
    groupby_indexs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HyperParam:
    """One hyper-parameter: fixed (`val`), a range (`low`, `high`) or options (`choice`), contract J-080 … J-082."""

    name: str
    type: str
    val: ParameterValue | None = None
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ParameterValue, ...] | None = None


@dataclass(frozen=True, slots=True)
class SeriesConfig:
    """Settings of one series (contract J-072 … J-079, J-087, J-121)."""

    ts_id: int
    model_name: str | None = None
    hyper_params: tuple[HyperParam, ...] | None = None
    feature_indexs: tuple[int, ...] | None = None
    max_eval: int | None = None
    next_k_prediction: int | None = None
    auto_tune: int | None = None
    auto_tune_metric: str | None = None
    eval_metrics: tuple[str, ...] | None = None
    refit: int | None = None

    @property
    def trains(self) -> bool:
        """Whether it asks for training rather than for storing settings (contract J-088)."""
        return (
            self.max_eval is not None
            or self.next_k_prediction is not None
            or self.auto_tune is not None
            or self.eval_metrics is not None
        )


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Store settings of series, or train them."""

    command_id: str
    job_id: int
    elements: tuple[SeriesConfig, ...]


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Remove a job and its results."""

    command_id: str
    job_id: int


JobCommand = CreateJob | ConfigureJob | SubmitJob | DeleteJob


@dataclass(frozen=True, slots=True)
class Search:
    """What tuning may choose from, at most how often it tries, and the metric that judges a try."""

    space: tuple[HyperParam, ...]
    max_eval: int
    metric: str


@dataclass(frozen=True, slots=True, eq=False)
class TrainSeries:
    """Train one series and forecast it. Self-contained: it carries its history.

    `start`, `step` and `timestamps` are milliseconds; empty `timestamps` mean that value i is at start + i * step.
    `target` is the history, oldest first, NaN where an observation is missing; decoded: a read-only float64 array.
    `feat_dynamic_real` has one sequence per feature: a value per value of `target`, and up to next_k_prediction more.
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
