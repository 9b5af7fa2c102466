"""The folder of one run of user code: its code for each worker, its data, and where its results are kept from."""

import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from agents.versions.config import RunConfig, not_runnable
from agents.versions.data_places import check_there, data_key, place_key
from agents.versions.version import Version
from connectors.objects.folder_copies import FolderCopy, fetch_folder
from connectors.objects.store import ObjectStore
from connectors.user_code.folders import remove_remains
from streams.settings import Settings

__all__ = ["RunFolder", "clear_runs"]

_RUNS: Final = "runs"
_LARGEST_CODE: Final = 1 << 30  # bytes: it is copied for each worker


class RunFolder:
    """Made before the workers start, removed when all have ended. All calls block."""

    def __init__(self, settings: Settings, store: ObjectStore, version: Version, config: RunConfig) -> None:
        self._store = store
        self._config = config
        self._project = version.project
        self._most_bytes = settings.max_training_data_bytes
        project = blake2b(version.project_id.encode(), digest_size=8).hexdigest()
        self._root = _runs_of(settings) / f"{version.version_id}-{project}"
        self._copies: list[FolderCopy] = []
        self.data: list[Path] = []
        """The data's files or folders; the program only reads them."""
        self.output = self._root / "output"
        self.logs = self._root / "logs"
        self.boot = ""
        """The boot file, from a worker's folder on."""

    def prepare(self) -> None:
        """Look for all that the config names, and make the folders. RunFailedError says what is missing."""
        config, store = self._config, self._store
        app = self._place("app_url", config.app_url)
        boot = self._place("boot_file_url", config.boot_file_url)
        if not boot.startswith(f"{app}/") or not boot.endswith(".py"):
            raise not_runnable(
                f"boot_file_url: found {config.boot_file_url[:200]!r}, expected a Python file inside of app_url,"
                f" such as {config.app_url.rstrip('/')}/boot.py"
            )
        check_there(store, "app_url", app)
        check_there(store, "boot_file_url", boot)
        self.boot = boot.removeprefix(f"{app}/")
        keys = [data_key(store, one, self._project) for one in config.data]
        self.remove()
        for folder in (self.output, self.logs, *(self.work_of(worker) for worker in range(config.workers))):
            folder.mkdir(parents=True)
        for worker in range(config.workers):
            self._fetch("app_url", app, self.work_of(worker), _LARGEST_CODE)
        self.data = [self._local(number, key) for number, key in enumerate(keys)]
        for field, path, folder in (
            ("train_url", config.train_url, self.output),
            ("log_url", config.log_url, self.logs),
        ):
            if path:
                self._copies.append(FolderCopy(store, folder, self._place(field, path)))

    def work_of(self, worker: int) -> Path:
        """Where a worker starts, beside a copy of its own of the code."""
        return self._root / f"worker-{worker}"

    def command_of(self, worker: int, arguments: Sequence[str]) -> list[str]:
        """What a worker is started by: the boot file in the Python that runs us, no shell."""
        return [sys.executable, str(self.work_of(worker) / self.boot), *arguments]

    def metrics_of(self, worker: int) -> Path:
        """Where a worker may write lines of metrics."""
        return self.work_of(worker) / ".metrics.jsonl"

    def keep(self) -> list[str]:
        """Keep what was written since the last time; names of files that cannot be kept."""
        for copy in self._copies:
            copy.update()
        return [name for copy in self._copies for name in copy.bad_names]

    def remove(self) -> None:
        """Remove all of it."""
        remove_remains(self._root)

    def _place(self, field: str, path: str) -> str:
        return place_key(field, path, self._project)

    def _local(self, number: int, key: str) -> Path:
        """Where the data lie here: in the store itself where that is on this disk, else a copy."""
        place = self._store.local_place(key)
        if place is not None:
            return place
        folder = self._root / f"data-{number}"
        folder.mkdir()
        self._fetch("data_url", key, folder, self._most_bytes)
        return folder / key.rpartition("/")[2] if self._store.is_file(key) else folder

    def _fetch(self, field: str, key: str, folder: Path, most: int) -> None:
        try:
            fetch_folder(self._store, key, folder, most_bytes=most)
        except ValueError as error:
            raise not_runnable(f"{field}: {error}, the most that may be fetched for a version") from None


def clear_runs(settings: Settings) -> None:
    """Remove what a trainer of this name that was killed has left. Blocks."""
    remove_remains(_runs_of(settings))


def _runs_of(settings: Settings) -> Path:
    return settings.home / _RUNS / settings.worker_id
