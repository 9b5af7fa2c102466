"""`tidecast connect`: what it prints and how it ends; the cluster is a stand-in."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner

from connectors.kafka_connect import rest as kafka_connect
from connectors.kafka_connect.rest import SINKS, Connector, ConnectUnreachableError, Outcome, read_connectors
from connectors.kafka_connect.state import ConnectorState
from streams.cli.console.failure import CommandError
from streams.cli.main import app
from streams.cli.operation import connect

RUNNING = ConnectorState("sink", "sink", "RUNNING", ("RUNNING",))
FAILED = ConnectorState("sink", "sink", "RUNNING", ("RUNNING", "FAILED"), "the database is away")


class Cluster:
    """Answers `apply` with one list of outcomes after the other; the last one ends the watching."""

    rounds: Sequence[Outcome | Exception] = ()
    found: Sequence[ConnectorState] = ()
    applied: list[str]

    def __init__(self, url: str, **_settings: Any) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def apply(self, connector: Connector) -> Outcome:
        Cluster.applied.append(connector.name)
        [answer, *Cluster.rounds] = Cluster.rounds
        if isinstance(answer, Exception):
            raise answer
        return answer

    def states(self) -> Sequence[ConnectorState]:
        return self.found


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[Cluster]:
    Cluster.rounds, Cluster.found, Cluster.applied = (), (), []
    monkeypatch.setattr(kafka_connect, "KafkaConnect", Cluster)
    return Cluster


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sink.json").write_text('{"name": "sink", "config": {"connector.class": "C"}}')
    return tmp_path


def test_without_a_folder_our_sinks_are_applied(cluster: type[Cluster]) -> None:
    """Each one, and the table has a line for it."""
    names = [connector.name for connector in read_connectors(SINKS)]
    cluster.rounds = [Outcome(name, "created", RUNNING) for name in names]

    done = CliRunner().invoke(app, ["connect", "apply"])

    assert done.exit_code == 0
    assert cluster.applied == names
    assert all(name in done.output for name in names)


def test_one_that_does_not_run_is_an_error_with_its_reason(cluster: type[Cluster], folder: Path) -> None:
    """The table comes first, then what to do."""
    cluster.rounds = [Outcome("sink", "failed", FAILED, FAILED.reason)]

    done = CliRunner().invoke(app, ["connect", "apply", str(folder)])

    assert "the database is away" in done.output
    assert "1 FAILED, 1 RUNNING" in done.output
    assert isinstance(done.exception, CommandError)
    assert "sink does not run" in str(done.exception)


def test_watching_says_what_changed_and_outlives_the_cluster(
    cluster: type[Cluster], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gave up, the worker was away, it runs again; a look that finds nothing new says nothing."""
    monkeypatch.setattr(connect, "_WATCH_S", 0.0)
    runs, gave_up = Outcome("sink", "unchanged", RUNNING), Outcome("sink", "failed", FAILED, FAILED.reason)
    cluster.rounds = [runs, runs, gave_up, gave_up, ConnectUnreachableError("no worker"), runs, KeyboardInterrupt()]

    done = CliRunner().invoke(app, ["connect", "apply", "--watch", str(folder)])

    assert done.output.count("the database is away") == 1
    assert done.output.count("unchanged") == 2
    assert "no worker" in done.output


def test_status_shows_every_connector_and_fails_for_one_that_gave_up(cluster: type[Cluster]) -> None:
    """Also those that are not ours."""
    cluster.found = [RUNNING, FAILED]

    done = CliRunner().invoke(app, ["connect", "status"])

    assert "1 FAILED, 1 RUNNING" in done.output
    assert isinstance(done.exception, CommandError)
    cluster.found = []
    assert "no connectors" in CliRunner().invoke(app, ["connect", "status"]).output


@pytest.mark.parametrize("url", ["connect:8083", "http://", "ftp://connect", "http://connect:port"])
@pytest.mark.parametrize("command", ["apply", "status"])
def test_a_wrong_address_is_told_before_anything_is_asked(cluster: type[Cluster], command: str, url: str) -> None:
    """With the form that it should have."""
    done = CliRunner().invoke(app, ["connect", command, "--url", url])

    assert isinstance(done.exception, CommandError)
    assert "http://host:port" in str(done.exception)
    assert cluster.applied == []


def test_what_was_applied_as_json(cluster: type[Cluster], folder: Path) -> None:
    """One document, also where one does not run, which is an error all the same."""
    cluster.rounds = [Outcome("sink", "failed", FAILED, FAILED.reason)]
    done = CliRunner().invoke(app, ["connect", "apply", str(folder), "--json"])
    cluster.rounds = [Outcome("sink", "failed", None, "no such class")]
    refused = CliRunner().invoke(app, ["connect", "apply", str(folder), "--json"])

    told = {"name": "sink", "change": "failed", "state": "RUNNING", "tasks": ["RUNNING", "FAILED"]}
    assert json.loads(done.stdout) == [{**told, "reason": "the database is away"}]
    assert "sink does not run" in str(done.exception)
    assert json.loads(refused.stdout) == [{**told, "state": None, "tasks": [], "reason": "no such class"}]


def test_what_goes_on_is_no_document(cluster: type[Cluster], folder: Path) -> None:
    """Wrong usage, before anything is changed."""
    done = CliRunner().invoke(app, ["connect", "apply", str(folder), "--json", "--watch"])

    assert isinstance(done.exception, CommandError)
    assert done.exception.status == 2
    assert cluster.applied == []


def test_the_status_as_json(cluster: type[Cluster]) -> None:
    """Every connector, and the same end."""
    cluster.found = [RUNNING, FAILED]
    done = CliRunner().invoke(app, ["connect", "status", "--json"])
    cluster.found = []

    assert [one["tasks"] for one in json.loads(done.stdout)] == [["RUNNING"], ["RUNNING", "FAILED"]]
    assert "sink gave up" in str(done.exception)
    assert json.loads(CliRunner().invoke(app, ["connect", "status", "--json"]).stdout) == []
