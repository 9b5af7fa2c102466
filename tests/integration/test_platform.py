"""The platform of docker-compose.yml, started without Docker: the same servers with the same variables."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.java import Java
from connectors.kafka_connect.rest import SINKS
from schemas.coding.wire import unframe
from streams.settings import Settings
from streams.topics import Topics
from tests.compose import SERVICES, environment
from tests.integration.processes import WorkerProcess
from tests.integration.redis_server import RedisServer
from tests.integration.servers import ConnectWorker, ObjectServer, Postgres, Registry
from tests.integration.services import Api, csv_of, read_all, until

SERIES = 40  # on every partition are some, so that both trainers have work
_DEFAULT = re.compile(r"\$\{\w+:-(\w+)\}")  # of a variable that the file takes from its reader

# The first run on a machine fetches the servers; starting them takes a minute where others use the cores too.
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Platform:
    """Where everything is, and what the installation is named."""

    api: Api
    topics: Topics
    bootstrap: str
    registry: Registry
    database: Postgres
    redis: RedisServer
    objects: ObjectServer
    connect: ConnectWorker
    folder: Path
    variables: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def platform(
    broker: EmbeddedKafka, kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Every service of the file; the prefix is this test's own, as the broker is shared."""
    folder = tmp_path_factory.mktemp("platform")
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    addresses = {"kafka:9092": broker.bootstrap}

    def variables(name: str) -> dict[str, str]:
        found = {key: _DEFAULT.sub(r"\1", value) for key, value in environment(name).items()}
        for key, value in found.items():
            for address, here in addresses.items():
                found[key] = found[key].replace(address, here)
            assert not re.search(rf"\b({'|'.join(SERVICES)}):\d", found[key]), f"{name}: {key} is {value}"
        return found | {"TIDECAST_TOPIC_PREFIX": prefix, "TIDECAST_GROUP_PREFIX": prefix}

    with ExitStack() as stack:
        start = stack.enter_context
        keys = variables("objects")
        objects = start(
            ObjectServer(
                folder / "objects", access_key=keys["AWS_ACCESS_KEY_ID"], secret_key=keys["AWS_SECRET_ACCESS_KEY"]
            )
        )
        registry = start(Registry(folder / "registry", environment=variables("registry")))
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        database = start(Postgres())
        database.run((SINKS / "postgresql.sql").read_text("utf-8"))
        addresses |= {
            "objects:8333": objects.url.removeprefix("http://"),
            "redis:6379": f"127.0.0.1:{redis.port}",
            "registry:8080": registry.url.removeprefix("http://"),
            "postgres:5432/tidecast": f"127.0.0.1:{database.port}/postgres",
        }
        sinks = variables("connect") | {"SINK_FILE_FOLDER": str(folder)}
        connect = start(ConnectWorker(folder / "connect", kafka_jars=kafka_jars, java=java, environment=sinks))
        registry.wait_ready()
        objects.wait_ready()
        addresses["state:8080"] = "127.0.0.1:8080"
        workers = []
        for name in ("state", "trainer-1", "trainer-2"):
            given = variables(name) | {"TIDECAST_HOME": str(folder / name), "TIDECAST_HTTP_HOST": "127.0.0.1"}
            given.pop("TIDECAST_ADVERTISED_URL", None)  # its port is another one here
            [role] = SERVICES[name]["command"]
            workers.append(WorkerProcess(role, given["TIDECAST_WORKER_ID"], given, folder))
            stack.callback(workers[-1].kill)
        until(workers[0].is_ready, why="the state worker is ready")
        until(lambda: all(worker.is_working() for worker in workers[1:]), why="the trainers are ready")
        connect.wait_ready()
        addresses["connect:8083"] = connect.url.removeprefix("http://")
        apply = [part for part in SERVICES["sinks"]["command"] if part != "--watch"]
        apply = [part.replace("http://connect:8083", connect.url) for part in apply]
        done = subprocess.run(
            [Path(sys.executable).with_name("tidecast"), *apply], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Platform(
            Api(workers[0].url),
            Topics(Settings(topic_prefix=prefix)),
            broker.bootstrap,
            registry,
            database,
            redis,
            objects,
            connect,
            folder,
            {name: variables(name) for name in ("state",)},
        )


def test_a_job_goes_through_the_whole_platform(platform: Platform) -> None:
    """Results over HTTP; the forecasts in Redis, in PostgreSQL's table and in the sink's file; schemas registered."""
    api = platform.api
    job_id, ts_ids = api.new_job(csv_of(SERIES, 40))
    api.train(job_id, ts_ids)
    shown = {entry["ts_id"]: entry["results"][0]["predictions"] for entry in api.finished(job_id)["results"]}
    assert sorted(shown) == ts_ids

    until(lambda: len(platform.redis.client.keys("*forecast:*")) >= SERIES, why="all forecasts are in Redis")
    for ts_id in ts_ids:
        assert api.get(f"/forecasts/{ts_id}")["mean"] == shown[ts_id]
    statement = "SELECT ts_id, mean FROM forecasts ORDER BY ts_id"
    rows = until(
        lambda: found if len(found := platform.database.run(statement)) >= SERIES else None, why="all rows are there"
    )
    assert dict(rows) == shown
    file = platform.folder / "forecasts.jsonl"
    lines = until(
        lambda: found if file.exists() and len(found := file.read_text("utf-8").splitlines()) >= SERIES else None,
        why="all lines are in the file",
    )
    assert {line["ts_id"]: line["mean"] for line in map(json.loads, lines)} == shown
    done = "SELECT status FROM job_status"
    until(lambda: platform.database.run(done) == [["DONE"]], why="the job's status is in PostgreSQL")


def test_the_registry_knows_what_the_records_were_written_with(platform: Platform) -> None:
    """The ids in the records are the registry's, for subjects that a consumer of the field expects."""
    message = read_all(platform.bootstrap, platform.topics.forecasts)[0]
    schema_id, _ = unframe(message.value())
    answer = httpx.get(f"{platform.registry.confluent_url}/schemas/ids/{schema_id}", timeout=30)

    assert json.loads(answer.json()["schema"])["name"] == "Forecast"
    subject = f"{platform.registry.confluent_url}/subjects/{platform.topics.forecasts}-value/versions/latest"
    assert httpx.get(subject, timeout=30).json()["id"] == schema_id


def test_data_sets_and_splits_are_objects(platform: Platform) -> None:
    """In the bucket that the file names, under its prefix; nothing is kept in the workers' own folders."""
    state = platform.variables["state"]
    bucket, _, prefix = state["TIDECAST_OBJECT_STORE"].removeprefix("s3://").partition("/")
    client = boto3.client(
        "s3",
        endpoint_url=state["AWS_ENDPOINT_URL"],
        aws_access_key_id=state["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=state["AWS_SECRET_ACCESS_KEY"],
        region_name=state["AWS_DEFAULT_REGION"],
    )
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]]

    assert any(key.endswith(".csv") for key in keys), keys
    assert any(key.endswith(".npz") for key in keys), keys
    assert not (platform.folder / "state" / "objects").exists()
