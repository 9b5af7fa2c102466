"""The splits of jobs: made once per ConfigureJob, kept in the object store, the latest few in memory.

Longer than a module should be: what is kept in memory, be it whole or in layers, is one decision.
"""

import asyncio
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from connectors.csv_files.columns import BadColumnError
from connectors.datasets.added_rows import AddedRow, layout_of, since
from connectors.datasets.grown_tables import grown_table, plain_dialect
from connectors.datasets.layered_splits import LayeredSplit, Part, layered
from connectors.datasets.manifests import Dataset
from connectors.datasets.splits import Split, StoredSplitError, load_split, save_split
from connectors.datasets.splitter import split_csv
from connectors.objects.layout import SPLITS
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.calendars.rules import Rule
from models.errors import RejectedInputError
from schemas.forecasting import Columns, ConfigureJob, JobRecord, RefreshJob, SubmitJob
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, NotFoundError, RejectedError
from streams.features.aggregation import MEAN, aggregated, check_aggregation
from streams.file_threads import FileThreads
from streams.forecasting.calendars import JobCalendars, checked_calendars
from streams.forecasting.series_limits import check_lengths

__all__ = ["Later", "SplitStore", "has_table"]

_SUFFIX = ".npz"
_KEPT_ROWS = 8_000_000  # about 130 MB: the jobs that are being submitted and polled
_GROWN = ".grown"  # at the end of a split's name: it was put together of layers, and has no table beside it


FloatArray = NDArray[np.float64]
_Made = TypeVar("_Made")


