"""What is said of forecasting jobs (contract 000), and the row that is kept of each. Times are epoch milliseconds.

Longer than a module should be: the words of one system are one module.
"""

from enum import IntEnum

from schemas.values import FutureFeature, HyperParam, record

__all__ = [
    "TYPES",
    "Aggregate",
    "CmdStatus",
    "Columns",
    "ConfigureJob",
    "CreateJob",
    "DeleteJob",
    "JobCommand",
    "JobRecord",
    "JobStatus",
    "Planned",
    "Refresh",
    "RefreshJob",
    "SeriesConfig",
    "Shadow",
    "ShadowCommand",
    "Standing",
    "StartShadow",
    "StopJob",
    "StopShadow",
    "Submission",
    "SubmitJob",
    "SwitchShadow",
]


class CmdStatus(IntEnum):
    """Life cycle of a job and of a series; names as on the wire, misspellings included (contract J-010 … J-015)."""

    CREATED = 0
    UNCOMITTED = 1
    COMITTED = 2
    DONE = 3
    EXCEPTION = 4


@record()
class CreateJob:
    """Create a forecasting job on a data set."""

    command_id: str
    job_id: int
    data_id: int
    name: str | None = None
    related_user: int = 1
    project: str = ""


@record()
class Aggregate:
    """Longer steps made of finer ones: `freq` such as D or MS, `how` such as sum (`streams.features.aggregation`)."""

    freq: str
    how: str


@record()
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
    project: str = ""
    aggregate: Aggregate | None = None


@record()
class Refresh:
    """When series are forecast anew: on "data", by "cron", by "hand", or "never" any more; see `streams.standing`."""

    on: str
    pause_s: float = 10.0
    cron: str = ""
    time_zone: str = ""


@record()
class SeriesConfig:
    """Settings of a series (contract J-072 … J-079, J-087, J-121, decision 22).

    Those from `backtest_windows` to `fill`: `models.options`. `future_features` win over the rows of the data set that
    come after the last target. `holidays` are
    those of a country or a part of it, such as DE-BY. With `series` they are those of several, and `ts_id` is
    0: "all" stands for every series of the job, group values such as `Origin=EWR` for those that have them. `side` is
    set by the service alone: see `Shadow`.
    """

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
    backtest_windows: int | None = None
    levels: tuple[float, ...] | None = None
    lower: float | None = None
    upper: float | None = None
    fill: str | None = None
    series: str | None = None
    future_features: tuple[FutureFeature, ...] | None = None
    holidays: str | None = None
    refresh: Refresh | None = None
    side: int | None = None

    @property
    def trains(self) -> bool:
        """Whether it asks for training rather than for storing settings (contract J-088)."""
        return (
            self.max_eval is not None
            or self.next_k_prediction is not None
            or self.auto_tune is not None
            or self.eval_metrics is not None
        )


@record()
class SubmitJob:
    """Store settings of series, or train them."""

    command_id: str
    job_id: int
    elements: tuple[SeriesConfig, ...]
    project: str = ""


@record()
class StopJob:
    """Stop the training of a job. What is answered stays; what is not gets the error "cancelled"."""

    command_id: str
    job_id: int
    project: str = ""


@record()
class DeleteJob:
    """Remove a job and its results."""

    command_id: str
    job_id: int
    project: str = ""


@record()
class RefreshJob:
    """Let a job's series be those of its data set as it is now, and train those that changed as standing elements say.

    Series keep their ids. `number` is which refresh of the job by itself it is, and any but the next has no effect;
    0: by hand.
    """

    command_id: str
    job_id: int
    project: str = ""
    number: int = 0


@record()
class StartShadow:
    """Let a second model, or the same with other settings, forecast series of a standing job beside the first.

    `element` has its series and settings, without `refresh` and `side`; what is absent is as the first model has it.
    """

    command_id: str
    job_id: int
    element: SeriesConfig
    project: str = ""


@record()
class SwitchShadow:
    """Publish the forecasts of the other model from now on, the latest at once.

    `answers` says whose: 1 those of the model that was there first, 2 of the one beside it; 0: of who does not answer.
    """

    command_id: str
    job_id: int
    answers: int = 0
    project: str = ""


@record()
class StopShadow:
    """End a job's shadow; the model that answers goes on alone."""

    command_id: str
    job_id: int
    project: str = ""


