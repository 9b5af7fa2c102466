"""Obtains the jars of Apache Kafka once per user, and proves at every start that they are the recorded ones.

`kafka_jars.lock` names every jar with its SHA-256; it is what decides, not what a registry serves today. To move to
another release change KAFKA_VERSION, run `python -m connectors.kafka_jars`, which writes the lock anew, and review it.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from connectors.maven import Coordinate, FetchError, fetch_with_jgo, fetch_with_mvn, resolve_with_jgo

__all__ = ["KAFKA_VERSION", "JarsError", "default_cache_dir", "obtain_jars", "write_lock"]

KAFKA_VERSION: Final = "4.3.1"  # 4.4.0 is not whole in the registry: its kafka-tools-api is missing
_LOCK: Final = Path(__file__).with_suffix(".lock")
_SERVER: Final = Coordinate("org.apache.kafka", "kafka_2.13", KAFKA_VERSION)
# Kafka's own dependency list leaves the bridge from its logging calls to log4j to the packager; without it none logs.
_LOG_BRIDGE: Final = ("org.apache.logging.log4j", "log4j-slf4j-impl")
_LOG_CORE: Final = ("org.apache.logging.log4j", "log4j-core")
_HEADER: Final = (
    "# Jars of the embedded Apache Kafka: SHA-256, Maven coordinates. By: python -m connectors.kafka_jars\n"
)

log = structlog.get_logger(__name__)


class JarsError(RuntimeError):
    """Kafka's jars cannot be had, or are not the recorded ones; the text names the jar or cause, and the remedy."""


class Fetch(Protocol):
    """A way to put jars into a folder; FetchError where it fails."""

    def __call__(self, jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None: ...


def default_cache_dir(xdg_cache_home: Path | None = None) -> Path:
    """The folder of this user for what can be fetched again: `$XDG_CACHE_HOME/tidecast`, else `~/.cache/tidecast`."""
    return (xdg_cache_home or Path.home() / ".cache") / "tidecast"


def obtain_jars(
    cache_dir: Path,
    *,
    progress: Callable[[str], None],
    lock: Path = _LOCK,
    fetches: Sequence[Fetch] = (fetch_with_jgo, fetch_with_mvn),
) -> Path:
    """The folder under `cache_dir` that holds exactly the jars of `lock`, fetched where it is not there yet.

    `progress` is told in words what goes on, only while fetching. The folder appears whole or not at all, also when
    several processes ask at once. JarsError where no way of `fetches` works, or where a jar is not the recorded one.
    """
    sums = _read_lock(lock)
    # The name holds the lock's own sum, so that another set of jars is another folder and neither disturbs the other.
    folder = cache_dir / f"kafka-{KAFKA_VERSION}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache_dir) as staging:
            fetched = Path(staging) / "jars"
            progress(f"fetching Apache Kafka {KAFKA_VERSION}: {len(sums)} jars, once per user")
            _fetch(list(sums), fetched, progress=progress, fetches=fetches)
            _check(fetched, sums, remedy="Try again; if it stays, something between here and the registry alters files")
            try:
                fetched.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was quicker; its jars are checked like ours, below
                    raise
    _check(folder, sums, remedy=f"Delete the folder {folder} and start again: it is fetched anew")
    return folder


def write_lock(lock: Path = _LOCK, *, progress: Callable[[str], None] = print) -> None:
    """Resolve KAFKA_VERSION with all it needs, fetch it, and record the sums; FetchError where that fails."""
    found = resolve_with_jgo(_SERVER)
    log_version = next(jar.version for jar in found if (jar.group, jar.artifact) == _LOG_CORE)
    found.append(Coordinate(*_LOG_BRIDGE, log_version))
    found.sort(key=str)
    with tempfile.TemporaryDirectory() as folder:
        fetch_with_jgo(found, Path(folder), progress=progress)
        lines = [f"{_sum_of(Path(folder) / jar.file_name)}  {jar}\n" for jar in found]
    lock.write_text(_HEADER + "".join(lines), encoding="utf-8")
    progress(f"{lock}: {len(lines)} jars")


def _read_lock(lock: Path) -> dict[Coordinate, str]:
    """Jar to SHA-256, in the order of the lock."""
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {Coordinate.parse(coordinate): digest for digest, coordinate in (line.split() for line in lines)}


def _fetch(
    jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None], fetches: Sequence[Fetch]
) -> None:
    """Try one way after the other, each on an empty folder."""
    reasons = []
    for number, fetch in enumerate(fetches):
        attempt = folder.with_name(f"attempt-{number}")
        attempt.mkdir()
        try:
            fetch(jars, attempt, progress=progress)
        except FetchError as error:
            log.warning("kafka jars not fetched", reason=str(error))
            reasons.append(str(error))
        else:
            attempt.rename(folder)
            return
    raise JarsError(
        f"Apache Kafka {KAFKA_VERSION} is not in the cache and cannot be fetched ({'; '.join(reasons)}). Connect this "
        f"machine to a Maven registry for the first start (mirrors go into jgo.conf or Maven's settings.xml), or copy "
        f"the folder {folder.parent.parent} from a machine that has it, or set TIDECAST_KAFKA_BOOTSTRAP to use your "
        "own broker"
    )


def _check(folder: Path, sums: Mapping[Coordinate, str], *, remedy: str) -> None:
    """JarsError unless `folder` holds exactly these jars; 44 MB take 0.1 s, so this is done at every start."""
    expected = {jar.file_name: digest for jar, digest in sums.items()}
    present = {path.name for path in folder.iterdir()}
    for name in sorted(present ^ expected.keys()):
        raise JarsError(
            f"{name} is {'missing from' if name in expected else 'not one of'} Kafka's jars in {folder}. {remedy}"
        )
    for name, digest in expected.items():
        found = _sum_of(folder / name)
        if found != digest:
            raise JarsError(f"{name} has the SHA-256 sum {found}, but {digest} is recorded ({folder}). {remedy}")


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    write_lock()
