"""The object store: whole writes, keys that stay below the root, the same answers from a disk and a remote store."""

import errno
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.objects.keys import BadKeyError
from connectors.objects.store import ObjectNotFoundError, ObjectStore, ObjectStoreError


def _write_half(store: ObjectStore, key: str) -> None:
    with store.writing(key) as path:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "disk full")


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


def test_of_several_writers_one_creates(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told, and what they have written is nowhere; also where the file system has no hard links."""
    assert (store.create_bytes("notes/1", b"one"), store.create_bytes("notes/1", b"two")) == (True, False)
    monkeypatch.setattr(Path, "hardlink_to", _no_links)
    assert (store.create_bytes("notes/2", b"one"), store.create_bytes("notes/2", b"two")) == (True, False)

    assert [store.read_bytes(key) for key in store.keys("notes")] == [b"one", b"one"]


def _no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "none"])
def test_writers_at_the_same_time_never_create_twice(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of eight threads, whose whole object is there, and nothing else."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    store = ObjectStore(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        for turn in range(50):
            tries = list(pool.map(lambda n: store.create_bytes(f"notes/{turn}", b"%d" % n * 1000), range(8)))  # noqa: B023
            assert sum(tries) == 1
            assert store.read_bytes(f"notes/{turn}") == b"%d" % tries.index(True) * 1000
    assert len(list((tmp_path / "notes").iterdir())) == 50


def test_old_objects_of_a_folder_are_removed(store: ObjectStore) -> None:
    """Those in it, not those below; what a killed writer has left too, and no more than asked for."""
    for key in ("notes/1", "notes/2", "notes/deep/3", "other/4"):
        store.put_bytes(key, b"")
    begun, later = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)

    assert store.remove_older("notes", begun, at_most=9) == 0
    assert store.remove_older("absent", later, at_most=9) == 0
    assert [store.remove_older("notes", later, at_most=1) for _ in range(3)] == [1, 1, 0]
    assert store.keys() == ["notes/deep/3", "other/4"]


def test_what_a_killed_writer_has_left_is_removed(tmp_path: Path) -> None:
    """It has no key, so nothing else could."""
    store = ObjectStore(str(tmp_path))
    store.put_bytes("notes/1", b"")
    (tmp_path / "notes" / ".unfinished-0").write_bytes(b"half")

    assert store.remove_older("notes", datetime.now(UTC) + timedelta(hours=1), at_most=9) == 2
    assert list((tmp_path / "notes").iterdir()) == []


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

    with pytest.raises(OSError, match="disk full"):
        _write_half(store, "jobs/1/split.npz")
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

    with pytest.raises(OSError, match="disk full"):
        _write_half(store, "datasets/7/a.csv")
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


class TestLinks:
    """Symbolic links that somebody has put below the root: they lead nowhere."""

    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        """A folder that is not the store's, with a file."""
        folder = tmp_path / "outside"
        (folder / "deep").mkdir(parents=True)
        (folder / "secret").write_bytes(b"secret")
        (folder / "deep" / "secret").write_bytes(b"secret")
        return folder

    @pytest.fixture
    def linked(self, tmp_path: Path, outside: Path) -> ObjectStore:
        """A store with a link to the folder, one to the file, and one to an object of its own."""
        store = ObjectStore(f"file://{tmp_path / 'root'}")
        store.put_bytes("uploads/own", b"own")
        store.put_bytes("endpoints/e/endpoint.json", b"own")
        uploads = tmp_path / "root" / "uploads"
        (uploads / "folder").symlink_to(outside)
        (uploads / "file").symlink_to(outside / "secret")
        (uploads / "inner").symlink_to(tmp_path / "root" / "endpoints")
        return store

    @pytest.mark.parametrize(
        "key",
        ["uploads/file", "uploads/folder/secret", "uploads/folder/deep/secret", "uploads/inner/e/endpoint.json"],
    )
    def test_nothing_is_read_through_one(self, linked: ObjectStore, key: str) -> None:
        """There is no such object, in whatever way it is asked for."""
        with pytest.raises(ObjectNotFoundError):
            linked.open(key)
        with pytest.raises(ObjectNotFoundError), linked.local_file(key):
            pass
        assert not linked.exists(key)
        assert not linked.is_file(key)
        assert linked.keys("uploads") == ["uploads/own"]
        assert linked.keys("uploads/folder") == []

    @pytest.mark.parametrize("key", ["uploads/folder/new", "uploads/folder/deep/secret", "uploads/inner/e/new"])
    def test_nothing_is_written_or_removed_through_one(self, linked: ObjectStore, outside: Path, key: str) -> None:
        """The error is that of a file in a folder's place."""
        with pytest.raises(NotADirectoryError):
            linked.put_bytes(key, b"new")
        linked.delete(key)

        assert sorted(path.name for path in outside.rglob("*")) == ["deep", "secret", "secret"]
        assert (outside / "deep" / "secret").read_bytes() == b"secret"
        assert linked.keys("endpoints") == ["endpoints/e/endpoint.json"]

    def test_a_write_in_the_place_of_one_replaces_the_link(self, linked: ObjectStore, outside: Path) -> None:
        """And leaves what it pointed to alone; so does the removal of one."""
        linked.put_bytes("uploads/file", b"new")
        linked.delete("uploads/folder")

        assert linked.read_bytes("uploads/file") == b"new"
        assert (outside / "secret").read_bytes() == b"secret"

    def test_the_root_may_be_one(self, tmp_path: Path) -> None:
        """Where the store lies is the user's choice."""
        (tmp_path / "disk").mkdir()
        (tmp_path / "root").symlink_to(tmp_path / "disk")
        store = ObjectStore(f"file://{tmp_path / 'root'}")
        store.put_bytes("a/b", b"x")

        assert (store.read_bytes("a/b"), store.keys()) == (b"x", ["a/b"])

    def test_a_pipe_is_no_object(self, tmp_path: Path) -> None:
        """And is not waited for."""
        store = ObjectStore(f"file://{tmp_path}")
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ObjectNotFoundError):
            store.open("pipe")


@pytest.mark.parametrize("key", ["a" * 201, "/".join(["a" * 199] * 25), "/".join("a" * 600)])
def test_a_key_is_no_longer_than_any_store_takes(store: ObjectStore, key: str) -> None:
    """Each name, and all of it: a file system would raise its own error at some length."""
    for use in (store.open, store.exists, store.delete, lambda it: store.put_bytes(it, b"")):
        with pytest.raises(BadKeyError):
            use(key)


def test_the_longest_key_is_taken(store: ObjectStore) -> None:
    """1024 characters."""
    key = "/".join(["a" * 199] * 5) + "/" + "b" * 24
    store.put_bytes(key, b"x")

    assert (len(key), store.read_bytes(key)) == (1024, b"x")
