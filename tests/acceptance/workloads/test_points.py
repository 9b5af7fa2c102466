"""Asking for points: contract 004, sections 3 to 6."""

import time
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.acceptance.workloads.workloads_clients import AT, SAMPLE, available, data, new_uid, point, send, sent_sample
from tests.integration.services import until


class TestAvailable:
    """GET …/metrics/available."""

    def test_M020_M021_M022_M023_M024_M025_M026_M027_the_sample(self, http: httpx.Client) -> None:
        """Counts over all sources, metrics in order of first appearance (M-020 … M-027)."""
        uid = new_uid()
        send(http, uid, [point(n, source="wandb") for n in range(700)])
        send(http, uid, [point(n, metric="train/accuracy", source="wandb") for n in range(500)])
        send(http, uid, [point(n, source="log") for n in range(300)])
        send(http, uid, [point(n, metric="train/learning_rate") for n in range(1000)])

        assert available(http, uid) == {
            "workload_uid": uid,
            "metrics": [
                {"name": "train/loss", "data_source": ["wandb", "log"], "count": 1000},
                {"name": "train/accuracy", "data_source": ["wandb"], "count": 500},
                {"name": "train/learning_rate", "data_source": ["log"], "count": 1000},
            ],
            "total_count": 3,
        }

    def test_M028_a_workload_that_nobody_knows(self, http: httpx.Client) -> None:
        """Empty, for a monitor may come before the first point; strict: 404."""
        assert available(http, "w-none") == {"workload_uid": "w-none", "metrics": [], "total_count": 0}
        refused = http.get("/api/v1/workloads/w-none/metrics/available?strict=true")
        assert (refused.status_code, refused.json()["code"]) == (404, "NotFound")
        assert "w-none" in refused.json()["message"]

    def test_M028_strict_is_no_hindrance_where_there_are_points(self, http: httpx.Client) -> None:
        """200."""
        uid = sent_sample(http)

        assert http.get(f"/api/v1/workloads/{uid}/metrics/available?strict=true").json()["total_count"] == 2