ShadowCommand = StartShadow | SwitchShadow | StopShadow
JobCommand = CreateJob | ConfigureJob | SubmitJob | StopJob | DeleteJob | RefreshJob | ShadowCommand


@record()
class JobStatus:
    """The status of a job changed; readers drop an event whose `sequence` is not above the last one.

    Of the submissions numbered below `stopped`, those without an answer are cancelled: nobody need train them.
    `first_ts_id` is that of its `series`, which follow one another; 0 where there are none yet.
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
    first_ts_id: int = 0
    project: str = ""


@record()
class Columns:
    """Chosen columns, by index in the data set's header; frequency, time zone and form of times as asked for."""

    timestamp_indexs: tuple[int, ...]
    target_indexs: tuple[int, ...]
    groupby_indexs: tuple[int, ...]
    freq: str = ""
    time_zone: str = ""
    timestamp_format: str = ""
    aggregate: Aggregate | None = None


@record()
class Submission:
    """One accepted SubmitJob that asked for training: element i has number first_n + i and series ts_offsets[i]."""

    command_id: str
    first_n: int
    ts_offsets: tuple[int, ...]
    at: int = 0


@record()
class Planned:
    """How the elements of a submission are trained, kept until the job has all its answers.

    `sent` of them have been sent out, in their order. `plans` is a SubmitJob in the wire format, whose elements are the
    different settings; `plan_of` says which of them each element has, and is empty where all have the first.
    `offsets` says by partition from where on its TrainSeries are in their topic, `run_offset` the same of its
    TrainTogether; -1: none is, or it was not said.
    """

    first_n: int
    sent: int
    plans: bytes
    plan_of: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    run_offset: int = -1


@record()
class Standing:
    """An element that is refreshed: its series and model, when, and `settings`, a SubmitJob with it in the wire format.

    `next_due` is by its schedule, or when a refresh that had no room is tried again. `stale` has the series that
    changed since it was refreshed, less the first id; `problem` says why it could not be refreshed last. `side` is 1 of
    what was there before a shadow, 2 of that, 0 of what has none; `less` has series, in the words of an element, that
    it is for no more: one has taken them over.
    """

    ts_id: int
    series: str | None
    model_name: str | None
    on: str
    pause_s: float
    cron: str
    time_zone: str
    settings: bytes
    next_due: int | None = None
    stale: tuple[int, ...] = ()
    problem: str = ""
    side: int = 0
    less: tuple[str, ...] = ()


@record()
class Shadow:
    """A second way to forecast series of a job, beside the standing elements that did so first.

    Its results are numbered from `first_n` on. Side 1 are those elements, side 2 is this; `answers` says whose
    forecasts are published, once it has `ended` too.
    """

    ts_id: int
    series: str | None
    model_name: str
    first_n: int
    at: int
    answers: int = 1
    ended: bool = False


@record()
class JobRecord:
    """One job, as the table `jobs` keeps it; `digests` are those of `commands`, see `streams.repeats`.

    Submissions numbered below `settled` are all answered and listed no more; of their results the newest of each series
    are kept, and `failed` has the numbers of errors that were the last answers of their series. `seen` is the offset
    of the last observation that the series have, `split_seen` that of the split in the store, `tried` that with which
    a refresh failed last, -1 where none has since. `shadow` is the last that was started, `switches` how often another
    model was made to answer.
    """

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
    project: str = ""
    standing: tuple[Standing, ...] = ()
    settled: int = 0
    failed: tuple[int, ...] = ()
    seen: int = -1
    split_seen: int = -1
    refreshes: int = 0
    refreshed_at: int | None = None
    tried: int = -1
    shadow: Shadow | None = None
    switches: int = 0

    @property
    def submitted(self) -> int:
        """Series submissions accepted so far; also the number of the next one."""
        if not self.submissions:
            return self.settled
        last = self.submissions[-1]
        return last.first_n + len(last.ts_offsets)

    @property
    def ts_ids(self) -> range:
        """The ids of its series, ascending."""
        return range(self.first_ts_id, self.first_ts_id + self.series_count)


TYPES: tuple[type, ...] = (
    CreateJob,
    ConfigureJob,
    SubmitJob,
    StopJob,
    DeleteJob,
    RefreshJob,
    StartShadow,
    SwitchShadow,
    StopShadow,
    JobStatus,
    JobRecord,
)
