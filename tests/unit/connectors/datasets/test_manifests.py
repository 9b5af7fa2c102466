"""Registered data sets: their manifests and files, listed, deleted, and left as they were by what fails."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_files.inspection import BadDatasetError, opened_csv
from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Dataset, UnknownDatasetError, check_name, safe_file_name
from connectors.objects.store import ObjectStore
from tests.unit.connectors.datasets.datasets_samples import SEED


@pytest.mark.parametrize(
    ("original", "stored"),
    [
        ("allRegion_37d_MSDN_vmlevel.csv", "allRegion_37d_MSDN_vmlevel.csv"),
        ("../../etc/x", "x"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/etc/passwd", "passwd"),
        ("my file (1).csv", "my_file_1_.csv"),
        ("CON", "_CON"),
        ("con.csv", "_con.csv"),
        ("LPT1.tar.gz", "_LPT1.tar.gz"),
        ("😀.csv", "upload.csv"),
        ("Übung.csv", "Ubung.csv"),
        (".csv", "upload.csv"),
        ("..", "upload"),
        ("", "upload"),
        ("-rf.csv", "rf.csv"),
        ("a.", "a"),
        ("x\0y\n.csv", "x_y_.csv"),
        ("dataset.json", "_dataset.json"),
        ("Dataset.JSON", "_Dataset.JSON"),
        ("a" * 300 + ".csv", "a" * 88 + ".csv"),
        ("a." + "b" * 300, "a." + "b" * 10),
    ],
)
def test_stored_file_names_are_safe(original: str, stored: str) -> None:
    """A file name becomes a short plain name that no file system takes for a path, a device or the manifest."""
    assert safe_file_name(original) == stored


@given(st.text(max_size=300))
def test_any_file_name_can_be_a_key(original: str) -> None:
    """No name breaks the object store's rule for keys."""
    name = safe_file_name(original)

    assert 1 <= len(name) <= 101
    assert name[0] != "."
    assert name.lower() != "dataset.json"
    with TemporaryDirectory() as folder:
        ObjectStore(folder).put_bytes(f"datasets/1/{name}", b"")


def test_J031_dataset_names() -> None:
    """1 to 32 letters, digits and underscores."""
    for good in ("a", "test_dataset", "A" * 32, "0"):
        check_name(good)
    for bad in ("", "a" * 33, "a b", "a-b", "é", "a\n", "../x", "٣"):
        with pytest.raises(BadDatasetError, match="1 to 32 letters, digits and underscores") as refused:
            check_name(bad)
        assert refused.value.code == "bad_name"


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty store on disk."""
    return ObjectStore(str(tmp_path / "store"))


def add(store: ObjectStore, upload: Path, data_id: int, file_name: str = "vm.csv") -> Dataset:
    """Register the upload."""
    with opened_csv(upload) as table:
        return datasets.register(
            store,
            table,
            data_id=data_id,
            name="test_dataset",
            file_name=file_name,
            related_user=1,
            time_created=datetime(2020, 11, 9, 14, 52, 53, 2395, tzinfo=timezone(timedelta(hours=8))),
        )


def test_J030_to_J036_a_registered_dataset_comes_back(store: ObjectStore, upload: Path) -> None:
    """What was registered is loaded equal, with the seed's fields, and the file's bytes lie under its key."""
    dataset = add(store, upload, 2, "allRegion_37d_MSDN_vmlevel.csv")

    assert datasets.load(store, 2) == dataset
    assert dataset.data_id == 2
    assert dataset.name == "test_dataset"
    assert dataset.time_created == "2020-11-09T14:52:53.002395+08:00"
    assert dataset.upload == "/uploads/allRegion_37d_MSDN_vmlevel.csv"
    assert dataset.related_user == 1
    assert len(dataset.uuid) == 36
    assert dataset.header[2] == "ObjectTime"
    assert dataset.heads["sum_PeakDailyCores"] == (152, 1377, 234, 11912, 3866)
    assert (dataset.rows, dataset.bytes) == (6, len(SEED))
    assert dataset.path == "datasets/2/allRegion_37d_MSDN_vmlevel.csv"
    assert store.read_bytes(dataset.path) == SEED
    assert store.keys("datasets") == [dataset.path, "datasets/2/dataset.json"]


def test_J034_a_file_is_read_under_its_name_or_under_one_of_its_own(store: ObjectStore, tmp_path: Path) -> None:
    """The same content shares the name; another gets one with its id; so no name ever leads to another's file."""
    first, same, other = (add(store, _file(tmp_path, day), data_id) for data_id, day in ((1, 1), (2, 1), (3, 2)))

    assert (first.upload, same.upload, other.upload) == ("/uploads/vm.csv", "/uploads/vm.csv", "/uploads/vm-3.csv")
    for dataset, holder in ((first, 1), (same, 1), (other, 3)):
        found = datasets.of_upload(store, dataset.upload.removeprefix("/uploads/"))
        assert found is not None
        assert found.data_id == holder
        assert store.read_bytes(found.path) == store.read_bytes(dataset.path)
    datasets.delete(store, 1)
    found = datasets.of_upload(store, "vm.csv")
    assert found is not None
    assert found.data_id == 2
    datasets.delete(store, 2)
    datasets.delete(store, 3)
    assert datasets.of_upload(store, "vm.csv") is None
    assert store.keys() == []
    assert add(store, _file(tmp_path, 2), 4).upload == "/uploads/vm.csv"


