"""What a training is made of besides the job's series: its data set, and the columns that are features."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.datasets import manifests as datasets
from connectors.objects.store import ObjectStore
from schemas.forecasting import JobRecord
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.forecasting.series_limits import check_features_fit
from streams.forecasting.split_store import SplitStore
from streams.forecasting.submissions import Training

__all__ = ["Features", "dataset_of", "features_of"]

Features = Mapping[int, NDArray[np.float64]]
"""Columns of the data set by index, row by row as the job's targets."""


async def dataset_of(store: ObjectStore, data_id: int) -> datasets.Dataset:
    """The data set; RejectedError 404 where there is none."""
    return await asyncio.to_thread(_dataset, store, data_id)


def _dataset(store: ObjectStore, data_id: int) -> datasets.Dataset:
    try:
        found = datasets.load(store, data_id)
    except datasets.UnknownDatasetError as error:
        raise NotFoundError(ForecastingCode.UNKNOWN_DATASET, f"data_id: {error}") from None
    if found.kind != "csv":
        text = f"data_id: data set {data_id} is a {found.kind} file, and jobs read tables: add it as a CSV file"
        raise InvalidError(ForecastingCode.UNREADABLE, text)
    return found


async def features_of(
    store: ObjectStore, splits: SplitStore, job: JobRecord, trainings: Sequence[Training], *, record_limit: int
) -> Features:
    """The columns that any of the trainings uses; RejectedError where one is not numeric or cannot be read any more.

    It names the first element that uses a wrong column (J-092), or whose series is too long with its features.
    """
    first_users: dict[int, Training] = {}
    for training in trainings:
        for index in training.plan.features:
            first_users.setdefault(index, training)
    features: dict[int, NDArray[np.float64]] = {}
    for index, user in first_users.items():
        assert job.split is not None  # a job with series has both
        assert job.columns is not None
        try:
            features[index] = await splits.feature(job.split, job.columns, index, lambda: _dataset(store, job.data_id))
        except RejectedError as error:
            if error.code != ForecastingCode.BAD_COLUMN:  # what is gone is no fault of an element
                raise
            text = f"element {user.number} (ts_id {user.ts_id}), {error.message}"
            place: dict[str, int | str] = {"element": user.number - 1, "field": "feature_indexs"}
            raise error.saying(text, place) from None
    if features and job.split is not None:
        check_features_fit(job, await splits.load(job.split), trainings, record_limit)
    return features
