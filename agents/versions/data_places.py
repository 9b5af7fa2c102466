"""Where in the object store the data, code and results of a version are, checked when it runs (T-071, T-192, T-193)."""

from agents.versions.config import Data, not_runnable
from connectors.datasets.manifests import UnknownDatasetError, load, stored_key
from connectors.objects import layout
from connectors.objects.store import ObjectStore
from streams.checks import path_key, project_key
from streams.errors import RejectedError

__all__ = ["check_there", "data_key", "place_key"]


def place_key(field: str, path: str, project: str) -> str:
    """The key of a project's path below the data root.

    RunFailedError where it leads out of it, or is the service's own.
    """
    try:
        key = path_key(field, path)
        kept = project_key(field, project, key)
    except RejectedError as error:
        raise not_runnable(error.message) from None
    if layout.is_own(key):
        raise not_runnable(f"{field}: found {path[:200]!r}, which is the service's own: use /uploads/ or another place")
    return kept


def check_there(store: ObjectStore, field: str, key: str) -> None:
    """RunFailedError where there is neither an object nor anything below the key. Blocks."""
    if not store.exists(key):
        raise not_runnable(f"{field}: there is nothing at /{layout.named(key)[1]}: PUT the files to /uploads/ first")


def data_key(store: ObjectStore, data: Data, project: str) -> str:
    """The key of a project's data: a file or a folder. RunFailedError where there is nothing. Blocks."""
    if data.dataset_id:
        return dataset_key(store, data.dataset_id, project)
    key = stored_key(store, place_key("data_url", data.path, project))
    check_there(store, "data_url", key)
    return key


def dataset_key(store: ObjectStore, dataset_id: str, project: str) -> str:
    """The key of the text of a project's data set. RunFailedError where there is no such data set. Blocks."""
    try:
        return load(store, int(dataset_id), project).text_path
    except (ValueError, UnknownDatasetError):
        raise not_runnable(
            f"dataset_id: there is no data set {dataset_id[:80]!r}; GET /data/ lists those there are"
        ) from None
