"""Two state workers with access control on: who is let in by one is by the other, and each believes only the other."""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from connectors.embedded_kafka.broker import EmbeddedKafka
from tests.integration.processes import WorkerProcess, environment_of, worker_processes
from tests.integration.services import csv_of, until

_PASSWORD = "correct horse battery"


class Pair:
    """Both workers, and the administrator's client of each."""

    def __init__(self, workers: Sequence[WorkerProcess], environment: dict[str, str], folder: Path) -> None:
        self.workers, self.environment, self.folder = workers, environment, folder
        note = folder / "first-administrator.json"
        until(note.exists, why="the first administrator is told")
        self.told = json.loads(note.read_text("utf-8"))
        # The file is written by the worker that has made the user; the other hears of it a moment later.
        until(lambda: self.login(0, "admin", self.told["password"]).status_code == 201, why="it can log in")
        token = self.login(0, "admin", self.told["password"]).headers["X-Subject-Token"]
        self.admins = [self.client(number, token) for number in (0, 1)]

    def client(self, number: int, token: str) -> httpx.Client:
        return httpx.Client(base_url=self.workers[number].url, headers={"X-Auth-Token": token}, timeout=30)

    def login(self, number: int, user: str, password: str = _PASSWORD) -> httpx.Response:
        who = {"methods": ["password"], "password": {"user": {"name": user, "password": password}}}
        url = f"{self.workers[number].url}/v3/auth/tokens"
        return httpx.post(url, json={"auth": {"identity": who}}, timeout=30)


@pytest.fixture(scope="module")
def pair(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, prefix = tmp_path_factory.mktemp("guarded"), f"test-{uuid.uuid4().hex[:12]}."
    environment = environment_of(broker.bootstrap, prefix, folder) | {
        "TIDECAST_AUTH": "token,ak-sk",
        "TIDECAST_ACCESS_KEY": "the same secret at all of the workers",
    }
    with worker_processes(environment, folder, ("state", "state")) as workers:
        until(lambda: all(worker.is_ready() for worker in workers), why="both are ready")
        made = Pair(workers, environment, folder)
        until(lambda: all(_owned(client) for client in made.admins), why="both own partitions")
        yield made


def _owned(client: httpx.Client) -> bool:
    lines = client.get("/metrics").text.splitlines()
    return any(float(line.split()[1]) > 0 for line in lines if line.startswith("tidecast_partitions "))


def test_who_is_added_at_one_is_known_at_the_other(pair: Pair) -> None:
    """Users, tokens and keys; and who is revoked is out at both."""
    answer = pair.admins[0].put("/access/users/ada", json={"password": _PASSWORD, "role": "operator"})
    assert answer.status_code == 201, answer.text
    until(lambda: pair.login(1, "ada").status_code == 201, within=5, why="the other worker knows the user")
    token = pair.login(1, "ada").headers["X-Subject-Token"]
    clients = [pair.client(number, token) for number in (0, 1)]
    assert [client.get("/access/me").json()["name"] for client in clients] == ["ada", "ada"]
    assert pair.admins[1].delete("/access/users/ada").status_code == 204
    until(lambda: [it.get("/job/").status_code for it in clients] == [401, 401], within=5, why="both refuse it")


def test_a_list_is_whole_whoever_is_asked_and_whatever_is_pretended(pair: Pair) -> None:
    """Workers ask each other with a signed header; another's word for it is as good as absent."""
    jobs = []
    for admin in pair.admins:
        data = admin.post("/data/", files={"upload": ("a.csv", csv_of(1, 20))}).json()["data"]["id"]
        jobs.append(admin.post("/job/", json={"data_id": data}).json()["job_id"])
    for admin in pair.admins:
        for headers in ({}, {"x-tidecast-forwarded": "1"}, {"x-tidecast-forwarded": "v1:1:a:admin::3:00"}):
            answer = admin.get("/job/", headers=headers)
            assert sorted(it["job_id"] for it in answer.json()["jobs"]) == sorted(jobs), headers
        for job_id in jobs:
            assert admin.get(f"/job/{job_id}/").status_code == 200
    nobody = httpx.get(f"{pair.workers[0].url}/job/", headers={"x-tidecast-forwarded": "1"})
    assert nobody.status_code == 401


def test_a_signed_write_that_is_sent_to_both_is_done_once(pair: Pair) -> None:
    """The signature stands for the write: the second worker answers with what the first has made, or refuses."""
    data = pair.admins[0].post("/data/", files={"upload": ("b.csv", csv_of(1, 20, seed=2))}).json()["data"]["id"]
    before = len(pair.admins[0].get("/job/").json()["jobs"])
    host = httpx.URL(pair.workers[0].url).netloc.decode()
    headers = {"Content-Type": "application/json"}
    fields: Any = {"schema": "http", "host": host, "resource_path": "/job/", "uri": "/job/", "query_params": []}
    request = SdkRequest(method="POST", header_params=headers, body=json.dumps({"data_id": data}), **fields)
    Signer(BasicCredentials(pair.told["access_key"], pair.told["secret"], "p")).sign(request)
    answers = [
        httpx.post(f"{worker.url}/job/", headers=request.header_params, content=request.body, timeout=30)
        for worker in (*pair.workers, pair.workers[0])
    ]

    assert answers[0].status_code == 201
    assert answers[1].status_code == 401 or answers[1].json() == answers[0].json()
    assert answers[2].status_code == 401
    assert len(pair.admins[0].get("/job/").json()["jobs"]) == before + 1


def test_a_worker_with_another_secret_does_not_start(pair: Pair) -> None:
    """Tokens would be good at one and void at the others."""
    other = pair.environment | {"TIDECAST_ACCESS_KEY": "another secret than all the workers have"}
    worker = WorkerProcess("state", "3", other, pair.folder)
    until(lambda: worker.status is not None, why="it ends")

    assert worker.status == 1
    assert "is not the secret with which" in worker.log.read_text()
    assert "another secret" not in worker.log.read_text()


def test_a_worker_that_starts_anew_knows_everybody(pair: Pair) -> None:
    """Before its first answer; the first administrator is not made again."""
    pair.admins[0].put("/access/users/eve", json={"password": _PASSWORD})
    worker = pair.workers[1]
    worker.kill()
    again = WorkerProcess("state", "2", pair.environment, pair.folder)
    try:
        until(again.is_ready, why="it is ready")
        token = pair.login(0, "eve").headers["X-Subject-Token"]
        answer = httpx.get(f"{again.url}/access/me", headers={"X-Auth-Token": token}, timeout=30)
        assert answer.json()["name"] == "eve"
        assert not (pair.folder / "first-administrator.new").exists()
        time.sleep(0.1)
        assert [it["user"] for it in pair.admins[0].get("/access/users").json()["users"]] == ["admin", "eve"]
    finally:
        again.kill()
