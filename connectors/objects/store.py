"""The object store: files under relative keys, on a disk or whatever fsspec reaches (``s3://…`` with its extra)."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from connectors.objects.keys import check_key
from connectors.objects.layout import named
from connectors.objects.unfinished_files import UNFINISHED, create, finished, put_in_place, remove, written

__all__ = ["ObjectNotFoundError", "ObjectStore", "ObjectStoreError"]

_PLAINLY: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # the last lest a pipe be waited for
_CREATE_TRIES: Final = 5  # where an S3 server says that somebody else writes the same object at this moment


class ObjectNotFoundError(LookupError):
    """No object under this key."""


class ObjectStoreError(RuntimeError):
    """The store's address cannot be used: unknown scheme, or the package for it is not installed."""


class ObjectStore:
    """Files under keys such as ``datasets/7/flights.csv``, below one root. All calls block: use a thread.

    A write is all or nothing: a reader sees the old object, the new one or none, never a part. Who deletes a folder and
    who writes into it at the same moment come one after the other, and neither fails. The file system's own errors
    (OSError: disk full, no permission) pass through.

    Symbolic links below the root are not followed: what lies behind one is no object, whatever it points to.
    """

    def __init__(self, url: str) -> None:
        """Use the root ``url``: a folder, ``file:///folder``, or ``scheme://bucket/prefix``. Nothing is created yet."""
        try:
            # Listings are never cached: other processes write to the same store.
            fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            scheme = url.split("://", 1)[0]  # the rest of the address may hold a password
            raise ObjectStoreError(f"the object store scheme {scheme!r} cannot be used: {error}") from error
        self._fs: Any = fs
        self._root = str(root).rstrip("/")
        self._local = Path(root) if isinstance(fs, LocalFileSystem) else None

    def put_file(self, key: str, source: Path) -> None:
        """Store a copy of a local file under the key, replacing what was there."""
        if self._local is None:
            self._fs.put_file(str(source), self._path(key))
            return
        with source.open("rb") as read, self.streaming(key) as target:
            shutil.copyfileobj(read, target)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store bytes under the key, replacing what was there."""
        with self.streaming(key) as target:
            target.write(data)

    def create_bytes(self, key: str, data: bytes) -> bool:
        """Store bytes under the key unless an object is there; whether they were. Of several who try, one does.

        An S3 server must know conditional writes (``If-None-Match``), as those of AWS, MinIO, Ceph and SeaweedFS do; of
        other remote file systems only some are exact about two writers at the same moment.
        """
        path = self._path(key)
        if self._local is None:
            return self._create_remote(path, data)
        self._check_folder(key)
        return create(Path(path), data)

    def _create_remote(self, path: str, data: bytes) -> bool:
        for turn in range(1, _CREATE_TRIES + 1):
            try:
                self._fs.pipe_file(path, data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:  # s3fs 2026.9 translates the first into EINVAL, the second into EIO
                code = _code_of(error)
                if code == "PreconditionFailed":
                    return False
                if code != "ConditionalRequestConflict" or turn == _CREATE_TRIES:
                    raise
            else:
                return True
        return False

    @contextmanager
    def streaming(self, key: str) -> Iterator[IO[bytes]]:
        """A file to write to, which becomes the object when the block ends normally and vanishes when it raises."""
        path = self._path(key)
        if self._local is None:
            with self.writing(key) as unfinished, unfinished.open("wb") as target:
                yield target
            return
        self._check_folder(key)
        with written(Path(path)) as target:
            yield target

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """The same as a path, for what is read before it is in place; FileNotFoundError where its folder is removed."""
        path = self._path(key)
        if self._local is None:
            with tempfile.TemporaryDirectory(prefix="tidecast-") as folder:
                unfinished = Path(folder) / "object"
                yield unfinished
                self._fs.put_file(str(unfinished), path)
            return
        self._check_folder(key)
        with finished(Path(path)) as (unfinished, target):
            yield unfinished
            put_in_place(unfinished, target)

    def open(self, key: str) -> IO[bytes]:
        """The object's bytes as a seekable binary file; ObjectNotFoundError if there is none."""
        path = self._path(key)
        try:
            opened: IO[bytes] = self._fs.open(path, "rb") if self._local is None else self._opened(key, path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectNotFoundError(key) from error
        return opened

    def read_bytes(self, key: str) -> bytes:
        """The whole object; ObjectNotFoundError if there is none."""
        with self.open(key) as opened:
            return opened.read()

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        """The object as a file on this machine, to be read only: itself, or a copy that is gone after the block.

        ObjectNotFoundError if there is none.
        """
        path = self._path(key)
        if not self.is_file(key):
            raise ObjectNotFoundError(key)
        if self._local is not None:
            yield Path(path)
            return
        with tempfile.TemporaryDirectory(prefix="tidecast-") as folder:
            copy = Path(folder) / "object"
            self._fs.get_file(path, str(copy))
            yield copy

    def local_place(self, key: str) -> Path | None:
        """Where an object, or what is below the key, lies on this machine; None where it lies elsewhere, or nowhere."""
        path = self._path(key)
        return Path(path) if self._local is not None and self.exists(key) else None

    def exists(self, key: str) -> bool:
        """Whether an object, or anything below the key, is there."""
        path = self._path(key)
        return bool(self._fs.exists(path)) and not self._leads_away(key)

    def is_file(self, key: str) -> bool:
        """Whether an object is there."""
        path = self._path(key)
        return bool(self._fs.isfile(path)) and not self._leads_away(key)

    def size(self, key: str) -> int:
        """How many bytes the object has; ObjectNotFoundError if there is none."""
        try:
            return int(self._fs.size(self._path(key)))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectNotFoundError(key) from error

    def obstacle(self, key: str) -> str | None:
        """What is in the way of writing under the key, in words that go on after "because"; None where nothing is.

        Only on a disk, where names are files and folders; it may change until the object is written.
        """
        path = self._path(key)
        if self._local is None:
            return None
        target, root = Path(path), self._local
        try:
            for parent in reversed(target.relative_to(root).parents):
                if (root / parent).exists() and not (root / parent).is_dir():
                    return f"/{named(str(parent))[1]} is a file"
            if target.is_dir():
                return f"/{named(key)[1]} is a folder"
            nearest = next(parent for parent in target.parents if parent.exists())
            if not os.access(nearest, os.W_OK | os.X_OK):
                return "its folder may not be written to"
        except OSError as error:
            return f"the name cannot be used ({error.strerror})"
        return None

    def delete(self, key: str) -> None:
        """Remove the object and everything below the key; nothing there is no error."""
        path = self._path(key)
        if self._local is None:
            if self._fs.exists(path):
                self._fs.rm(path, recursive=True)
            return
        if not self._leads_away(key.rpartition("/")[0]):
            remove(Path(path))

    def remove_older(self, folder: str, before: datetime, *, at_most: int) -> int:
        """Remove objects of the folder, not those of folders in it, that were last written before an aware time.

        What writers that were killed have left unfinished goes as well. How many were removed; `at_most` bounds it.
        """
        path = self._path(folder)
        try:
            listed = self._fs.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        old = (info["name"] for info in listed if info["type"] == "file" and self._written(info) < before)
        removed = 0
        for name in islice(old, at_most):
            try:
                self._fs.rm_file(name)
            except FileNotFoundError:  # another worker was quicker
                continue
            removed += 1
        return removed

    def _written(self, info: Mapping[str, Any]) -> datetime:
        """When a listed object was written last."""
        if (seconds := info.get("mtime")) is not None and isinstance(seconds, int | float):
            return datetime.fromtimestamp(seconds, UTC)
        written: datetime = info.get("LastModified") or self._fs.modified(info["name"])
        return written if written.tzinfo is not None else written.replace(tzinfo=UTC)

    def keys(self, prefix: str = "") -> list[str]:
        """The sorted keys of all objects below the prefix, which is a whole path and not the beginning of a name."""
        path = self._path(prefix) if prefix else self._root
        start = len(self._root) + 1
        found = self._fs.find(path) if self._local is None else self._found(prefix, path)
        keys = (str(one)[start:] for one in found)
        # An empty one: some S3 servers keep the folder of what was deleted, and list it.
        return sorted(key for key in keys if key and not key.rsplit("/", 1)[-1].startswith(UNFINISHED))

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Key and bytes of all objects below the prefix, in no order; what goes meanwhile may be left out."""
        path, start = self._path(prefix), len(self._root) + 1
        if self._local is None:
            for one, info in self._fs.find(path, detail=True).items():
                yield str(one)[start:], int(info.get("size") or 0)
        for file in () if self._local is None else self._found(prefix, path):
            if not file.rsplit("/", 1)[-1].startswith(UNFINISHED):
                with suppress(OSError):
                    yield file[start:], os.stat(file).st_size  # noqa: PTH116 - a text is quicker

    def _path(self, key: str) -> str:
        check_key(key)
        return f"{self._root}/{key}"

    def _check_folder(self, key: str) -> None:
        if self._leads_away(key.rpartition("/")[0]):
            raise NotADirectoryError(errno.ENOTDIR, "a symbolic link is not followed", key)

    def _leads_away(self, key: str) -> bool:
        """Whether the key, or a folder of it, is a symbolic link; the root may be one, for it is the user's choice."""
        if self._local is None:
            return False
        path = self._root
        for segment in filter(None, key.split("/")):
            path = f"{path}/{segment}"
            if os.path.islink(path):  # noqa: PTH114  # a text is quicker
                return True
        return False

    def _opened(self, key: str, path: str) -> IO[bytes]:
        if self._leads_away(key):
            raise FileNotFoundError(errno.ENOENT, "a symbolic link is not followed", key)
        number = os.open(path, _PLAINLY)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise FileNotFoundError(errno.ENOENT, "it is no file", key)
        return os.fdopen(number, "rb")

    def _found(self, prefix: str, path: str) -> Iterator[str]:
        if self._leads_away(prefix):
            return
        if os.path.isfile(path):  # noqa: PTH113  # as text: there may be many
            yield path
        for folder, _, names in os.walk(path):
            for name in names:
                if not os.path.islink(file := f"{folder}/{name}"):  # noqa: PTH114
                    yield file


def _code_of(error: OSError) -> str:
    """The code that an S3 server gave for its refusal; empty where it was none."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
