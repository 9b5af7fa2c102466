"""Events: facts, never refused. Field by field as in `schemas/avro/*.avsc`. Times are epoch milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from schemas.commands import ParameterValue

__all__ = [
    "Backtest",
    "CmdStatus",
    "Forecast",
    "InferenceResult",
    "JobStatus",
    "MetricPoint",
    "SeriesResult",
    "TrainingStatus",
]


class CmdStatus(IntEnum):
    """Life cycle of a job and of a series; names as on the wire, misspellings included (contract J-010 … J-015)."""

    CREATED = 0
    UNCOMITTED = 1
    COMITTED = 2
    DONE = 3
    EXCEPTION = 4


@dataclass(frozen=True, slots=True)
class Forecast:
    """The latest forecast of a series.

    Times are what the clock of the data shows, as if it were that of UTC; `micros` and `utc_offsets` have for each of
    `timestamps` its microseconds beyond the millisecond and the minutes that the clock is from UTC, or nothing.
    """

    job_id: int
    ts_id: int
    n: int
    item_id: str
    model_name: str
    cutoff: int
    timestamps: Sequence[int]
    mean: Sequence[float]
    quantiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answered_by: str | None = None
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of one metric of a workload (contract 004); `value` is None where it could not be computed."""

    workload_uid: str
    metric_name: str
    value: float | None
    timestamp: int
    iteration: int
    data_source: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """The hold-out forecast that the metrics belong to."""

    timestamps: Sequence[int]
    predictions: Sequence[float]
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """Everything that one series submission yields, or its error; times as in `Forecast`."""

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
    note: str | None = None
    answered_at: int | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The status of a job changed; readers drop an event whose `sequence` is not above the last one.

    Of the submissions numbered below `stopped`, those without an answer are cancelled: nobody need train them.
    """

    job_id: int
    status: CmdStatus
    sequence: int
    series: int
    submitted: int
    finished: int
    failed: int
    message: str | None = None
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """What a training job has come to; `status` is a number of contract T-041. The last one is the outcome."""

    project_id: str
    job_id: int
    version_id: int
    status: int
    at: int
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    endpoint: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class InferenceResult:
    """The forecast of an InferenceRequest, or in `error` why there is none."""

    request_id: str
    endpoint: str
    timestamps: Sequence[int] = ()
    mean: Sequence[float] | None = None
    quantiles: Mapping[str, Sequence[float]] | None = None
    samples: Sequence[Sequence[float]] | None = None
    error: str | None = None
    transform: str | None = None
    line: int = 0