class TestData:
    """GET …/metrics/data."""

    def test_M041_M042_M043_M044_M045_M046_M047_M048_M050_M052_the_sample(self, http: httpx.Client) -> None:
        """As the seed prints it: loss before accuracy, no data_source beside them (M-041 … M-052)."""
        uid = sent_sample(http)

        assert data(http, uid) == {"workload_uid": uid, "data": SAMPLE, "total_count": 3}
        assert list(data(http, uid)["data"][0]) == [
            "metric_name", "value", "timestamp", "iteration", "data_source",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("metrics=train/loss", [0, 2]),
            ("metrics=train%2Floss", [0, 2]),
            ("metrics=train/loss,train/accuracy", [0, 1, 2]),
            ("metrics= train/loss ,,train/loss", [0, 2]),
            ("metrics=,%20,", [0, 1, 2]),
            ("metrics=", [0, 1, 2]),
            ("metrics=train/lr", []),
            ("metrics=train/loss&metrics=train/accuracy", [0, 1, 2]),
            ("data_source=wandb", [0, 1, 2]),
            ("data_source=WandB", [0, 1, 2]),
            ("data_source=log,wandb", [0, 1, 2]),
            ("data_source=log", []),
            ("data_source=custom", []),
            (f"start={AT}&end={AT}", [0, 1]),
            (f"start={AT + 1}&end={AT + 60_000}", [2]),
            (f"start={AT + 60_001}&end={AT + 90_000}", []),
            (f"metrics=train/loss&data_source=wandb&start={AT}&end={AT + 59_999}", [0]),
            ("limit=1&page=7", [0, 1, 2]),
            ("tail=1", [2]),
            ("tail=2", [1, 2]),
            ("tail=2&metrics=train/loss", [0, 2]),
            ("tail=99", [0, 1, 2]),
            ("max_points=5", [0, 1, 2]),
        ],
        ids=lambda it: it if isinstance(it, str) else "",
    )
    def test_M030_M031_M032_M033_M034_M036_M038_M039_M040_filters(
        self, http: httpx.Client, query: str, expected: list[int]
    ) -> None:
        """All optional, joined by AND; what there is not is no error."""
        uid = sent_sample(http)
        answer = http.get(f"/api/v1/workloads/{uid}/metrics/data?{query}")

        assert answer.status_code == 200
        assert answer.json()["data"] == [SAMPLE[index] for index in expected]

    def test_M051_the_filter_is_repeated_where_it_was_given(self, http: httpx.Client) -> None:
        """As it was given."""
        assert data(http, sent_sample(http), data_source="wandb")["data_source"] == "wandb"

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            (f"start={AT}", "start and end must be given together"),
            (f"end={AT}", "start and end must be given together"),
            (f"start={AT}&end={AT - 1}", "is after end"),
            (f"start=x&end={AT}", "start: expected a whole number, not 'x'"),
            (f"start={AT}&end=1.5", "end: expected a whole number"),
            ("start=1704067200&end=1704067260", "milliseconds expected"),
            (f"start={AT}&end={AT}000", f"end: {AT}000 looks like microseconds: milliseconds expected"),
            (f"start={AT}000000&end={AT}000001", "looks like nanoseconds: milliseconds expected"),
            (f"start=0&end={'9' * 30}", "is no time: milliseconds expected"),
            ("tail=0", "tail: 0 is not between 1 and"),
            ("tail=x", "tail: expected a whole number"),
            ("max_points=-1", "max_points: "),
            ("tail=1&max_points=2", "give one of them"),
            ("format=xml", "format: expected json or csv, not 'xml'"),
        ],
        ids=range(14),
    )
    def test_M037_M038_wrong_parameters(self, http: httpx.Client, query: str, words: str) -> None:
        """400 in the words of M-071, whether or not there are points."""
        answer = http.get(f"/api/v1/workloads/w-none/metrics/data?{query}")

        assert answer.status_code == 400
        assert answer.json()["code"] == "RequestParameterInvalid"
        assert words in answer.json()["message"]
        assert set(answer.json()) == {"code", "message"}

    def test_M049_M055_late_points_and_ties(self, http: httpx.Client) -> None:
        """By time, then iteration, then arrival; the last one is the newest."""
        uid = new_uid()
        send(http, uid, [point(5), point(3), {**point(3, metric="b"), "iteration": 9}, point(3, metric="a")])
        send(http, uid, [point(1), point(4)])

        found = [(it["metric_name"], it["iteration"]) for it in data(http, uid)["data"]]
        loss = "train/loss"
        assert found == [(loss, 1), (loss, 3), ("a", 3), ("b", 9), (loss, 4), (loss, 5)]

    def test_M053_what_is_not_finite_is_null(self, http: httpx.Client) -> None:
        """Never a bare NaN, however it came."""
        uid = new_uid()
        body = (
            '{"data":['
            + ",".join(
                f'{{"metric_name":"m","value":{value},"timestamp":{AT + n},"iteration":{n},"data_source":"log"}}'
                for n, value in enumerate(["NaN", "Infinity", '"-Infinity"', "null", "1.5"])
            )
            + "]}"
        )
        headers = {"content-type": "application/json"}
        sent = http.post(f"/api/v1/workloads/{uid}/metrics", content=body, headers=headers)
        answer = http.get(f"/api/v1/workloads/{uid}/metrics/data")

        assert sent.status_code == 202
        assert [it["value"] for it in answer.json()["data"]] == [None, None, None, None, 1.5]
        assert "NaN" not in answer.text

    def test_M008_M054_twice_is_once(self, http: httpx.Client) -> None:
        """Sources stay side by side (M-008)."""
        uid = new_uid()
        for _ in range(3):
            send(http, uid, [point(1), point(2), point(1, source="wandb"), point(1)])

        assert data(http, uid)["total_count"] == 3
        assert available(http, uid)["metrics"] == [{"name": "train/loss", "data_source": ["log", "wandb"], "count": 3}]

    def test_M088_names_are_taken_as_they_are(self, http: httpx.Client) -> None:
        """No aliases, and names with whatever is in them."""
        uid = new_uid()
        names = ["train/lr", "train/learning_rate", "a,b", "größe/ß", "x" * 512, "with space"]
        send(http, uid, [point(1, metric=name) for name in names])

        assert [it["name"] for it in available(http, uid)["metrics"]] == names
        for name in names:
            assert [it["metric_name"] for it in data(http, uid, metrics=name)["data"]] == [name]

    def test_M035_M087_many_points_come_in_order_and_thinned(self, http: httpx.Client) -> None:
        """As a stream of pieces; a chart gets so many of each series, ends and extremes among them."""
        uid = new_uid()
        for start in range(0, 30_000, 500):
            steps = range(start, start + 500)
            points = [point(n, source=s, value=100.0 if n == 21_337 else 1.0) for n in steps for s in ("log", "wandb")]
            send(http, uid, points)
        found = data(http, uid)["data"]
        thin = data(http, uid, max_points=50)["data"]
        last = data(http, uid, tail=40_001)["data"]

        assert len(found) == 60_000
        assert all(before["timestamp"] <= after["timestamp"] for before, after in pairwise(found))
        assert last == found[-40_001:]
        assert thin[-1]["iteration"] == found[-1]["iteration"]
        assert 60 <= len(thin) <= 100
        assert all(it in found for it in thin[:5])


