"""What the views answer, for the API document: the views themselves write JSON without these models, for speed."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from streams.views.standing.bodies import InShadow, RefreshedElement
from streams.views.web.answers import ShownGroups, ShownJobId, ShownModel, ShownTsId

__all__ = [
    "UTC_OFFSETS",
    "DatasetReply",
    "DatasetsReply",
    "HistoryReply",
    "JobCreatedReply",
    "JobReply",
    "JobsReply",
    "ModelReply",
    "ModelsReply",
    "PreviewReply",
    "ResultsReply",
    "SeriesReply",
    "Status",
    "StoppedReply",
    "SubmissionReply",
    "UnfinishedReply",
]

Status = Annotated[
    Literal[0, 1, 2, 3, 4], Field(description="0 CREATED, 1 UNCOMITTED, 2 COMITTED, 3 DONE, 4 EXCEPTION (sic).")
]
UTC_OFFSETS = Field(None, description='Of each timestamp, as "+01:00"; absent where file and time_zone do not tell.')
_Cell = int | float | str | None
_Value = int | float | str
_WARNINGS = Field(None, description="What can be read in two ways, or is probably not meant; absent where nothing is.")


class Dialect(BaseModel):
    """How an uploaded file is written."""

    encoding: str = Field(description="Its text encoding.")
    delimiter: str = Field(description="What separates its columns.")
    quote: str | None = Field(description="What encloses cells; null: nothing does.")
    decimal: str = Field(description="What stands before decimals.")
    thousands: str | None = Field(description="What stands between thousands; null: nothing does.")
    skipped_lines: int = Field(description="Lines above the header.")
    compression: str | None = Field(description="gzip, zip, parquet, arrow or xlsx; null: the file is the text.")
    ignored_columns: list[int] = Field(description="Indices of the last columns where they are left out.")
    timestamp_format: str | None = Field(description="How timestamps are written, where the uploader has said so.")
    sheet: str | None = Field(None, description="The sheet of a workbook that was read; else absent.")
    series_columns: list[int] | None = Field(None, description="Columns of the file that are series; else absent.")
    given: list[str] = Field(description="The fields that the uploader has set; the others were found out.")


class Dataset(BaseModel):
    """An uploaded file."""

    id: int = Field(description="Its id, the `data_id` of jobs.")
    name: str = Field(description="As sent, or made from the file's name.")
    uuid: str = Field(description="The same everywhere and for ever.")
    time_created: str = Field(description="ISO-8601 with microseconds and offset.")
    upload: str = Field(description="Where the file can be read as it was uploaded: /uploads/ and its name.")
    related_user: int = Field(description="Always 1: there are no users yet.")
    rows: int = Field(description="Data rows.")
    dialect: Dialect


class Column(BaseModel):
    """A column of a data set."""

    index: int = Field(description="From 0; jobs choose columns by it.")
    label: str = Field(description="As in the file's header.")


class DatasetReply(BaseModel):
    """One data set."""

    data: Dataset
    warnings: list[str] | None = _WARNINGS


class DatasetsReply(BaseModel):
    """All data sets."""

    data: list[Dataset]


class PreviewReply(BaseModel):
    """A data set with its columns and its first five rows."""

    data: Dataset
    header: list[Column]
    status: Literal[200]
    heads: dict[str, list[_Cell]] = Field(description="The first five values of each column, by label.")
    warnings: list[str] | None = _WARNINGS


class JobCreatedReply(BaseModel):
    """A new job."""

    job_id: ShownJobId
    status: Status


class StoppedReply(JobCreatedReply):
    """A job after it was told to stop."""

    message: str | None = Field(description='"cancelled", where something was left to be trained.')


class JobSummary(JobCreatedReply):
    """A job in a list."""

    data_id: int = Field(description="Its data set.")
    name: str | None = Field(description="As sent.")


class ListedJob(JobSummary):
    """A job in the list of all, with how far it is where that was asked for."""

    created: str | None = Field(None, description="ISO-8601 in UTC; this and what follows only with details=1.")
    series_count: int | None = Field(None, description="How many series it has.")
    submitted: int | None = Field(None, description="Series submissions accepted so far.")
    finished: int | None = Field(None, description="Submissions that ended, failed ones among them.")
    message: str | None = Field(None, description="What failed, when the status is 4.")


class JobsReply(BaseModel):
    """All jobs."""

    jobs: list[ListedJob]
    total: int | None = Field(None, description="How many there are on all pages; only where a page was asked for.")


class HistoryReply(BaseModel):
    """One series as it was read."""

    ts_id: ShownTsId
    groupby_val: ShownGroups
    target: str = Field(description="The label of the target column.")
    freq: str = Field(description="Its step as an offset alias of pandas.")
    freq_note: str | None = Field(None, description="What is worth knowing of the step; only where there is something.")
    timestamps: list[str] = Field(description="Ascending, on the file's clock, written as those of forecasts.")
    values: list[float | None] = Field(description="Of each; null where the file has none.")


class SeriesStatus(BaseModel):
    """A series and how far it is."""

    ts_id: ShownTsId
    status: Status


class JobReply(JobSummary):
    """A job and its series."""

    submitted: int = Field(description="Series submissions accepted so far.")
    finished: int = Field(description="Submissions that ended, failed ones among them.")
    failed: int = Field(description="Submissions that ended with an error.")
    message: str | None = Field(description="What failed, when the status is 4.")
    series: list[SeriesStatus] | None = Field(None, description="Absent with ?series=0.")
    refresh: list[RefreshedElement] | None = Field(
        None, description="What is trained again and again; this and what follows only where something is, or was."
    )
    refreshes: int | None = Field(None, description="How often it was refreshed by itself.")
    refreshed: str | None = Field(None, description="When it was refreshed last, ISO-8601 in UTC.")


class SeriesDetails(SeriesStatus):
    """One series of a job."""

    groupby_val: ShownGroups
    groupby_key: list[str] = Field(description="Labels of the group columns.")
    series_key: str = Field(description="Its name, the same in every job of the data set: see GET /forecasts.")
    groups: dict[str, str] = Field(description="Its group values by column.")
    points: int = Field(description="Its rows.")
    freq: str = Field(description="Its step as an offset alias of pandas, such as D, MS or W-SUN.")
    freq_note: str | None = Field(None, description="What is worth knowing of the step; only where there is something.")


class SeriesReply(BaseModel):
    """The series of a job."""

    features: list[Column] = Field(description="Columns that can be features.")
    ts_details: list[SeriesDetails]
    timestamp_format: str | None = Field(
        None,
        description="How timestamps were read, where some of them alone do not show it: day first, or as was asked.",
    )
    warnings: list[str] | None = _WARNINGS


class SubmissionReply(JobCreatedReply):
    """A job after a submission, with the series that the submission names."""

    message: str = Field(description="Which series are trained, and of which the settings were only stored.")
    series: list[SeriesStatus]


class Backtest(BaseModel):
    """The forecast of the points that were held out, to which the metrics belong."""

    timestamps: list[str] = Field(description="Of the points held out.")
    utc_offsets: list[str] | None = UTC_OFFSETS
    predictions: list[float] = Field(description="What was forecast for them.")


class Result(BaseModel):
    """What one submission of a series yielded."""

    predictions: list[float] = Field(description="The forecast.")
    timestamps: list[str] = Field(
        description="YYYY-MM-DD HH:MM:SS of each on the file's clock, with a fraction where steps are shorter."
    )
    utc_offsets: list[str] | None = UTC_OFFSETS
    metrics: dict[str, float | None] = Field(description="null where a metric is not defined.")
    config: dict[str, _Value] = Field(description="The hyper-parameters that were used.")
    ts_id: ShownTsId
    model_name: ShownModel
    quantiles: dict[str, list[float]] | None = Field(
        None, description='Forecast quantiles by level, such as "0.1"; only of models that have them.'
    )
    answered_by: str | None = Field(None, description="The model that answered, where it is not the one asked for.")
    model_path: str | None = Field(None, description="Where the trained model lies in the object store (J-106).")
    note: str | None = Field(None, description="What is worth knowing about how the forecast came about.")
    mase_insample: float | None = Field(
        None,
        description="Mean absolute error of the backtest by the mean absolute difference of values one season apart"
        " before it: below 1 is better than the last season repeated. The metric mase divides by the steps within the"
        " hold-out instead. Only with refit 1 or several backtest_windows; the leaderboard has it always.",
    )
    backtest_windows: int | None = Field(None, description="Of so many stretches metrics are the mean; absent: one.")
    backtest: Backtest | None = Field(None, description="Only with refit 1; of the last stretch.")
    shadow: InShadow = None
    ts_history: dict[str, list[_Cell]] | None = Field(
        None, description="Target values and timestamps under their column labels; absent with ?history=0."
    )


class FailedResult(BaseModel):
    """Why a submission of a series yielded nothing."""

    ts_id: ShownTsId
    model_name: ShownModel
    error: str = Field(description="Why, and what helps.")
    shadow: InShadow = None


class SeriesResults(BaseModel):
    """All results of one series, in order of submission."""

    ts_id: ShownTsId
    results: list[Result | FailedResult] = Field(description="One for each element that trained it.")


class UnfinishedReply(BaseModel):
    """A job that is not finished has no results yet."""

    status: Literal[0, 1, 2] = Field(description="0 CREATED, 1 UNCOMITTED, 2 COMITTED: ask again.")


class ResultsReply(BaseModel):
    """A finished job."""

    status: Literal[3, 4] = Field(description="3 DONE, 4 EXCEPTION: some or all submissions failed or were stopped.")
    message: str | None = Field(None, description="What failed; only with status 4.")
    results: list[SeriesResults]


class Model(BaseModel):
    """A model that can be asked for."""

    model_id: int = Field(description="Its number, from 1.")
    model_name: str = Field(description="Its name in submissions.")
    intro: str = Field(description="What it does.")


class ModelsReply(BaseModel):
    """The models: their names, and the same with ids."""

    data: list[str]
    models: list[Model]


class HyperParameter(BaseModel):
    """A hyper-parameter of a model."""

    label: str = Field(description="Its name in submissions.")
    intro: str = Field(description="What it does.")
    type: Literal["int", "float", "list"] = Field(description="list: one of `choice`.")
    val: _Value = Field(description="Its default.")
    low: int | float | None = Field(description="Range worth searching when tuning.")
    high: int | float | None = Field(description="The other end of that range.")
    choice: list[_Value] = Field(description="What a list may be.")


class ModelReply(BaseModel):
    """The hyper-parameters of a model."""

    data: list[HyperParameter]
