"""Two state workers on an existing broker, as in production: whoever is asked, the answer is the same."""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import instance, publish
from tests.integration.processes import WorkerProcess, environment_of, worker_processes
from tests.integration.services import Api, csv_of, until

_SOON_S = 9.0  # below TIDECAST_WRITE_TIMEOUT_S, after which a write that nobody confirms is given up


def _workers(
    broker: EmbeddedKafka, prefix: str, folder: Path, *roles: str
) -> AbstractContextManager[list[WorkerProcess]]:
    return worker_processes(environment_of(broker.bootstrap, prefix, folder), folder, roles)


@pytest.fixture(scope="module")
def pair(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[WorkerProcess]]:
    """Two state workers that share the partitions, and a trainer. Tests leave no jobs behind; the last one kills."""
    folder = tmp_path_factory.mktemp("pair")
    with _workers(broker, f"test-{uuid.uuid4().hex[:12]}.", folder, "state", "state", "trainer") as workers:
        states = workers[:2]
        until(lambda: all(worker.is_ready() for worker in states), why="both are ready")
        until(lambda: all(_owned(worker) for worker in states), why="both own partitions")
        yield states


def _owned(worker: WorkerProcess) -> bool:
    """Whether a job lands on this worker: it creates one of its own only then."""
    answer = httpx.get(f"{worker.url}/metrics", timeout=5)
    line = next((line for line in answer.text.splitlines() if line.startswith("tidecast_partitions ")), "x 0")
    return float(line.split()[1]) > 0


def _new_jobs(apis: Sequence[Api], count: int) -> tuple[list[int], list[Any]]:
    """Jobs created alternately at the two workers."""
    data_ids = [api.add_dataset(csv_of(3, 20, seed=number)) for number, api in enumerate(apis)]
    jobs = [apis[turn % 2].create_job(data_ids[turn % 2]) for turn in range(count)]
    return jobs, data_ids


def test_both_workers_answer_for_all_jobs(pair: Sequence[WorkerProcess]) -> None:
    """Every job can be worked with at either worker, and both list all jobs, in one order."""
    apis = [Api(worker.url) for worker in pair]
    jobs, data_ids = _new_jobs(apis, 6)
    for turn, job_id in enumerate(jobs):
        one, other = apis[turn % 2], apis[(turn + 1) % 2]
        ts_ids = other.configure(job_id)
        one.train(job_id, ts_ids)
        assert other.finished(job_id) == one.finished(job_id)

    listed = [[job["job_id"] for job in api.get("/job/")["jobs"]] for api in apis]
    assert listed == [sorted(jobs), sorted(jobs)]
    for turn, job_id in enumerate(jobs):
        assert apis[turn % 2].call("DELETE", f"/job/{job_id}/").status_code == 204
    for data_id in data_ids:
        assert apis[0].call("DELETE", f"/data/{data_id}/").status_code == 204
        assert apis[1].call("GET", f"/data/{data_id}/").status_code == 404
    assert [api.get("/job/")["jobs"] for api in apis] == [[], []]


def test_both_workers_know_the_past_of_all_jobs(pair: Sequence[WorkerProcess]) -> None:
    """Between two submissions the job had the first results; whoever is asked passes the question on with its time."""
    apis = [Api(worker.url) for worker in pair]
    jobs, data_ids = _new_jobs(apis, 2)
    for job_id in jobs:
        ts_ids = apis[0].configure(job_id)
        apis[0].train(job_id, ts_ids)
        first = apis[0].finished(job_id)
        time.sleep(0.005)  # the next submission comes in another millisecond
        then = round(time.time() * 1000)
        apis[1].train(job_id, ts_ids, ["AdaptiveMaxN"])
        now = apis[1].finished(job_id)
        for api in apis:
            assert api.get(f"/job/{job_id}/job_results/?history=0&as_of={then}") == first
            assert api.get(f"/job/{job_id}/job_results/?history=0") == now != first
            assert api.call("GET", f"/job/{job_id}/job_results/?as_of=1").status_code == 404
    for job_id in jobs:
        assert apis[0].call("DELETE", f"/job/{job_id}/").status_code == 204
    for data_id in data_ids:
        assert apis[0].call("DELETE", f"/data/{data_id}/").status_code == 204


def test_a_retry_at_the_other_worker_finds_what_the_first_made(pair: Sequence[WorkerProcess]) -> None:
    """Same Idempotency-Key, other worker: the same data set and the same job, not a second one."""
    urls = [worker.url for worker in pair]
    for number in range(4):
        file = {"upload": ("series.csv", csv_of(2, 20))}
        key = {"Idempotency-Key": f"upload-{number}"}
        uploads = [httpx.post(f"{url}/data/", files=file, headers=key, timeout=30) for url in urls]
        assert [answer.status_code for answer in uploads] == [201, 201]
        ids = [answer.json()["data"]["id"] for answer in uploads]
        assert ids[0] == ids[1]
        creations = [_create(url, ids[0], key=f"job-{number}") for url in urls]
        assert creations[0] == creations[1]
        listed = httpx.get(f"{urls[0]}/job/", timeout=30).json()["jobs"]
        assert [job["job_id"] for job in listed] == [creations[0]]
        assert httpx.delete(f"{urls[0]}/job/{creations[0]}/", timeout=30).status_code == 204


