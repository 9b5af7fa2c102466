"""Our sinks on a real Connect worker, with a real registry and a real PostgreSQL."""

import json
import math
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from confluent_kafka import Producer
from fastapi import FastAPI
from typer.testing import CliRunner

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import free_port
from connectors.kafka.admin import Topic, ensure_topics
from connectors.kafka_connect.rest import SINKS, KafkaConnect, read_connectors
from connectors.schema_registry import connect_registry
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import Forecast
from schemas.workloads import MetricPoint
from streams.cli.main import app
from streams.settings import Settings
from streams.topics import Topics, record_subjects
from streams.views.operation import registry as registry_view
from streams.views.operation.schema_catalogue import SchemaCatalogue
from tests.integration.servers import ConnectWorker, Postgres, Registry
from tests.integration.services import read_all, until

DAY_MS = 86_400_000
CUTOFF = 1_700_000_000_000  # 2023-11-14 22:13:20
TIMES = (CUTOFF, CUTOFF + DAY_MS, CUTOFF + 2 * DAY_MS)
LAST_LINES = 400  # of the worker's log, of which a start takes two thousand
OUTAGE_S = 15.0  # with the sink's defaults a task gives up at once, or after 5 s where the database goes in mid-write

# The first run on a machine fetches the servers, 230 MB; starting them takes a minute where others use the cores too.
pytestmark = pytest.mark.timeout(400)


@dataclass
class Platform:
    """The servers, the topics of one installation, and what the tests do with them."""

    bootstrap: str
    topics: Topics
    codec: Codec
    worker: ConnectWorker
    database: Postgres

    def send(self, topic: str, key: object, event: Any, *, codec: Codec | None = None, partition: int = -1) -> None:
        """Under the key's own partition unless one is named, which records of several keys need to keep their order."""
        value = event if event is None or isinstance(event, bytes) else (codec or self.codec).encode(event)
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(topic, key=str(key).encode(), value=value, partition=partition)
        assert producer.flush(10) == 0

    def forecast(self, ts_id: int, **changes: Any) -> None:
        self.send(self.topics.forecasts, ts_id, replace(_forecast(ts_id), **changes))

    @property
    def dead_letters(self) -> str:
        """The topic of what the sinks gave up."""
        return f"{self.topics.forecasts.removesuffix('forecasts')}connect-dead-letters"

    def rows(self, statement: str, expected: list[list[Any]]) -> None:
        """Wait until the statement yields these rows."""
        try:
            until(lambda: self.database.run(statement) == expected, why=f"{statement} yields {expected}")
        except AssertionError as error:
            raise AssertionError(
                "\n".join([f"{error}; it yields {self.database.run(statement)}", *self._signs()])
            ) from None

    def _signs(self) -> Iterator[str]:
        """Where events may have gone instead: what connectors are doing, what they gave up, what the worker says."""
        with KafkaConnect(self.worker.url) as cluster:
            yield from map(str, cluster.states())
        for message in read_all(self.bootstrap, self.dead_letters):
            yield f"{message.key()!r}: {message.headers()}"
        yield from self.worker.log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]

    def states(self) -> dict[str, bool]:
        """Whether each connector runs with all its tasks."""
        with KafkaConnect(self.worker.url) as cluster:
            return {state.name: state.running for state in cluster.states()}


def _forecast(ts_id: int) -> Forecast:
    return Forecast(
        job_id=1,
        ts_id=ts_id,
        n=3,
        item_id="('EWR', 'UA')",
        model_name="ETS",
        cutoff=CUTOFF,
        timestamps=TIMES[1:],
        mean=[1.5, math.nan],
        quantiles={"0.1": [1.0, 2.0], "0.9": [3.0, math.nan]},
    )


