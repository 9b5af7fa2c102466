"""The object store: whole writes, keys that stay below the root, the same answers from a disk and a remote store."""

import errno
import uuid
from pathlib import Path

import pytest

from connectors.object_store import BadKeyError, ObjectNotFoundError, ObjectStore, ObjectStoreError


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A fresh store, once on disk by path, once by file:// and once behind fsspec's general interface."""
    urls = {
        "folder": str(tmp_path / "root"),
        "file": f"file://{tmp_path / 'root'}",
        "memory": f"memory://{uuid.uuid4().hex}/prefix",
    }
    return ObjectStore(urls[request.param])


def test_bytes_come_back_as_stored(store: ObjectStore) -> None:
    """What is put under a key is read under it, and a second put replaces it."""
    store.put_bytes("datasets/7/a.csv", b"one")
    store.put_bytes("datasets/7/a.csv", b"two\r\n\0")

    assert store.read_bytes("datasets/7/a.csv") == b"two\r\n\0"
    with store.open("datasets/7/a.csv") as opened:
        opened.seek(2)
        assert opened.read(1) == b"o"


def test_a_local_file_is_copied(store: ObjectStore, tmp_path: Path) -> None:
    """Storing a file leaves the source alone, and later changes of the source do not reach the object."""
    source = tmp_path / "upload"
    source.write_bytes(b"first")
    store.put_file("datasets/7/a.csv", source)
    source.write_bytes(b"later")

    assert store.read_bytes("datasets/7/a.csv") == b"first"


def test_an_object_can_be_used_as_a_local_file(store: ObjectStore) -> None:
    """local_file gives a path with the object's bytes, and says so when there is none."""
    store.put_bytes("jobs/1/split.npz", b"data")

    with store.local_file("jobs/1/split.npz") as path:
        assert path.read_bytes() == b"data"
    with pytest.raises(ObjectNotFoundError), store.local_file("jobs/2/split.npz"):
        pass


def test_keys_below_a_prefix_are_listed(store: ObjectStore) -> None:
    """keys() gives whole keys in order, only those below the path, and none where nothing is."""
    for key in ("datasets/7/b", "datasets/7/a", "datasets/70/a", "models/m"):
        store.put_bytes(key, b"")

    assert store.keys("datasets/7") == ["datasets/7/a", "datasets/7/b"]
    assert store.keys() == ["datasets/7/a", "datasets/7/b", "datasets/70/a", "models/m"]
    assert store.keys("absent") == []


def test_delete_takes_the_whole_tree_and_nothing_else(store: ObjectStore) -> None:
    """Deleting a key removes everything below it and only that; deleting what is not there is no error."""
    for key in ("datasets/7/b", "datasets/7/deep/a", "datasets/70/a"):
        store.put_bytes(key, b"")
    store.delete("datasets/7")
    store.delete("datasets/7")

    assert store.keys() == ["datasets/70/a"]
    assert not store.exists("datasets/7")
    assert store.exists("datasets/70")
    assert store.exists("datasets/70/a")
    with pytest.raises(ObjectNotFoundError):
        store.read_bytes("datasets/7/b")


def test_a_failed_write_leaves_the_old_object(store: ObjectStore) -> None:
    """A writer that raises half-way changes nothing and leaves nothing behind."""
    store.put_bytes("jobs/1/split.npz", b"old")

    def write_half() -> None:
        with store.writing("jobs/1/split.npz") as path:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert store.read_bytes("jobs/1/split.npz") == b"old"
    assert store.keys() == ["jobs/1/split.npz"]


def test_an_unfinished_write_is_seen_by_nobody(store: ObjectStore) -> None:
    """While a new object is being written, readers see the old one and listings no other name."""
    store.put_bytes("jobs/1/a", b"old")
    with store.writing("jobs/1/a") as path:
        path.write_bytes(b"new")

        assert store.read_bytes("jobs/1/a") == b"old"
        assert store.keys() == ["jobs/1/a"]

    assert store.read_bytes("jobs/1/a") == b"new"


def test_a_failed_write_frees_the_disk(tmp_path: Path) -> None:
    """No temporary file survives a failed write on disk."""
    store = ObjectStore(str(tmp_path / "root"))

    def write_half() -> None:
        with store.writing("datasets/7/a.csv") as path:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert [path for path in (tmp_path / "root").rglob("*") if path.is_file()] == []


def test_a_reader_keeps_the_object_it_opened(tmp_path: Path) -> None:
    """On disk a new object takes the old one's place at once: who has the old one open reads it to its end."""
    store = ObjectStore(str(tmp_path / "root"))
    store.put_bytes("a", b"old" * 1_000_000)
    with store.open("a") as opened:
        begin = opened.read(3)
        store.put_bytes("a", b"new")

        assert begin + opened.read() == b"old" * 1_000_000


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/x",
        "..",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "C:/x",
        "a\0b",
        "a\n",
        ".hidden",
        "é",
        "x" * 201,
        "a b",
    ],
)
def test_keys_cannot_leave_the_root(store: ObjectStore, key: str) -> None:
    """Only plain relative paths are keys; every call refuses the others."""
    with pytest.raises(BadKeyError):
        store.put_bytes(key, b"")
    with pytest.raises(BadKeyError):
        store.read_bytes(key)
    with pytest.raises(BadKeyError):
        store.delete(key)
    with pytest.raises(BadKeyError):
        store.exists(key)
    assert store.keys() == []


def test_a_folder_is_not_an_object(store: ObjectStore) -> None:
    """A key that only has objects below it cannot be read."""
    store.put_bytes("datasets/7/a", b"")

    with pytest.raises(ObjectNotFoundError):
        store.read_bytes("datasets/7")
    with pytest.raises(ObjectNotFoundError), store.local_file("datasets/7"):
        pass


def test_deleting_does_not_follow_links(tmp_path: Path) -> None:
    """A link placed into the store is removed, not what it points to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    store = ObjectStore(str(tmp_path / "root"))
    store.put_bytes("a/b", b"")
    (tmp_path / "root" / "a" / "link").symlink_to(outside)
    (tmp_path / "root" / "link").symlink_to(outside)
    store.delete("a")
    store.delete("link")

    assert (outside / "kept").read_bytes() == b"kept"
    assert store.keys() == []


def test_an_unknown_scheme_is_named_without_the_password() -> None:
    """An address that cannot be used is refused at once, and the message does not repeat its secrets."""
    with pytest.raises(ObjectStoreError, match="nosuch") as refused:
        ObjectStore("nosuch://user:secret@host/bucket")

    assert "secret" not in str(refused.value)
