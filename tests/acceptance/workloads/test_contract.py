"""What holds for all of contract 004: addresses, times, sources, producers of our own and others by events."""

import http.client
import json
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from streams.settings import Settings
from tests.acceptance.stock import StockClient
from tests.acceptance.training.training_jobs_samples import body, create, ended, name_of
from tests.acceptance.workloads.workloads_clients import AT, SAMPLE, available, data, new_uid, point, send, sent_sample
from tests.integration.services import Service, Tail, csv_of, until

_BASE: Final = "/api/v1/workloads"
_LARGEST: Final = 2**53 - 1  # what every reader of JSON takes as it is


def test_M001_M002_M004_a_bare_get_is_all_it_takes(service: Service, http: httpx.Client) -> None:
    """No header, no authentication; JSON at the contract's addresses, below its port where none is set."""
    uid = sent_sample(http)
    place = urlsplit(service.stack.url)
    for path in ("", f"/{uid}/metrics/available", f"/{uid}/metrics/data"):
        connection = http_connection(place.hostname or "", place.port or 0)
        connection.putrequest("GET", f"{_BASE}{path}", skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert json.loads(answer.read())["total_count"] >= 1
        connection.close()

    assert Settings().http_port == 8080


def http_connection(host: str, port: int) -> http.client.HTTPConnection:
    """The standard library's, which adds nothing of its own but the host."""
    return http.client.HTTPConnection(host, port, timeout=30)


def test_M005_M006_times_are_milliseconds_and_iterations_are_steps(http: httpx.Client) -> None:
    """Whole numbers on the way out, however large, below zero, or written as 5.0 on the way in."""
    uid = new_uid()
    steps: list[Any] = [0, 5.0, _LARGEST, -_LARGEST]
    send(http, uid, [{**point(1), "timestamp": AT + at, "iteration": step} for at, step in enumerate(steps)])
    text = http.get(f"{_BASE}/{uid}/metrics/data").text
    found = json.loads(text)["data"]

    assert datetime.fromtimestamp(found[0]["timestamp"] / 1000, UTC) == datetime(2024, 1, 1, tzinfo=UTC)
    assert [it["iteration"] for it in found] == [0, 5, _LARGEST, -_LARGEST]
    assert {type(it[field]) for it in found for field in ("timestamp", "iteration")} == {int}
    assert "e+" not in text


def test_M007_M008_M063_three_sources_side_by_side(http: httpx.Client) -> None:
    """Equal points of different sources are neither merged nor corrected; there is no fourth."""
    uid = new_uid()
    sources = ("log", "wandb", "tensorflow")
    send(http, uid, [point(1, source=source, value=number / 10) for number, source in enumerate(sources)])
    fourth = http.post(f"{_BASE}/{uid}/metrics", json={"data": [point(1, source="mlflow")]})

    assert [(it["data_source"], it["value"]) for it in data(http, uid)["data"]] == [
        ("log", 0.0), ("wandb", 0.1), ("tensorflow", 0.2),
    ]  # fmt: skip
    assert fourth.status_code == 400
    assert available(http, uid)["metrics"] == [{"name": "train/loss", "data_source": list(sources), "count": 3}]


def _listed(http: httpx.Client, uid: str) -> dict[str, Any] | None:
    found = http.get(_BASE).json()["workloads"]
    return next((it for it in found if it["workload_uid"] == uid), None)


def test_M012_a_version_of_a_training_job_from_its_beginning(service: Service, http: httpx.Client) -> None:
    """By the job's and the version's name; its status follows the version's."""
    name = name_of("listed")
    made = create(service.api, "m012", body(name))
    uid = f"tj-{made['job_id']}-{made['version_id']}"
    begun = _listed(http, uid)
    assert begun is not None
    assert begun | {"status": "running"} == {
        "workload_uid": uid,
        "name": f"{name} V0001",
        "kind": "training-job",
        "status": "running",
        "create_time": made["create_time"],
    }

    ended(service.api, "m012", made)  # its data is not there
    until(lambda: (_listed(http, uid) or {})["status"] == "failed", why="the list tells of its end")


def test_M012_a_submission_of_a_forecast(service: Service, http: httpx.Client) -> None:
    """With its scores as points."""
    job_id, (ts_id,) = service.api.new_job(csv_of(1, 40))
    service.api.train(job_id, [ts_id])
    service.api.finished(job_id)
    uid = f"fj-{job_id}-{ts_id}-0"
    item = until(lambda: _listed(http, uid), within=10, why="its points are there")

    assert (item["kind"], item["status"]) == ("forecast", "succeeded")
    assert available(http, uid)["total_count"] >= 1


def test_M012_a_run_of_a_client_before_its_first_point(http: httpx.Client) -> None:
    """By the name that it gave."""
    sent = {"experiment_id": "0", "run_name": "calm-sea", "start_time": AT}
    run = http.post("/api/2.0/mlflow/runs/create", json=sent).json()["run"]["info"]
    item = until(lambda: _listed(http, f"run-{run['run_id']}"), within=10, why="it is listed")

    assert item == {
        "workload_uid": f"run-{run['run_id']}",
        "name": "calm-sea",
        "kind": "mlflow-run",
        "status": "running",
        "create_time": AT,
    }


class TestEvents:
    """The other door: a stock client's records on `metrics`."""

    def _value(self, stock: StockClient, service: Service, uid: str, **changes: Any) -> bytes:
        sent = {**SAMPLE[0], "worker": "pod-3", **changes, "workload_uid": uid}
        return stock.registered("MetricPoint", sent, service.topics.metrics)

    def test_M060_they_are_as_points_that_were_posted(
        self, service: Service, http: httpx.Client, stock: StockClient
    ) -> None:
        """Sent by both doors it is one point."""
        uid = new_uid()
        for _ in range(2):
            stock.raw(service.topics.metrics, uid.encode(), self._value(stock, service, uid))
        send(http, uid, SAMPLE)

        assert data(http, uid)["data"] == SAMPLE

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"timestamp": 1_704_067_200}, "looks like seconds: milliseconds expected"),
            ({"data_source": "mlflow"}, "'mlflow' is none of log, wandb, tensorflow"),
            ({"metric_name": ""}, "has 0 characters"),
            ({"iteration": 2**60}, "is beyond"),
            ({"workload_uid": " of nobody"}, "use 1 to 128 characters"),
        ],
        ids=["seconds", "source", "name", "step", "uid"],
    )
    def test_M060_M063_what_is_none_is_a_dead_letter(
        self, service: Service, http: httpx.Client, stock: StockClient, changes: dict[str, Any], words: str
    ) -> None:
        """With the words that a POST would get; what follows it is kept."""
        uid = new_uid()
        wrong = f"{uid}{changes.get('workload_uid', '')}"
        stock.raw(service.topics.metrics, wrong.encode(), self._value(stock, service, wrong, **changes))
        stock.raw(service.topics.metrics, uid.encode(), self._value(stock, service, uid))

        assert words in " ".join(stock.refusal(uid).values())
        until(lambda: data(http, uid)["data"] == SAMPLE[:1], within=10, why="the next one is kept")

    def test_M060_bytes_that_are_no_event(self, service: Service, http: httpx.Client, stock: StockClient) -> None:
        """An empty one, one that is none, and one that lacks its end stop nobody."""
        uid = new_uid()
        whole = self._value(stock, service, uid)
        wrong = (None, b"", b"no event", whole[:-3], b"\0\xff\xff\xff\xff" + whole[5:])
        for value in (*wrong, whole):
            stock.raw(service.topics.metrics, uid.encode(), value)
        until(lambda: data(http, uid)["data"] == SAMPLE[:1], within=10, why="the right one is kept")
        letters = service.tail(service.topics.dead_letters)
        try:
            until(lambda: len(_values(letters, uid)) == len(wrong), why="each wrong one is a dead letter")
            assert sorted(_values(letters, uid)) == sorted(it or b"" for it in wrong)
        finally:
            letters.close()


def _values(letters: Tail, uid: str) -> list[bytes]:
    """The bytes that were refused of a key's records."""
    return [letter.value() or b"" for letter in letters.poll() if letter.key() == uid.encode()]


def test_M070_M071_what_is_not_there_is_refused_in_the_same_words(http: httpx.Client) -> None:
    """Below the contract's addresses too: a code for programs, a sentence for people, no page and no traceback."""
    for path in ("/w/metrics/none", "/w/none", "/w"):
        answer = http.get(f"{_BASE}{path}")
        assert (answer.status_code, set(answer.json())) == (404, {"code", "message"})
        assert answer.json()["code"] == "NotFound"
