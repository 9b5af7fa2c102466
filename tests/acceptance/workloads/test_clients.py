"""The clients that the seed shows: a table and its CSV file, a monitor, a comparison of sources, live events."""

import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pandas as pd
import pytest

from tests.acceptance.workloads.workloads_clients import AT, SAMPLE, data, new_uid, point, send, sent_sample
from tests.integration.services import Service, until


def test_M082_M085_M086_the_table_and_its_file(http: httpx.Client) -> None:
    """What pandas writes of the answer is what the server sends as CSV, byte for byte."""
    uid = new_uid()
    rows = [
        *SAMPLE,
        point(3, metric='odd, "name"'),
        {**point(4), "value": None},
        point(5, value=1e-7),
        point(6, value=3),
    ]
    send(http, uid, rows)
    table = pd.DataFrame(data(http, uid)["data"])
    answer = http.get(f"/api/v1/workloads/{uid}/metrics/data?format=csv")

    assert answer.text == table.to_csv(index=False)
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(pd.read_csv(io.StringIO(answer.text)).columns) == list(table.columns)
    assert list(table[table.metric_name == "train/loss"].iteration) == [1, 4, 5, 6, 2]


def test_M086_csv_without_points_is_its_header(http: httpx.Client) -> None:
    """So that a script can read it."""
    answer = http.get("/api/v1/workloads/w-none/metrics/data?format=csv")

    assert answer.text == "metric_name,value,timestamp,iteration,data_source\n"


def test_M083_the_monitor(http: httpx.Client) -> None:
    """`.data | last` of the metric is the newest point, though a late one came behind it."""
    uid = sent_sample(http)
    send(http, uid, [{**SAMPLE[0], "timestamp": AT - 60_000, "iteration": 0}])
    last = data(http, uid, metrics="train/loss")["data"][-1]

    assert (last["iteration"], last["value"]) == (2, 1.8765)


def test_M080_the_last_hour(http: httpx.Client) -> None:
    """By the clock of whoever asks."""
    uid, now = new_uid(), round(time.time() * 1000)
    send(http, uid, [{**point(1), "timestamp": now - 7_200_000}, {**point(2), "timestamp": now - 60_000}])

    assert [it["iteration"] for it in data(http, uid, start=now - 3_600_000, end=now)["data"]] == [2]


def test_M084_sources_side_by_side(http: httpx.Client) -> None:
    """Each with its own values."""
    uid = new_uid()
    send(http, uid, [point(n, source=s, value=n + (s == "log")) for n in range(5) for s in ("log", "wandb")])

    assert [it["value"] for it in data(http, uid, data_source="log")["data"]] == [1, 2, 3, 4, 5]
    assert [it["value"] for it in data(http, uid, data_source="wandb")["data"]] == [0, 1, 2, 3, 4]


class TestList:
    """GET /api/v1/workloads."""

    def test_M010_M011_the_newest_first(self, http: httpx.Client) -> None:
        """One of a producer that nobody knows has its uid as name."""
        first, second = new_uid(), new_uid()
        send(http, first, [point(1)])
        send(http, second, [point(1)])
        content = http.get("/api/v1/workloads").json()
        uids = [it["workload_uid"] for it in content["workloads"]]
        item = content["workloads"][uids.index(first)]

        assert uids.index(second) < uids.index(first)
        assert content["total_count"] == len(uids) == len(set(uids))
        assert abs(item.pop("create_time") - time.time() * 1000) < 120_000
        assert item == {"workload_uid": first, "name": first, "kind": "unknown", "status": "unknown"}

    def test_M010_only_some(self, http: httpx.Client) -> None:
        """With how many there are."""
        for _ in range(3):
            send(http, new_uid(), [point(1)])
        content = http.get("/api/v1/workloads?limit=2").json()

        assert len(content["workloads"]) == 2
        assert content["total_count"] >= 3
        assert http.get("/api/v1/workloads?limit=0").status_code == 400


class Events:
    """A live stream, read in a thread."""

    def __init__(self, url: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(url, headers), daemon=True)
        self._thread.start()

    def _read(self, url: str, headers: dict[str, str]) -> None:
        with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
            event: dict[str, Any] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if not line and "data" in event:
                    self.events.append(event | {"data": json.loads(event["data"])})
                    event = {}
                elif name:
                    event[name] = value
                if self._end.is_set():
                    return

    @property
    def steps(self) -> list[int]:
        return [it["iteration"] for event in list(self.events) for it in event["data"]]

    def close(self) -> None:
        self._end.set()


@pytest.fixture
def url(service: Service) -> str:
    return f"{service.stack.url}/api/v1/workloads"


@pytest.fixture
def streams() -> Iterator[list[Events]]:
    opened: list[Events] = []
    yield opened
    for it in opened:
        it.close()


class TestLive:
    """GET …/metrics/stream."""

    def test_points_as_they_come(self, http: httpx.Client, url: str, streams: list[Events]) -> None:
        """First what there is, then each new one, once."""
        uid = new_uid()
        send(http, uid, [point(1)])
        streams.append(live := Events(f"{url}/{uid}/metrics/stream"))
        until(lambda: live.steps == [1], within=10, why="what there is comes first")
        for step in (2, 3, 2):
            send(http, uid, [point(step)])
        until(lambda: live.steps == [1, 2, 3], within=10, why="new points come once")

        assert {event["event"] for event in live.events} == {"points"}
        assert live.events[0]["data"][0] == point(1)

    def test_it_goes_on_behind_the_last_event(self, http: httpx.Client, url: str, streams: list[Events]) -> None:
        """By the header of EventSource, and by the id that a data call tells."""
        uid = new_uid()
        send(http, uid, [point(1), point(2)])
        streams.append(live := Events(f"{url}/{uid}/metrics/stream"))
        until(lambda: live.steps == [1, 2], within=10, why="both are there")
        told = http.get(f"/api/v1/workloads/{uid}/metrics/data").headers["x-last-event-id"]
        send(http, uid, [point(3)])
        streams.append(again := Events(f"{url}/{uid}/metrics/stream", **{"Last-Event-ID": live.events[0]["id"]}))
        streams.append(behind := Events(f"{url}/{uid}/metrics/stream?last_event_id={told}"))
        until(lambda: again.steps == behind.steps == [3], within=10, why="only the new one comes")

    def test_only_some_metrics(self, http: httpx.Client, url: str, streams: list[Events]) -> None:
        """As the data call filters; a workload that has not begun can be watched."""
        uid = new_uid()
        streams.append(live := Events(f"{url}/{uid}/metrics/stream?metrics=a,b&data_source=log"))
        time.sleep(0.3)
        send(http, uid, [point(1, metric="a"), point(2, metric="c"), point(3, metric="b", source="wandb")])
        send(http, uid, [point(4, metric="b")])
        until(lambda: live.steps == [1, 4], within=10, why="the others are left out")

    def test_an_id_that_is_none(self, http: httpx.Client) -> None:
        """400."""
        answer = http.get("/api/v1/workloads/w/metrics/stream", headers={"Last-Event-ID": "x"})

        assert (answer.status_code, answer.json()["code"]) == (400, "RequestParameterInvalid")
