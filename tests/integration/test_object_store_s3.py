"""The object store on a real S3 server, as docker-compose.yml has it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors.objects.store import ObjectNotFoundError, ObjectStore
from tests.integration.servers import ObjectServer

ACCESS, SECRET = "tidecast", "not-a-secret"
LARGE = 12 * 1024 * 1024  # more than one part of an upload


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the tests' own."""
    with ObjectServer(tmp_path_factory.mktemp("objects"), access_key=ACCESS, secret_key=SECRET) as server:
        server.wait_ready()
        yield server.url


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The store with what the compose file gives it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return ObjectStore("s3://tidecast/objects")


def test_objects_are_kept_read_listed_and_deleted(store: ObjectStore) -> None:
    """Bytes and files, small and of several parts; the bucket is made with the first."""
    large = bytes(range(256)) * (LARGE // 256)

    store.put_bytes("datasets/1/small", b"hello")
    with store.writing("datasets/1/large") as unfinished:
        unfinished.write_bytes(large)

    assert store.read_bytes("datasets/1/small") == b"hello"
    assert store.read_bytes("datasets/1/large") == large
    with store.open("datasets/1/large") as opened:
        opened.seek(LARGE - 3)
        assert opened.read() == large[-3:]
    with store.local_file("datasets/1/small") as path:
        assert path.read_bytes() == b"hello"
    assert (store.exists("datasets/1"), store.is_file("datasets/1"), store.is_file("datasets/1/small")) == (1, 0, 1)
    assert store.keys("datasets") == ["datasets/1/large", "datasets/1/small"]
    store.delete("datasets/1")
    assert store.keys() == []
    assert not store.exists("datasets/1/small")


def test_what_is_not_there_is_told_as_on_a_disk(store: ObjectStore) -> None:
    """Reading is an error, deleting is none."""
    with pytest.raises(ObjectNotFoundError):
        store.read_bytes("datasets/2/none")
    with pytest.raises(ObjectNotFoundError), store.local_file("datasets/2/none"):
        pass
    store.delete("datasets/2/none")


def test_what_another_process_writes_is_seen_at_once(store: ObjectStore) -> None:
    """Listings are not cached: a trainer finds what the state worker has just put there."""
    assert store.keys("splits") == []

    program = (
        "from connectors.objects.store import ObjectStore as O; O('s3://tidecast/objects').put_bytes('splits/1', b'x')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

    assert store.keys("splits") == ["splits/1"]
    store.put_bytes("splits/1", b"newer")
    assert store.read_bytes("splits/1") == b"newer"


def test_of_several_writers_one_creates(store: ObjectStore) -> None:
    """By conditional writes: from several threads at once, one does, and the object is its."""
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            tries = list(pool.map(lambda n: store.create_bytes(f"notes/{turn}", b"%d" % n), range(8)))  # noqa: B023
            assert sum(tries) == 1
            assert store.read_bytes(f"notes/{turn}") == b"%d" % tries.index(True)


def test_old_objects_of_a_folder_are_removed(store: ObjectStore) -> None:
    """By the time that the server gives them."""
    for key in ("old/1", "old/2", "old/deep/3"):
        store.put_bytes(key, b"x")
    now = datetime.now(UTC)

    assert store.remove_older("old", now - timedelta(minutes=1), at_most=9) == 0
    assert store.remove_older("old", now + timedelta(minutes=1), at_most=9) == 2
    assert store.keys("old") == ["old/deep/3"]
