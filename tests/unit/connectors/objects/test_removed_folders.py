"""A folder of the object store that is deleted while somebody writes into it: neither fails."""

import errno
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.objects import unfinished_files
from connectors.objects.store import ObjectStore

JOB, MODEL = "models/7", "models/7/1/0.h5"
ROUNDS = 300


def test_who_writes_while_the_folder_is_deleted_has_written_before(tmp_path: Path) -> None:
    """A job was deleted while a trainer kept its model: the trainer ended. The object has gone with the others."""
    store = ObjectStore(str(tmp_path))
    with store.writing(MODEL) as unfinished:
        unfinished.write_bytes(b"model")
        store.delete(JOB)

    assert not store.exists(MODEL)
    store.put_bytes(MODEL, b"next")
    assert store.keys(JOB) == [MODEL]


def _streamed(store: ObjectStore, key: str, data: bytes, _: Path) -> None:
    with store.streaming(key) as target:
        target.write(data)


def _copied(store: ObjectStore, key: str, data: bytes, folder: Path) -> None:
    (folder / "source").write_bytes(data)
    store.put_file(key, folder / "source")


def _put(store: ObjectStore, key: str, data: bytes, _: Path) -> None:
    store.put_bytes(key, data)


@pytest.mark.parametrize("write", [_streamed, _copied, _put])
def test_who_finds_the_folder_removed_makes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[ObjectStore, str, bytes, Path], None]
) -> None:
    """A deleter came between the folder and the file in it: the writer comes after, and its object is there."""
    store = ObjectStore(str(tmp_path / "objects"))
    make, made = unfinished_files._make_folder, []

    def making(folder: Path) -> None:
        make(folder)
        made.append(folder)
        if len(made) < 3:
            store.delete(JOB)

    monkeypatch.setattr(unfinished_files, "_make_folder", making)
    write(store, MODEL, b"model", tmp_path)

    assert (len(made), store.read_bytes(MODEL)) == (3, b"model")
    assert [one.name for one in (tmp_path / "objects" / "models" / "7" / "1").iterdir()] == ["0.h5"]


def test_what_is_being_written_goes_with_its_folder(tmp_path: Path) -> None:
    """Once the file is there, its writer has come before; nothing is left of it."""
    store = ObjectStore(str(tmp_path))
    with store.streaming(MODEL) as target:
        target.write(b"mo")
        store.delete(JOB)
        target.write(b"del")

    assert not store.exists(JOB)


def test_a_writer_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """Neither a part nor the file that it was in."""
    store = ObjectStore(str(tmp_path))

    def breaks_off() -> None:
        with store.streaming(MODEL) as target:
            target.write(b"mo")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks_off()
    assert list((tmp_path / "models" / "7" / "1").iterdir()) == []


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOTEMPTY, "not empty"),
        FileNotFoundError(errno.ENOENT, "gone"),
        OSError("Cannot call rmtree on a symbolic link"),  # in its words, another folder of the same name
    ],
)
def test_who_deletes_takes_along_what_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: OSError
) -> None:
    """The command that deleted the job failed on a model that was just put there, and was tried again."""
    store = ObjectStore(str(tmp_path))
    store.put_bytes(MODEL, b"model")
    remove, turns = shutil.rmtree, []

    def removing(folder: Any) -> None:
        turns.append(folder)
        if len(turns) == 1:
            store.put_bytes(f"{JOB}/2/0.h5", b"late")
            raise failure
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", removing)
    store.delete(JOB)

    assert (len(turns), store.exists(JOB)) == (2, False)


def test_a_folder_that_cannot_be_removed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: only what another one does at this moment is worth another try."""
    store = ObjectStore(str(tmp_path))
    store.put_bytes(MODEL, b"model")

    def refused(_: Any) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(shutil, "rmtree", refused)
    with pytest.raises(PermissionError):
        store.delete(JOB)


@pytest.mark.parametrize("write", [ObjectStore.put_bytes, ObjectStore.create_bytes], ids=["put", "create"])
def test_writers_and_deleters_at_the_same_time(tmp_path: Path, write: Callable[[ObjectStore, str, bytes], Any]) -> None:
    """None of them ever fails, and an object that is there is whole."""
    store, begin = ObjectStore(str(tmp_path)), threading.Barrier(4)

    def writes() -> None:
        begin.wait()
        for number in range(ROUNDS):
            write(store, f"{JOB}/{number % 3}/0.h5", b"model")

    def deletes() -> None:
        begin.wait()
        for _ in range(ROUNDS):
            store.delete(JOB)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for work in (writes, deletes, writes, deletes)]:
            done.result()

    assert {store.read_bytes(key) for key in store.keys(JOB)} <= {b"model"}
    store.delete(JOB)
    assert list((tmp_path / "models").iterdir()) == []
