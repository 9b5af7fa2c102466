"""Kafka's jars: fetched once, whole, and only the recorded ones."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from connectors.embedded_kafka.jars import KAFKA_LOCK, KAFKA_VERSION, JarsError, default_cache_dir, obtain_jars
from connectors.embedded_kafka.locked_files import read_lock
from connectors.embedded_kafka.maven import Coordinate, FetchError

CONTENTS = {Coordinate("org.a", "alpha", "1.0"): b"first jar", Coordinate("org.b", "beta", "2.1"): b"second jar"}


class Registry:
    """Stands for a Maven client: puts `contents` into the folder, counts its calls, fails on demand."""

    def __init__(self, contents: dict[Coordinate, bytes] | None = None, *, error: BaseException | None = None) -> None:
        self.contents = CONTENTS if contents is None else contents
        self.error = error
        self.calls = 0

    def __call__(self, jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None:
        self.calls += 1
        for jar in jars:
            (folder / jar.file_name).write_bytes(self.contents[jar])
            if self.error is not None:
                raise self.error


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    lines = [f"{hashlib.sha256(content).hexdigest()}  {jar}\n" for jar, content in CONTENTS.items()]
    path.write_text("# a comment\n" + "".join(lines))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "deep"


def _quiet(_text: str) -> None:
    pass


def test_the_first_start_fetches_and_later_ones_do_not(lock: Path, cache: Path) -> None:
    """The folder holds exactly the recorded jars; asked again, no client is called and nothing is said."""
    registry = Registry()
    said: list[str] = []

    first = obtain_jars(cache, progress=said.append, lock=lock, fetches=[registry])
    told_first = list(said)
    again = obtain_jars(cache, progress=said.append, lock=lock, fetches=[registry])

    assert again == first
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        "alpha-1.0.jar": b"first jar",
        "beta-2.1.jar": b"second jar",
    }
    assert registry.calls == 1
    assert told_first
    assert said == told_first


def test_a_later_start_loads_no_maven_client(lock: Path, cache: Path) -> None:
    """From a filled cache the jars come without importing jgo or an HTTP client."""
    obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry()])
    program = (
        "import sys; from pathlib import Path; from connectors.embedded_kafka.jars import obtain_jars\n"
        f"obtain_jars(Path({str(cache)!r}), progress=print, lock=Path({str(lock)!r}))\n"
        "print(sorted({'jgo', 'requests'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_jar_that_is_not_the_recorded_one_is_refused(lock: Path, cache: Path) -> None:
    """A fetched jar with another sum is named with both sums, and nothing of the attempt stays in the cache."""
    forged = Registry(CONTENTS | {Coordinate("org.b", "beta", "2.1"): b"forged"})

    with pytest.raises(JarsError) as caught:
        obtain_jars(cache, progress=_quiet, lock=lock, fetches=[forged])

    for part in ("beta-2.1.jar", hashlib.sha256(b"forged").hexdigest(), hashlib.sha256(b"second jar").hexdigest()):
        assert part in str(caught.value)
    assert "Try again" in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "alpha-1.0.jar").write_bytes(b"changed"), "alpha-1.0.jar has the SHA-256 sum"),
        (lambda folder: (folder / "alpha-1.0.jar").unlink(), "alpha-1.0.jar is missing"),
        (lambda folder: (folder / "extra.jar").write_bytes(b"x"), "extra.jar is not one of"),
    ],
)
def test_a_cache_that_was_changed_is_refused_with_the_remedy(
    lock: Path, cache: Path, damage: Callable[[Path], object], named: str
) -> None:
    """A changed, missing or additional jar in the cache is named, and so is the folder to delete."""
    folder = obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry()])
    damage(folder)

    with pytest.raises(JarsError) as caught:
        obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry()])

    assert named in str(caught.value)
    assert f"Delete the folder {folder}" in str(caught.value)


def test_the_next_client_starts_afresh_where_the_first_fails(lock: Path, cache: Path) -> None:
    """A client that fails half-way leaves nothing that the next one, or the check, could meet."""
    failing = Registry(dict.fromkeys(CONTENTS, b"half"), error=FetchError("jgo: no connection"))

    folder = obtain_jars(cache, progress=_quiet, lock=lock, fetches=[failing, Registry()])

    assert (folder / "alpha-1.0.jar").read_bytes() == b"first jar"


def test_without_network_and_cache_the_error_names_causes_and_remedies(lock: Path, cache: Path) -> None:
    """Where no client works the error has every client's reason, the cache to copy, and the way around."""
    offline = [Registry(error=FetchError("jgo: no connection")), Registry(error=FetchError("mvn: not installed"))]

    with pytest.raises(JarsError) as caught:
        obtain_jars(cache, progress=_quiet, lock=lock, fetches=offline)

    for part in (KAFKA_VERSION, "jgo: no connection", "mvn: not installed", str(cache), "TIDECAST_KAFKA_BOOTSTRAP"):
        assert part in str(caught.value)
    assert list(cache.iterdir()) == []


def test_an_interrupted_fetch_leaves_no_folder(lock: Path, cache: Path) -> None:
    """A Ctrl-C in the middle leaves the cache empty, so that the next start fetches all."""
    with pytest.raises(KeyboardInterrupt):
        obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry(error=KeyboardInterrupt())])

    assert list(cache.iterdir()) == []


def test_two_starts_at_once_do_not_disturb_each_other(lock: Path, cache: Path) -> None:
    """Both fetch, one is first, both get the same whole folder."""
    both_fetch = threading.Barrier(2, timeout=10)
    folders: list[Path] = []

    def fetch(jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None:
        Registry()(jars, folder, progress=progress)
        both_fetch.wait()

    def start() -> None:
        folders.append(obtain_jars(cache, progress=_quiet, lock=lock, fetches=[fetch]))

    starts = [threading.Thread(target=start) for _ in range(2)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()

    assert len(folders) == 2
    assert folders[0] == folders[1]
    assert [path.name for path in cache.iterdir()] == [folders[0].name]


def test_another_lock_is_another_folder(lock: Path, cache: Path) -> None:
    """Jars of another release are kept beside, not mixed with, those there are."""
    first = obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry()])
    jar = Coordinate("org.a", "alpha", "1.1")
    lock.write_text(f"{hashlib.sha256(b'newer').hexdigest()}  {jar}\n")

    second = obtain_jars(cache, progress=_quiet, lock=lock, fetches=[Registry({jar: b"newer"})])

    assert second != first
    assert [path.name for path in second.iterdir()] == ["alpha-1.1.jar"]


def test_the_recorded_set_is_the_pinned_kafka_with_its_log_bridge() -> None:
    """The lock in the project names Kafka's server in the pinned version, the log bridge, and each file once."""
    sums = read_lock(KAFKA_LOCK)

    assert Coordinate("org.apache.kafka", "kafka_2.13", KAFKA_VERSION) in sums
    assert "log4j-slf4j-impl" in {jar.artifact for jar in sums}
    assert {jar.version for jar in sums if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert len({jar.file_name for jar in sums}) == len(sums)
    assert {len(bytes.fromhex(digest)) for digest in sums.values()} == {32}


def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG's folder where given, else the one that XDG names as default."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert default_cache_dir(tmp_path / "xdg") == tmp_path / "xdg" / "tidecast"
    assert default_cache_dir() == tmp_path / ".cache" / "tidecast"
