"""Logs of versions in the object store: appended to, and read while they are."""

from pathlib import Path

import pytest

from connectors.objects.store import ObjectStore
from connectors.objects.training_logs import (
    PART_BYTES,
    LogWriter,
    delete_logs,
    log_size,
    read_log,
    read_tail,
    workers_with_log,
)

PROJECT, VERSION = "..p1", 11


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty store on the disk."""
    return ObjectStore(str(tmp_path))


def whole(store: ObjectStore, worker: int = 0) -> bytes:
    """A log as a reader comes to have it, part by part."""
    read = b""
    while part := read_log(store, PROJECT, VERSION, worker, len(read))[0]:
        read += part
    return read


def test_what_is_appended_is_read(store: ObjectStore) -> None:
    """By another writer behind it, too: a run that begins again goes on in the same log."""
    LogWriter(store, PROJECT, VERSION, 0).append(b"one\ntwo\n")
    second = LogWriter(store, PROJECT, VERSION, 0)
    assert second.size == 8
    second.append(b"three\n")

    assert whole(store) == b"one\ntwo\nthree\n"
    assert log_size(store, PROJECT, VERSION, 0) == 14
    assert read_log(store, PROJECT, VERSION, 0, 4) == (b"two\nthree\n", 4)
    assert read_log(store, PROJECT, VERSION, 0, 99) == (b"", 14)


def test_a_long_log_lies_in_parts(store: ObjectStore) -> None:
    """None is larger than it may be, and the last lines are found in the last ones."""
    writer, lines = LogWriter(store, PROJECT, VERSION, 0), [f"line {number}" for number in range(30_000)]
    text = "".join(f"{line}\n" for line in lines).encode()
    for start in range(0, len(text), 100_001):
        writer.append(text[start : start + 100_001])

    assert all(store.size(key) <= PART_BYTES for key in store.keys("training"))
    assert whole(store) == text
    assert list(read_tail(store, PROJECT, VERSION, 0, 20_000).lines) == lines[-20_000:]
    assert read_tail(store, PROJECT, VERSION, 0, 0).lines == ()
    assert read_tail(store, PROJECT, VERSION, 0, 3).size == len(text)


def test_a_log_without_lines(store: ObjectStore) -> None:
    """What is not UTF-8, and what has no end, is shown as far as it goes."""
    LogWriter(store, PROJECT, VERSION, 0).append(b"\xff" + b"x" * (2 * 1024 * 1024))

    (line,) = read_tail(store, PROJECT, VERSION, 0, 5).lines
    assert len(line) == 1024 * 1024
    assert read_tail(store, PROJECT, VERSION, 1, 5).lines == ()


def test_workers(store: ObjectStore) -> None:
    """Each has its own; all go together."""
    for worker in (0, 1, 10):
        LogWriter(store, PROJECT, VERSION, worker).append(b"%d\n" % worker)
    assert workers_with_log(store, PROJECT, VERSION) == 3
    assert whole(store, 10) == b"10\n"
    delete_logs(store, PROJECT, VERSION)

    assert workers_with_log(store, PROJECT, VERSION) == 0
    assert log_size(store, PROJECT, VERSION, 0) is None
    assert read_log(store, PROJECT, VERSION, 0) == (b"", 0)
