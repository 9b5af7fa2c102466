"""Kafka Connect's REST API: what is asked, and what becomes of the answers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.kafka_connect.rest import (
    SINKS,
    ConnectError,
    Connector,
    ConnectUnreachableError,
    KafkaConnect,
    current_config,
    read_connectors,
    rejections,
)
from connectors.kafka_connect.state import connector_state, reason_of

SINK = Connector("sink", {"connector.class": "org.example.Sink", "topics": "forecasts"})
TRACE = """org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)
Caused by: java.lang.RuntimeException
\t... 9 more
Caused by: org.postgresql.util.PSQLException: FATAL: role "nobody" does not exist
\tat org.postgresql.core.v3.QueryExecutorImpl.receive(QueryExecutorImpl.java:27)
"""


class Worker:
    """Stands for a Connect worker; `tasks` are the states that a task shows, one a look, the last one for good."""

    def __init__(self, *tasks: str, config: Mapping[str, str] | None = None, errors: list[str] | None = None) -> None:
        self.tasks = list(tasks)
        self.config = config
        self.errors = errors or []
        self.asked: list[str] = []
        self.time = 0.0
        self.before: list[httpx.Response | Exception] = []

    def cluster(self, **settings: Any) -> KafkaConnect:
        return KafkaConnect(
            "http://worker:8083/",
            transport=httpx.MockTransport(self._answer),
            pause=self._pause,
            clock=lambda: self.time,
            **settings,
        )

    def changes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET") and "validate" not in line]

    def _pause(self, seconds: float) -> None:
        self.time += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:  # noqa: PLR0911  # one for each request
        if self.before:
            first = self.before.pop(0)
            if isinstance(first, Exception):
                raise first
            return first
        path = request.url.raw_path.decode()
        self.asked.append(f"{request.method} {path}")
        match request.method, path:
            case "PUT", "/connector-plugins/org.example.Sink/config/validate":
                value = {"name": "topics", "errors": self.errors}
                return httpx.Response(200, json={"configs": [{"value": value}]})
            case "GET", "/connectors/sink/config" if self.config is not None:
                return httpx.Response(200, json={"name": "sink", **self.config})
            case "PUT", "/connectors/sink/config":
                created, self.config = self.config is None, json.loads(request.content)
                return httpx.Response(201 if created else 200, json={})
            case "GET", "/connectors/sink/status" if self.tasks:
                state = self.tasks.pop(0) if len(self.tasks) > 1 else self.tasks[0]
                return httpx.Response(200, json=_status(state))
            case "POST", "/connectors/sink/restart?includeTasks=true&onlyFailed=true":
                return httpx.Response(202, json={})
            case _:
                return httpx.Response(404, json={"error_code": 404, "message": f"no {path}"})


def _status(*tasks: str) -> dict[str, Any]:
    found = [
        {"id": number, "state": state, "worker_id": "worker", **({"trace": TRACE} if state == "FAILED" else {})}
        for number, state in enumerate(tasks)
    ]
    return {"name": "sink", "connector": {"state": "RUNNING", "worker_id": "worker"}, "tasks": found, "type": "sink"}


def test_a_new_connector_is_checked_then_created_then_waited_for() -> None:
    """One that shows itself running, and goes on to, is created."""
    worker = Worker("UNASSIGNED", "RUNNING")

    outcome = worker.cluster().apply(SINK)

    assert (outcome.change, outcome.ok, outcome.reason) == ("created", True, "")
    assert worker.asked[0] == "PUT /connector-plugins/org.example.Sink/config/validate"
    assert worker.changes() == ["PUT /connectors/sink/config"]
    assert worker.config == SINK.config


def test_the_same_again_changes_nothing_and_does_not_wait() -> None:
    """A running connector with this very configuration is left alone."""
    worker = Worker("RUNNING", config=SINK.config)

    outcome = worker.cluster().apply(SINK)

    assert (outcome.change, worker.changes(), worker.time) == ("unchanged", [], 0.0)


def test_another_configuration_is_a_change() -> None:
    """What the worker has is replaced."""
    worker = Worker("RUNNING", config={**SINK.config, "topics": "others"})

    assert worker.cluster().apply(SINK).change == "changed"
    assert worker.config == SINK.config


def test_a_configuration_that_would_not_be_taken_changes_nothing() -> None:
    """The field and the reason are told."""
    worker = Worker("RUNNING", config={**SINK.config, "topics": "old"}, errors=["Invalid value"])

    outcome = worker.cluster().apply(SINK)

    assert (outcome.change, outcome.reason) == ("failed", "topics: Invalid value")
    assert worker.changes() == []


def test_a_task_that_gave_up_is_started_again() -> None:
    """Without a change of its configuration, and waited for."""
    worker = Worker("FAILED", "FAILED", "RUNNING", config=SINK.config)

    outcome = worker.cluster().apply(SINK)

    assert (outcome.change, outcome.ok) == ("unchanged", True)
    assert worker.changes() == ["POST /connectors/sink/restart?includeTasks=true&onlyFailed=true"]


def test_a_task_that_runs_only_for_a_moment_has_failed() -> None:
    """The state may still be that of the tasks before; the reason is the innermost cause, and comes soon."""
    worker = Worker("RUNNING", "RUNNING", "FAILED", config={**SINK.config, "topics": "old"})

    outcome = worker.cluster(patience_s=60).apply(SINK)

    assert (outcome.change, outcome.reason) == ("failed", 'FATAL: role "nobody" does not exist')
    assert worker.time < 10


def test_tasks_that_do_not_start_are_given_up_when_the_time_is_up() -> None:
    """With the time that was waited."""
    outcome = Worker("UNASSIGNED").cluster(patience_s=7).apply(SINK)

    assert (outcome.change, outcome.reason) == ("failed", "it does not run after 7 s")


@pytest.mark.parametrize(
    "first",
    [
        httpx.ConnectError("refused"),
        httpx.Response(404, text="<html>", headers={"content-type": "text/html"}),
        httpx.Response(409, json={"error_code": 409, "message": "rebalancing"}),
    ],
    ids=["not there", "starting", "rebalancing"],
)
def test_a_worker_that_is_not_ready_is_waited_for(first: httpx.Response | Exception) -> None:
    """Each goes away by itself."""
    worker = Worker("RUNNING", config=SINK.config)
    worker.before = [first]

    assert worker.cluster().apply(SINK).ok


def test_a_worker_that_never_answers_is_named() -> None:
    """With the address and the remedy."""
    worker = Worker()
    worker.before = [httpx.ConnectError("refused")] * 100

    with pytest.raises(ConnectUnreachableError, match=r"no Kafka Connect worker answers at http://worker:8083 .*--url"):
        worker.cluster(patience_s=5).apply(SINK)


def test_another_server_at_the_address_is_told() -> None:
    """An answer that is no JSON is none of Connect's."""
    worker = Worker()
    worker.before = [httpx.Response(200, text="hello")]

    assert "is not a Kafka Connect worker" in worker.cluster().apply(SINK).reason


