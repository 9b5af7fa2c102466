"""What Kafka Connect needs beside Kafka: the recorded sets, and the plugin folders made of them."""

from pathlib import Path

import pytest

from connectors.connect_parts import CONVERTER, JDBC_SINK, WORKER, PartsError, lay_out_plugins
from connectors.kafka_jars import KAFKA_LOCK, KAFKA_VERSION
from connectors.locked_files import read_lock


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
