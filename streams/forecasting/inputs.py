"""What a training is made of besides the job's series: its data set, its columns, and those that are features."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from connectors.datasets import manifests as datasets
from connectors.datasets.group_values import WHOLE, BadSeriesKeyError, named_series, read_key
from connectors.datasets.splits import Split
from connectors.objects.store import ObjectStore
from connectors.timestamps.formats import BadFormatError, check_format
from models.errors import RejectedInputError
from schemas.forecasting import CmdStatus, Columns, ConfigureJob, JobRecord, SeriesConfig
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, NotFoundError, RejectedError
from streams.features.future import known_future, named_columns
from streams.features.holiday_columns import check_calendar, holiday_column
from streams.forecasting.calendars import checked_calendars
from streams.forecasting.element_checks import Chosen, shown
from streams.forecasting.series_grids import OnGrid, on_grid
from streams.forecasting.series_limits import check_features_fit
from streams.forecasting.split_store import SplitStore
from streams.forecasting.submissions import Plan, Training

__all__ = [
    "Features",
    "beside_of",
    "check_columns",
    "chosen_series",
    "dataset_of",
    "features_of",
    "future_for",
    "read_features",
]

Features = Mapping[int, NDArray[np.float64]]
"""Columns of the data set by index, row by row as the job's targets."""


async def dataset_of(store: ObjectStore, data_id: int, project: str = "") -> datasets.Dataset:
    """The project's data set; RejectedError 404 where there is none."""
    return await asyncio.to_thread(_dataset, store, data_id, project)


def _dataset(store: ObjectStore, data_id: int, project: str) -> datasets.Dataset:
    try:
        found = datasets.load(store, data_id, project)
    except datasets.UnknownDatasetError as error:
        raise NotFoundError(ForecastingCode.UNKNOWN_DATASET, f"data_id: {error}") from None
    if found.kind != "csv":
        text = f"data_id: data set {data_id} is a {found.kind} file, and jobs read tables: add it as a CSV file"
        raise InvalidError(ForecastingCode.UNREADABLE, text)
    return found


def check_columns(job: JobRecord, command: ConfigureJob, header: Sequence[str]) -> Columns:
    """The chosen columns; RejectedError where the job cannot take them any more or they do not fit (J-052 … J-057)."""
    if job.status >= CmdStatus.COMITTED:
        raise ConflictError(
            ForecastingCode.ALREADY_SUBMITTED,
            f"job {job.job_id} has been submitted: its columns are fixed; create another job",
        )
    _check_count("timestamp_indexs", command.timestamp_indexs)
    _check_count("target_indexs", command.target_indexs)
    seen: dict[int, str] = {}
    for field in ("timestamp_indexs", "target_indexs", "groupby_indexs"):
        for index in getattr(command, field):
            if not 0 <= index < len(header):
                raise InvalidError(
                    ForecastingCode.INVALID_COLUMNS,
                    f"{field}: column {index} does not exist; the data set has columns 0 to {len(header) - 1}",
                )
            if index in seen:
                other = f"twice in {field}" if seen[index] == field else f"in {seen[index]} and in {field}"
                raise InvalidError(ForecastingCode.INVALID_COLUMNS, f"column {index} ({header[index]}) is {other}")
            seen[index] = field
    checked_calendars(command.freq, command.time_zone)
    if command.timestamp_format:
        try:
            check_format(command.timestamp_format)
        except BadFormatError as error:
            raise InvalidError(ForecastingCode.BAD_TIMESTAMP_FORMAT, f"timestamp_format: {error}") from None
    return Columns(**{field.name: getattr(command, field.name) for field in fields(Columns)})


async def features_of(
    store: ObjectStore, splits: SplitStore, job: JobRecord, trainings: Sequence[Training], *, record_limit: int
) -> Features:
    """The columns that any of the trainings uses; RejectedError where one is not numeric or cannot be read any more.

    It names the first element that uses a wrong column (J-092), whose series is too long with its features, or whose
    features are not told for all steps of its forecast.
    """
    first_users: dict[int, Training] = {}
    for training in trainings:
        for index in training.plan.features:
            first_users.setdefault(index, training)
    features: dict[int, NDArray[np.float64]] = {}
    for index, user in first_users.items():
        try:
            features |= await read_features(store, splits, job, (index,))
        except RejectedError as error:
            if error.code != ForecastingCode.BAD_COLUMN:  # what is gone is no fault of an element
                raise
            text = f"element {user.number} (ts_id {user.ts_id}), {error.message}"
            place: dict[str, int | str] = {"element": user.number - 1, "field": "feature_indexs"}
            raise error.saying(text, place) from None
    if job.split is not None and (features or any(one.plan.future or one.plan.holidays for one in trainings)):
        split = await splits.of(job)
        check_features_fit(job, split, trainings, record_limit)
        await asyncio.to_thread(_check_future, job, split, features, trainings)
    return features


