"""Obtains a recorded set of files from Maven registries once per user, and proves at every use that they are the ones.

A lock file names every file with its SHA-256; it is what decides, not what a registry serves today.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from connectors.embedded_kafka.maven import Coordinate, FetchError, fetch_with_jgo, fetch_with_mvn

__all__ = ["Fetch", "JarsError", "LockedFiles", "read_lock", "write_lock"]

log = structlog.get_logger(__name__)


class JarsError(RuntimeError):
    """Recorded files cannot be had, or are not the recorded ones; the text names the file or cause, and the remedy."""


class Fetch(Protocol):
    """A way to put files into a folder; FetchError where it fails."""

    def __call__(self, jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None:
        """Put exactly these files into the empty `folder`."""


@dataclass(frozen=True, slots=True)
class LockedFiles:
    """One set of files: `name` is its folder's in the cache, `title` its name for people.

    `otherwise` is what to do where nothing can be fetched, as the end of a sentence; may be empty.
    """

    name: str
    title: str
    lock: Path
    otherwise: str = ""

    def obtain(
        self,
        cache_dir: Path,
        *,
        progress: Callable[[str], None],
        fetches: Sequence[Fetch] = (fetch_with_jgo, fetch_with_mvn),
    ) -> Path:
        """The folder under `cache_dir` that holds exactly these files, fetched where it is not there yet.

        `progress` is told in words what goes on, only while fetching. The folder appears whole or not at all, also when
        several processes ask at once. JarsError where no way of `fetches` works, or a file is not the recorded one.
        """
        sums = read_lock(self.lock)
        # The name holds the lock's own sum, so that another set is another folder and neither disturbs the other.
        folder = cache_dir / f"{self.name}-{hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]}"
        if not folder.is_dir():
            cache_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache_dir) as staging:
                fetched = Path(staging) / "jars"
                progress(f"fetching {self.title}: {len(sums)} {'jars' if len(sums) > 1 else 'file'}, once per user")
                self._fetch(list(sums), fetched, progress=progress, fetches=fetches)
                self._check(
                    fetched, sums, remedy="Try again; if it stays, something between here and the registry alters files"
                )
                try:
                    fetched.rename(folder)
                except OSError:
                    if not folder.is_dir():  # else another process was quicker; its files are checked like ours, below
                        raise
        self._check(folder, sums, remedy=f"Delete the folder {folder} and start again: it is fetched anew")
        return folder

    def _fetch(
        self, files: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None], fetches: Sequence[Fetch]
    ) -> None:
        """Try one way after the other, each on an empty folder."""
        reasons = []
        for number, fetch in enumerate(fetches):
            attempt = folder.with_name(f"attempt-{number}")
            attempt.mkdir()
            try:
                fetch(files, attempt, progress=progress)
            except FetchError as error:
                log.warning("jars_not_fetched", of=self.title, reason=str(error))
                reasons.append(str(error))
            else:
                attempt.rename(folder)
                return
        raise JarsError(
            f"{self.title} is not in the cache and cannot be fetched ({'; '.join(reasons)}). Connect this machine to a "
            "Maven registry for the first start (mirrors go into jgo.conf or Maven's settings.xml), or copy the folder "
            f"{folder.parent.parent} from a machine that has it{self.otherwise}"
        )

    def _check(self, folder: Path, sums: Mapping[Coordinate, str], *, remedy: str) -> None:
        """JarsError unless `folder` holds exactly these files; 44 MB take 0.1 s, so this is done at every use."""
        expected = {file.file_name: digest for file, digest in sums.items()}
        present = {path.name for path in folder.iterdir()}
        for name in sorted(present ^ expected.keys()):
            raise JarsError(
                f"{name} is {'missing from' if name in expected else 'not one of'} the files of {self.title} in "
                f"{folder}. {remedy}"
            )
        for name, digest in expected.items():
            found = _sum_of(folder / name)
            if found != digest:
                raise JarsError(f"{name} has the SHA-256 sum {found}, but {digest} is recorded ({folder}). {remedy}")


def read_lock(lock: Path) -> dict[Coordinate, str]:
    """File to SHA-256, in the order of the lock."""
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {Coordinate.parse(coordinate): digest for digest, coordinate in (line.split() for line in lines)}


def write_lock(
    lock: Path, files: Sequence[Coordinate], *, header: str, progress: Callable[[str], None] = print
) -> None:
    """Fetch exactly these files and record their sums below the line `header`; FetchError where that fails."""
    found = sorted(files, key=str)
    with tempfile.TemporaryDirectory() as folder:
        fetch_with_jgo(found, Path(folder), progress=progress)
        lines = [f"{_sum_of(Path(folder) / file.file_name)}  {file}\n" for file in found]
    lock.write_text(f"# {header}\n{''.join(lines)}", encoding="utf-8")
    progress(f"{lock}: {len(lines)} files")


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
