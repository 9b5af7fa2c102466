"""Folders and the object store: there and back, without what leads elsewhere."""

import os
from pathlib import Path

import pytest

from connectors.objects.folder_copies import FolderCopy, fetch_folder
from connectors.objects.store import ObjectNotFoundError, ObjectStore


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty store on the disk."""
    return ObjectStore(str(tmp_path / "objects"))


def test_what_is_below_a_key_is_fetched(store: ObjectStore, tmp_path: Path) -> None:
    """With its folders; no more bytes than may be."""
    store.put_bytes("uploads/app/boot.py", b"import one")
    store.put_bytes("uploads/app/inner/one.py", b"1")
    store.put_bytes("uploads/apple.py", b"another")
    fetch_folder(store, "uploads/app", tmp_path / "copy", most_bytes=11)

    found = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.py")}
    assert found == {"boot.py", "inner/one.py"}
    with pytest.raises(ValueError, match="more than 10 bytes"):
        fetch_folder(store, "uploads/app", tmp_path / "copy", most_bytes=10)
    with pytest.raises(ObjectNotFoundError):
        fetch_folder(store, "uploads/none", tmp_path / "copy", most_bytes=10)


def test_what_a_program_writes_is_kept_as_it_changes(store: ObjectStore, tmp_path: Path) -> None:
    """Only what is new is copied."""
    folder = tmp_path / "output"
    (folder / "inner").mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"1")
    (folder / "inner" / "loss.csv").write_bytes(b"2")
    (folder / "with blank").write_bytes(b"3")
    copy = FolderCopy(store, folder, "usr/train")
    assert (copy.update(), copy.update()) == (2, 0)
    (folder / "model.keras").write_bytes(b"11")
    assert copy.update() == 1

    assert store.keys("usr/train") == ["usr/train/inner/loss.csv", "usr/train/model.keras"]
    assert store.read_bytes("usr/train/model.keras") == b"11"
    assert copy.bad_names == ["with blank"]


def test_links_and_pipes_are_left_alone(store: ObjectStore, tmp_path: Path) -> None:
    """A program could have read by them what it may not."""
    secret, folder = tmp_path / "secret", tmp_path / "output"
    secret.mkdir()
    (secret / "key").write_bytes(b"secret")
    folder.mkdir()
    (folder / "link").symlink_to(secret / "key")
    (folder / "folder").symlink_to(secret)
    os.mkfifo(folder / "pipe")

    assert FolderCopy(store, folder, "usr/train").update() == 0
    assert store.keys("usr") == []
