"""The splits of jobs: made once per ConfigureJob, kept in the object store, the latest few in memory."""

import asyncio
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from connectors.csv_files.columns import BadColumnError
from connectors.datasets.grown_tables import grown_table, plain_dialect
from connectors.datasets.manifests import Dataset
from connectors.datasets.splits import Split, StoredSplitError, load_split, save_split
from connectors.datasets.splitter import split_csv
from connectors.objects.layout import SPLITS
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.calendars.rules import Rule
from models.errors import RejectedInputError
from schemas.forecasting import Columns, ConfigureJob, RefreshJob
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, NotFoundError, RejectedError
from streams.features.aggregation import MEAN, aggregated, check_aggregation
from streams.file_threads import FileThreads
from streams.forecasting.calendars import JobCalendars, checked_calendars
from streams.forecasting.series_limits import check_lengths

__all__ = ["SplitStore"]

_SUFFIX = ".npz"
_KEPT_ROWS = 8_000_000  # about 130 MB: the jobs that are being submitted and polled


FloatArray = NDArray[np.float64]
_Made = TypeVar("_Made")


def _splits_of(job_id: int) -> str:
    return SPLITS.key(job_id)


def _feature_key(key: str, index: int) -> str:
    return f"{key.removesuffix(_SUFFIX)}.{index}{_SUFFIX}"


def _table_key(key: str) -> str:
    """Where the table of a split lies, whose data set had grown; `SplitStore.delete` finds it by its name."""
    return f"{key.removesuffix(_SUFFIX)}.table.csv"