class Later(NamedTuple):
    """The series of a job with rows behind those of its split, the part of them that changed, and what they have seen.

    `split` is where the split lies, `split_seen` what it has seen itself.
    """

    layers: LayeredSplit
    changed: Part
    seen: int
    split: str
    split_seen: int


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
        # By split and the offset of the last row that is in the layers; None: the split takes no rows.
        self._layered: OrderedDict[tuple[str, int], LayeredSplit | None] = OrderedDict()

    async def make(
        self, command: ConfigureJob | RefreshJob | SubmitJob, dataset: Dataset, columns: Columns, *, seen: int = -1
    ) -> tuple[str, Split]:
        """The key and the split of this command, made unless it is there already.

        The view makes it before it sends the command, so that the agent finds it; for a command from a producer the
        agent makes it. With `seen` it is another split for each last row: whoever has the command again after a crash
        takes none that lacks rows. RejectedError 400 where a cell does not fit its column, 404 where the file is gone.
        """
        # A producer may choose any text as command id, also one that is no file name.
        text = command.command_id if seen < 0 else f"{command.command_id} with {seen}"
        name = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
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

    async def of(self, job: JobRecord) -> Split:
        """The series of a job as it has seen them; RejectedError 409 where they are gone.

        New ones for which its project had no room lie behind them in the file, and are left out.
        """
        return (await self._all_of(job)).first(job.series_count)

    async def _all_of(self, job: JobRecord) -> Split:
        assert job.split is not None  # who asks has seen that it has series
        if job.seen <= job.split_seen:
            return await self.load(job.split)
        name = f"{job.split} with {job.seen}"
        split = self._kept.get(name)
        if split is None:
            layers = await self._layers(job)
            split = await (self.load(job.split) if layers is None else asyncio.to_thread(layers.whole))
        self._keep(name, split)
        return split

    async def part(self, job: JobRecord, places: Iterable[int]) -> Part:
        """Series of a job, by their places, as it has seen them; RejectedError 409 where they are gone."""
        assert job.split is not None  # as above
        layers = None if job.seen <= job.split_seen else await self._layers(job)
        if layers is None:
            return Part(await self.load(job.split))
        chosen = np.array(sorted(set(places)), np.int64)
        return await asyncio.to_thread(layers.chosen, chosen)

    async def later(self, job: JobRecord) -> Later | None:
        """The series with all rows that have come since; None where all must be split anew."""
        layers = await self._layers(job)
        return None if layers is None else await asyncio.to_thread(self._with_rows, job, layers)

    def will_have(self, later: Later) -> None:
        """The row of a job is about to say that it has these series: who reads it finds them."""
        self._keep_layers((later.split, later.seen), later.layers)

    def had(self, job: JobRecord) -> None:
        """Let go of the series that a job had: its row says others."""
        self._kept.pop(f"{job.split} with {job.seen}", None)
        self._layered.pop(_version_of(job), None)

    async def saved(self, command_id: str, job: JobRecord, later: Later) -> Later:
        """The same, with a split in the store that has all rows: whoever is started anew reads it, and few more."""
        name = hashlib.blake2b(command_id.encode(), digest_size=16).hexdigest()
        key = f"{_splits_of(job.job_id)}/{name}{_GROWN}{_SUFFIX}"
        await asyncio.to_thread(lambda: save_split(self._store, key, later.layers.whole()))
        return later._replace(split=key, split_seen=later.seen)

    async def _layers(self, job: JobRecord) -> LayeredSplit | None:
        """The series as the job has seen them, ready for more rows; None where they take none."""
        assert job.split is not None  # as above
        key = _version_of(job)
        if key not in self._layered:
            split = await self.load(job.split)
            self._keep_layers(key, layers := await asyncio.to_thread(self._layered_anew, job, split))
            return layers
        self._layered.move_to_end(key)
        return self._layered[key]

    def _keep_layers(self, key: tuple[str, int], layers: LayeredSplit | None) -> None:
        self._layered[key] = layers
        self._layered.move_to_end(key)
        while len(self._layered) > 1 and sum(_rows_of(one) for one in self._layered.values()) > _KEPT_ROWS:
            self._layered.popitem(last=False)

    def _layered_anew(self, job: JobRecord, split: Split) -> LayeredSplit | None:
        columns = job.columns
        other_rows = columns is not None and (columns.time_zone or columns.aggregate)
        layers = None if other_rows else layered(split, layout_of(self._store, job.data_id))
        if layers is not None and job.seen > job.split_seen:
            rows = [row for row in since(self._store, job.data_id, job.split_seen) if row.last <= job.seen]
            made = self._made_of(job, layers, rows, max_series=sys.maxsize)  # they were not too many when they came
            layers = None if made is None else made[0]
        return layers

    def _with_rows(self, job: JobRecord, layers: LayeredSplit) -> Later | None:
        seen = max(job.seen, job.split_seen)
        rows = since(self._store, job.data_id, seen)
        made = self._made_of(job, layers, rows, max_series=self._max_series)
        if made is None:
            return None
        check_lengths(made[1].split, max_points=self._max_points, record_limit=self._record_limit)
        last = max((row.last for row in rows), default=seen)
        return Later(*made, last, job.split or "", job.split_seen)

    def _made_of(
        self, job: JobRecord, layers: LayeredSplit, rows: Sequence[AddedRow], *, max_series: int
    ) -> tuple[LayeredSplit, Part] | None:
        if not rows:
            return layers, layers.chosen(np.arange(0))
        freq = "" if job.columns is None else job.columns.freq
        return layers.with_rows(rows, checked_calendars(freq, "").arrange, max_series=max_series)

    async def delete(self, key: str) -> None:
        """Remove a split that no job has any more, with the features that were read beside it."""
        folder, stem = key.rpartition("/")[0], key.removesuffix(_SUFFIX)
        self._forget_layers(lambda split: split == key)
        for own in await asyncio.to_thread(self._store.keys, folder):
            if own == key or own.startswith(f"{stem}."):
                self._kept.pop(own, None)
                await asyncio.to_thread(self._store.delete, own)

    async def delete_all(self, job_id: int) -> None:
        """Remove every split of a job, also those of choices of columns that were refused after they were made."""
        folder = _splits_of(job_id)
        self._forget_layers(lambda split: split.startswith(f"{folder}/"))
        for key in [key for key in self._kept if key.startswith(f"{folder}/")]:
            del self._kept[key]
        await asyncio.to_thread(self._store.delete, folder)

    def _forget_layers(self, of: Callable[[str], bool]) -> None:
        for version in [version for version in self._layered if of(version[0])]:
            del self._layered[version]

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


def has_table(job: JobRecord) -> bool:
    """Whether the job's split has all that it has seen, and a table of it can be read for features."""
    return job.seen <= job.split_seen and not (job.split or "").endswith(f"{_GROWN}{_SUFFIX}")


def _version_of(job: JobRecord) -> tuple[str, int]:
    return job.split or "", max(job.seen, job.split_seen)


def _rows_of(layers: LayeredSplit | None) -> int:
    return 0 if layers is None else layers.rows
