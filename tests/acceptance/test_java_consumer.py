"""The Java program of docs/events.md, as it is printed: Kafka's own client and Apache Avro, nothing of ours."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import pytest

from connectors.embedded_kafka.jars import default_cache_dir
from connectors.embedded_kafka.java import Java
from connectors.processes.guarded_process import GuardedProcess
from tests.acceptance.forecasting.jobs import element, new_job, sample, train
from tests.acceptance.stock import StockClient
from tests.integration.servers import JAVA_PROGRAM
from tests.integration.services import Service, until

ROOT: Final = Path(__file__).parents[2]
SCHEMAS: Final = ROOT / "schemas" / "avro"
[PROGRAM] = re.findall(
    r"<!-- tested: tests/acceptance/test_java_consumer.py compiles and runs it -->\n```java\n(.*?)```",
    (ROOT / "docs" / "events.md").read_text("utf-8"),
    re.DOTALL,
)
#: The smallest Java at the quickest start.
SMALL: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class JavaReader:
    """The program on one topic; ended with the block."""

    def __init__(self, command: list[str], folder: Path, topic: str) -> None:
        self._output = folder / f"{topic}.txt"
        self._process = GuardedProcess(command, cwd=folder, env={"LANG": "C.UTF-8"}, output=self._output)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    def records(self) -> list[tuple[str, Any]]:
        """Key and value of what it has printed so far."""
        text = self._output.read_text("utf-8")
        assert self._process.poll() is None, text
        lines = text[: text.rfind("\n") + 1].splitlines()  # the last one may be half written
        pairs = [line.split("\t", 1) for line in lines if re.match(r"[0-9]+\t", line)]
        return [(key, json.loads(value)) for key, value in pairs]

    def of(self, key: int, count: int) -> list[Any]:
        """The values of a key, once there are so many."""

        def found() -> list[Any]:
            values = [value for each, value in self.records() if each == str(key)]
            return values if len(values) >= count else []

        return until(found, why=f"the Java program has printed {count} records of {key}")


@pytest.fixture(scope="module")
def compiled(kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the program. The Java from pip has no compiler, so a jar brings one."""
    folder = tmp_path_factory.mktemp("java")
    (folder / "ReadTopic.java").write_text(PROGRAM, "utf-8")
    jars = {
        jar.name.partition("-")[0]: jar for jar in JAVA_PROGRAM.obtain(default_cache_dir(), progress=print).iterdir()
    }
    path = [str(jars["avro"]), *sorted(str(jar) for jar in kafka_jars.glob("*.jar"))]
    compiler = [str(java.path), *SMALL, "-cp", str(jars["ecj"]), "org.eclipse.jdt.internal.compiler.batch.Main"]
    ran = subprocess.run(
        [*compiler, "-17", "-cp", ":".join(path), "-d", str(folder), str(folder / "ReadTopic.java")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [str(java.path), *SMALL, "-cp", ":".join([str(folder), *path]), "ReadTopic"]


@pytest.fixture
def readers(service: Service, compiled: list[str], tmp_path: Path) -> Iterator[Any]:
    """Starts the program on a topic, with a schema as this release has it or as an argument says."""
    with ExitStack() as stack:

        def start(topic: str, schema: Path) -> JavaReader:
            command = [*compiled, service.bootstrap, f"{service.stack.url}/registry", topic, str(schema)]
            return stack.enter_context(JavaReader(command, tmp_path, topic))

        yield start


def as_java_prints(value: Any) -> Any:
    """A value of the Python reader in Avro's own numbers: an instant is milliseconds since 1970."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: as_java_prints(each) for key, each in value.items()}
    return [as_java_prints(each) for each in value] if isinstance(value, list | tuple) else value


def test_java_reads_what_python_reads(service: Service, stock: StockClient, readers: Any, tmp_path: Path) -> None:
    """Every forecast and every status of a job, field by field; a deleted job's are null; an older schema will do."""
    older = json.loads((SCHEMAS / "job_status.avsc").read_text("utf-8"))
    older["fields"] = [field for field in older["fields"] if field["name"] in {"job_id", "status"}]
    (tmp_path / "older.avsc").write_text(json.dumps(older), "utf-8")
    forecasts = readers(service.topics.forecasts, SCHEMAS / "forecast.avsc")
    statuses = readers(service.topics.job_status, tmp_path / "older.avsc")
    job_id, (ts_id,) = new_job(service.api, sample())
    train(service.api, job_id, element(ts_id, "LinearFit", {"latest_n": 5}), element(ts_id, "SES", {}))
    service.api.call("DELETE", f"/job/{job_id}/")

    until(lambda: (b"%d" % ts_id, None) in stock.events(service.topics.forecasts), why="the forecast is deleted")
    expected = [value for key, value in stock.events(service.topics.forecasts) if key == b"%d" % ts_id]
    told = [value for key, value in stock.events(service.topics.job_status) if key == b"%d" % job_id]
    assert len(expected) >= 2
    assert forecasts.of(ts_id, len(expected))[: len(expected)] == as_java_prints(expected)
    assert statuses.of(job_id, len(told))[: len(told)] == [
        value and {"job_id": value["job_id"], "status": value["status"]} for value in told
    ]
