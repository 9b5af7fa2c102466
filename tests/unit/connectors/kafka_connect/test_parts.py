"""What Kafka Connect needs beside Kafka: the recorded sets, and the plugin folders made of them."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from connectors.embedded_kafka.jars import KAFKA_LOCK, KAFKA_VERSION
from connectors.embedded_kafka.locked_files import LockedFiles, read_lock
from connectors.embedded_kafka.maven import Coordinate
from connectors.kafka_connect import parts as connect_parts
from connectors.kafka_connect.parts import CONVERTER, FILE_SINK, JDBC_SINK, WORKER, PartsError, lay_out_plugins


def test_the_worker_stands_on_kafkas_own_jars() -> None:
    """Of the same release, and none of them twice."""
    worker, kafka = read_lock(WORKER.lock), read_lock(KAFKA_LOCK)

    assert {"connect-runtime", "connect-file", "connect-json"} <= {jar.artifact for jar in worker}
    assert {jar.version for jar in worker if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert not {jar.artifact for jar in worker} & {jar.artifact for jar in kafka}


def test_the_converter_brings_no_second_copy_of_the_workers_classes() -> None:
    """A class of Connect that a plugin has too is a foreign one, and fails."""
    converter = {jar.artifact for jar in read_lock(CONVERTER.lock)}

    assert "apicurio-registry-utils-converter" in converter
    assert not {"connect-api", "connect-json", "kafka-clients", "slf4j-api"} & converter


def test_the_sink_is_one_archive() -> None:
    """Of the packaging that Debezium publishes."""
    [archive] = read_lock(JDBC_SINK.lock)

    assert archive.file_name.startswith("debezium-connector-jdbc-")
    assert archive.file_name.endswith("-plugin.tar.gz")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    """Nothing is fetched, nothing is written."""
    (tmp_path / "mine").write_text("x")

    with pytest.raises(PartsError, match="is not empty"):
        lay_out_plugins(tmp_path, progress=print, cache_dir=tmp_path / "cache")

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_every_plugin_that_the_sinks_need_is_laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also Kafka's file sink, which the worker's class path lacks; of the worker's own jars no other."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("debezium-connector-jdbc.jar", "postgresql.jar", "ojdbc11.jar"):
            archive.addfile(tarfile.TarInfo(f"debezium-connector-jdbc/{name}"))
    kafka = "org.apache.kafka:connect-{}:" + KAFKA_VERSION
    sets = {
        "WORKER": {kafka.format("file"): b"file", kafka.format("json"): b"json"},
        "CONVERTER": {"io.apicurio:converter:1": b"converter"},
        "JDBC_SINK": {"io.debezium:debezium-connector-jdbc:1:tar.gz:plugin": packed.getvalue()},
    }
    for name, files in sets.items():
        monkeypatch.setattr(connect_parts, name, _in_cache(tmp_path / "cache", name, files))

    lay_out_plugins(tmp_path / "plugins", progress=print, cache_dir=tmp_path / "cache")

    assert {str(path.relative_to(tmp_path / "plugins")) for path in (tmp_path / "plugins").rglob("*.jar")} == {
        "apicurio-converter/converter-1.jar",
        "apicurio-converter/tidecast-listing.jar",
        "debezium-connector-jdbc/debezium-connector-jdbc.jar",
        "debezium-connector-jdbc/postgresql.jar",
        f"file/{FILE_SINK}",
    }


def _in_cache(cache: Path, name: str, files: dict[str, bytes]) -> LockedFiles:
    """A recorded set that need not be fetched."""
    lock = cache / f"{name}.lock"
    cache.mkdir(exist_ok=True)
    lock.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in files.items()))
    folder = cache / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder.mkdir()
    for file, data in files.items():
        (folder / Coordinate.parse(file).file_name).write_bytes(data)
    return LockedFiles(name, name, lock)