@pytest.fixture(scope="module")
def platform(
    broker: EmbeddedKafka, kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Everything started, our sinks applied."""
    folder = tmp_path_factory.mktemp("platform")
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    topics = Topics(Settings(topic_prefix=prefix, partitions=2))
    ensure_topics(broker.bootstrap, [Topic(spec.name, 2, 1, spec.config) for spec in topics.all])
    with Registry(folder / "registry") as registry, Postgres() as database:
        for _ in range(2):  # as after an upgrade
            database.run((SINKS / "postgresql.sql").read_text("utf-8"))
        environment = {
            "TIDECAST_KAFKA_BOOTSTRAP": broker.bootstrap,
            "TIDECAST_TOPIC_PREFIX": prefix,
            "TIDECAST_GROUP_PREFIX": prefix,
            "TIDECAST_REPLICATION_FACTOR": "1",
            "SINK_REGISTRY_URL": registry.converter_url,
            "SINK_POSTGRES_URL": database.jdbc_url,
            "SINK_POSTGRES_USER": "tidecast",
            "SINK_POSTGRES_PASSWORD": "not asked for",
            "SINK_FILE_FOLDER": str(folder),
        }
        with ConnectWorker(folder / "connect", kafka_jars=kafka_jars, java=java, environment=environment) as worker:
            registry.wait_ready()
            codec = connect_registry(registry.confluent_url, record_subjects(topics))
            worker.wait_ready()
            with KafkaConnect(worker.url) as cluster:
                outcomes = [cluster.apply(connector) for connector in read_connectors(SINKS)]
            assert [(outcome.change, outcome.reason) for outcome in outcomes] == [("created", "")] * len(outcomes)
            yield Platform(broker.bootstrap, topics, codec, worker, database)


def test_applying_again_changes_nothing_and_says_so(platform: Platform) -> None:
    """The command ends well, every connector is unchanged and runs; a changed one is changed."""
    again = CliRunner().invoke(app, ["connect", "apply", "--url", platform.worker.url])
    status = CliRunner().invoke(app, ["connect", "status", "--url", platform.worker.url])

    assert again.exit_code == 0, again.output
    assert again.output.count("unchanged") == again.output.count("1 RUNNING") == len(read_connectors(SINKS))
    assert status.exit_code == 0, status.output
    assert status.output.count("1 RUNNING") == len(read_connectors(SINKS))


def test_a_connector_that_the_worker_would_not_take_is_refused_in_its_words(platform: Platform, tmp_path: Path) -> None:
    """Nothing is created; the field and the reason are named."""
    [connector] = [found for found in read_connectors(SINKS) if found.name == "metrics-to-postgres"]
    config = {**connector.config, "tasks.max": "two"}
    (tmp_path / "wrong.json").write_text(json.dumps({"name": "wrong", "config": config}))

    refused = CliRunner().invoke(app, ["connect", "apply", str(tmp_path), "--url", platform.worker.url])

    assert refused.exit_code == 1
    assert "tasks.max: Invalid value two" in refused.output
    assert "wrong" not in platform.states()


def test_forecasts_become_rows_that_sql_can_use(platform: Platform) -> None:
    """Arrays and times as such; the views have a row per value, and per value and level."""
    platform.forecast(11)

    platform.rows("SELECT ts_id, job_id, n, model_name FROM forecasts WHERE ts_id = 11", [[11, 1, 3, "ETS"]])
    last, first, second = (datetime.fromtimestamp(time / 1000, UTC).replace(tzinfo=None) for time in TIMES)
    [[cutoff, timestamps]] = platform.database.run("SELECT cutoff, timestamps FROM forecasts WHERE ts_id = 11")
    assert (cutoff, timestamps) == (last, [first, second])
    values = platform.database.run("SELECT ds, mean::text FROM forecast_values WHERE ts_id = 11 ORDER BY ds")
    assert values == [[first, "1.5"], [second, "NaN"]]
    levels = platform.database.run(
        "SELECT level, ds, value::text FROM forecast_quantiles WHERE ts_id = 11 ORDER BY level, ds"
    )
    assert levels == [[0.1, first, "1"], [0.1, second, "2"], [0.9, first, "3"], [0.9, second, "NaN"]]


def test_metrics_and_status_become_rows(platform: Platform) -> None:
    """A metric that could not be computed is null; a job's row has its latest status, and goes with the job."""
    for iteration, value in enumerate((None, 1.5)):
        point = MetricPoint("fj-1-12-0", "mae", value, CUTOFF + iteration, iteration, "log")
        platform.send(platform.topics.metrics, point.workload_uid, point)
    for sequence, status in enumerate((CmdStatus.COMITTED, CmdStatus.DONE)):
        platform.send(platform.topics.job_status, 12, JobStatus(12, status, sequence, 2, 2, 2, 0))

    metrics = "SELECT metric_name, iteration, value FROM metrics WHERE workload_uid = 'fj-1-12-0' ORDER BY iteration"
    platform.rows(metrics, [["mae", 0, None], ["mae", 1, 1.5]])
    platform.rows("SELECT status, sequence FROM job_status WHERE job_id = 12", [["DONE", 1]])
    platform.send(platform.topics.job_status, 12, None)
    platform.rows("SELECT count(*) FROM job_status WHERE job_id = 12", [[0]])


def test_a_replay_gives_no_second_row(platform: Platform) -> None:
    """The same events again, and a later one of the same series: one row, the latest."""
    point = MetricPoint("fj-1-13-0", "mae", 1.0, CUTOFF, 0, "log")
    for _ in range(3):
        platform.forecast(13)
        platform.send(platform.topics.metrics, point.workload_uid, point)
    platform.forecast(13, n=4, model_name="Theta")
    platform.send(platform.topics.metrics, point.workload_uid, replace(point, iteration=1))

    platform.rows("SELECT n, model_name FROM forecasts WHERE ts_id = 13", [[4, "Theta"]])
    platform.rows("SELECT iteration FROM metrics WHERE workload_uid = 'fj-1-13-0' ORDER BY iteration", [[0], [1]])


def test_an_older_forecast_that_comes_late_leaves_the_row(platform: Platform) -> None:
    """By switches and number within a job; another job's wins, whatever its number, and an empty record deletes."""
    row = "SELECT job_id, n, model_name FROM forecasts WHERE ts_id = 17"
    theta = replace(_forecast(17), n=4, model_name="Theta")

    def send(forecast: Forecast | None, *, after: int) -> None:
        """Wait until it has been applied: until the sink has written what follows it, of series `after`."""
        platform.send(platform.topics.forecasts, 17, forecast, partition=0)
        platform.send(platform.topics.forecasts, after, _forecast(after), partition=0)
        platform.rows(f"SELECT ts_id FROM forecasts WHERE ts_id = {after}", [[after]])

    send(theta, after=171)
    send(replace(theta, n=3, model_name="ETS"), after=172)
    assert platform.database.run(row) == [[1, 4, "Theta"]]
    send(replace(theta, model_name="Drift"), after=173)
    assert platform.database.run(row) == [[1, 4, "Drift"]]
    send(replace(theta, n=2, switches=1), after=176)  # its model answers now
    assert platform.database.run(row) == [[1, 2, "Theta"]]
    send(replace(theta, n=5, model_name="ETS"), after=177)  # and this one no more
    assert platform.database.run(row) == [[1, 2, "Theta"]]
    send(replace(theta, job_id=2, n=0), after=174)
    assert platform.database.run(row) == [[2, 0, "Theta"]]
    send(None, after=175)
    assert platform.database.run(row) == []
    assert platform.states()["forecasts-to-postgres"]


def test_an_older_status_that_comes_late_leaves_the_row(platform: Platform) -> None:
    """By its sequence, which grows as long as the job is there."""
    topic = platform.topics.job_status
    platform.send(topic, 18, JobStatus(18, CmdStatus.DONE, 4, 2, 2, 2, 0), partition=0)
    platform.send(topic, 18, JobStatus(18, CmdStatus.COMITTED, 3, 2, 2, 0, 0), partition=0)
    platform.send(topic, 19, JobStatus(19, CmdStatus.CREATED, 1, 0, 0, 0, 0), partition=0)

    platform.rows("SELECT job_id FROM job_status WHERE job_id = 19", [[19]])
    assert platform.database.run("SELECT status, sequence FROM job_status WHERE job_id = 18") == [["DONE", 4]]


def test_a_poison_record_goes_to_the_dead_letters_and_the_task_runs_on(platform: Platform) -> None:
    """What is no Avro, and a key that is no number: both are kept with their reason, and the next one is written."""
    platform.send(platform.topics.forecasts, 14, b"no avro")
    platform.send(platform.topics.forecasts, "no number", _forecast(14))
    platform.forecast(14)

    platform.rows("SELECT ts_id FROM forecasts WHERE ts_id = 14", [[14]])
    topic = platform.dead_letters

    def letters() -> dict[bytes, dict[str, bytes]]:
        found = [(message.key(), dict(message.headers() or [])) for message in read_all(platform.bootstrap, topic)]
        return {key: kept for key, kept in found if kept["__connect.errors.connector.name"] == b"forecasts-to-postgres"}

    kept = until(lambda: len(letters()) == 2 and letters(), why="both are in the dead-letter topic")
    assert set(kept) == {b"14", b"no number"}
    assert kept[b"14"]["__connect.errors.stage"] == b"VALUE_CONVERTER"
    assert kept[b"no number"]["__connect.errors.stage"] == b"TRANSFORMATION"
    assert platform.states()["forecasts-to-postgres"]


def test_nothing_is_lost_while_the_database_is_away(platform: Platform) -> None:
    """Longer than the sink's default would endure it: tasks run on, and events sent meanwhile are written after it."""
    platform.forecast(150)
    platform.rows("SELECT ts_id FROM forecasts WHERE ts_id = 150", [[150]])

    platform.database.stop()
    back = time.monotonic() + OUTAGE_S
    for ts_id in range(151, 171):
        platform.forecast(ts_id)
    while time.monotonic() < back:
        assert all(platform.states().values()), platform.states()
        time.sleep(0.5)  # the length of the outage is what is tested
    platform.database.start()

    platform.rows("SELECT count(*) FROM forecasts WHERE ts_id BETWEEN 150 AND 170", [[21]])
    assert all(platform.states().values())


@pytest.fixture
def catalogue_url() -> Iterator[str]:
    """The service's own schema catalogue, which stands for a registry where there is none."""
    service = FastAPI()
    service.state.catalogue = SchemaCatalogue(Topics(Settings()))
    service.include_router(registry_view.router)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(service, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, why="the catalogue answers")
    yield f"http://127.0.0.1:{port}/registry/apis/registry/v2"
    server.should_exit = True
    thread.join()


def test_forecasts_become_lines_of_json_also_without_a_registry(
    platform: Platform, catalogue_url: str, tmp_path: Path
) -> None:
    """The file sink with the service's own catalogue in the registry's place, and the ids of the lock file."""
    [connector] = [found for found in read_connectors(SINKS) if found.name == "forecasts-to-file"]
    topic = f"{platform.topics.forecasts}-embedded"
    ensure_topics(platform.bootstrap, [Topic(topic, 1, 1, {})])
    file = tmp_path / "forecasts.jsonl"
    changes = {
        "topics": topic,
        "file": str(file),
        "value.converter.apicurio.registry.url": catalogue_url,
    }
    name = {"groups": {"Origin": "EWR"}, "series_key": "Origin=EWR", "data_id": 5}
    platform.send(topic, 16, replace(_forecast(16), **name), codec=Codec())
    with KafkaConnect(platform.worker.url) as cluster:
        outcome = cluster.apply(replace(connector, name="embedded", config={**connector.config, **changes}))

    assert outcome.ok, outcome.reason
    [line] = until(lambda: file.exists() and file.read_text("utf-8").splitlines(), why="the line is there")
    assert json.loads(line) == {
        "job_id": 1,
        "ts_id": 16,
        "n": 3,
        "switches": 0,
        "item_id": "('EWR', 'UA')",
        "model_name": "ETS",
        "cutoff": CUTOFF,
        "timestamps": [CUTOFF + DAY_MS, CUTOFF + 2 * DAY_MS],
        "mean": [1.5, "NaN"],
        "quantiles": {"0.1": [1.0, 2.0], "0.9": [3.0, "NaN"]},
        "answered_by": None,
        "micros": [],
        "utc_offsets": [],
        "project": "",
        **name,
    }
    httpx.delete(f"{platform.worker.url}/connectors/embedded").raise_for_status()
