"""What Kafka Connect needs beside Kafka: the worker's own jars, and the plugins that our sinks use.

Kafka's file sink is one of the plugins, though its jar lies among the worker's: see `FILE_SINK`.

`*.lock` name every file with its SHA-256. `python -m connectors.kafka_connect.parts lock` writes them anew after a
version was changed here; `python -m connectors.kafka_connect.parts plugins FOLDER` lays the plugins out (see
Dockerfile).
"""

import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.jars import KAFKA_LOCK, KAFKA_VERSION, default_cache_dir
from connectors.embedded_kafka.locked_files import LockedFiles, read_lock, write_lock
from connectors.embedded_kafka.maven import Coordinate, resolve_with_jgo

__all__ = [
    "CONVERTER",
    "FILE_SINK",
    "JDBC_SINK",
    "WORKER",
    "WORKER_SETTINGS",
    "PartsError",
    "lay_out_plugins",
    "write_locks",
]

_HERE: Final = Path(__file__).parent
WORKER_SETTINGS: Final = _HERE / "connect-worker.properties"
_CONVERTER_VERSION: Final = "2.6.13.Final"  # of Apicurio; the last whose converter the Maven registry has whole
_SINK_VERSION: Final = "3.4.3.Final"  # of Debezium: 3.5 and 3.6 are half as large again and gain us nothing

WORKER: Final = LockedFiles(f"connect-{KAFKA_VERSION}", f"Kafka Connect {KAFKA_VERSION}", _HERE / "worker.lock")
CONVERTER: Final = LockedFiles(
    f"connect-converter-{_CONVERTER_VERSION}",
    f"Apicurio's Avro converter {_CONVERTER_VERSION}",
    _HERE / "converter.lock",
)
JDBC_SINK: Final = LockedFiles(
    f"connect-jdbc-{_SINK_VERSION}", f"Debezium's JDBC sink {_SINK_VERSION}", _HERE / "sink.lock"
)

# Kafka's bin/kafka-run-class.sh leaves this jar of its libs/ off the class path (KAFKA-13748): it must be a plugin.
FILE_SINK: Final = f"connect-file-{KAFKA_VERSION}.jar"

# The worker has these itself, and a second copy inside a plugin is a second, foreign class of the same name.
_WORKERS_OWN: Final = (
    "connect-api",
    "connect-json",
    "kafka-clients",
    "lz4-java",
    "slf4j-api",
    "snappy-java",
    "zstd-jni",
)
# Drivers of databases other than PostgreSQL, a quarter of the sink's size.
_OTHER_DRIVERS: Final = ("mariadb-java-client", "mssql-jdbc", "mysql-connector-j", "ojdbc11")
# The converter's jars do not list what they offer, and a worker that looks only there (plugin.discovery=service_load:
# a start of 2 s instead of 8) would not find them.
_LISTING: Final = "META-INF/services/org.apache.kafka.connect.storage.Converter"
_CONVERTERS: Final = (
    "io.apicurio.registry.utils.converter.AvroConverter",
    "io.apicurio.registry.utils.converter.SerdeBasedConverter",
)


class PartsError(RuntimeError):
    """The plugins cannot be laid out; the text names the folder and the remedy."""


def lay_out_plugins(folder: Path, *, progress: Callable[[str], None], cache_dir: Path | None = None) -> None:
    """Fill the new folder `folder` as a worker's plugin.path wants it: a folder of jars per plugin.

    PartsError where it exists and is not empty; JarsError where the jars cannot be had.
    """
    if folder.exists() and any(folder.iterdir()):
        raise PartsError(f"{folder} is not empty: name a new folder for the plugins")
    cache = cache_dir or default_cache_dir()
    converter = folder / "apicurio-converter"
    converter.mkdir(parents=True)
    for jar in CONVERTER.obtain(cache, progress=progress).iterdir():
        shutil.copyfile(jar, converter / jar.name)
    with zipfile.ZipFile(converter / "tidecast-listing.jar", "w") as listing:
        listing.writestr(_LISTING, "".join(f"{name}\n" for name in _CONVERTERS))
    file_sink = folder / "file"
    file_sink.mkdir()
    shutil.copyfile(WORKER.obtain(cache, progress=progress) / FILE_SINK, file_sink / FILE_SINK)
    [archive] = JDBC_SINK.obtain(cache, progress=progress).iterdir()
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    for driver in (folder / "debezium-connector-jdbc").glob("*.jar"):
        if driver.name.startswith(_OTHER_DRIVERS):
            driver.unlink()


def write_locks(progress: Callable[[str], None] = print) -> None:
    """Resolve the versions above with all they need, fetch them, and record the sums."""
    how = "SHA-256, Maven coordinates. By: python -m connectors.kafka_connect.parts lock"
    kafka = read_lock(KAFKA_LOCK)
    worker = {
        jar
        for artifact in ("connect-runtime", "connect-file", "connect-json")
        for jar in resolve_with_jgo(Coordinate("org.apache.kafka", artifact, KAFKA_VERSION))
    }
    # Kafka's own jars stand beside them, as in Kafka's distribution.
    write_lock(WORKER.lock, sorted(worker - kafka.keys(), key=str), header=f"{WORKER.title}: {how}", progress=progress)
    converter = resolve_with_jgo(Coordinate("io.apicurio", "apicurio-registry-utils-converter", _CONVERTER_VERSION))
    converter = [jar for jar in converter if jar.artifact not in _WORKERS_OWN]
    write_lock(CONVERTER.lock, converter, header=f"{CONVERTER.title}: {how}", progress=progress)
    sink = Coordinate("io.debezium", "debezium-connector-jdbc", _SINK_VERSION, "tar.gz", "plugin")
    write_lock(JDBC_SINK.lock, [sink], header=f"{JDBC_SINK.title}: {how}", progress=progress)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["lock"]:
            write_locks()
        case ["plugins", folder]:
            lay_out_plugins(Path(folder), progress=print)
        case _:
            sys.exit("usage: python -m connectors.kafka_connect.parts lock | plugins FOLDER")