async def read_features(store: ObjectStore, splits: SplitStore, job: JobRecord, indexs: Iterable[int]) -> Features:
    """These columns; RejectedError where one is not numeric or cannot be read any more."""
    assert job.split is not None  # a job with series has both
    assert job.columns is not None
    dataset = partial(_dataset, store, job.data_id, job.project)
    return {index: await splits.feature(job.split, job.columns, index, dataset) for index in indexs}


def _check_count(field: str, indexs: Sequence[int]) -> None:
    if len(indexs) == 1:
        return
    text = f"{field} has {len(indexs)} columns, expected exactly one"
    if field == "target_indexs" and indexs:  # J-052
        text += f": for a series of each, upload the file with series_columns {sorted(set(indexs))}"
    raise InvalidError(ForecastingCode.INVALID_COLUMNS, text)


def future_for(split: Split, place: int, plan: Plan, features: Features) -> Sequence[NDArray[np.float64]]:
    """Of each feature of the plan what is known of a series' next steps; RejectedInputError where that is not enough.

    Without refit the end of the history is forecast, so that nothing need be known.
    """
    columns = {index: features[index] for index in plan.features}
    try:
        sent = named_columns(split, plan.future, plan.features)
        return known_future(split, place, columns, sent, plan.next_k_prediction)
    except RejectedInputError:
        if plan.refit:
            raise
        return [np.empty(0)] * len(columns)


def beside_of(split: Split, place: int, plan: Plan, features: Features) -> tuple[OnGrid, Sequence[Sequence[float]]]:
    """A series on its calendar, and its features as a trainer is told them: values of the history, then what is known.

    Holidays are the last of them. RejectedInputError as for `future_for`.
    """
    series = split.series(place)
    grid = on_grid(series, [split.rows_of(features[index], place) for index in plan.features])
    future = future_for(split, place, plan, features)
    beside: list[Sequence[float]] = [
        [*column.tolist(), *known.tolist()] for column, known in zip(grid.columns, future, strict=True)
    ]
    if plan.holidays:
        length, ahead = len(grid.target), plan.next_k_prediction
        beside.append(holiday_column(plan.holidays, series.calendar, series.times, length=length, ahead=ahead))
    return grid, beside


def _check_future(job: JobRecord, split: Split, features: Features, trainings: Sequence[Training]) -> None:
    for training in trainings:
        place = training.ts_id - job.first_ts_id
        plan = training.plan
        if not (plan.future or plan.holidays or (plan.features and split.future[place])):
            continue
        try:
            if plan.holidays:
                check_calendar(split.calendar(place))
            future_for(split, place, plan, features)
        except RejectedInputError as error:
            text = f"element {training.number} (ts_id {training.ts_id}), {error.field}: {error.message}"
            where: dict[str, int | str] = {"element": training.number - 1, "field": error.field}
            raise InvalidError("invalid_element", text, where) from None


async def chosen_series(splits: SplitStore, job: JobRecord, elements: Sequence[SeriesConfig]) -> Chosen:
    """The series of each element that names several; RejectedError where it names none, or one by its id as well."""
    several = {place: element for place, element in enumerate(elements) if element.series is not None}
    if not several or job.split is None:
        return dict.fromkeys(several, ())  # a job without series is refused as such
    split = await splits.of(job)
    return await asyncio.to_thread(lambda: {place: _named(job, split, place, one) for place, one in several.items()})


def _named(job: JobRecord, split: Split, place: int, element: SeriesConfig) -> Sequence[int]:
    text = element.series or ""
    if element.ts_id:
        problem = f"is {element.ts_id}, and series names several: send one of them"
        raise _wrong(place, "ts_id", problem)
    if text == WHOLE:
        return job.ts_ids
    try:
        wanted = read_key(text)
    except BadSeriesKeyError as error:
        raise _wrong(place, "series", str(error)) from None
    for column in wanted:
        if column not in split.groupby_key:
            columns = ", ".join(split.groupby_key) or "none"
            raise _wrong(place, "series", f"{shown(column)} is no group column of the job, which has {columns}")
    groups = (named_series(split.groupby_key, value).groups for value in split.groupby_val)
    found = [job.first_ts_id + at for at, one in enumerate(groups) if wanted.items() <= one.items()]
    if not found:
        raise _wrong(place, "series", f"no series of job {job.job_id} has {shown(text)}: GET ts_details lists them")
    return found


def _wrong(place: int, field: str, problem: str) -> InvalidError:
    text = f"element {place + 1}, {field}: {problem}"
    return InvalidError("invalid_element", text, {"element": place, "field": field})