def _create(url: str, data_id: int, *, key: str) -> int:
    answer = httpx.post(f"{url}/job/", json={"data_id": data_id}, headers={"Idempotency-Key": key}, timeout=30)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["job_id"])


def test_tries_at_the_same_time_at_both_workers_make_one_thing(pair: Sequence[WorkerProcess]) -> None:
    """One Idempotency-Key, every POST that takes it: both are answered with the same, at once; nothing is left over."""
    csv = csv_of(2, 20)
    data_id = Api(pair[0].url).add_dataset(csv)
    publish(ObjectStore(f"file://{pair[0].log.parent / 'objects'}"), "model")
    assert httpx.put(f"{pair[0].url}/uploads/race/one.jsonl", content=_LINE, timeout=30).status_code == 200
    deepar = {"time_freq": "D", "prediction_length": 3}
    config = {"model_id": 5, "data_url": "/uploads/nothing.jsonl", "worker_server_num": 1}
    config["parameter"] = [{"label": label, "value": value} for label, value in deepar.items()]
    transform = {
        "ModelName": "model",
        "TransformInput": {"SplitType": "Line", "DataSource": {"S3DataSource": {"S3Uri": "/uploads/race/one.jsonl"}}},
    }
    for turn in range(10):
        output = {"AssembleWith": "Line", "S3OutputPath": f"/outputs/race-{turn}"}
        requests: list[tuple[str, dict[str, Any]]] = [
            ("/job/", {"json": {"data_id": data_id}}),
            ("/data/", {"files": {"upload": ("race.csv", csv)}}),
            (f"/v1/race{turn}/training-jobs", {"json": {"job_name": f"race-{turn}", "config": config}}),
            ("/transform-jobs", {"json": {"TransformJobName": f"race-{turn}", "TransformOutput": output} | transform}),
        ]
        for path, arguments in requests:
            first, second = _at_once(pair, path, f"race-{turn}", arguments)
            assert (first.status_code, second.status_code) in ((200, 200), (201, 201)), (first.text, second.text)
            assert first.json() == second.json()
    listed = Api(pair[1].url).get("/job/")["jobs"]
    assert len(listed) == 10
    for job in listed:
        assert Api(pair[1].url).call("DELETE", f"/job/{job['job_id']}/").status_code == 204
    assert len([one for one in Api(pair[1].url).get("/data/")["data"] if one["name"] == "race"]) == 10


_LINE = json.dumps(instance((1.0, 2.0, 3.0))).encode()


def _at_once(
    pair: Sequence[WorkerProcess], path: str, key: str, arguments: dict[str, Any]
) -> tuple[httpx.Response, httpx.Response]:
    """What both answer to the same POST; no answer takes as long as a write that nobody confirms."""

    def post(worker: WorkerProcess) -> httpx.Response:
        return httpx.post(f"{worker.url}{path}", headers={"Idempotency-Key": key}, timeout=_SOON_S, **arguments)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(post, pair)
    return first, second


def test_a_deleted_job_does_not_come_back_under_its_id(pair: Sequence[WorkerProcess]) -> None:
    """The POST that made it, sent again at either worker, makes a new job, as it does with data sets."""
    data_id = Api(pair[0].url).add_dataset(csv_of(2, 20))
    made = [_create(worker.url, data_id, key="again") for worker in pair]
    assert made[0] == made[1]
    assert Api(pair[1].url).call("DELETE", f"/job/{made[0]}/").status_code == 204
    again = [_create(worker.url, data_id, key="again") for worker in pair]

    assert again[0] == again[1] != made[0]
    assert [job["job_id"] for job in Api(pair[0].url).get("/job/")["jobs"]] == again[:1]
    assert Api(pair[1].url).call("DELETE", f"/job/{again[0]}/").status_code == 204


def test_a_large_upload_passes_through_a_worker_that_does_not_own_it(pair: Sequence[WorkerProcess]) -> None:
    """A retry is passed on as a stream: the file arrives whole."""
    csv = csv_of(200, 400)
    key = {"Idempotency-Key": "large"}
    answers = [
        httpx.post(f"{worker.url}/data/", files={"upload": ("large.csv", csv)}, headers=key, timeout=60)
        for worker in pair
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["data"]["rows"] for answer in answers] == [80_000, 80_000]


