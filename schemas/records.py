"""State: what the tables keep. Private to the service; encoded as the events are, so that it can evolve as they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.commands import ParameterValue, SeriesConfig
from schemas.events import CmdStatus

__all__ = ["Columns", "JobRecord", "Planned", "Submission", "TrainingJobRecord", "TransformRecord"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Chosen columns, by index in the data set's header; frequency, time zone and form of times as asked for."""

    timestamp_indexs: tuple[int, ...]
    target_indexs: tuple[int, ...]
    groupby_indexs: tuple[int, ...]
    freq: str = ""
    time_zone: str = ""
    timestamp_format: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted SubmitJob that asked for training: element i has number first_n + i and series ts_offsets[i]."""

    command_id: str
    first_n: int
    ts_offsets: tuple[int, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """How the elements of a submission are trained, kept until the job has all its answers.

    `sent` of them have been sent out, in their order. `plans` is a SubmitJob in the wire format, whose elements are the
    different settings; `plan_of` says which of them each element has, and is empty where all have the first.
    """

    first_n: int
    sent: int
    plans: bytes
    plan_of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job, as the table `jobs` keeps it; `digests` are those of `commands`, see `streams.repeats`."""

    job_id: int
    data_id: int
    name: str | None
    related_user: int
    created: int
    status: CmdStatus = CmdStatus.CREATED
    sequence: int = 0
    message: str | None = None
    columns: Columns | None = None
    column_count: int = 0
    split: str | None = None
    first_ts_id: int = 0
    series_count: int = 0
    settings: tuple[SeriesConfig, ...] = ()
    submissions: tuple[Submission, ...] = ()
    commands: tuple[str, ...] = ()
    settings_at: int | None = None
    stopped: int = 0
    planned: tuple[Planned, ...] = ()
    digests: tuple[str, ...] = ()

    @property
    def submitted(self) -> int:
        """Series submissions accepted so far; also the number of the next one."""
        if not self.submissions:
            return 0
        last = self.submissions[-1]
        return last.first_n + len(last.ts_offsets)

    @property
    def ts_ids(self) -> range:
        """The ids of its series, ascending."""
        return range(self.first_ts_id, self.first_ts_id + self.series_count)


@dataclass(frozen=True, slots=True)
class TrainingJobRecord:
    """One training job with its version, as the table `training_jobs` keeps it. Times are epoch milliseconds."""

    project_id: str
    job_id: int
    job_name: str
    version_id: int
    version_name: str
    command_id: str
    create_time: int
    status: int
    data_url: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    job_desc: str = ""
    workspace_id: str = "0"
    train_url: str = ""
    log_url: str = ""
    start_time: int | None = None
    changed: int | None = None
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    endpoint: str | None = None
    message: str | None = None
    config: str = "{ }"  # not "{}": Apicurio 3.3 takes no schema with that default
    note: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformRecord:
    """One transform job in the table `transforms`; `streams.inference.transforms.Answered` reads `finished`."""

    name: str
    command_id: str
    model_name: str
    input_path: str
    output_path: str
    output_key: str
    inference_config: str | None = None
    assemble_with: str = "Line"
    on_error: str = "fail"
    created: int
    ended: int | None = None
    status: str
    failure_reason: str | None = None
    lines: int = 0
    finished: bytes = b""
    first_offset: int = 0
    digest: str = ""
