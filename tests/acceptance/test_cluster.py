"""Who works here, and dead letters over HTTP: what the dashboard's page Health reads."""

import itertools
import time
from typing import Any

import httpx
import pytest

from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until

_IDS = itertools.count(time.time_ns() // 1_000_000)
_LETTERS = "/dead-letters"


def _refused(service: Service, stock: StockClient) -> tuple[int, dict[str, Any]]:
    """A job whose data set is not there, and its dead letter as the list has it."""
    job_id = next(_IDS)
    topic = service.topics.job_commands
    fields = {"command_id": f"early-{job_id}", "job_id": job_id, "data_id": job_id}
    stock.raw(topic, b"%d" % job_id, stock.registered("CreateJob", fields, topic))

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = service.api.get(_LETTERS, params={"key": job_id})["dead_letters"]
        return found

    return job_id, until(listed, why="the letter is listed")[0]


def test_workers_and_lag(service: Service) -> None:
    """Every role with its workers; what was sent is done in the end."""
    found = service.api.get("/cluster")

    host, _, port = service.bootstrap.partition(":")
    assert found["brokers"] == [{"id": 1, "host": host, "port": int(port)}]
    assert [(it["role"], it["name"].rpartition("-")[0] or it["name"]) for it in found["workers"]] == [
        ("state", "state-1"),
        ("trainer", "trainer"),
    ]
    assert all(it["partitions"] >= service.topics.partitions for it in found["workers"])
    assert [(it["role"], it["state"], it["workers"]) for it in found["roles"]] == [
        ("state", "stable", 1),
        ("trainer", "stable", 1),
    ]
    assert set(found["versions"]) == {"tidecast", "python", "faust", "kafka_client"}
    until(
        lambda: all(it["lag"] == 0 and not it["topics"] for it in service.api.get("/cluster")["roles"]),
        why="nothing waits",
    )


def test_letter(service: Service, stock: StockClient) -> None:
    """Where it came from, why, and its event."""
    job_id, letter = _refused(service, stock)
    shown = service.api.get(f"{_LETTERS}/{letter['id']}")

    assert (letter["topic"], letter["key"]) == (service.topics.job_commands, str(job_id))
    assert letter["error_class"] == "RejectedError"
    assert letter["error"].startswith(f"data_id: there is no dataset {job_id}")
    assert {name: shown[name] for name in letter} == letter
    assert (shown["event_type"], shown["event"]["job_id"], shown["problem"]) == ("CreateJob", job_id, None)


def test_unreadable_letter(service: Service, stock: StockClient) -> None:
    """It is shown with the reason for which its event is not."""
    key = f"unreadable-{next(_IDS)}"
    stock.raw(service.topics.job_commands, key.encode(), b"hello, broker")
    until(lambda: service.api.get(_LETTERS, params={"key": key})["total_count"], why="the letter is listed")
    (letter,) = service.api.get(_LETTERS, params={"key": key})["dead_letters"]
    shown = service.api.get(f"{_LETTERS}/{letter['id']}")

    assert (shown["event_type"], shown["event"], shown["size"]) == (None, None, 13)
    assert "wire format" in shown["problem"]


def test_requeued(service: Service, stock: StockClient) -> None:
    """It is applied once more: as the cause is there still, there is a second letter of its key."""
    job_id, letter = _refused(service, stock)
    answer = service.api.call("POST", f"{_LETTERS}/{letter['id']}/requeue")

    assert (answer.status_code, answer.json()) == (200, {"id": letter["id"], "topic": service.topics.job_commands})
    until(
        lambda: service.api.get(_LETTERS, params={"key": job_id})["total_count"] == 2,
        why="it comes back, as the data set is still not there",
    )


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/abc", 400, "letter_id: found 'abc', expected PARTITION-OFFSET"),
        ("/0-99999999", 404, "there is no dead letter 0-99999999"),
        ("/9999-0", 404, "there is no dead letter 9999-0"),
        ("?limit=0", 400, "limit"),
    ],
)
def test_refused(http: httpx.Client, path: str, status: int, words: str) -> None:
    """In the words of the service's own addresses."""
    answer = http.get(f"{_LETTERS}{path}")

    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]
