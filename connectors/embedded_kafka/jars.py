"""The jars of Apache Kafka, fetched once per user (`connectors.embedded_kafka.locked_files`).

To move to another release change KAFKA_VERSION, run `python -m connectors.embedded_kafka.jars`, which writes the lock
anew, and review it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.locked_files import Fetch, JarsError, LockedFiles
from connectors.embedded_kafka.locked_files import write_lock as write_lock_of
from connectors.embedded_kafka.maven import Coordinate, fetch_with_jgo, fetch_with_mvn, resolve_with_jgo

__all__ = ["KAFKA_LOCK", "KAFKA_VERSION", "JarsError", "default_cache_dir", "obtain_jars", "write_lock"]

KAFKA_VERSION: Final = "4.3.1"  # 4.4.0 is not whole in the registry: its kafka-tools-api is missing
KAFKA_LOCK: Final = Path(__file__).with_suffix(".lock")
_SERVER: Final = Coordinate("org.apache.kafka", "kafka_2.13", KAFKA_VERSION)
# Kafka's own dependency list leaves the bridge from its logging calls to log4j to the packager; without it none logs.
_LOG_BRIDGE: Final = ("org.apache.logging.log4j", "log4j-slf4j-impl")
_LOG_CORE: Final = ("org.apache.logging.log4j", "log4j-core")


def default_cache_dir(xdg_cache_home: Path | None = None) -> Path:
    """The folder of this user for what can be fetched again: `$XDG_CACHE_HOME/tidecast`, else `~/.cache/tidecast`."""
    return (xdg_cache_home or Path.home() / ".cache") / "tidecast"


def obtain_jars(
    cache_dir: Path,
    *,
    progress: Callable[[str], None],
    lock: Path = KAFKA_LOCK,
    fetches: Sequence[Fetch] = (fetch_with_jgo, fetch_with_mvn),
) -> Path:
    """The folder under `cache_dir` that holds exactly the jars of `lock`, fetched where it is not there yet.

    As `LockedFiles.obtain`; JarsError where they cannot be had.
    """
    files = LockedFiles(
        name=f"kafka-{KAFKA_VERSION}",
        title=f"Apache Kafka {KAFKA_VERSION}",
        lock=lock,
        otherwise=", or set TIDECAST_KAFKA_BOOTSTRAP to use your own broker",
    )
    return files.obtain(cache_dir, progress=progress, fetches=fetches)


def write_lock(lock: Path = KAFKA_LOCK, *, progress: Callable[[str], None] = print) -> None:
    """Resolve KAFKA_VERSION with all it needs, fetch it, and record the sums; FetchError where that fails."""
    found = resolve_with_jgo(_SERVER)
    log_version = next(jar.version for jar in found if (jar.group, jar.artifact) == _LOG_CORE)
    found.append(Coordinate(*_LOG_BRIDGE, log_version))
    header = (
        "Jars of the embedded Apache Kafka: SHA-256, Maven coordinates. By: python -m connectors.embedded_kafka.jars"
    )
    write_lock_of(lock, found, header=header, progress=progress)


if __name__ == "__main__":
    write_lock()