def test_J034_a_file_that_somebody_stored_keeps_its_name(store: ObjectStore, tmp_path: Path) -> None:
    """What was PUT to /uploads/vm.csv is what is got there."""
    store.put_bytes("uploads/vm.csv", b"mine")

    assert add(store, _file(tmp_path, 1), 1).upload == "/uploads/vm-1.csv"
    assert datasets.of_upload(store, "vm.csv") is None


def _file(folder: Path, day: int) -> Path:
    path = folder / f"{day}.csv"
    path.write_bytes(b"day,value\n2020-01-%02d,1\n2020-02-01,2\n" % day)
    return path


def test_the_original_file_name_is_kept_as_text_only(store: ObjectStore, upload: Path) -> None:
    """A dangerous name is shown as it was and stored as a safe one; a name that is not valid Unicode does no harm."""
    dataset = add(store, upload, 2, "../../etc/\udcff😀 x.csv")

    assert dataset.path == "datasets/2/_x.csv"
    assert datasets.load(store, 2).file_name == "../../etc/?😀 x.csv"


def test_datasets_are_listed_by_id_and_deleted(store: ObjectStore, upload: Path) -> None:
    """Listing is by number, and a deleted dataset is gone with its file; unknown ids are told."""
    for data_id in (10, 9, 2):
        add(store, upload, data_id)
    datasets.delete(store, 9)

    assert [dataset.data_id for dataset in datasets.list_all(store)] == [2, 10]
    assert not store.exists("datasets/9")
    for call in (datasets.load, datasets.delete):
        with pytest.raises(UnknownDatasetError, match="no dataset 9"):
            call(store, 9)


def test_an_empty_store_lists_nothing(store: ObjectStore) -> None:
    """No dataset is an empty list, not an error."""
    assert datasets.list_all(store) == []


def test_a_failed_registration_leaves_nothing(
    store: ObjectStore, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the manifest cannot be written the file is removed again; a bad name is refused before anything is stored."""

    def disk_full(_key: str, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put_bytes", disk_full)
    with pytest.raises(OSError, match="No space"):
        add(store, upload, 2)
    assert store.keys() == []

    with pytest.raises(BadDatasetError, match="name"), opened_csv(upload) as table:
        datasets.register(
            store,
            table,
            data_id=3,
            name="a b",
            file_name="x.csv",
            related_user=1,
            time_created=datetime.now(UTC),
        )
    assert store.keys() == []


def test_a_failed_repeat_keeps_the_dataset(store: ObjectStore, upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering an id again that fails does not take away what was registered first."""
    dataset = add(store, upload, 2)

    def disk_full(_key: str, _source: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put_file", disk_full)
    with pytest.raises(OSError, match="No space"):
        add(store, upload, 2)

    assert datasets.load(store, 2) == dataset
    assert store.read_bytes(dataset.path) == SEED


def test_a_file_without_manifest_is_no_dataset(store: ObjectStore, upload: Path) -> None:
    """What a crash between file and manifest leaves behind is neither listed nor loaded."""
    dataset = add(store, upload, 2)
    store.delete("datasets/2/dataset.json")

    assert store.exists(dataset.path)
    assert datasets.list_all(store) == []
    with pytest.raises(UnknownDatasetError):
        datasets.load(store, 2)


def test_a_time_without_offset_is_a_mistake(store: ObjectStore, upload: Path) -> None:
    """J-033 wants an offset, so a naive time is refused before anything is stored."""
    dataset = add(store, upload, 2)
    with pytest.raises(ValueError, match="offset"), opened_csv(upload) as table:
        datasets.register(
            store,
            table,
            data_id=3,
            name=dataset.name,
            file_name="x.csv",
            related_user=1,
            time_created=datetime(2020, 1, 1),  # noqa: DTZ001  the mistake under test
        )

    assert [replace(found, uuid="") for found in datasets.list_all(store)] == [replace(dataset, uuid="")]


def test_a_manifest_from_before_dialects_is_loaded(store: ObjectStore, upload: Path) -> None:
    """Its file is as RFC 4180 says, for others were refused then."""
    dataset = add(store, upload, 2)
    manifest = json.loads(store.read_bytes("datasets/2/dataset.json"))
    for name in ("dialect", "warnings", "text"):
        del manifest[name]
    store.put_bytes("datasets/2/dataset.json", json.dumps(manifest).encode())

    assert datasets.load(store, 2) == dataset


def test_a_file_called_text_and_its_text_lie_side_by_side(store: ObjectStore, tmp_path: Path) -> None:
    """No name of a file is that of the folder in which texts are."""
    file = tmp_path / "text"
    file.write_bytes("day;größe\n2020-01-01;1,5\n".encode("utf-16"))
    for name in ("text", "=text", "text/text"):
        dataset = add(store, file, 2, name)
        assert store.read_bytes(dataset.path) == file.read_bytes()
        assert store.read_bytes(dataset.text_path).decode() == "day;größe\n2020-01-01;1,5\n"
        assert datasets.load(store, 2) == dataset
        datasets.delete(store, 2)
        assert store.keys() == []