def test_rejections_name_the_field_once_and_leave_the_list_of_plugins_out() -> None:
    """Also where the class itself is unknown, which is an error of the request."""
    twice = {"configs": [{"value": {"name": "topics", "errors": ["Empty", "Empty"]}}]}
    unknown = {"message": "Failed to find any class Nope, available connectors are: PluginDesc{…}"}

    assert rejections(200, twice) == ["topics: Empty"]
    assert rejections(400, unknown) == ["Failed to find any class Nope"]
    assert rejections(500, None) == ["the Connect worker answered 500"]


def test_the_present_configuration_is_told_apart_from_none() -> None:
    """Connect adds the name; an error is an error."""
    assert current_config(404, {"message": "not found"}) is None
    assert current_config(200, {"name": "sink", "topics": "a"}) == {"topics": "a"}
    with pytest.raises(ConnectError, match="broken"):
        current_config(500, {"message": "broken"})


def test_a_state_needs_a_task_to_be_running() -> None:
    """No task yet is not running; one of two that failed is a failure."""
    assert not connector_state(_status()).running
    assert connector_state(_status("RUNNING", "RUNNING")).running
    both = connector_state(_status("RUNNING", "FAILED"))
    assert (both.running, both.failed, both.reason) == (False, True, 'FATAL: role "nobody" does not exist')


def test_a_trace_in_another_form_is_shown_by_its_first_line() -> None:
    """Rather than not at all."""
    assert reason_of("something odd\n\tat x") == "something odd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("{}", "the field name is missing"),
        ('{"name": "a", "config": {}}', "connector.class"),
        ('{"name": "a", "config": {"connector.class": "C", "tasks.max": 1}}', r"config\.tasks\.max is not a text"),
    ],
)
def test_a_wrong_file_is_named_with_the_field(tmp_path: Path, content: str, message: str) -> None:
    """Before anything is asked of a cluster."""
    (tmp_path / "wrong.json").write_text(content)

    with pytest.raises(ConnectError, match=rf"wrong\.json.*{message}"):
        read_connectors(tmp_path)


def _twins(folder: Path) -> None:
    folder.mkdir()
    for name in ("one.json", "two.json"):
        (folder / name).write_text('{"name": "a", "config": {"connector.class": "C"}}')


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "is no folder"),
        (lambda folder: folder.mkdir(), "holds no"),
        (_twins, "both named a"),
    ],
)
def test_a_wrong_folder_is_told(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    """Missing, empty, or with two files of one name."""
    make(tmp_path / "sinks")

    with pytest.raises(ConnectError, match=message):
        read_connectors(tmp_path / "sinks")


def test_our_sinks_hold_no_secret_and_keep_what_they_cannot_use() -> None:
    """Addresses and passwords come from the worker's environment; every sink has the dead-letter topic."""
    for connector in read_connectors(SINKS):
        config = connector.config
        assert connector.name.replace("-", "").isalpha()
        assert all(value.startswith("${env:") for field, value in config.items() if "password" in field)
        assert all("://" not in value for value in config.values())
        assert config["errors.tolerance"] == "all"
        assert config["errors.deadletterqueue.topic.name"] == "${env:TIDECAST_TOPIC_PREFIX}connect-dead-letters"
        assert config["value.converter.apicurio.registry.id-handler"].endswith("Legacy4ByteIdHandler")
