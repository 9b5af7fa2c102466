"""The data set of a version that forecasts, and its series: made by contract 000's own functions. Loads pandas."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from agents.datasets import apply_command
from agents.forecast_versions.columns import chosen_columns
from agents.versions.config import Data, RunConfig, not_runnable
from agents.versions.data_places import data_key
from connectors.datasets.incoming import incoming_key, is_incoming
from connectors.datasets.manifests import Dataset, UnknownDatasetError, load
from connectors.objects import layout
from connectors.objects.layout import Who
from connectors.objects.store import ObjectStore
from schemas.datasets import AddDataset
from schemas.forecasting import Columns, ConfigureJob, CreateJob
from schemas.values import ParameterValue
from streams.errors import RejectedError
from streams.forecasting.inputs import check_columns
from streams.forecasting.jobs import created
from streams.forecasting.split_store import SplitStore
from streams.settings import Settings

__all__ = ["SeriesToForecast", "dataset_of", "series_of"]

_TABLES: Final = (".csv", ".csv.gz", ".zip", ".tsv", ".txt")


@dataclass(frozen=True, slots=True)
class SeriesToForecast:
    """The columns that were chosen, and what each series is called, in their order."""

    command: ConfigureJob
    columns: Columns
    names: tuple[str, ...]


def dataset_of(
    store: ObjectStore, settings: Settings, config: RunConfig, command_id: str, data_id: int, project: str
) -> Dataset:
    """The project's data set that the config names; of a path one of its own, with this id. RunFailedError. Blocks."""
    if len(config.data) != 1:
        raise not_runnable(f"data_source: found {len(config.data)} places, expected one")
    (data,) = config.data
    try:
        return load(store, int(data.dataset_id) if data.dataset_id else data_id, project)
    except ValueError:
        raise _unknown(data) from None
    except UnknownDatasetError:
        if data.dataset_id:
            raise _unknown(data) from None
    added = AddDataset(command_id, data_id, f"tj_{data_id}", _file_of(store, data, project), "", project=project)
    return _added(store, settings, added)


async def series_of(
    store: ObjectStore,
    settings: Settings,
    dataset: Dataset,
    parameters: Mapping[str, ParameterValue],
    *,
    command_id: str,
    job_id: int,
) -> SeriesToForecast:
    """The data set's series, split as the command's agent will find them. RunFailedError."""
    columns_named = chosen_columns(dataset, parameters, command_id=command_id, job_id=job_id)
    command = replace(columns_named, project=dataset.project)
    splits = SplitStore(
        store,
        settings.max_series_per_job,
        max_points=settings.max_series_points,
        record_limit=settings.record_limit,
    )
    try:
        job = created(CreateJob(command_id, job_id, dataset.data_id), at=0)
        columns = check_columns(job, command, dataset.header)
        _, split = await splits.make(command, dataset, columns)
    except RejectedError as error:
        raise not_runnable(error.message) from None
    return SeriesToForecast(command, columns, tuple(split.groupby_val))


def _unknown(data: Data) -> Exception:
    return not_runnable(f"dataset_id: there is no data set {data.dataset_id[:80]!r}; GET /data/ lists those there are")


def _file_of(store: ObjectStore, data: Data, project: str) -> str:
    """The only table at the path."""
    key = data_key(store, data, project)
    if store.is_file(key):
        return key
    found = [one for one in store.keys(key) if one.lower().endswith(_TABLES)]
    if len(found) != 1:
        names = ", ".join(f"/{layout.named(one)[1]}" for one in found[:10]) or "none"
        below = layout.named(key)[1]
        raise not_runnable(f"data_url: found {len(found)} tables below /{below}, expected one, or its path: {names}")
    return found[0]


def _added(store: ObjectStore, settings: Settings, command: AddDataset) -> Dataset:
    """As AddDataset does it, by the same function: every worker sees the object store. Its path is the key."""
    key = command.path
    project, path = layout.named(key)
    if project != command.project or not layout.may_read(Who.PRODUCER, path):  # another place below the data root
        path = incoming_key()
        with store.local_file(key) as file:
            store.put_file(path, file)
    command = replace(command, path=path, file_name=PurePosixPath(key).name)
    try:
        added = apply_command(store, command, datetime.now(UTC), max_bytes=settings.max_upload_bytes)
    except RejectedError as error:
        raise not_runnable(f"data_url: /{layout.named(key)[1]}: {error.message}") from None
    finally:
        if is_incoming(path):
            store.delete(path)
    assert added is not None
    return added