class TestSending:
    """POST …/metrics."""

    def test_M062_M064_visible_at_once(self, http: httpx.Client) -> None:
        """202 tells how many; within two seconds they are there."""
        uid = new_uid()
        for turn in range(5):
            send(http, uid, [point(turn)])
            begun = time.monotonic()
            until(lambda turn=turn: data(http, uid)["total_count"] == turn + 1, within=2.0, why="M-064")
            assert time.monotonic() - begun < 2

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"data_source": "custom"}, "data[1], data_source: 'custom' is none of log, wandb, tensorflow"),
            ({"timestamp": 1_704_067_200}, "data[1], timestamp: 1704067200 looks like seconds"),
            ({"iteration": "x"}, "data[1], iteration: expected a whole number"),
            ({"value": "high"}, "data[1], value: expected a number or null"),
            ({"metric_name": ""}, "data[1], metric_name: has 0 characters"),
        ],
        ids=lambda it: next(iter(it)) if isinstance(it, dict) else "",
    )
    def test_M005_M006_M007_M062_M063_one_wrong_point_refuses_all(
        self, http: httpx.Client, changed: dict[str, Any], words: str
    ) -> None:
        """400 names its index."""
        uid = new_uid()
        answer = http.post(f"/api/v1/workloads/{uid}/metrics", json={"data": [point(1), point(2) | changed]})

        assert answer.status_code == 400
        assert words in answer.json()["message"]
        assert answer.json()["code"] == "RequestParameterInvalid"
        assert (answer.json()["element"], answer.json()["field"]) == (1, next(iter(changed)))
        assert data(http, uid)["total_count"] == 0

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"{", "not valid JSON"),
            (b"[]", 'send {"data": [point, \xe2\x80\xa6]}'.encode().decode()),
            (b"{}", "data: is missing"),
            (b'{"data": 3}', "data: is missing or no array"),
            (b'{"data": [3]}', "data[0], point: expected an object, not 3"),
            (b"[" * 100_000, "not valid JSON"),
        ],
        ids=range(6),
    )
    def test_M062_bodies_that_are_none(self, http: httpx.Client, body: bytes, words: str) -> None:
        """400, in words."""
        headers = {"content-type": "application/json"}
        answer = http.post("/api/v1/workloads/w-x/metrics", content=body, headers=headers)

        assert answer.status_code == 400
        assert words.encode("latin-1", "ignore").decode("latin-1")[:12] in answer.json()["message"]

    def test_M062_no_points(self, http: httpx.Client) -> None:
        """Nothing is accepted."""
        send(http, new_uid(), [])

    def test_a_body_that_is_too_large(self, http: httpx.Client) -> None:
        """413 before it is read."""
        answer = http.post("/api/v1/workloads/w-x/metrics", json={"data": [point(n) for n in range(3000)]})

        assert (answer.status_code, answer.json()["code"]) == (413, "RequestTooLarge")

    def test_what_is_no_json(self, http: httpx.Client) -> None:
        """415."""
        answer = http.post("/api/v1/workloads/w-x/metrics", content=b"a=1", headers={"content-type": "text/plain"})

        assert (answer.status_code, answer.json()["code"]) == (415, "UnsupportedMediaType")


class TestAddresses:
    """What is asked at which address."""

    @pytest.mark.parametrize("uid", ["a b", "w" * 129, "ü", "w!"], ids=range(4))
    def test_M003_uids_that_are_none(self, http: httpx.Client, uid: str) -> None:
        """400 at each door."""
        base = f"/api/v1/workloads/{uid}/metrics"
        answers = [http.get(f"{base}/available"), http.get(f"{base}/data"), http.get(f"{base}/stream")]
        answers.append(http.post(base, json={"data": [point(1)]}))

        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (400, "RequestParameterInvalid")
            assert "use 1 to 128 characters" in answer.json()["message"]

    def test_M071_no_uid(self, http: httpx.Client) -> None:
        """As the original says it."""
        answer = http.get("/api/v1/workloads//metrics/available")

        assert (answer.status_code, answer.json()) == (
            400, {"code": "RequestParameterInvalid", "message": "workload_uid is required"},
        )  # fmt: skip

    @pytest.mark.parametrize("uid", ["tj-10-11", "a.b:c_d-e", "A" * 128], ids=range(3))
    def test_M003_uids_with_signs(self, http: httpx.Client, uid: str) -> None:
        """A point, a colon, and the longest."""
        send(http, uid, [point(1)])

        assert data(http, uid)["total_count"] == 1
        assert data(http, uid.replace(":", "%3A"))["workload_uid"] == uid

    def test_M072_other_methods(self, http: httpx.Client) -> None:
        """405, with those that there are."""
        for method, path, allowed in [
            ("DELETE", "/api/v1/workloads", "GET"),
            ("PUT", "/api/v1/workloads/w/metrics/data", "GET"),
            ("POST", "/api/v1/workloads/w/metrics/available", "GET"),
            ("GET", "/api/v1/workloads/w/metrics", "POST"),
        ]:
            answer = http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")
            assert answer.headers["allow"] == allowed