class SplitStore:
    """Makes and loads splits in worker threads; what was used lately is answered from memory."""

    def __init__(
        self,
        store: ObjectStore,
        max_series: int,
        files: FileThreads | None = None,
        *,
        max_points: int = sys.maxsize,
        record_limit: int = sys.maxsize,
    ) -> None:
        self._store = store
        self._max_points = max_points
        self._record_limit = record_limit
        self._files = files or FileThreads()
        self._max_series = max_series
        self._kept: OrderedDict[str, Split] = OrderedDict()

    async def make(self, command: ConfigureJob | RefreshJob, dataset: Dataset, columns: Columns) -> tuple[str, Split]:
        """The key and the split of this command, made unless it is there already.

        The view makes it before it sends the command, so that the agent finds it; for a command from a producer the
        agent makes it. RejectedError 400 where a cell does not fit its column, 404 where the file is gone.
        """
        # A producer may choose any text as command id, also one that is no file name.
        name = hashlib.blake2b(command.command_id.encode(), digest_size=16).hexdigest()
        key = f"{_splits_of(command.job_id)}/{name}{_SUFFIX}"
        if key not in self._kept and not await asyncio.to_thread(self._store.exists, key):
            await self._made(key, dataset, columns)
        return key, await self.load(key)

    async def feature(self, key: str, columns: Columns, index: int, dataset: "Callable[[], Dataset]") -> FloatArray:
        """The numbers of another column, row by row as the targets of the split `key`.

        `dataset` is asked only where the column is read for the first time. RejectedError 400 where a cell is no
        number, 404 where the file is gone.
        """
        own = _feature_key(key, index)
        if own not in self._kept and not await asyncio.to_thread(self._store.exists, own):
            found = await asyncio.to_thread(dataset)
            # How long steps are does not hang on a column, but what of them is filled does on their own.
            chosen = replace(columns, target_indexs=(index,), freq=columns.freq if columns.aggregate else "")
            try:
                await self._made(own, found, chosen, key)
            except RejectedError as error:
                message = error.message.replace("target_indexs", "feature_indexs")
                raise error.saying(message) from None
        return (await self.load(own)).target

    async def load(self, key: str) -> Split:
        """A split made earlier; RejectedError 409 where its file is gone or damaged."""
        split = self._kept.get(key)
        if split is None:
            try:
                split = await asyncio.to_thread(load_split, self._store, key, JobCalendars().arrange)
            except (ObjectNotFoundError, FileNotFoundError):
                text = f"the series of this job ({key}) are gone from the object store: create another job"
                raise ConflictError(ForecastingCode.NO_SERIES, text) from None
            except StoredSplitError as error:
                raise ConflictError(ForecastingCode.NO_SERIES, str(error)) from None
        self._keep(key, split)
        return split

    async def delete(self, key: str) -> None:
        """Remove a split that no job has any more, with the features that were read beside it."""
        folder, stem = key.rpartition("/")[0], key.removesuffix(_SUFFIX)
        for own in await asyncio.to_thread(self._store.keys, folder):
            if own == key or own.startswith(f"{stem}."):
                self._kept.pop(own, None)
                await asyncio.to_thread(self._store.delete, own)

    async def delete_all(self, job_id: int) -> None:
        """Remove every split of a job, also those of choices of columns that were refused after they were made."""
        folder = _splits_of(job_id)
        for key in [key for key in self._kept if key.startswith(f"{folder}/")]:
            del self._kept[key]
        await asyncio.to_thread(self._store.delete, folder)

    async def _made(self, key: str, dataset: Dataset, columns: Columns, of: str | None = None) -> None:
        """Of a split's feature `of` is that split."""
        table = _table_key(key if of is None else of)
        try:
            self._keep(
                key, await self._files.whole(dataset.bytes, self._make, key, dataset, columns, table, new=of is None)
            )
        except BadColumnError as error:
            raise InvalidError(ForecastingCode.BAD_COLUMN, str(error)) from None
        except (ObjectNotFoundError, FileNotFoundError):  # deleted since it was looked up, or while it is read
            text = f"data_id: the file of dataset {dataset.data_id} is gone: upload it again"
            raise NotFoundError(ForecastingCode.UNKNOWN_DATASET, text) from None

    def _make(self, key: str, dataset: Dataset, columns: Columns, table: str, *, new: bool) -> Split:
        """Of the data set as it is now: rows that were added are kept as the table of the split, for its features."""
        longer = _longer_steps(columns)
        written = columns.timestamp_format or dataset.dialect.timestamp_format
        dialect = dataset.dialect
        with ExitStack() as stack:
            if new:
                grown = stack.enter_context(grown_table(self._store, dataset))
                if grown is not None:
                    self._store.put_file(table, grown)
            if self._store.exists(table):
                file, dialect = stack.enter_context(self._store.local_file(table)), plain_dialect(dataset)
            else:
                file = stack.enter_context(self._store.local_file(dataset.text_path))
            split = split_csv(
                file,
                dataset.header,
                timestamp_index=columns.timestamp_indexs[0],
                target_index=columns.target_indexs[0],
                groupby_indexs=columns.groupby_indexs,
                max_series=self._max_series,
                dialect=replace(dialect, timestamp_format=written),
                calendars=checked_calendars(columns.freq, columns.time_zone),
            )
        if longer is not None and columns.aggregate is not None:
            how = columns.aggregate.how if new else MEAN
            arrange = JobCalendars(longer, columns.time_zone).arrange
            split = _told(lambda: aggregated(split, longer, how, arrange, is_feature=not new))
        check_lengths(split, max_points=self._max_points, record_limit=self._record_limit)
        save_split(self._store, key, split)
        return split

    def _keep(self, key: str, split: Split) -> None:
        self._kept[key] = split
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(len(kept.target) for kept in self._kept.values()) > _KEPT_ROWS:
            self._kept.popitem(last=False)


def _longer_steps(columns: Columns) -> Rule | None:
    asked = columns.aggregate
    return None if asked is None else _told(lambda: check_aggregation(asked.freq, asked.how))


def _told(ask: Callable[[], _Made]) -> _Made:
    try:
        return ask()
    except RejectedInputError as error:
        text = f"{error.field}: {error.message}"
        raise InvalidError(ForecastingCode.INVALID_CALENDAR, text, {"field": error.field}) from None