def test_both_workers_answer_for_all_training_jobs(pair: Sequence[WorkerProcess]) -> None:
    """A project's jobs are one worker's: created, listed, described and deleted at either, with one set of names."""
    apis = [Api(worker.url) for worker in pair]
    parameter = [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": 3}]
    config = {"worker_server_num": 1, "model_id": 5, "data_url": "/uploads/nothing.jsonl", "parameter": parameter}
    for turn in range(8):  # projects of both workers are among them, all but once in a hundred times
        one, other = apis[turn % 2], apis[(turn + 1) % 2]
        path, name = f"/v1/p{turn}/training-jobs", f"job-{turn}-{uuid.uuid4().hex[:8]}"
        key = {"Idempotency-Key": f"training-{name}"}
        tries = [
            httpx.post(f"{api.url}{path}", json={"job_name": name, "config": config}, headers=key, timeout=30)
            for api in (one, other)
        ]
        assert [answer.status_code for answer in tries] == [200, 200], [answer.text for answer in tries]
        job = tries[0].json()
        assert tries[1].json() == job
        taken = other.call("POST", path, json={"job_name": name, "config": config})
        assert taken.json()["error_message"] == f"Job name:{name} is existed"
        query = {"search_content": "JOB", "status": "1|5|7|8|11"}
        listed = [[item["job_id"] for item in api.get(path, params=query)["jobs"]] for api in apis]
        assert listed == [[job["job_id"]], [job["job_id"]]]
        versions = [api.get(f"{path}/{job['job_id']}/versions")["versions"] for api in apis]
        assert [[version["version_id"] for version in found] for found in versions] == [[job["version_id"]]] * 2
        assert other.call("DELETE", f"{path}/{job['job_id']}").json() == {"is_success": True}
        assert [api.get(path)["job_total_count"] for api in apis] == [0, 0]


def test_both_workers_answer_for_all_transform_jobs(pair: Sequence[WorkerProcess]) -> None:
    """A job is of the worker that owns its name; whoever is asked, it starts, is shown, listed and gives its output."""
    apis = [Api(worker.url) for worker in pair]
    publish(ObjectStore(f"file://{pair[0].log.parent / 'objects'}"), "model")
    lines = b"\n".join(json.dumps(instance((1.0, float(day), 3.0))).encode() for day in range(3))
    assert apis[0].call("PUT", "/uploads/two/batch.jsonl", content=lines).status_code == 200
    names = [f"transform-{turn}-{uuid.uuid4().hex[:8]}" for turn in range(6)]
    for turn, name in enumerate(names):
        source = {"S3DataSource": {"S3Uri": "/uploads/two/batch.jsonl"}}
        body = {
            "TransformJobName": name,
            "ModelName": "model",
            "TransformInput": {"SplitType": "Line", "DataSource": source},
            "TransformOutput": {"AssembleWith": "Line", "S3OutputPath": f"/outputs/{name}"},
        }
        answer = apis[turn % 2].call("POST", "/transform-jobs", json=body)
        assert answer.status_code == 200, answer.text
        again = apis[(turn + 1) % 2].call("POST", "/transform-jobs", json=body)
        assert again.status_code == 409, again.text

    def completed(api: Api, name: str) -> bool:
        shown = api.get(f"/transform-jobs/{name}")
        assert shown["TransformJobStatus"] in ("InProgress", "Completed"), shown
        return bool(shown["TransformJobStatus"] == "Completed")

    for api in apis:
        for name in names:
            until(lambda api=api, name=name: completed(api, name), why=f"{name} is completed")  # type: ignore[misc]
            output = api.call("GET", f"/transform-jobs/{name}/output")
            assert len(output.content.splitlines()) == 3
    listed = [[job["TransformJobName"] for job in api.get("/transform-jobs")["TransformJobSummaries"]] for api in apis]
    assert listed[0] == listed[1]
    assert set(names) <= set(listed[0])


def test_the_other_worker_takes_over(pair: Sequence[WorkerProcess]) -> None:
    """kill -9 of one: the other soon answers for all jobs, with the same results, and goes on working."""
    apis = [Api(worker.url) for worker in pair]
    jobs, _ = _new_jobs(apis, 6)
    for job_id in jobs:
        apis[0].train(job_id, apis[0].configure(job_id))
    before = [apis[0].finished(job_id) for job_id in jobs]

    pair[0].kill()

    survivor = apis[1]
    after = [survivor.finished(job_id) for job_id in jobs]
    assert after == before
    assert [job["job_id"] for job in survivor.get("/job/")["jobs"]] == sorted(jobs)
    for job_id in jobs:
        survivor.train(job_id, [before[jobs.index(job_id)]["results"][0]["ts_id"]])
        assert survivor.finished(job_id)["status"] == 3


def test_a_worker_stops_in_order(broker: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> None:
    """SIGTERM ends a state worker and a trainer with status 0."""
    with _workers(broker, topic_prefix, tmp_path, "state", "trainer") as (state, trainer):
        until(state.is_ready, why="the state worker is ready")
        until(trainer.is_working, why="the trainer is ready")  # before that, SIGTERM ends it as it does any process

        assert [state.stop(), trainer.stop()] == [0, 0]
