"""Commands: imperative, may be refused, answered by exactly one agent. Field by field as in `schemas/avro/*.avsc`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "AddDataset",
    "ConfigureJob",
    "CreateJob",
    "DeleteDataset",
    "DeleteJob",
    "DeleteTrainingJob",
    "HyperParam",
    "InferenceRequest",
    "JobCommand",
    "ParameterValue",
    "Search",
    "SeriesConfig",
    "StartTransform",
    "StopJob",
    "StopTrainingJob",
    "StopTransform",
    "SubmitJob",
    "TrainDeepAR",
    "TrainSeries",
    "TrainTogether",
]

ParameterValue = int | float | str


@dataclass(frozen=True, slots=True)
class AddDataset:
    """Register a CSV file that lies in the object store under `path`; the service takes a copy of it.

    How the file is written is found out where the fields from `encoding` on do not say it.
    """

    command_id: str
    data_id: int
    name: str
    path: str
    file_name: str
    related_user: int = 1
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    skipped_lines: int | None = None
    compression: str | None = None
    ignored_columns: tuple[int, ...] | None = None
    timestamp_format: str | None = None


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
    """Choose the job's columns; its data set is split into series (contract J-050 … J-056).

    `freq`, `time_zone` and `timestamp_format` say what the data do not tell (decisions 16 to 18); empty: it is found in
    them.
    """

    command_id: str
    job_id: int
    timestamp_indexs: tuple[int, ...]
    target_indexs: tuple[int, ...]
    groupby_indexs: tuple[int, ...] = ()
    freq: str = ""
    time_zone: str = ""
    timestamp_format: str = ""


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
    """Settings of one series (contract J-072 … J-079, J-087, J-121, decision 22)."""

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
    allow_negative: int | None = None

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


@dataclass(frozen=True, slots=True)
class StopJob:
    """Stop the training of a job. What is answered stays; what is not gets the error "cancelled"."""

    command_id: str
    job_id: int


JobCommand = CreateJob | ConfigureJob | SubmitJob | StopJob | DeleteJob


@dataclass(frozen=True, slots=True)
class Search:
    """What tuning may choose from, at most how often it tries, and the metric that judges a try."""

    space: tuple[HyperParam, ...]
    max_eval: int
    metric: str


@dataclass(frozen=True, slots=True, eq=False)
class TrainSeries:
    """Train one series and forecast it. Self-contained: it carries its history.

    `start`, `step` and `timestamps` are milliseconds, `start_micros` the microseconds beyond those of `start`. Empty
    `timestamps` mean that value i is i steps of the calendar `freq` (see `models.calendars.calendar`) after `start`;
    without one, every step is `step`. `target` is the history, oldest first, NaN where an observation is missing;
    decoded: a read-only float64 array. `feat_dynamic_real` has one sequence per feature: a value per value of `target`,
    and up to next_k_prediction more.
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


@dataclass(frozen=True, slots=True)
class TrainTogether:
    """Train one model on all series of a forecasting job's split, and forecast those of `ts_ids`, numbered by `ns`."""

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


@dataclass(frozen=True, slots=True)
class TrainDeepAR:
    """Create a training job that trains a DeepAR model on a JSON Lines file (contract D-070).

    An endpoint of the job's name serves the model. `data_url` is a path under the data root, such as
    `/uploads/sales.jsonl`. `config` has the other fields of the request as JSON; it is kept and shown.
    """

    command_id: str
    project_id: str
    job_id: int
    job_name: str
    data_url: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    job_desc: str = ""
    workspace_id: str = "0"
    train_url: str = ""
    log_url: str = ""
    config: str = "{ }"  # not "{}": Apicurio 3.3 takes no schema with that default


@dataclass(frozen=True, slots=True)
class DeleteTrainingJob:
    """Stop a training job, and remove it and its endpoint."""

    command_id: str
    project_id: str
    job_id: int


@dataclass(frozen=True, slots=True)
class StopTrainingJob:
    """Stop a version of a training job; the first version has the job's id. The job stays."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Forecast one time series with the model of an endpoint; fields and defaults as in contract D-010 … D-018.

    `transform` and `line` are set for a line of a transform job. With `ts_id` the forecast also goes to the topic of
    forecasts under that key.
    """

    request_id: str
    endpoint: str
    start: str
    target: Sequence[float | None]
    cat: Sequence[int] | None = None
    dynamic_feat: Sequence[Sequence[float]] | None = None
    num_samples: int | None = None
    output_types: Sequence[str] | None = None
    quantiles: Sequence[str] | None = None
    seed: int | None = None
    transform: str | None = None
    line: int = 0
    ts_id: int | None = None


@dataclass(frozen=True, slots=True)
class StartTransform:
    """Forecast every line of a JSON Lines file with the model of an endpoint (contract D-050 … D-065)."""

    command_id: str
    name: str
    model_name: str
    input_path: str
    output_path: str
    inference_config: str | None = None
    assemble_with: str = "Line"
    on_error: str = "fail"


@dataclass(frozen=True, slots=True)
class StopTransform:
    """Stop a transform job."""

    command_id: str
    name: str
